//! Why the tool gives up, as one line on stderr.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use crate::capture::CaptureError;
use crate::recording::RecordingError;

/// Exit status of wrong usage, missing privileges and machines that cannot do it.
pub(crate) const CANNOT: u8 = 2;

/// Why the tool gives up.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    /// Whether `copytax doctor` knows more.
    environment: bool,
}

impl Failure {
    /// Something that the user can mend in the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            environment: false,
        }
    }

    /// Something that failed while `doing` it.
    pub(crate) fn io(doing: &str, error: &io::Error) -> Self {
        Self::usage(format!("{doing}: {error}"))
    }

    /// Prints it, and gives the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        self.report_with(ExitCode::from(CANNOT))
    }

    /// Prints it, and gives `status` back.
    pub(crate) fn report_with(&self, status: ExitCode) -> ExitCode {
        let hint = if self.environment {
            "; run `copytax doctor` to see what this machine allows"
        } else {
            ""
        };
        let line = format!("copytax: {}{hint}\n", escape(&self.message));
        // Where even this cannot be written there is nobody to tell.
        let _ = io::Write::write_all(&mut io::stderr(), line.as_bytes());
        status
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        let environment = matches!(error, CaptureError::PidNamespace | CaptureError::Probe(_));
        Self {
            message: with_causes(&error),
            environment,
        }
    }
}

impl From<RecordingError> for Failure {
    fn from(error: RecordingError) -> Self {
        Self::usage(error.to_string())
    }
}

/// The message of `error` and of those that caused it, unless it already tells them.
fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        let text = format!(": {text}");
        if !message.contains(&text) {
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}

/// Text that cannot move the cursor, colour the terminal, add lines or turn the direction of
/// writing: messages may hold names that come from processes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        if character.is_control() || turns {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_write_to_the_terminal() {
        assert_eq!(
            escape("a\u{1b}[31mb\nc\u{9b}\u{202e}"),
            "a\\u{1b}[31mb\\nc\\u{9b}\\u{202e}"
        );
        assert_eq!(escape("caf\u{e9} \\"), "caf\u{e9} \\");
    }

    #[test]
    fn causes_are_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot attach: {0}")]
        struct Outer(#[source] io::Error);
        let error = Outer(io::Error::other("no"));
        assert_eq!(with_causes(&error), "cannot attach: no");

        #[derive(Debug, thiserror::Error)]
        #[error("cannot attach")]
        struct Silent(#[source] io::Error);
        assert_eq!(
            with_causes(&Silent(io::Error::other("no"))),
            "cannot attach: no"
        );
    }

    #[test]
    fn targets_need_no_doctor() {
        assert!(!Failure::from(CaptureError::NoProcess(1)).environment);
    }
}
