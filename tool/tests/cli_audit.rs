//! `copytax audit` from outside, on the running kernel. Where doctor says that no audit can run,
//! every one must be refused, and point at doctor.

use std::io::pipe;
use std::process::{Command, Output, Stdio};

fn copytax(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    copytax(arguments).output().expect("the tool starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether audits run here. Where they do not, the refusal is tested instead.
fn audits_run() -> bool {
    if run(&["doctor"]).status.success() {
        return true;
    }
    let output = run(&["audit", "-d", "100ms"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(
        said.starts_with("copytax: ") && said.contains("`copytax doctor`"),
        "{said}"
    );
    false
}

#[test]
fn the_status_of_a_command_is_forwarded_on_request() {
    if !audits_run() {
        return;
    }
    for (script, status) in [("exit 3", 3), ("kill -9 $$", 137), ("true", 0)] {
        let output = run(&["audit", "--forward-status", "--", "sh", "-c", script]);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{script}: {}",
            said(&output)
        );
        let output = run(&["audit", "--", "sh", "-c", script]);
        assert_eq!(output.status.code(), Some(0), "{script}: {}", said(&output));
    }
}

#[test]
fn targets_that_do_not_exist_are_named() {
    if !audits_run() {
        return;
    }
    for (target, reason) in [
        (&["-p", "4194304"][..], "4194304"),
        (&["--cgroup", "/tmp"], "not a cgroup"),
        (&["--cgroup", "/no/such"], "no cgroup /no/such"),
        (&["--container", "0123456789ab"], "0123456789ab"),
        (&["--container", "abc"], "too short"),
        (&["--", "/no/such\u{1b}[31m"], "/no/such\\u{1b}[31m"),
    ] {
        let output = run(&[&["audit"], target].concat());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{target:?}: {said}");
        assert!(output.stdout.is_empty(), "{target:?}");
        assert!(
            said.starts_with("copytax: ") && said.contains(reason),
            "{target:?}: {said}"
        );
        assert!(
            said.lines().count() == 1 && !said.contains('\u{1b}'),
            "{target:?}: {said}"
        );
        assert!(!said.contains("doctor"), "{target:?}: {said}");
    }
}

#[test]
fn a_reader_that_has_gone_away_ends_it_quietly() {
    if !audits_run() {
        return;
    }
    for format in [&[][..], &["--json"]] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let arguments = [&["audit", "-d", "100ms"], format].concat();
        let output = copytax(&arguments)
            .stdout(writer)
            .output()
            .expect("the tool starts");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{format:?}: {}",
            said(&output)
        );
        assert!(!said(&output).contains("panicked"), "{format:?}");
    }
}

#[test]
fn without_a_terminal_stderr_stays_empty() {
    if !audits_run() {
        return;
    }
    let output = run(&["audit", "-d", "100ms", "--comm", "no_such_name"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(said(&output), "");
    assert!(!output.stdout.is_empty());
}
