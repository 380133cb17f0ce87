//! A command under the audit and under strace at the same time: `copytax audit -- strace -f -c CMD`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

use crate::support::audit::Audit;
use crate::support::patience::until;
use crate::support::prerequisites;
use crate::support::report::Report;
use crate::support::strace;

/// A command at work.
pub(crate) struct Watched {
    audit: Audit,
    folder: TempDir,
}

/// Fails if a test cannot run commands under both: it is not root, or there is no strace.
pub(crate) fn prerequisites() -> Result<()> {
    prerequisites::root()?;
    prerequisites::program("strace").map(drop)
}

/// Runs a command to its end, and gives back the report, which has the counts of strace.
pub(crate) fn run(engine: &str, command: &Command) -> Result<Report> {
    Watched::start(engine, command)?.finish()
}

impl Watched {
    /// Starts a command.
    pub(crate) fn start(engine: &str, command: &Command) -> Result<Self> {
        let folder = TempDir::new()?;
        let strace = prerequisites::program("strace")?;
        let command = strace::counting(&strace, &folder.path().join("summary"), command);
        let audit = Audit::of_command(engine, &folder.path().join("stdout"), &command)?;
        Ok(Self { audit, folder })
    }

    /// Waits for something in what the command prints.
    pub(crate) fn printed<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        let stdout = self.path("stdout");
        until("a command to print something", || {
            self.still_runs()?;
            let printed = fs::read_to_string(&stdout).unwrap_or_default();
            // The last line may not be complete yet.
            let lines = printed.rfind('\n').map_or("", |end| &printed[..end]);
            Ok(lines.lines().find_map(&find))
        })
    }

    /// Fails if it has ended.
    pub(crate) fn still_runs(&mut self) -> Result<()> {
        self.audit.still_runs()
    }

    /// Waits for its end, and gives back the report, which has the counts of strace.
    pub(crate) fn finish(self) -> Result<Report> {
        let summary = self.path("summary");
        let report = self.audit.report()?;
        report.every_call_counted()?;
        strace::agreed(&report, &summary)?;
        Ok(report)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
