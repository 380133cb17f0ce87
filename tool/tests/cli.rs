//! The command line, from outside: what needs neither root nor a capture.

use std::io::pipe;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SUBCOMMANDS: [&str; 14] = [
    "audit",
    "record",
    "top",
    "report",
    "diff",
    "merge",
    "export",
    "check",
    "serve",
    "explain",
    "lab",
    "doctor",
    "completions",
    "man",
];
const NOBODY: u32 = 65534;

fn copytax(arguments: &[&str]) -> Command {
    command_of(Path::new(env!("CARGO_BIN_EXE_copytax")), arguments)
}

fn command_of(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for variable in ["COLUMNS", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    // What was measured of this machine is no part of the tests.
    command.env("XDG_STATE_HOME", "/nowhere");
    command
}

fn run(arguments: &[&str]) -> Output {
    copytax(arguments).output().expect("the tool starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Runs what must be refused; gives what it said.
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    let said = text(&output.stderr);
    assert!(
        !said.contains("backtrace") && !said.contains("panicked"),
        "{said}"
    );
    said
}

fn succeeds(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[test]
fn wrong_usage_is_refused_with_a_reason() {
    for (arguments, reason) in [
        (&["audit", "-d", "0"][..], "must be longer than 0"),
        (
            &["audit", "-d", "10x"],
            "write it like 500ms, 10s, 2m or 1h",
        ),
        (&["audit", "-d", "-5s"], "cannot be negative"),
        (
            &["audit", "-d", "99999999999999999999"],
            "the longest duration is 7days",
        ),
        (&["audit", "-p", "0"], "0 is not in 1..=4194304"),
        (&["audit", "-p", "1", "-a"], "cannot be used with"),
        (&["audit", "-a", "--", "true"], "cannot be used with"),
        (&["audit", "--follow"], "--pid"),
        (&["audit", "--forward-status"], "CMD"),
        (
            &["audit", "--forward-status", "-p", "1"],
            "cannot be used with",
        ),
        (&["audit", "--comm", "sixteen_bytes_xx"], "first 15 bytes"),
        (&["audit", "--engine", "steam"], "auto, raw, tracepoint"),
        (&["audit", "--sort", "age"], "lost, zero-copy"),
        (&["audit", "--top", "0"], "zero"),
        (&["audit", "--"], "no command follows `--`"),
        (&["audit", "stray"], "cannot open stray"),
        (&["audit", "stray", "-p", "1"], "cannot be used with"),
        (&["completions", "tcsh"], "bash"),
        (&["explain", "G99"], "did you mean G9"),
        (&["explain", "\u{1b}[2J"], "there is no rule `\\u{1b}[2J`"),
        (&["explain", "go", "lighttpd"], "no rule is about all of"),
        (
            &["explain", "--rules", "/nowhere"],
            "cannot read rules from /nowhere",
        ),
        (
            &["flamegraph", "-o", "x.svg", "--weight=cpu", "--only=all"],
            "--weight cpu counts none",
        ),
        (&["record"], "--output <FILE>"),
        (
            &["record", "-o", "x", "--interval", "1ms"],
            "the shortest step is 100ms",
        ),
        (&["diff", "none"], "<NEW>"),
        (&["diff", "none", "none"], "cannot open none: No such file"),
        (&["merge"], "<FILE>..."),
        (&["merge", "none"], "cannot open none: No such file"),
        (&["merge", "none", "--by", "age"], "program, comm, exe"),
        (&["export", "none"], "--output <DIR>"),
        (
            &["export", "none", "-o", "/dev/null"],
            "cannot write to /dev/null: ",
        ),
        (&["export", "none", "-o", "x", "--format", "orc"], "parquet"),
        (&["check", "none"], "nothing is demanded"),
        (
            &["check", "none", "--comm", "x"],
            "--comm: nothing is demanded",
        ),
        (
            &["check", "none", "--forbid", "X9"],
            "neither a rule nor a verdict",
        ),
        (
            &["check", "--min-hit-rate", "9"],
            "`9` is no share; write it like 0.9",
        ),
        (&["check", "--max-lost-bytes", "0"], "nothing to check"),
        (&["lab", "--only", "teleport"], "invalid value 'teleport'"),
        (&["lab", "--size", "0"], "it must be from 1 byte to 4g"),
        (&["lab", "--size", "big"], "write it like 4096"),
        (&["lab", "--runs", "0"], "0 is not in 1..=1000"),
        (
            &["lab", "--only", "zerocopy", "--transport", "unix"],
            "no such path over such a transport",
        ),
        (
            &["lab", "--calibrate", "--size", "4k"],
            "cannot be used with",
        ),
        (
            &["lab", "--cold", "--only", "zerocopy"],
            "with --cold only those that read a file",
        ),
        (
            &["lab", "--cold", "--connections", "2"],
            "cannot be used with",
        ),
        (&["lab", "--connections", "0"], "0 is not in 1..=256"),
        (&["nonsense"], "unrecognized subcommand"),
        (&[], "Usage: copytax"),
    ] {
        let said = refused(arguments);
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
}

#[test]
fn help_fits_80_columns() {
    let pages = SUBCOMMANDS
        .iter()
        .flat_map(|&name| [vec![name, "-h"], vec![name, "--help"]]);
    for arguments in pages.chain([vec!["-h"], vec!["--help"]]) {
        for columns in [None, Some("200")] {
            let mut command = copytax(&arguments);
            if let Some(columns) = columns {
                command.env("COLUMNS", columns);
            }
            let output = command.output().expect("the tool starts");
            assert_eq!(output.status.code(), Some(0), "{arguments:?}");
            for line in text(&output.stdout).lines() {
                assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
            }
        }
    }
}

#[test]
fn help_shows_examples_and_hides_the_workload() {
    let help = succeeds(&["--help"]);
    assert!(
        help.contains("Examples:") && help.contains("Exit status:"),
        "{help}"
    );
    assert!(SUBCOMMANDS.iter().all(|name| help.contains(name)), "{help}");
    assert!(!help.contains("workload"), "{help}");
    assert!(succeeds(&["--version"]).starts_with("copytax "));
}

#[test]
fn completions_of_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = succeeds(&["completions", shell]);
        assert!(script.contains("forward-status"), "{shell}");
    }
    // Where there is a bash, it must understand its own.
    let script = succeeds(&["completions", "bash"]);
    if let Ok(status) = Command::new("bash").args(["-n", "-c", &script]).status() {
        assert!(status.success());
    }
}

#[test]
fn manual_pages() {
    let all = succeeds(&["man"]);
    for page in ["copytax", "copytax-audit", "copytax-doctor", "copytax-man"] {
        assert!(all.contains(&format!(".TH {page} 1")), "{page}");
    }
    assert!(!all.contains("workload"));

    let directory = tempfile::tempdir().expect("a directory");
    let below = directory.path().join("man1");
    let out = below.to_str().expect("a path of text");
    assert_eq!(succeeds(&["man", "--out", out]), "");
    let mut names: Vec<_> = std::fs::read_dir(&below)
        .expect("a directory")
        .map(|entry| text(entry.expect("an entry").file_name().as_encoded_bytes()))
        .collect();
    names.sort();
    let expected = [
        "audit.1",
        "check.1",
        "completions.1",
        "diff.1",
        "doctor.1",
        "explain.1",
        "export.1",
        "flamegraph.1",
        "lab.1",
        "man.1",
        "merge.1",
        "record.1",
        "report.1",
        "serve.1",
        "top.1",
    ]
    .map(|n| format!("copytax-{n}"));
    assert_eq!(names, [&expected[..], &["copytax.1".to_owned()]].concat());

    let said = refused(&["man", "--out", "/dev/null/\u{1b}[31m"]);
    assert!(
        said.starts_with("copytax: cannot write /dev/null/\\u{1b}[31m: "),
        "{said}"
    );
}

#[test]
fn a_reader_that_has_gone_away_ends_it_quietly() {
    for arguments in [&["man"][..], &["completions", "zsh"], &["--help"]] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let output = copytax(arguments)
            .stdout(writer)
            .output()
            .expect("the tool starts");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let output = copytax(&["man"])
        .stdout(full)
        .output()
        .expect("the tool starts");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.starts_with("copytax: the result could not be written: No space"),
        "{said}"
    );
}

#[test]
fn rules_are_explained() {
    let page = succeeds(&["explain", "g1"]);
    assert!(
        page.starts_with("G1  Go: ") && page.contains("\nfix "),
        "{page}"
    );
    assert!(
        page.lines().all(|line| line.chars().count() <= 80),
        "{page}"
    );
    assert!(!page.contains('\u{1b}'), "no colours in a pipe: {page}");
    assert!(succeeds(&["explain", "G1", "--color", "always"]).contains("\u{1b}["));

    let list = succeeds(&["explain"]);
    assert!(
        list.contains("\nnginx\n") && list.contains("  K9 "),
        "{list}"
    );
    let some = succeeds(&["explain", "nginx", "filter"]);
    assert_eq!(some.lines().count(), 2, "{some}");

    let json: serde_json::Value =
        serde_json::from_str(&succeeds(&["explain", "--json", "N1"])).expect("JSON");
    assert_eq!(json["schema"], "copytax.rules/1");
    assert_eq!(json["rules"][0]["id"], "N1");
}

#[test]
fn rules_of_users() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let rule = "id = \"MINE\"\nverdict = \"deliberate\"\ntitle = \"Ours\"\nsymptom = \"s\"\n\
                cause = \"c\"\nfix = \"f\"\n[[match]]\nlost = true\n";
    std::fs::write(path("mine.toml"), rule).expect("a file");
    std::fs::write(path("README"), "no rule").expect("a file");
    let folder = directory.path().to_str().expect("a path of text");
    let page = succeeds(&["explain", "mine", "--rules", folder]);
    assert!(page.starts_with("MINE  Ours\n"), "{page}");

    std::fs::write(
        path("wrong.toml"),
        rule.replace("lost = true", "lots = true"),
    )
    .expect("a file");
    let said = refused(&["explain", "--rules", folder]);
    assert!(
        said.contains("wrong.toml:8: match[0].lots: unknown field"),
        "{said}"
    );
    std::fs::remove_file(path("wrong.toml")).expect("it is there");

    let fifo = path("fifo.toml");
    let status = Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .expect("mkfifo starts");
    assert!(status.success());
    let said = refused(&["explain", "--rules", folder]);
    assert!(said.contains("it is no regular file"), "{said}");
}

#[test]
fn doctor_says_the_same_in_text_and_json() {
    let output = run(&["doctor", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["schema"], "copytax.doctor/1");
    let works = json["audit"].as_bool().expect("a verdict");
    assert_eq!(output.status.code(), Some(if works { 0 } else { 2 }));
    assert!(
        json["checks"]
            .as_array()
            .is_some_and(|checks| checks.len() > 8),
        "{json}"
    );
    let devices = json["network"].as_array().expect("devices");
    for device in devices {
        let zero_copy = device["zero_copy"].as_str().expect("a verdict");
        assert!(
            ["helps", "helps_less", "copied", "unknown"].contains(&zero_copy),
            "{device}"
        );
    }

    let output = run(&["doctor"]);
    assert_eq!(output.status.code(), Some(if works { 0 } else { 2 }));
    let shown = text(&output.stdout);
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "no colours in a pipe: {shown}");
    let summary = json["summary"].as_str().expect("a summary");
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(words(&shown).ends_with(&words(summary)), "{shown}");

    let narrow = copytax(&["doctor"])
        .env("COLUMNS", "40")
        .output()
        .expect("the tool starts");
    assert!(
        text(&narrow.stdout)
            .lines()
            .all(|line| line.chars().count() <= 40)
    );
    assert!(text(&run(&["doctor", "--color", "always"]).stdout).contains("\u{1b}["));
}

/// Root becomes somebody else for this; everybody else is that already.
#[test]
fn doctor_of_somebody_without_privileges() {
    // A copy, because the build may be where only root may go.
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("copytax");
    // Not by this process: another thread's fork would keep the copy open, thus not executable.
    let mut copy = Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_copytax")).arg(&program);
    assert!(copy.status().expect("cp starts").success());
    for path in [directory.path(), &program] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("permissions");
    }
    let mut command = command_of(&program, &["doctor"]);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.current_dir("/").output().expect("the tool starts");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(shown.contains("NO    privileges"), "{shown}");
    assert!(shown.contains("without CAP_BPF and CAP_PERFMON"), "{shown}");
    assert!(shown.contains("audit cannot run here"), "{shown}");
    assert_eq!(text(&output.stderr), "");
}
