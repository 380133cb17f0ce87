//! Apache HTTP Server, by `EnableSendfile` and `EnableMMAP`.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::Says::{Nothing, Rule};
use crate::form::{Expected, Form, Way, watch};
use crate::load;
use crate::support::children::Program;
use crate::support::patience::until;
use crate::support::ports::free_port;
use crate::support::{http, prerequisites};

/// A name, directives, and how bytes move.
const SERVERS: [(&str, &str, Way); 3] = [
    (
        "sendfile",
        "EnableSendfile On",
        Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing),
    ),
    // As it is installed: a file of less than 4 MiB, or a part of it, is mapped.
    (
        "default",
        "EnableSendfile Off",
        Way("mapped mmap_write file -> tcp", Kept(SIZE), Rule("A1")),
    ),
    (
        "read",
        "EnableSendfile Off\nEnableMMAP Off",
        Way("bounced read_write file -> tcp", Lost(SIZE), Rule("A1")),
    ),
];

const MODULES: &str = "/usr/lib/apache2/modules";

#[test]
fn apache() -> Result<()> {
    let content = Content::new()?;
    let Some(forms) = forms(&content)? else {
        return Ok(());
    };
    watch(&forms).map(drop)
}

/// Starts all; `None` where they are not there.
pub(crate) fn forms(content: &Content) -> Result<Option<Vec<Form>>> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("apache2"));
    let Some(apache) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let mut forms = Vec::new();
    for (name, directives, way) in SERVERS {
        let folder = content.folder().join(name);
        fs::create_dir(&folder)?;
        let port = free_port()?;
        let (root, own) = (content.folder().display(), folder.display());
        let configuration = format!(
            "LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
             LoadModule authz_core_module {MODULES}/mod_authz_core.so
             ServerRoot {own}
             DefaultRuntimeDir {own}
             PidFile {own}/pid
             ErrorLog {own}/log
             ServerName localhost
             User nobody
             Group nogroup
             Listen 127.0.0.1:{port}
             StartServers 1
             ServerLimit 1
             ThreadsPerChild 2
             MaxRequestWorkers 2
             MinSpareThreads 1
             MaxSpareThreads 2
             DocumentRoot {root}
             {directives}\n"
        );
        fs::write(folder.join("conf"), configuration)?;
        let mut command = Command::new(&apache);
        command
            .arg("-f")
            .arg(folder.join("conf"))
            .arg("-DFOREGROUND");
        let mut program = Program::start(&mut command)?;
        until("apache to listen", || {
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            ensure!(!program.has_ended()?, "apache {name} ended: {}", log());
            Ok(http::connect(port).is_ok().then_some(()))
        })?;
        forms.push(Form {
            name: format!("apache {name}"),
            pid: program.only_child()?,
            load: Box::new(move || load::get(port)),
            expected: Expected {
                runtime: ("apache", "2.4."),
                way,
            },
            _program: program,
        });
    }
    Ok(Some(forms))
}
