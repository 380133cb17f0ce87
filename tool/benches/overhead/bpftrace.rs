//! bpftrace, summing bytes per process: what one would use instead.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::patience;
use crate::watchers::Watcher;

/// Bytes and calls per process, of both calls.
const PROGRAM: &str = "\
    tracepoint:syscalls:sys_exit_read /args->ret > 0/ \
    { @r[pid] = sum(args->ret); @rc[pid] = count(); } \
    tracepoint:syscalls:sys_exit_write /args->ret > 0/ \
    { @w[pid] = sum(args->ret); @wc[pid] = count(); }";

/// After this long without an effect, a signal is sent again.
const SIGNAL_AGAIN: Duration = Duration::from_secs(5);

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
        let report = running.end()?;
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

impl Running {
    /// Ends it, and gives what it printed at its end.
    fn end(&mut self) -> Result<String> {
        let (child, output) = (&mut self.child, &mut self.output);
        let mut report = String::new();
        let mut status = None;
        thread::scope(|scope| {
            let reader = scope.spawn(|| output.read_to_string(&mut report));
            let pid = Pid::from_child(child);
            let mut signalled: Option<Instant> = None;
            patience::until("bpftrace to end", || {
                // It only sees a signal that interrupts its wait for events.
                if signalled.is_none_or(|last| last.elapsed() > SIGNAL_AGAIN) {
                    let _ = kill_process(pid, Signal::INT);
                    signalled = Some(Instant::now());
                }
                status = child.try_wait().ok().flatten();
                status.is_some()
            })
            .or_else(|error| child.kill().map_err(|_| error))?;
            reader
                .join()
                .map_err(|_| anyhow!("the reader of bpftrace's output panicked"))??;
            anyhow::Ok(())
        })?;
        ensure!(
            status.is_some_and(|status| status.success()),
            "bpftrace failed"
        );
        Ok(report)
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
