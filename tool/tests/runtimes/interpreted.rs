//! Programs that interpret: each says its version itself.

use std::process::Command;

use anyhow::Result;
use copytax::model::RuntimeName;
use tempfile::NamedTempFile;

use crate::recognised;
use crate::support::prerequisites;

fn is(program: Result<std::path::PathBuf>, arguments: &[&str], name: RuntimeName) -> Result<()> {
    // The library of an interpreter is only shown to those who may look at all memory.
    let there = prerequisites::root().and(program);
    let Some(program) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let (line, runtime) = recognised(Command::new(program).args(arguments))?;
    assert_eq!(
        (runtime.name, runtime.version.as_ref()),
        (name, Some(&line)),
        "{runtime:?}"
    );
    Ok(())
}

#[test]
fn cpython() -> Result<()> {
    let script = "import platform, signal; print(platform.python_version(), flush=True); \
                  signal.pause()";
    is(
        prerequisites::python(),
        &["-c", script],
        RuntimeName::Cpython,
    )?;
    // Debian links the library into the program; others do not.
    let debian = prerequisites::program("/usr/bin/python3");
    is(debian, &["-c", script], RuntimeName::Cpython)
}

#[test]
fn node() -> Result<()> {
    let script = "console.log(process.versions.node); setInterval(() => {}, 1000)";
    is(
        prerequisites::program("node"),
        &["-e", script],
        RuntimeName::Node,
    )
}

#[test]
fn ruby() -> Result<()> {
    let script = "$stdout.sync = true; puts RUBY_VERSION; sleep";
    is(
        prerequisites::program("ruby"),
        &["-e", script],
        RuntimeName::Ruby,
    )
}

#[test]
fn php() -> Result<()> {
    let script = "echo PHP_VERSION, \"\\n\"; sleep(1000);";
    is(
        prerequisites::program("php"),
        &["-r", script],
        RuntimeName::Php,
    )
}

#[test]
fn jvm() -> Result<()> {
    let source = NamedTempFile::with_suffix(".java")?;
    let class = "class Hello {
        public static void main(String[] arguments) throws Exception {
            System.out.println(System.getProperty(\"java.version\"));
            Thread.sleep(1_000_000);
        }
    }";
    std::fs::write(&source, class)?;
    let path = source.path().to_string_lossy();
    is(prerequisites::program("java"), &[&path], RuntimeName::Jvm)
}

/// An interpreter's script is told by the interpreter.
#[test]
fn script() -> Result<()> {
    let Some(python) = prerequisites::or_skip(prerequisites::python())? else {
        return Ok(());
    };
    let script = tempfile::TempDir::new()?;
    let script = script.path().join("nginx");
    let body = "import signal; print(flush=True); signal.pause()";
    std::fs::write(&script, format!("#!{}\n{body}\n", python.display()))?;
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable)?;
    let (_, runtime) = recognised(&mut Command::new(script))?;
    assert_eq!(runtime.name, RuntimeName::Cpython);
    Ok(())
}
