//! The real tool, at work in the background.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::patience::{PATIENCE, until};
use super::report::Report;

/// Longer than any test: what ends an audit is an interrupt or the end of its command.
const DURATION: &str = "1000s";

/// Standard output of the command goes to a file: it must not get between the lines of the report.
const REDIRECT: &str = r#"out=$1; shift; exec "$@" >"$out""#;

/// Both ways to attach, which must come to the same numbers.
pub(crate) const ENGINES: [&str; 2] = ["raw", "tracepoint"];

/// A running `copytax audit --json`.
pub(crate) struct Audit {
    tool: Child,
    stdout: Option<JoinHandle<std::io::Result<Vec<u8>>>>,
    stderr: Receiver<String>,
}

impl Audit {
    /// Watches a process and its children. On return the audit is attached.
    pub(crate) fn of_process(pid: u32) -> Result<Self> {
        Self::of_processes(&[pid])
    }

    /// Watches several processes and their children. On return the audit is attached.
    pub(crate) fn of_processes(pids: &[u32]) -> Result<Self> {
        let targets = pids.iter().map(|pid| format!("--pid={pid}"));
        // So many that a short transfer is met, too, while others take all that is allowed otherwise.
        let more = ["--follow", "--samples=20000"].map(str::to_owned);
        let mut audit = Self::start(targets.chain(more))?;
        audit.wait_until_attached()?;
        Ok(audit)
    }

    /// Watches a process as a user would, with what was calibrated in a folder for state. On return the
    /// audit is attached.
    pub(crate) fn calibrated(pid: u32, state: &Path) -> Result<Self> {
        let mut audit = Self::spawn(
            Self::command()
                .arg(format!("--pid={pid}"))
                .env("XDG_STATE_HOME", state),
        )?;
        audit.wait_until_attached()?;
        Ok(audit)
    }

    /// Watches a command, which writes its standard output to the file `out`.
    pub(crate) fn of_command(engine: &str, out: &Path, command: &Command) -> Result<Self> {
        let start = ["--engine", engine, "--", "sh", "-c", REDIRECT, "sh"].map(OsStr::new);
        let words = start
            .into_iter()
            .chain([out.as_os_str(), command.get_program()])
            .chain(command.get_args());
        Self::start(words)
    }

    fn start(target: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Self> {
        Self::spawn(Self::command().args(target))
    }

    fn command() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
        command.args(["audit", "--json", "-v", "-d", DURATION]);
        command
    }

    fn spawn(command: &mut Command) -> Result<Self> {
        let mut tool = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the tool does not start")?;
        let mut out = tool.stdout.take().context("stdout is piped")?;
        let err = tool.stderr.take().context("stderr is piped")?;
        let stdout = thread::spawn(move || {
            let mut all = Vec::new();
            out.read_to_end(&mut all).map(|_| all)
        });
        let (lines, stderr) = channel();
        thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                // Nobody listens any more once the test is over.
                let _ = lines.send(line);
            }
        });
        Ok(Self {
            tool,
            stdout: Some(stdout),
            stderr,
        })
    }

    fn wait_until_attached(&mut self) -> Result<()> {
        let mut seen = Vec::new();
        while let Ok(line) = self.stderr.recv_timeout(PATIENCE) {
            if line.contains("attached") {
                return Ok(());
            }
            seen.push(line);
        }
        bail!("the audit did not attach; it said: {}", seen.join("\n"))
    }

    /// Fails if it has ended: then nothing that a test waits for can come any more.
    pub(crate) fn still_runs(&mut self) -> Result<()> {
        if let Some(status) = self.tool.try_wait()? {
            let said = self.stderr.iter().collect::<Vec<_>>().join("\n");
            bail!("the audit ended early with {status}: {said}");
        }
        Ok(())
    }

    /// Ends it as Ctrl-C would, and gives back its report.
    pub(crate) fn interrupt(self) -> Result<Report> {
        kill_process(Pid::from_child(&self.tool), Signal::INT)?;
        self.report()
    }

    /// Waits until it ends, with the command that it watches, and gives back its report.
    pub(crate) fn report(mut self) -> Result<Report> {
        let status = until("the end of an audit", || Ok(self.tool.try_wait()?))?;
        let reader = self.stdout.take().context("the report is read once")?;
        let json = reader.join().ok().context("the reader panicked")??;
        let said = self.stderr.try_iter().collect::<Vec<_>>().join("\n");
        ensure!(status.success(), "the audit failed with {status}: {said}");
        serde_json::from_slice(&json).with_context(|| {
            let json = String::from_utf8_lossy(&json);
            format!("not a report: {json}\nthe audit said: {said}")
        })
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself. The tool ends its command with it.
        let _ = self.tool.kill();
        let _ = self.tool.wait();
    }
}
