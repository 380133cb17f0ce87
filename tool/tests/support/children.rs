//! Programs that a test starts, ended when the test is.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use super::http;
use super::patience::until;

/// A running program, with its children: the leader of a process group.
pub(crate) struct Program(Child);

impl Program {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self(child))
    }

    /// Starts a server, and waits until it listens on a port.
    pub(crate) fn start_listening(command: &mut Command, port: u16) -> Result<Self> {
        let mut program = Self::start(command)?;
        until("a server to listen", || {
            ensure!(!program.has_ended()?, "{command:?} has ended");
            Ok(http::connect(port).ok())
        })?;
        Ok(program)
    }

    /// Starts a server that prints the port it listens on, and gives back the port too.
    pub(crate) fn start_server(command: &mut Command) -> Result<(Self, u16)> {
        let (server, line) = Self::start_speaking(command)?;
        let port = line.parse();
        let port = port.with_context(|| format!("{command:?} printed {line:?}, not a port"))?;
        Ok((server, port))
    }

    /// Starts it, and gives back the first line that it prints; an empty one if it prints none.
    pub(crate) fn start_speaking(command: &mut Command) -> Result<(Self, String)> {
        let mut program = Self::start(command.stdout(Stdio::piped()))?;
        let stdout = program.0.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok((program, line.trim_end().to_owned()))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// The process id of its child, once it has one.
    pub(crate) fn only_child(&self) -> Result<u32> {
        let pid = self.pid();
        until("the child of a program", || {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
                .context("the kernel does not list children")?;
            Ok(children
                .split_whitespace()
                .next()
                .and_then(|pid| pid.parse().ok()))
        })
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        until("the end of a program", || Ok(self.0.try_wait()?))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A status that was waited for means that the pid may be someone else's by now.
        if let Ok(None) = self.0.try_wait() {
            // Fails only where it ends at this moment.
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
            let _ = self.0.wait();
        }
    }
}
