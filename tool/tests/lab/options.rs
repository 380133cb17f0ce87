//! What else the lab is asked for: transports that it makes, several connections, files on a disk, a page.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::support::patience::until;

fn lab(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    command.args(["lab", "--json", "--runs", "6", "--size", "1m"]);
    command.args(arguments);
    // On a disk: the folder for temporary files may be in memory.
    command.env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    Ok(command)
}

fn document(command: &mut Command) -> Result<Value> {
    let output = command.output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn connections_move_as_much_each() -> Result<()> {
    let only = [
        "--only",
        "sendfile",
        "--transport",
        "tcp",
        "--connections",
        "5",
        "--connections",
        "1",
    ];
    let document = document(&mut lab(&only)?)?;
    for (index, connections) in [1, 5].into_iter().enumerate() {
        let path = &document["paths"][index];
        assert_eq!(path["connections"], connections);
        let transfers = path["transfers_per_run"].as_u64().unwrap_or_default();
        // One run warms up.
        let bytes = transfers * (1 << 20) * connections * 7;
        let moved = &path["accounting"]["calls"]["sendfile"]["bytes"];
        assert_eq!(moved.as_u64(), Some(bytes), "{path}");
    }
    Ok(())
}

#[test]
fn cold_files_are_read_from_the_disk() -> Result<()> {
    let only = ["--only", "sendfile", "--only", "copy-read+write", "--cold"];
    let document = document(&mut lab(&only)?)?;
    let paths = document["paths"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(paths.iter().any(|path| path["path"] == "copy-read+write"));
    for path in paths {
        assert_eq!(path["cold"], true);
        assert_eq!(path["transfers_per_run"], 1, "{path}");
        // Who waits for a disk gives the processor away.
        let switches = path["cost"]["context_switches_per_gb"]["median"].as_f64();
        assert!(switches.is_some_and(|switches| switches > 0.0), "{path}");
    }
    Ok(())
}

#[test]
fn a_cable_goes_with_the_process_that_made_it() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may make network namespaces");
        return Ok(());
    }
    let names = fs::read_dir("/run/netns").map_or(0, Iterator::count);
    let only = ["--only", "sendfile", "--transport", "veth"];
    let document = document(&mut lab(&only)?)?;
    assert_eq!(document["paths"][0]["transport"], "veth", "{document}");
    let mut killed = lab(&only)?;
    let mut killed = killed
        .args(["--size", "512m"])
        .stdout(Stdio::null())
        .spawn()?;
    let namespaces = loop {
        let namespaces = namespaces_held_by(killed.id())?;
        if namespaces.len() == 2 {
            break namespaces;
        }
        ensure!(killed.try_wait()?.is_none(), "it is over already");
    };
    let devices = fs::read_to_string("/proc/net/dev")?;
    assert!(!devices.contains("lab0"), "it is of other namespaces");
    killed.kill()?;
    killed.wait()?;
    // What no process has a descriptor of, or is in, is gone: it has no name, either. Its number goes to the next
    // one that is made, which those of other tests may be.
    until("the namespaces to be gone", || {
        let held = fs::read_dir("/proc")?.flatten().filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            namespaces_held_by(pid).ok()
        });
        let is_gone = held.into_iter().all(|held| held.is_disjoint(&namespaces));
        Ok(is_gone.then_some(()))
    })?;
    let named = fs::read_dir("/run/netns").map_or(0, Iterator::count);
    assert_eq!(named, names, "namespaces with a name");
    Ok(())
}

/// Network namespaces that a process has descriptors of, or is in.
fn namespaces_held_by(pid: u32) -> Result<BTreeSet<PathBuf>> {
    let own = fs::read_link("/proc/self/ns/net")?;
    let fds = fs::read_dir(format!("/proc/{pid}/fd"))?.flatten();
    let of_fds = fds.filter_map(|fd| fs::read_link(fd.path()).ok());
    let inside = fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    let is_other = |of: &PathBuf| of.to_string_lossy().starts_with("net:") && *of != own;
    Ok(of_fds.chain(inside).filter(is_other).collect())
}

#[test]
fn a_page_is_written_and_what_cannot_be_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("lab.html");
    let only = [
        "--only",
        "sendfile",
        "--only",
        "read+write-64k",
        "--size",
        "4k",
    ];
    let output = lab(&only)?.arg("--html").arg(&page).output()?;
    ensure!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(&page)?;
    assert!(text.contains("<title>sendfile</title>"));
    let output = lab(&only)?.args(["--html", "/nowhere/lab.html"]).output()?;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    Ok(())
}
