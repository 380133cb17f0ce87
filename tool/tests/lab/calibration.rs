//! Calibrating, and what audits make of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// Runs the tool with this folder for state.
fn copytax(state: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    command.args(arguments).env("XDG_STATE_HOME", state);
    Ok(command.output()?)
}

/// Calibrates with few runs; gives the file and what was printed.
fn calibrated(state: &Path) -> Result<(std::path::PathBuf, Value)> {
    let output = copytax(state, &["lab", "--calibrate", "--runs", "3", "--json"])?;
    ensure!(output.status.success(), "{output:?}");
    let file = state.join("copytax/calibration.json");
    let kept: Value = serde_json::from_slice(&fs::read(&file)?)?;
    assert_eq!(kept, serde_json::from_slice::<Value>(&output.stdout)?);
    Ok((file, kept))
}

#[test]
fn what_was_measured_is_kept_and_a_broken_file_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, kept) = calibrated(folder.path())?;
    assert_eq!(kept["schema"], "copytax.calibration/1");
    let release = rustix::system::uname();
    assert_eq!(kept["kernel"], release.release().to_string_lossy().as_ref());
    for path in ["sendfile", "splice", "zerocopy", "send_zc"] {
        let ends = [&kept[path]["smallest"], &kept[path]["largest"]];
        assert_eq!(ends, [&json!(1024), &json!(16 << 20)], "{path}");
    }
    for broken in ["", "{}", "[1", "{\"schema\": \"copytax.calibration/9\"}"] {
        fs::write(&file, broken)?;
        let output = copytax(folder.path(), &["audit", "--", "true"])?;
        assert_eq!(output.status.code(), Some(2), "{broken}");
        let said = String::from_utf8(output.stderr)?;
        for part in [&*file.to_string_lossy(), "delete it, or measure again"] {
            assert!(said.contains(part), "{said}");
        }
    }
    Ok(())
}

/// Files of this size are sent, each once: a transfer is what follows each other between two open files.
const SIZE: u64 = 64 << 10;

#[test]
fn audits_call_too_small_what_is_below_the_break_even() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may attach");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (file, mut kept) = calibrated(folder.path())?;
    for (break_even, verdict) in [(SIZE / 4, "fixable"), (SIZE * 4, "too_small")] {
        let known = json!({
            "bytes": break_even, "low": break_even, "high": break_even,
            "smallest": 1024, "largest": 1 << 20,
        });
        kept["sendfile"] = known;
        fs::write(&file, kept.to_string())?;
        assert_eq!(verdict_of_a_copy(folder.path())?, verdict, "{break_even}");
    }
    Ok(())
}

/// What an audit says of a loop of Python that reads files and sends them.
fn verdict_of_a_copy(state: &Path) -> Result<String> {
    let script = r"
import os, socket, sys, tempfile, threading
size = int(sys.argv[1])
listener = socket.create_server(('127.0.0.1', 0))
near = socket.create_connection(listener.getsockname())
far, _ = listener.accept()
def drain():
    while far.recv(1 << 20): pass
reader = threading.Thread(target=drain)
reader.start()
files = [tempfile.TemporaryFile(buffering=0) for _ in range(64)]
for file in files:
    file.write(os.urandom(size))
    file.seek(0)
for file in files:
    near.sendall(file.read(size))
near.close()
reader.join()
";
    let size = SIZE.to_string();
    let command = ["--", "python3", "-c", script, &size];
    let output = copytax(state, &[&["audit", "--json"][..], &command].concat())?;
    ensure!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let findings = report["findings"].as_array().context("findings")?;
    let most = findings
        .iter()
        .max_by_key(|finding| finding["bytes"].as_u64());
    let verdict = most.and_then(|finding| finding["verdict"].as_str());
    verdict
        .map(str::to_owned)
        .with_context(|| format!("no finding: {report}"))
}
