//! `HAProxy`, with and without splicing, and with TLS.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::Result;
use tempfile::TempDir;

use crate::content::{self, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::Says::{Healthy, Nothing, Rule};
use crate::form::{Expected, Form, Way, watch};
use crate::support::certificate;
use crate::support::children::Program;
use crate::support::ports::free_port;
use crate::support::prerequisites;
use crate::{load, upstream};

/// A name, an option, what its listener is bound with, and how bytes move.
const PROXIES: [(&str, &str, &str, Way); 5] = [
    (
        "copies",
        "",
        "",
        Way("bounced read_write tcp -> tcp", Lost(SIZE), Rule("H1")),
    ),
    // What its heuristic takes for a fast stream, a single connection over loopback is not.
    (
        "left-to-heuristic",
        "option splice-auto",
        "",
        Way("bounced read_write tcp -> tcp", Lost(SIZE), Rule("H1")),
    ),
    (
        MESSAGES,
        "option splice-auto",
        "",
        Way(
            "bounced read_write tcp -> tcp",
            Lost(content::MESSAGE * content::MESSAGES),
            Healthy("H3"),
        ),
    ),
    (
        "splices",
        "option splice-response",
        "",
        Way("zero_copy splice tcp -> tcp", Kept(SIZE), Nothing),
    ),
    (
        TLS,
        "option splice-response",
        "ssl crt PEM",
        Way("transformed read_write none -> tcp", Kept(SIZE), Rule("H2")),
    ),
];

const TLS: &str = "encrypts";
const MESSAGES: &str = "messages";

#[test]
fn haproxy() -> Result<()> {
    let there = prerequisites::root().and_then(|()| {
        let openssl = prerequisites::program("openssl")?;
        Ok((prerequisites::program("haproxy")?, openssl))
    });
    let Some((haproxy, openssl)) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let folder = TempDir::new()?;
    certificate::make(&openssl, folder.path())?;
    let read = |name: &str| fs::read_to_string(folder.path().join(name));
    let pem = folder.path().join("pem");
    fs::write(&pem, read("certificate")? + &read("key")?)?;
    let mut forms = Vec::new();
    for (name, option, bind, way) in PROXIES {
        let upstream = match name {
            TLS => upstream::http()?,
            MESSAGES => upstream::messages()?,
            _ => upstream::raw()?,
        };
        let port = free_port()?;
        let bind = bind.replace("PEM", &pem.display().to_string());
        let file = folder.path().join(name);
        let configuration = format!(
            "global
                 nbthread 1
                 maxconn 64
                 maxpipes 64
             defaults
                 mode tcp
                 timeout connect 120s
                 timeout client 120s
                 timeout server 120s
                 {option}
             listen proxy
                 bind 127.0.0.1:{port} {bind}
                 server upstream 127.0.0.1:{upstream}\n"
        );
        fs::write(&file, configuration)?;
        let mut command = Command::new(&haproxy);
        command.args(["-db", "-f"]).arg(&file).stderr(Stdio::null());
        let program = Program::start_listening(&mut command, port)?;
        let openssl = openssl.clone();
        forms.push(Form {
            name: format!("haproxy {name}"),
            pid: program.pid(),
            load: Box::new(move || match name {
                TLS => load::get_by_tls(&openssl, port),
                MESSAGES => load::messages(port),
                _ => load::drain(port),
            }),
            expected: Expected {
                runtime: ("haproxy", "2."),
                way,
            },
            _program: program,
        });
    }
    watch(&forms).map(drop)
}
