//! The tool as a server, and a client of it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::patience::until;
use crate::support::prerequisites;

/// A running `copytax serve`.
pub(crate) struct Serving {
    tool: Child,
    /// Scheme, address and port.
    pub(crate) origin: String,
}

impl Serving {
    /// Serves on a port of its own; on return it is attached.
    pub(crate) fn start(arguments: &[&str]) -> Result<Self> {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_copytax"))
            .args(["serve", "-v", "--listen=127.0.0.1:0", "--interval=200ms"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(tool.stderr.take().context("stderr is piped")?).lines();
        let (mut origin, mut heard) = (None, Vec::new());
        for line in said.by_ref() {
            let line = line?;
            if let Some((_, url)) = line.split_once("serving ") {
                origin = url.strip_suffix("/metrics").map(str::to_owned);
            }
            heard.push(line);
            if heard.last().is_some_and(|line| line.contains("attached")) {
                break;
            }
        }
        // What else it says must not fill the pipe.
        thread::spawn(move || said.count());
        let Some(origin) = origin else {
            bail!("it does not serve; it said {heard:#?}");
        };
        let serving = Self { tool, origin };
        until("the first look", || {
            Ok((serving.get(&["-k"], "/healthz")?.0 == 200).then_some(()))
        })?;
        Ok(serving)
    }

    /// Status and body of what a path gives, asked for with further arguments of curl.
    pub(crate) fn get(&self, arguments: &[&str], path: &str) -> Result<(u16, String)> {
        let output = Command::new(prerequisites::program("curl")?)
            .args(["-sS", "--max-time", "60", "-w", "\n%{http_code}"])
            .args(arguments)
            .arg(format!("{}{path}", self.origin))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "curl {path}: {said}");
        let text = String::from_utf8(output.stdout)?;
        let (body, status) = text.rsplit_once('\n').context("a status")?;
        Ok((status.parse()?, body.to_owned()))
    }

    /// The body of what a path gives.
    pub(crate) fn body(&self, path: &str) -> Result<String> {
        let (status, body) = self.get(&[], path)?;
        ensure!(status == 200, "{path}: {status}: {body}");
        Ok(body)
    }

    /// Ends it with a signal.
    pub(crate) fn end(mut self, signal: Signal) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.tool), signal)?;
        until("the end of a server", || Ok(self.tool.try_wait()?))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        let _ = self.tool.kill();
        let _ = self.tool.wait();
    }
}
