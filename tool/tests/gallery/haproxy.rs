//! `HAProxy`, with and without splicing.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::content::SIZE;
use crate::form::Bytes::{Kept, Lost};
use crate::form::{Bytes, Expected, Form, watch};
use crate::support::children::Program;
use crate::support::patience::until;
use crate::support::ports::free_port;
use crate::support::{http, prerequisites};
use crate::{load, upstream};

/// A name, an option, and how bytes move.
const PROXIES: [(&str, &str, (&str, Bytes)); 2] = [
    ("copies", "", ("bounced read_write tcp -> tcp", Lost(SIZE))),
    (
        "splices",
        "option splice-response",
        ("zero_copy splice tcp -> tcp", Kept(SIZE)),
    ),
];

#[test]
fn haproxy() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("haproxy"));
    let Some(haproxy) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let folder = TempDir::new()?;
    let mut forms = Vec::new();
    for (name, option, (way, bytes)) in PROXIES {
        let (port, upstream) = (free_port()?, upstream::raw()?);
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
                 bind 127.0.0.1:{port}
                 server upstream 127.0.0.1:{upstream}\n"
        );
        fs::write(&file, configuration)?;
        let mut command = Command::new(&haproxy);
        command.args(["-db", "-f"]).arg(&file).stderr(Stdio::null());
        let mut program = Program::start(&mut command)?;
        until("haproxy to listen", || {
            ensure!(!program.has_ended()?, "haproxy has ended");
            Ok(http::connect(port).is_ok().then_some(()))
        })?;
        forms.push(Form {
            name: format!("haproxy {name}"),
            pid: program.pid(),
            load: Box::new(move || load::drain(port)),
            expected: Expected {
                runtime: ("haproxy", "2."),
                way,
                bytes,
            },
            _program: program,
        });
    }
    watch(&forms).map(drop)
}
