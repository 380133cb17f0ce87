//! Java: `FileChannel.transferTo` to a socket and to a channel that hides it, and streams; with and without
//! names of functions. Netty, by regions of files and in chunks. Tomcat, with and without a filter, and under
//! Spring MVC. Kafka's segments, plain and encrypted.

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
use crate::support::{certificate, prerequisites};
use crate::{SOURCES, load, server};

/// A client.
type Load = fn(u16) -> Result<()>;

/// A mode, whether the names of its functions are told, a client, and how bytes move.
type Mode = (&'static str, bool, Load, Way);

const SENDFILE: Way = Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing);

const fn bounce(says: Says) -> Way {
    Way("bounced read_write file -> tcp", Lost(SIZE), says)
}

/// The bytes are put together anew in Java's heap, so that nobody sees where they come from.
const fn rearranged(rule: &'static str) -> Way {
    Way("generated read_write none -> tcp", Kept(SIZE), Rule(rule))
}

/// What Tomcat consists of, as Debian installs it.
const TOMCAT: [&str; 9] = [
    "catalina",
    "coyote",
    "util",
    "util-scan",
    "juli",
    "servlet-api",
    "annotations-api",
    "jaspic-api",
    "api",
];

const SPRING: [&str; 8] = [
    "spring3-web",
    "spring3-web.servlet",
    "spring3-core",
    "spring3-beans",
    "spring3-context",
    "spring3-expression",
    "spring3-aop",
    "commons-logging",
];

#[test]
fn java() -> Result<()> {
    forms(
        "Transfer",
        Vec::new(),
        &[
            ("socket", false, load::drain, SENDFILE),
            ("wrapped", false, load::drain, bounce(CauseUnknown)),
            ("wrapped", true, load::drain, bounce(Rule("J1"))),
            ("stream", false, load::drain, bounce(CauseUnknown)),
            ("stream", true, load::drain, bounce(Rule("J6"))),
        ],
    )
}

#[test]
fn netty() -> Result<()> {
    forms(
        "Chunks",
        libraries(
            "netty-",
            &[
                "common",
                "buffer",
                "resolver",
                "transport",
                "codec",
                "handler",
            ],
        ),
        &[
            ("region", false, load::drain, SENDFILE),
            ("chunks", true, load::drain, bounce(Rule("J3"))),
        ],
    )
}

#[test]
fn tomcat() -> Result<()> {
    forms(
        "Servlets",
        libraries("tomcat10-", &TOMCAT),
        &[
            ("plain", false, load::get, SENDFILE),
            ("filter", true, load::get, rearranged("J4")),
        ],
    )
}

#[test]
fn spring() -> Result<()> {
    let mut path = libraries("tomcat9-", &TOMCAT);
    path.extend(libraries("", &SPRING));
    forms(
        "Resources",
        path,
        &[
            ("sendfile", false, load::get, SENDFILE),
            ("resources", true, load::get, rearranged("J5")),
        ],
    )
}

#[test]
fn kafka() -> Result<()> {
    let Some(testbed) = prerequisites::or_skip(prerequisites::testbed("kafka"))? else {
        return Ok(());
    };
    let jar = |name| testbed.join("pyflink/lib").join(name);
    let encrypted = Way("transformed read_write none -> tcp", Kept(SIZE), Rule("J2"));
    forms(
        "Segments",
        vec![jar("kafka-clients.jar"), jar("slf4j-api.jar")],
        &[
            ("plain", false, load::get, SENDFILE),
            ("encrypted", true, get_by_tls, encrypted),
        ],
    )
}

fn get_by_tls(port: u16) -> Result<()> {
    load::get_by_tls(&prerequisites::program("openssl")?, port)
}

/// Runs a class of `java/` in each mode.
fn forms(class: &str, mut path: Vec<PathBuf>, modes: &[Mode]) -> Result<()> {
    let there = prerequisites::root().and_then(|()| {
        let [java, javac, jcmd, openssl] =
            ["java", "javac", "jcmd", "openssl"].map(prerequisites::program);
        let missing = path.iter().find(|library| !library.exists());
        ensure!(missing.is_none(), "{missing:?} is not installed");
        Ok((java?, javac?, jcmd?, openssl?))
    });
    let Some((java, javac, jcmd, openssl)) = prerequisites::or_skip(there)? else {
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
    certificate::make(&openssl, content.folder())?;
    let mut forms = Vec::new();
    let mut maps = Vec::new();
    for &(mode, is_named, load, way) in modes {
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
        let form = server::start(name, &mut command, load, ("jvm", ""), way)?;
        if is_named {
            (form.load)()?;
            maps.push(Names::of(&jcmd, form.pid)?);
        }
        forms.push(form);
    }
    watch(&forms).map(drop)
}

/// Where Debian installs libraries whose names have a beginning in common.
fn libraries(begin: &str, names: &[&str]) -> Vec<PathBuf> {
    let names = names.iter();
    names
        .map(|name| format!("/usr/share/java/{begin}{name}.jar").into())
        .collect()
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
