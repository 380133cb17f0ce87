//! The tool at work, and programs for it to watch.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// What one mover writes to /dev/null.
pub(crate) const MOVED: u64 = 23 * 1009;
/// Waits for a line, then moves.
pub(crate) const MOVER: &str =
    "read line; exec dd if=/dev/zero of=/dev/null bs=1009 count=23 status=none";

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn runs_as_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can attach");
    }
    root
}

/// `copytax` with arguments, its outputs piped.
pub(crate) fn copytax(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Status 2, nothing on stdout, one line on stderr: that line.
pub(crate) fn refusal(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    assert!(said.starts_with("copytax: "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// Asks until it is so.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process has a handler for SIGINT.
pub(crate) fn catches_interrupts(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & (1 << 1) != 0)
}

pub(crate) fn signal(child: &Child, number: Signal) {
    kill_process(Pid::from_child(child), number).expect("it has not been waited for");
}

/// An audit that has attached.
pub(crate) struct Audit(Child);

impl Audit {
    pub(crate) fn start(target: &[&str]) -> Self {
        let arguments = [&["audit", "--json", "-v", "-d", "1000s"], target].concat();
        let mut tool = copytax(&arguments).spawn().expect("the tool starts");
        let mut said = BufReader::new(tool.stderr.take().expect("it is piped"));
        let mut line = String::new();
        while !line.contains("attached") {
            line.clear();
            let length = said.read_line(&mut line).expect("text");
            assert!(length > 0, "it did not attach");
        }
        thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Self(tool)
    }

    /// Ends it as Ctrl-C would: the report.
    pub(crate) fn report(self) -> Value {
        signal(&self.0, Signal::INT);
        let output = self.0.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

/// A program that waits for lines on its standard input.
pub(crate) struct Waiting(Child);

impl Waiting {
    pub(crate) fn start(script: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).stdin(Stdio::piped());
        Self(shell.spawn().expect("sh starts"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn move_to(&self, cgroup: &Path) {
        fs::write(cgroup.join("cgroup.procs"), self.pid().to_string()).expect("a cgroup");
    }

    /// Gives it `lines`, and waits for its end.
    pub(crate) fn go(mut self, lines: &str) {
        let mut input = self.0.stdin.take().expect("it is piped");
        input.write_all(lines.as_bytes()).expect("it reads");
        drop(input);
        assert!(self.0.wait().expect("it ends").success());
    }
}

/// Bytes that a process wrote; `None` where it is not in the report.
pub(crate) fn written_by(report: &Value, pid: u32) -> Option<u64> {
    let process = processes(report)
        .iter()
        .find(|process| process["pid"] == pid)?;
    process["syscalls"]["write"]["bytes"].as_u64()
}

/// Bytes that all processes wrote.
pub(crate) fn written(report: &Value) -> u64 {
    processes(report)
        .iter()
        .filter_map(|process| process["syscalls"]["write"]["bytes"].as_u64())
        .sum()
}

pub(crate) fn processes(report: &Value) -> &[Value] {
    report["processes"].as_array().expect("a list")
}
