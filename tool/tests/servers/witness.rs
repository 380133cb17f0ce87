//! strace counts the same calls of the same processes at the same time, and must come to the same
//! numbers: `copytax audit -- strace -f -c CMD`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use copytax::lab::write_pattern;
use tempfile::TempDir;

use super::nginx::Site;
use super::python::SCRIPTS;
use crate::support::audit::{Audit, ENGINES};
use crate::support::patience::until;
use crate::support::strace::{self, Counts};
use crate::support::{http, prerequisites};

/// Odd, so that last pieces are short.
const SIZE: u64 = 300_007;

const REQUESTS: u64 = 7;

#[test]
fn http_server_equals_strace() -> Result<()> {
    for engine in ENGINES {
        let Some(witnessed) = Witnessed::prepare("python3", engine)? else {
            return Ok(());
        };
        write_pattern(File::create(witnessed.path("file"))?, SIZE, 23)?;
        let mut command = Command::new(prerequisites::python()?);
        command.arg(format!("{SCRIPTS}/http_server.py"));
        command.arg(witnessed.folder.path());
        command.arg(REQUESTS.to_string());
        let counts = witnessed.counts(
            &command,
            || witnessed.port(),
            |port| (0..REQUESTS).try_for_each(|_| fetch(port)),
        )?;
        assert!(counts["sendto"].0 >= REQUESTS, "{counts:?}");
    }
    Ok(())
}

#[test]
fn nginx_with_sendfile_equals_strace() -> Result<()> {
    nginx_equals_strace(true)
}

#[test]
fn nginx_without_sendfile_equals_strace() -> Result<()> {
    nginx_equals_strace(false)
}

fn nginx_equals_strace(sendfile: bool) -> Result<()> {
    for engine in ENGINES {
        let Some(witnessed) = Witnessed::prepare("nginx", engine)? else {
            return Ok(());
        };
        let site = Site::with_file(SIZE, sendfile)?;
        let command = site.command(&prerequisites::program("nginx")?);
        let counts = witnessed.counts(
            &command,
            || Ok(site.is_up().then_some(site.port)),
            |port| {
                (0..REQUESTS).try_for_each(|_| fetch(port))?;
                site.quit()
            },
        )?;
        assert_eq!(counts.contains_key("sendfile"), sendfile, "{counts:?}");
        // A worker that is told to quit drains its channel until EAGAIN.
        assert!(counts["recvmsg"].1 >= 1, "{counts:?}");
    }
    Ok(())
}

/// A read that a signal interrupts and the kernel restarts exits once each time, with ERESTARTSYS,
/// which no program ever sees: both count it as a call and as an error.
#[test]
fn restarted_calls_equal_strace() -> Result<()> {
    for engine in ENGINES {
        let Some(witnessed) = Witnessed::prepare("python3", engine)? else {
            return Ok(());
        };
        let mut command = Command::new(prerequisites::python()?);
        command.args([&format!("{SCRIPTS}/interrupted.py"), "23"]);
        let counts = witnessed.counts(&command, || Ok(Some(())), Ok)?;
        assert!(counts["read"].1 >= 1, "{counts:?}");
    }
    Ok(())
}

fn fetch(port: u16) -> Result<()> {
    assert_eq!(http::get(port, "/file")?, SIZE);
    Ok(())
}

/// One run.
struct Witnessed {
    engine: &'static str,
    strace: PathBuf,
    folder: TempDir,
}

impl Witnessed {
    fn prepare(program: &str, engine: &'static str) -> Result<Option<Self>> {
        let there = prerequisites::root()
            .and_then(|()| prerequisites::program(program))
            .and_then(|_| prerequisites::program("strace"));
        let Some(strace) = prerequisites::or_skip(there)? else {
            return Ok(None);
        };
        let folder = TempDir::new()?;
        Ok(Some(Self {
            engine,
            strace,
            folder,
        }))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The port that the command has printed, if it has.
    fn port(&self) -> Result<Option<u16>> {
        let printed = fs::read_to_string(self.path("stdout")).unwrap_or_default();
        let line = printed.strip_suffix('\n');
        Ok(line.map(str::parse).transpose()?)
    }

    /// Runs the command under both, with `load` beside it once it is `ready`; fails unless they
    /// agree.
    fn counts<T>(
        &self,
        command: &Command,
        mut ready: impl FnMut() -> Result<Option<T>>,
        load: impl FnOnce(T) -> Result<()>,
    ) -> Result<Counts> {
        let summary = self.path("summary");
        let command = strace::counting(&self.strace, &summary, command);
        let mut audit = Audit::of_command(self.engine, &self.path("stdout"), &command)?;
        let found = until("the program to be ready", || {
            let found = ready()?;
            if found.is_none() {
                audit.still_runs()?;
            }
            Ok(found)
        })?;
        load(found)?;
        let report = audit.report()?;
        report.every_call_counted()?;
        strace::agreed(&report, &summary)
    }
}
