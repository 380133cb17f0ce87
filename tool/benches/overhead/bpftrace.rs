//! bpftrace, summing bytes per process: what one would use instead.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::patience;
use crate::watchers::Watcher;

/// Bytes and calls per process, of both calls.
const PROGRAM: &str = "\
    tracepoint:syscalls:sys_exit_read /args->ret > 0/ \
    { @r[pid] = sum(args->ret); @rc[pid] = count(); } \
    tracepoint:syscalls:sys_exit_write /args->ret > 0/ \
    { @w[pid] = sum(args->ret); @wc[pid] = count(); }";

/// bpftrace, watching the whole machine.
pub(crate) struct Bpftrace {
    /// The process whose counts are checked.
    pid: u32,
    running: Option<Running>,
}

struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Bpftrace {
    pub(crate) const fn new(pid: u32) -> Self {
        Self { pid, running: None }
    }
}

impl Watcher for Bpftrace {
    fn attach(&mut self) -> Result<()> {
        let mut child = Command::new("bpftrace")
            .args(["-e", PROGRAM])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start bpftrace; `cargo xtask setup --tests` installs it")?;
        let pid = child.id();
        let output = child.stdout.take().context("stdout is piped")?;
        let running = self.running.insert(Running {
            child,
            output: BufReader::new(output),
        });
        let mut line = String::new();
        running.output.read_line(&mut line)?;
        ensure!(line.starts_with("Attaching"), "bpftrace said {line:?}");
        // It says so before it attaches, and waits for events when it has.
        patience::until("bpftrace to be attached", || waits_for_events(pid))
    }

    fn detach(&mut self, calls: u64) -> Result<()> {
        let mut running = self.running.take().context("bpftrace runs")?;
        kill_process(Pid::from_child(&running.child), Signal::INT)?;
        let mut report = String::new();
        running.output.read_to_string(&mut report)?;
        ensure!(running.child.wait()?.success(), "bpftrace failed");
        for map in ["rc", "wc"] {
            let counted = count_of(&report, map, self.pid);
            ensure!(
                counted >= calls,
                "bpftrace counted {counted} of {calls} calls in @{map}"
            );
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Whether the process is in a call of the `epoll_wait` family.
fn waits_for_events(pid: u32) -> bool {
    let calls = [
        libc::SYS_epoll_pwait,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait,
    ];
    std::fs::read_to_string(format!("/proc/{pid}/syscall"))
        .ok()
        .and_then(|line| line.split(' ').next()?.parse().ok())
        .is_some_and(|number| calls.contains(&number))
}

/// Finds `@rc[123]: 45`.
fn count_of(report: &str, map: &str, pid: u32) -> u64 {
    let label = format!("@{map}[{pid}]: ");
    report
        .lines()
        .find_map(|line| line.strip_prefix(&label)?.parse().ok())
        .unwrap_or(0)
}
