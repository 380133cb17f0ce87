//! lighttpd, by its network backend.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::Says::{Nothing, Rule};
use crate::form::{Expected, Form, Way, watch};
use crate::load;
use crate::support::children::Program;
use crate::support::ports::free_port;
use crate::support::prerequisites;

/// A backend, and how bytes move.
const SERVERS: [(&str, Way); 2] = [
    (
        "sendfile",
        Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing),
    ),
    (
        "writev",
        Way("bounced read_write file -> tcp", Lost(SIZE), Rule("L1")),
    ),
];

#[test]
fn lighttpd() -> Result<()> {
    let content = Content::new()?;
    let Some(forms) = forms(&content)? else {
        return Ok(());
    };
    watch(&forms).map(drop)
}

/// Starts all; `None` where they are not there.
pub(crate) fn forms(content: &Content) -> Result<Option<Vec<Form>>> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("lighttpd"));
    let Some(lighttpd) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let mut forms = Vec::new();
    for (backend, way) in SERVERS {
        let port = free_port()?;
        let root = content.folder().display();
        let configuration = format!(
            "server.document-root = \"{root}\"
             server.bind = \"127.0.0.1\"
             server.port = {port}
             server.network-backend = \"{backend}\"\n"
        );
        let file = content.folder().join(backend);
        fs::write(&file, configuration)?;
        let mut command = Command::new(&lighttpd);
        command.arg("-D").arg("-f").arg(&file).stderr(Stdio::null());
        let program = Program::start_listening(&mut command, port)?;
        forms.push(Form {
            name: format!("lighttpd {backend}"),
            pid: program.pid(),
            load: Box::new(move || load::get(port)),
            expected: Expected {
                runtime: ("lighttpd", "1.4."),
                way,
            },
            _program: program,
        });
    }
    Ok(Some(forms))
}
