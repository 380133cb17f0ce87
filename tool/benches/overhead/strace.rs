//! `strace -c`: what everyone knows.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::patience;
use crate::watchers::Watcher;

/// strace on the measured process.
pub(crate) struct Strace {
    pid: u32,
    child: Option<Child>,
}

impl Strace {
    pub(crate) const fn new(pid: u32) -> Self {
        Self { pid, child: None }
    }
}

impl Watcher for Strace {
    fn attach(&mut self) -> Result<()> {
        let child = Command::new("strace")
            .args(["-c", "-qq", "-p"])
            .arg(self.pid.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start strace; `cargo xtask setup --tests` installs it")?;
        self.child = Some(child);
        let status = format!("/proc/{}/status", self.pid);
        patience::until("strace to be attached", || {
            std::fs::read_to_string(&status).is_ok_and(|status| {
                status
                    .lines()
                    .filter_map(|line| line.strip_prefix("TracerPid:"))
                    .any(|tracer| tracer.trim() != "0")
            })
        })
    }

    fn detach(&mut self, _calls: u64) -> Result<()> {
        let mut child = self.child.take().context("strace runs")?;
        kill_process(Pid::from_child(&child), Signal::INT)?;
        child.wait()?;
        Ok(())
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
