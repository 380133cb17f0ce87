//! Go: `io.Copy` and `net/http`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::Says::{Nothing, Rule};
use crate::form::{Expected, Form, Way, watch};
use crate::support::children::Program;
use crate::support::{golang, prerequisites};
use crate::{SOURCES, load, upstream};

const SENDFILE: Way = Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing);

const fn bounce(rule: &'static str) -> Way {
    Way("bounced read_write file -> tcp", Lost(SIZE), Rule(rule))
}

const fn relay(rule: &'static str) -> Way {
    Way("bounced read_write tcp -> tcp", Lost(SIZE), Rule(rule))
}

const fn copy(rule: &'static str) -> Way {
    Way("bounced read_write file -> file", Lost(SIZE), Rule(rule))
}

/// What a mode of the program needs, and how its bytes move.
struct Mode(&'static str, Needs, Way);

#[derive(Clone, Copy)]
enum Needs {
    /// The file, sent to who connects.
    File,
    /// The file, copied where it is.
    Copy,
    /// The file, by HTTP.
    Http,
    /// The file, by HTTPS.
    Https,
    /// A server to relay from.
    Upstream,
    /// A server of HTTP to relay from.
    HttpUpstream,
}

const MODES: &[Mode] = &[
    Mode("plain", Needs::File, SENDFILE),
    Mode("limited", Needs::File, SENDFILE),
    Mode("wrapped", Needs::File, bounce("G1")),
    Mode("section", Needs::File, bounce("G1")),
    Mode("loop", Needs::File, bounce("C1")),
    Mode(
        "exec",
        Needs::File,
        Way("bounced read_write pipe -> tcp", Lost(SIZE), Rule("G10")),
    ),
    Mode(
        "relay",
        Needs::Upstream,
        Way("zero_copy splice tcp -> tcp", Kept(SIZE), Nothing),
    ),
    Mode("relay-hidden", Needs::Upstream, relay("G9")),
    Mode("relay-to-hidden", Needs::Upstream, relay("G9")),
    Mode(
        "copy",
        Needs::Copy,
        Way(
            "zero_copy copy_file_range file -> file",
            Kept(SIZE),
            Rule("K4"),
        ),
    ),
    Mode("copy-append", Needs::Copy, copy("G7")),
    Mode("copy-wrapped", Needs::Copy, copy("G1")),
    Mode(
        "pipe",
        Needs::Copy,
        Way("bounced read_write file -> pipe", Lost(SIZE), Rule("G8")),
    ),
    Mode("files", Needs::Http, SENDFILE),
    Mode("files-wrapped", Needs::Http, bounce("G2")),
    Mode("files-unwrapping", Needs::Http, SENDFILE),
    Mode(
        "tls",
        Needs::Https,
        Way("transformed read_write none -> tcp", Kept(SIZE), Rule("G3")),
    ),
    // Of each 32 KiB that are read, 4 KiB share a buffer with the header of their chunk.
    Mode(
        "chunked",
        Needs::Http,
        Way(
            "bounced read_write file -> tcp",
            Lost(SIZE / 8 * 7),
            Rule("G4"),
        ),
    ),
    Mode("length", Needs::Http, SENDFILE),
    Mode("proxy", Needs::HttpUpstream, relay("G6")),
];

/// `io.Copy(ResponseWriter, *os.File)`: from 1.22 to 1.23 `(*os.File).WriteTo` kept it from `sendfile`
/// (go.dev/issue/66988).
const COPIED: [Mode; 2] = [
    Mode("copied", Needs::Http, bounce("G5")),
    Mode("copied", Needs::Http, SENDFILE),
];

#[test]
fn go_1_22() -> Result<()> {
    watch_all(forms_1_22)
}

#[test]
fn go_1_27() -> Result<()> {
    watch_all(forms_1_27)
}

fn watch_all(forms: fn(&Content) -> Result<Option<Vec<Form>>>) -> Result<()> {
    let content = Content::new()?;
    let Some(forms) = forms(&content)? else {
        return Ok(());
    };
    watch(&forms).map(drop)
}

/// Starts the program in all modes; `None` where it cannot be built or watched.
pub(crate) fn forms_1_22(content: &Content) -> Result<Option<Vec<Form>>> {
    let [copied, _] = COPIED;
    forms(content, "1.22.10", &copied)
}

/// Likewise.
pub(crate) fn forms_1_27(content: &Content) -> Result<Option<Vec<Form>>> {
    let [_, copied] = COPIED;
    forms(content, "1.27.3", &copied)
}

fn forms(content: &Content, version: &'static str, copied: &Mode) -> Result<Option<Vec<Form>>> {
    let there = prerequisites::root().and_then(|()| {
        let openssl = prerequisites::program("openssl")?;
        Ok((prerequisites::go(version)?, openssl))
    });
    let Some((go, openssl)) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let program = golang::build(&go, version, &Path::new(SOURCES).join("go"), "gallery")?;
    let modes = MODES.iter().chain([copied]);
    let forms = modes.map(|mode| mode.start(&program, content, version, openssl.clone()));
    forms.collect::<Result<_>>().map(Some)
}

impl Mode {
    fn start(
        &self,
        program: &Path,
        content: &Content,
        version: &'static str,
        openssl: PathBuf,
    ) -> Result<Form> {
        let &Self(name, needs, way) = self;
        let mut command = Command::new(program);
        command.arg(name);
        match needs {
            Needs::File | Needs::Copy | Needs::Http | Needs::Https => {
                command.arg(content.file());
            }
            Needs::Upstream => {
                command.arg(format!("127.0.0.1:{}", upstream::raw()?));
            }
            Needs::HttpUpstream => {
                command.arg(format!("127.0.0.1:{}", upstream::http()?));
            }
        }
        let (program, port) = Program::start_server(&mut command)?;
        Ok(Form {
            name: format!("go {version} {name}"),
            pid: program.pid(),
            load: Box::new(move || match needs {
                Needs::File | Needs::Upstream => load::drain(port),
                Needs::Copy => load::wait(port),
                Needs::Http | Needs::HttpUpstream => load::get(port),
                Needs::Https => load::get_by_tls(&openssl, port),
            }),
            expected: Expected {
                runtime: ("go", version),
                way,
            },
            _program: program,
        })
    }
}
