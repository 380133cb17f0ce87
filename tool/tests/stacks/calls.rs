//! A C program without frame pointers that calls in each way in which stacks differ, and says itself
//! what its return addresses are.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use copytax::model::StackEnd;
use copytax::stack::module::ModuleKind;
use copytax::stack::unwind::{FRAME_LIMIT, Unwinder, Unwound};
use tempfile::TempDir;

use crate::sampler::Traced;
use crate::support::children::Program;
use crate::support::patience::until;
use crate::support::prerequisites::{self, or_skip};

#[test]
fn recursion() -> Result<()> {
    check("recursion", &[])
}

#[test]
fn signal_handler() -> Result<()> {
    check("signal", &[])
}

#[test]
fn frame_of_a_size_that_is_not_known() -> Result<()> {
    check("aligned", &[])
}

#[test]
fn thread() -> Result<()> {
    check("thread", &[])
}

#[test]
fn called_back_by_the_c_library() -> Result<()> {
    check("callback", &[])
}

#[test]
fn program_at_a_fixed_address() -> Result<()> {
    let Some((_, unwound)) = stopped("recursion", &["-no-pie"])? else {
        return Ok(());
    };
    assert_eq!(unwound.end, StackEnd::Entry);
    assert!(unwound.locations.len() > 200);
    Ok(())
}

#[test]
fn static_program() -> Result<()> {
    let Some((_, unwound)) = stopped("signal", &["-static-pie"])? else {
        return Ok(());
    };
    assert_eq!(unwound.end, StackEnd::Entry);
    assert!(unwound.locations.len() > 8, "{unwound:#x?}");
    Ok(())
}

/// What was compiled without `.eh_frame` still has `.debug_frame`.
#[test]
fn debugging_information_only() -> Result<()> {
    let without = [
        "-fno-asynchronous-unwind-tables",
        "-fno-unwind-tables",
        "-g",
    ];
    let Some((_, unwound)) = stopped("recursion", &without)? else {
        return Ok(());
    };
    assert_eq!(unwound.end, StackEnd::Entry);
    assert!(unwound.locations.len() > 200);
    Ok(())
}

#[test]
fn compiled_at_run_time() -> Result<()> {
    through_compiled_code("compiled")
}

#[test]
fn compiled_at_run_time_with_frame_pointer() -> Result<()> {
    through_compiled_code("compiled_with_frame_pointer")
}

fn through_compiled_code(what: &str) -> Result<()> {
    let Some((_, unwound)) = stopped(what, &[])? else {
        return Ok(());
    };
    assert_eq!(unwound.end, StackEnd::Entry, "{unwound:#x?}");
    // pause, stop, the compiled code, compiled, main, two of the C library, _start.
    assert_eq!(unwound.locations.len(), 8, "{unwound:#x?}");
    let module = unwound.locations[2].module.as_ref().context("a module")?;
    assert_eq!(module.kind(), ModuleKind::Jit);
    Ok(())
}

#[test]
fn more_frames_than_are_kept() -> Result<()> {
    let Some((_, unwound)) = stopped("deep_recursion", &[])? else {
        return Ok(());
    };
    assert_eq!(unwound.end, StackEnd::Cut);
    assert_eq!(unwound.locations.len(), FRAME_LIMIT);
    Ok(())
}

#[test]
fn more_stack_than_is_copied() -> Result<()> {
    let Some((expected, unwound)) = stopped("wide_recursion", &[])? else {
        return Ok(());
    };
    assert_eq!(unwound.end, StackEnd::Cut);
    let found = common(&expected, &unwound)?;
    assert!((25..100).contains(&found), "{found} frames");
    Ok(())
}

/// The interrupted stack is another one, which was not copied.
#[test]
fn signal_handler_with_a_stack_of_its_own() -> Result<()> {
    let Some((expected, unwound)) = stopped("other_stack", &[])? else {
        return Ok(());
    };
    assert_eq!(unwound.end, StackEnd::Cut);
    // The handler, the trampoline, and what was interrupted.
    assert_eq!(common(&expected, &unwound)?, 3, "{unwound:#x?}");
    Ok(())
}

#[test]
fn inside_the_vdso() -> Result<()> {
    let Some(program) = Built::or_skip(&[])? else {
        return Ok(());
    };
    let (running, _) = Program::start_speaking(Command::new(program.path()).arg("vdso"))?;
    let thread = Traced::attach(running.pid(), running.pid())?;
    let mut unwinder = Unwinder::new();
    let unwound = until("a sample inside the vdso", || {
        let unwound = unwinder.unwind(thread.process(), &thread.sample()?);
        assert_eq!(unwound.end, StackEnd::Entry, "{unwound:#x?}");
        let module = unwound.locations[0].module.as_ref();
        let is_inside = module.is_some_and(|module| module.kind() == ModuleKind::Vdso);
        Ok(is_inside.then_some(unwound))
    })?;
    let module = unwound.locations[0].module.as_ref().context("a module")?;
    assert_eq!(&**module.name(), "[vdso]");
    assert!(module.is_elf());
    assert!(module.file().is_some());
    Ok(())
}

/// All that the program says must be found, up to the entry.
fn check(what: &str, options: &[&str]) -> Result<()> {
    let Some((expected, unwound)) = stopped(what, options)? else {
        return Ok(());
    };
    assert_eq!(unwound.end, StackEnd::Entry, "{unwound:#x?}");
    assert_eq!(common(&expected, &unwound)?, expected.len() - 1);
    Ok(())
}

/// How many of the callers of the function that waits were found, none of them wrong. That function
/// itself waits at another place than it asked from.
fn common(expected: &[u64], unwound: &Unwound) -> Result<usize> {
    let callers = &expected[1..];
    let found: Vec<u64> = unwound
        .locations
        .iter()
        .map(|location| location.address)
        .collect();
    let start = found
        .iter()
        .position(|address| *address == callers[0])
        .with_context(|| format!("expected {expected:#x?}, found {unwound:#x?}"))?;
    let found = &found[start..];
    assert_eq!(found, &callers[..found.len()], "{unwound:#x?}");
    Ok(found.len())
}

/// What the program says to be its return addresses, innermost first, and what was found.
fn stopped(what: &str, options: &[&str]) -> Result<Option<(Vec<u64>, Unwound)>> {
    Built::or_skip(options)?
        .map(|program| stopped_in(&program, what))
        .transpose()
}

/// The same of a program that was built already.
pub(crate) fn stopped_in(program: &Built, what: &str) -> Result<(Vec<u64>, Unwound)> {
    let (running, line) = Program::start_speaking(Command::new(program.path()).arg(what))?;
    let expected = line.split_ascii_whitespace().map(|address| {
        let digits = address.strip_prefix("0x").unwrap_or("0");
        u64::from_str_radix(digits, 16).context("an address")
    });
    let expected = expected.collect::<Result<_>>()?;
    let mut unwinder = Unwinder::new();
    // The last thread is the one that was started last.
    let threads = Traced::attach_all(running.pid())?;
    let thread = threads.last().context("a thread")?;
    let unwound = until("the system call", || {
        let sample = thread.sample()?;
        let unwound = unwinder.unwind(thread.process(), &sample);
        let is_in_pause = thread.is_in_syscall(&sample, libc::SYS_pause)?;
        Ok(is_in_pause.then_some(unwound))
    })?;
    Ok((expected, unwound))
}

/// The program, as some compiler options make it.
pub(crate) struct Built {
    folder: TempDir,
}

impl Built {
    /// Builds it, if there is a compiler.
    pub(crate) fn or_skip(options: &[&str]) -> Result<Option<Self>> {
        Self::by_or_skip("cc", options)
    }

    /// Builds it with a compiler, if that is there.
    pub(crate) fn by_or_skip(compiler: &str, options: &[&str]) -> Result<Option<Self>> {
        let there = prerequisites::root().and_then(|()| prerequisites::program(compiler));
        let Some(compiler) = or_skip(there)? else {
            return Ok(None);
        };
        let built = Self {
            folder: TempDir::new()?,
        };
        let compiler = Command::new(compiler)
            .args([
                "-O2",
                "-fomit-frame-pointer",
                "-Wall",
                "-Werror",
                "-pthread",
            ])
            .args(["-Wl,-z,lazy", "-o"])
            .arg(built.path())
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/stacks/c/calls.c"
            ))
            .args(options)
            .output()
            .context("cc does not run")?;
        let said = String::from_utf8_lossy(&compiler.stderr);
        ensure!(compiler.status.success(), "cc cannot build: {said}");
        Ok(Some(built))
    }

    /// The program.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// A file beside it, which does not exist.
    pub(crate) fn other(&self) -> PathBuf {
        self.folder.path().join("other")
    }
}
