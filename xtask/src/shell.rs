//! Running other programs: announced, and with their status kept.

use std::fmt;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// Like `println!`, but a reader that went away (`| head`) is no reason to stop half-way.
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::shell::print_line(format_args!($($argument)*))
    };
}

pub(crate) use say;

/// What [`say!`] does.
pub(crate) fn print_line(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A cargo command at the workspace's root.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(workspace::root());
    command
}

/// Runs a program to its end, its output on this terminal, and gives its status back.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    say!("$ {}", line(command));
    command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))
}

/// Like [`status`], but anything else than success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Like [`run`], and ends the program when the time is up.
pub(crate) fn run_bounded(command: &mut Command, limit: Duration) -> Result<()> {
    say!("$ {}  (at most {} s)", line(command), limit.as_secs());
    let mut child = command
        .stdin(Stdio::null())
        // rustup adds one to an ordinary network failure.
        .env_remove("RUST_BACKTRACE")
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            if !status.success() {
                bail!("`{}` failed ({status})", line(command));
            }
            return Ok(());
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            bail!("`{}` took longer than {} s", line(command), limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What a program prints on stdout, or `None` if it cannot be started or fails. Its stderr is
/// dropped: this is for looking, not for doing.
pub(crate) fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(workspace::root())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The exit code a shell would give for this status.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Fails, with a sentence, unless this process is root.
pub(crate) fn require_root(what: &str) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("{what} must run as root");
    }
    Ok(())
}

/// The command as one would type it, its variables first.
pub(crate) fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!(
            "{}={}",
            name.display(),
            quoted(&value?.to_string_lossy())
        ))
    });
    let words = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quoted(&word.to_string_lossy()));
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// A word as a shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_typed_again() {
        let mut command = Command::new("cargo");
        command
            .env("A", "b c")
            .args(["test", "--", "two words", "it's", ""]);
        assert_eq!(
            line(&command),
            r"A='b c' cargo test -- 'two words' 'it'\''s' ''"
        );
    }

    #[test]
    fn signals_become_128_and_more() {
        assert_eq!(exit_code(ExitStatus::from_raw(0)), ExitCode::SUCCESS);
        assert_eq!(exit_code(ExitStatus::from_raw(0x6500)), ExitCode::from(101));
        assert_eq!(exit_code(ExitStatus::from_raw(9)), ExitCode::from(137));
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let begin = Instant::now();
        let outcome = run_bounded(Command::new("sleep").arg("60"), Duration::from_millis(100));
        assert!(outcome.is_err());
        assert!(begin.elapsed() < Duration::from_secs(30));
    }
}
