//! Targets of all kinds, and environments that lack things, on the running kernel.

mod rings;
mod tool;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rings::Rings;
use rustix::process::Signal;
use serde_json::{Value, json};
use tool::{
    Audit, MOVED, MOVER, Waiting, catches_interrupts, copytax, processes, refusal, runs_as_root,
    signal, until, written, written_by,
};

#[test]
fn processes_that_make_no_calls_are_refused() {
    if !runs_as_root() {
        return;
    }
    let mut zombie = Command::new("true").spawn().expect("true starts");
    let pid = zombie.id().to_string();
    let stat = format!("/proc/{pid}/stat");
    until(|| fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z ")));
    let output = copytax(&["audit", "-p", &pid]).output().expect("it runs");
    let said = refusal(&output);
    assert!(said.contains(&pid) && said.contains("zombie"), "{said}");
    zombie.wait().expect("it has ended");

    let kthreadd = fs::read_to_string("/proc/2/comm").is_ok_and(|comm| comm == "kthreadd\n");
    if kthreadd {
        let output = copytax(&["audit", "-p", "2"]).output().expect("it runs");
        let said = refusal(&output);
        assert!(said.contains("kernel thread"), "{said}");
    }
}

#[test]
fn an_interrupt_while_attaching_is_no_report() {
    if !runs_as_root() {
        return;
    }
    for (number, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let tool = copytax(&["audit"]).spawn().expect("it starts");
        until(|| catches_interrupts(tool.id()));
        signal(&tool, number);
        let output = tool.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "copytax: stopped before anything was counted\n");
    }
}

#[test]
fn a_killed_tool_does_not_start_its_command() {
    if !runs_as_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let made = folder.path().join("made").to_string_lossy().into_owned();
    let mut tool = copytax(&["audit", "--", "touch", &made]);
    let tool = tool.spawn().expect("it starts");
    until(|| has_child(tool.id()));
    signal(&tool, Signal::KILL);
    // The command holds the same stderr: this waits for its end, too.
    let output = tool.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(!fs::exists(&made).expect("a folder"), "the command ran");
}

fn has_child(pid: u32) -> bool {
    fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .any(|children| !children.is_empty())
}

#[test]
fn children_are_followed_from_the_first_call() {
    if !runs_as_root() {
        return;
    }
    // One child is there before the audit, and becomes another program during it; one comes later.
    let family = Waiting::start(&format!(
        "exec 3<&0; sh -c '{MOVER}' <&3 & read line <&3; sh -c '{MOVER}' <&3; wait"
    ));
    until(|| has_child(family.pid()));
    let audit = Audit::start(&["-p", &family.pid().to_string(), "--follow"]);
    family.go("\n\n\n");
    let report = audit.report();
    assert_eq!(written(&report), 2 * MOVED, "{report:#}");
}

/// What an audit of this process says of ways past all calls.
fn bypass_of_this_process() -> Value {
    let pid = std::process::id();
    let audit = Audit::start(&["-p", &pid.to_string()]);
    fs::write("/dev/null", "a call to count").expect("it takes everything");
    let report = audit.report();
    let mut processes = processes(&report).iter();
    let process = processes.find(|process| process["pid"] == pid);
    process.expect("it made a call")["bypass"].clone()
}

#[test]
fn af_xdp_is_told_from_other_rings() {
    if !runs_as_root() {
        return;
    }
    assert_eq!(bypass_of_this_process(), json!([]));
    let packets = Rings::of_packets().expect("root may");
    assert_eq!(bypass_of_this_process(), json!([]));
    match Rings::of_af_xdp() {
        Ok(_rings) => assert_eq!(bypass_of_this_process(), json!(["af_xdp"])),
        Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
            eprintln!("skipped: this kernel has no AF_XDP");
        }
        Err(error) => panic!("no AF_XDP socket: {error}"),
    }
    drop(packets);
}

#[test]
fn of_a_process_that_has_ended_nobody_knows_its_rings() {
    if !runs_as_root() {
        return;
    }
    let ended = Waiting::start(MOVER);
    let audit = Audit::start(&["-p", &ended.pid().to_string()]);
    ended.go("\n");
    let report = audit.report();
    assert_eq!(processes(&report)[0]["bypass"], Value::Null, "{report:#}");
}

#[test]
fn cgroups_and_containers_are_watched_with_those_below_them() {
    if !runs_as_root() {
        return;
    }
    let Some(mount) = cgroup2() else {
        eprintln!("skipped: no cgroup v2 hierarchy is mounted");
        return;
    };
    let id = format!("{:064x}", std::process::id());
    let top = mount.join(format!("docker-{id}.scope"));
    let below = top.join("below");
    if fs::create_dir_all(&below).is_err() {
        eprintln!("skipped: no cgroup can be made");
        return;
    }
    let name = top.file_name().expect("a name").to_string_lossy();
    let path = top.to_string_lossy();
    let targets = [
        ["--cgroup", &path],
        ["--cgroup", &name],
        ["--container", &id],
    ];
    let reports = targets.map(|target| {
        let movers = [MOVER; 3].map(Waiting::start);
        movers[0].move_to(&top);
        movers[1].move_to(&below);
        let audit = Audit::start(&target);
        let pids = movers.each_ref().map(Waiting::pid);
        for mover in movers {
            mover.go("\n");
        }
        (pids, audit.report())
    });
    fs::remove_dir(&below).expect("it is empty");
    fs::remove_dir(&top).expect("it is empty");
    for (pids, report) in reports {
        let found = pids.map(|pid| written_by(&report, pid));
        assert_eq!(found, [Some(MOVED), Some(MOVED), None], "{report:#}");
        assert_eq!(written(&report), 2 * MOVED);
    }
}

/// Where the unified hierarchy is mounted.
fn cgroup2() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mut fields = mounts.lines().map(|line| line.split(' '));
    fields.find_map(|mut fields| {
        let point = fields.nth(1)?;
        (fields.next()? == "cgroup2").then(|| point.into())
    })
}

#[test]
fn a_refusal_says_what_mends_it() {
    if !runs_as_root() {
        return;
    }
    let tool = env!("CARGO_BIN_EXE_copytax");
    for (wrapper, advice) in [
        ("exec setpriv --bounding-set=-all", "CAP_BPF"),
        (
            "exec setpriv --bounding-set=-sys_admin,-perfmon",
            "CAP_PERFMON",
        ),
        ("ulimit -n 20; exec", "ulimit -n"),
        (
            "exec unshare -m sh -c 'mount -t tmpfs none /sys && exec \"$@\"' sh",
            "mount -t sysfs",
        ),
    ] {
        let script = format!("{wrapper} {tool} audit -d 100ms");
        let output = Command::new("sh").args(["-c", &script]).output();
        let said = refusal(&output.expect("sh starts"));
        assert!(said.contains(advice), "{wrapper}: {said}");
        assert!(said.contains("`copytax doctor`"), "{wrapper}: {said}");
    }
}

#[test]
fn in_a_pid_namespace_of_its_own_the_tool_leaves_itself_out() {
    if !runs_as_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let tool = folder.path().join("itself");
    symlink(env!("CARGO_BIN_EXE_copytax"), &tool).expect("a link");
    let mut audit = Command::new("unshare");
    audit.args(["-pf", "--mount-proc"]).arg(&tool);
    audit.args(["audit", "--json", "-v", "-d", "1s"]);
    audit.stdout(Stdio::piped()).stderr(Stdio::null());
    let audit = audit.spawn().expect("unshare starts");
    let output = audit.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let itself = processes(&report)
        .iter()
        .find(|process| process["comm"] == "itself");
    assert_eq!(itself, None);
}
