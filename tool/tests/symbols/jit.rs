//! Code that is compiled at run time, as its process tells it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use copytax::model::{Frame, Language};
use copytax::stack::symbols::{ProcessFiles, Symbolizer};

use crate::support::prerequisites;

/// A process that waits for its end, and the map that belongs to it.
struct Process {
    child: Child,
    map: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.map);
    }
}

impl Process {
    /// Starts a program that says a line when it is ready.
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let map = PathBuf::from(format!("/tmp/perf-{}.map", child.id()));
        let output = child.stdout.take().context("no output")?;
        let process = Self { child, map };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(!line.is_empty(), "it did not come up");
        Ok(process)
    }

    fn cat() -> Result<Self> {
        // A line is said when the interpreter is there.
        Self::start(Command::new("sh").args(["-c", "echo; exec cat"]))
    }

    fn frame(&self, address: u64) -> Result<Frame> {
        let files = ProcessFiles::of(self.child.id())?;
        Ok(Symbolizer::default().jit(&files, address))
    }
}

#[test]
fn functions_of_node_have_their_places() -> Result<()> {
    let Some(node) = prerequisites::or_skip(prerequisites::program("node"))? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("hot.js");
    fs::write(
        &script,
        "\n\nfunction hot(n) { let sum = 0; for (let i = 0; i < n; i++) sum += i; return sum; }\n\
         for (let i = 0; i < 3000; i++) hot(10000);\n\
         console.log('ready'); setInterval(() => {}, 1000);\n",
    )?;
    let process = Process::start(
        Command::new(node)
            .args(["--perf-basic-prof", "--no-turbo-inlining"])
            // It leaves a log where it is started.
            .current_dir(folder.path())
            .arg(&script),
    )?;
    let map = fs::read_to_string(&process.map)?;
    let line = map.lines().rfind(|line| line.contains(":*hot "));
    let address = line
        .and_then(|line| line.split(' ').next())
        .context("not compiled")?;
    let frame = process.frame(u64::from_str_radix(address, 16)? + 1)?;
    assert_eq!(frame.function.as_deref(), Some("hot"));
    assert_eq!(frame.file.as_deref(), script.to_str());
    assert_eq!(frame.line, Some(3));
    assert_eq!(frame.language, Language::Jit);
    Ok(())
}

#[test]
fn the_map_is_that_of_the_process_and_its_user() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let process = Process::cat()?;
    fs::write(&process.map, "1000 10 compiled\n")?;
    let frame = process.frame(0x1008)?;
    assert_eq!(frame.function.as_deref(), Some("compiled"));
    assert_eq!(frame.module.as_deref(), Some("[jit]"));
    assert_eq!(process.frame(0x1010)?.function, None);

    // Somebody else's.
    chown(&process.map, Some(65534), None)?;
    assert_eq!(process.frame(0x1008)?.function, None);
    Ok(())
}

#[test]
fn a_map_that_is_no_file_is_not_read() -> Result<()> {
    let process = Process::cat()?;
    let made = Command::new("mkfifo").arg(&process.map).status()?;
    ensure!(made.success(), "no pipe");
    assert_eq!(process.frame(0x1008)?.function, None);
    Ok(())
}

#[test]
fn a_container_has_its_own_map() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    // A root and a pid of its own, and the map of a process of that pid on the host.
    let root = tempfile::tempdir()?;
    for folder in ["tmp", "bin", "lib", "lib64", "usr"] {
        fs::create_dir(root.path().join(folder))?;
    }
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755))?;
    fs::write(root.path().join("tmp/perf-1.map"), "1000 10 contained\n")?;
    let script = "for it in bin lib lib64 usr; do mount --rbind /$it \"$0/$it\"; done; \
                  exec chroot \"$0\" /bin/sh -c 'echo; exec cat'";
    let mut process = Process::start(
        Command::new("unshare")
            .args([
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                script,
            ])
            .arg(root.path()),
    )?;
    let inner = only_child(process.child.id())?;
    let files = ProcessFiles::of(inner)?;
    // What has been looked at is still known when the process is gone.
    process.child.kill()?;
    process.child.wait()?;
    let frame = Symbolizer::default().jit(&files, 0x1008);
    assert_eq!(frame.function.as_deref(), Some("contained"));
    Ok(())
}

fn only_child(pid: u32) -> Result<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = fs::read_to_string(Path::new(&path))?;
    let first = children.split_whitespace().next().context("no child")?;
    Ok(first.parse()?)
}
