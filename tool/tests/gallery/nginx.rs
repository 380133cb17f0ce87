//! nginx: `sendfile`, body filters, TLS and proxying.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::content::{Content, SIZE};
use crate::form::Bytes::{AtLeast, Kept, Lost};
use crate::form::Says::{Nothing, Rule};
use crate::form::{Expected, Form, Way, watch};
use crate::support::certificate;
use crate::support::children::Program;
use crate::support::patience::until;
use crate::support::ports::free_port;
use crate::support::{http, prerequisites};
use crate::{load, upstream};

/// A name, what its server is configured with, and how its bytes move.
struct Site(&'static str, &'static str, Way);

const SITES: &[Site] = &[
    Site(
        "sendfile",
        "sendfile on;",
        Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing),
    ),
    Site(
        "read",
        "sendfile off;",
        Way("bounced read_write file -> tcp", Lost(SIZE), Rule("N1")),
    ),
    Site(
        "aio",
        "sendfile off; aio threads;",
        Way("bounced read_write file -> tcp", Lost(SIZE), Rule("N4")),
    ),
    Site(
        "gzip",
        "sendfile on; gzip on; gzip_types *; gzip_comp_level 1;",
        Way(
            "generated read_write none -> tcp",
            AtLeast(SIZE / 2),
            Rule("N2"),
        ),
    ),
    // It reads the file to look for the text, and sends what is left of it from the file all the same.
    Site(
        "sub",
        "sendfile on; sub_filter_types *; sub_filter copytax COPYTAX;",
        Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing),
    ),
    Site(
        "proxy",
        "location / { proxy_pass http://127.0.0.1:UPSTREAM; proxy_max_temp_file_size 0; }",
        Way("bounced read_write tcp -> tcp", Lost(SIZE), Rule("N5")),
    ),
    Site(
        TLS,
        "sendfile on; ssl_certificate certificate; ssl_certificate_key key;",
        Way("transformed read_write none -> tcp", Kept(SIZE), Rule("N3")),
    ),
];

const TLS: &str = "tls";

#[test]
fn nginx() -> Result<()> {
    let content = Content::new()?;
    let Some(forms) = forms(&content)? else {
        return Ok(());
    };
    watch(&forms).map(drop)
}

/// Starts all; `None` where they are not there.
pub(crate) fn forms(content: &Content) -> Result<Option<Vec<Form>>> {
    let there = prerequisites::root().and_then(|()| {
        let openssl = prerequisites::program("openssl")?;
        Ok((prerequisites::program("nginx")?, openssl))
    });
    let Some((nginx, openssl)) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    certificate::make(&openssl, content.folder())?;
    let mut forms = Vec::new();
    for Site(name, directives, way) in SITES {
        let folder = content.folder().join(name);
        fs::create_dir(&folder)?;
        let port = free_port()?;
        let directives = directives.replace("UPSTREAM", &upstream::http()?.to_string());
        let ssl = if *name == TLS { "ssl" } else { "" };
        let root = content.folder().display();
        // The worker keeps the user of the master: the folder is its own.
        let configuration = format!(
            "daemon off; worker_processes 1; user root root; pid nginx.pid; error_log error.log;
             events {{ worker_connections 64; }}
             http {{
                 access_log off; default_type text/plain; client_body_temp_path body;
                 proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
                 scgi_temp_path scgi;
                 server {{ listen 127.0.0.1:{port} {ssl}; root {root}; {directives} }}
             }}"
        );
        fs::write(folder.join("nginx.conf"), configuration)?;
        for file in ["certificate", "key"] {
            fs::copy(content.folder().join(file), folder.join(file))?;
        }
        let mut command = Command::new(&nginx);
        command
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"));
        let mut master = Program::start(command.arg("-e").arg(folder.join("error.log")))?;
        until("nginx to listen", || {
            let log = || fs::read_to_string(folder.join("error.log")).unwrap_or_default();
            ensure!(!master.has_ended()?, "nginx {name} ended: {}", log());
            Ok(http::connect(port).is_ok().then_some(()))
        })?;
        let openssl = openssl.clone();
        forms.push(Form {
            name: format!("nginx {name}"),
            pid: master.only_child().context("nginx has a worker")?,
            load: Box::new(move || match *name {
                TLS => load::get_by_tls(&openssl, port),
                "gzip" => load::get_compressed(port),
                _ => load::get(port),
            }),
            expected: Expected {
                runtime: ("nginx", "1."),
                way: *way,
            },
            _program: master,
        });
    }
    Ok(Some(forms))
}
