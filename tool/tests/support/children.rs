//! Programs that a test starts, ended when the test is.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

use super::patience;

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

    /// Starts a server that prints the port it listens on, and gives back the port too.
    pub(crate) fn start_server(command: &mut Command) -> Result<(Self, u16)> {
        let mut server = Self::start(command.stdout(Stdio::piped()))?;
        let stdout = server.0.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim_end().parse();
        let port = port.with_context(|| format!("{command:?} printed {line:?}, not a port"))?;
        Ok((server, port))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        patience::until("the end of a program", || Ok(self.0.try_wait()?))
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
