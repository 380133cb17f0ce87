//! Java: `FileChannel.transferTo` to a socket and to a channel that hides it, and streams; with and without
//! names of functions. And Netty, by regions of files and in chunks.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::Says::{CauseUnknown, Nothing, Rule};
use crate::form::{Says, Way, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server};

/// A mode, whether the names of its functions are told, and how bytes move.
type Mode = (&'static str, bool, Way);

const SENDFILE: Way = Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing);

const fn bounce(says: Says) -> Way {
    Way("bounced read_write file -> tcp", Lost(SIZE), says)
}

#[test]
fn java() -> Result<()> {
    forms(
        "Transfer",
        &[],
        &[
            ("socket", false, SENDFILE),
            ("wrapped", false, bounce(CauseUnknown)),
            ("wrapped", true, bounce(Rule("J1"))),
            ("stream", false, bounce(CauseUnknown)),
            ("stream", true, bounce(Rule("J6"))),
        ],
    )
}

#[test]
fn netty() -> Result<()> {
    forms(
        "Chunks",
        &[
            "netty-common",
            "netty-buffer",
            "netty-resolver",
            "netty-transport",
            "netty-codec",
            "netty-handler",
        ],
        &[
            ("region", false, SENDFILE),
            ("chunks", true, bounce(Rule("J3"))),
        ],
    )
}

/// Runs a class of `java/` in each mode, with libraries as Debian installs them.
fn forms(class: &str, libraries: &[&str], modes: &[Mode]) -> Result<()> {
    let there = prerequisites::root().and_then(|()| {
        let [java, javac, jcmd] = ["java", "javac", "jcmd"].map(prerequisites::program);
        let libraries: Result<Vec<_>> = libraries.iter().map(|name| library(name)).collect();
        Ok((java?, javac?, jcmd?, libraries?))
    });
    let Some((java, javac, jcmd, mut path)) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let classes = TempDir::new()?;
    path.push(classes.path().to_owned());
    let path = env::join_paths(path)?;
    let mut compiler = Command::new(javac);
    compiler.arg("-cp").arg(&path).arg("-d").arg(classes.path());
    let output = compiler
        .arg(format!("{SOURCES}/java/{class}.java"))
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "javac fails: {said}");

    let content = Content::new()?;
    let mut forms = Vec::new();
    let mut maps = Vec::new();
    for &(mode, is_named, way) in modes {
        let mut command = Command::new(&java);
        command.args(["-Xmx64m", "-XX:+UseSerialGC", "-cp"]);
        command.arg(&path);
        if is_named {
            // Only of what is compiled there are names: all of it, then, at its first call.
            command
                .args(["-Xcomp", "-XX:TieredStopAtLevel=1"])
                .arg("-XX:+PreserveFramePointer");
        }
        command.args([class, mode]).arg(content.file());
        let name = format!("java {class} {mode}");
        let form = server::start(name, &mut command, load::drain, ("jvm", ""), way)?;
        if is_named {
            (form.load)()?;
            maps.push(Names::of(&jcmd, form.pid)?);
        }
        forms.push(form);
    }
    watch(&forms).map(drop)
}

fn library(name: &str) -> Result<PathBuf> {
    let file = PathBuf::from(format!("/usr/share/java/{name}.jar"));
    ensure!(file.exists(), "{name} is not installed");
    Ok(file)
}

/// The file in which a JVM has told the names of what it compiled; removed when dropped.
struct Names(PathBuf);

impl Names {
    fn of(jcmd: &Path, pid: u32) -> Result<Self> {
        let output = Command::new(jcmd)
            .args([&pid.to_string(), "Compiler.perfmap"])
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "jcmd fails: {said}");
        let map = Self(format!("/tmp/perf-{pid}.map").into());
        ensure!(map.0.exists(), "jcmd writes no names: {said}");
        Ok(map)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // At worst it stays.
        let _ = fs::remove_file(&self.0);
    }
}
