//! Whose code a frame is, and what reports call it.

mod copies;
mod go;
mod jit;
mod native;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::model::{Frame, Language};

/// Whose code a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Of the program that was started, or not known to be anyone else's.
    Application,
    /// Of a library that the program uses.
    Library,
    /// Of the language: its standard library, its interpreter, libc.
    Runtime,
    /// Of the kernel.
    Kernel,
    /// Copies memory, in whosever code.
    Copy,
    /// Nothing is known of it.
    Unknown,
}

impl Role {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Application,
        Self::Library,
        Self::Runtime,
        Self::Kernel,
        Self::Copy,
        Self::Unknown,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Library => "library",
            Self::Runtime => "runtime",
            Self::Kernel => "kernel",
            Self::Copy => "copy",
            Self::Unknown => "unknown",
        }
    }

    /// Whether code of this role does what it is told: who wonders why goes on to its caller.
    #[must_use]
    pub const fn is_told(self) -> bool {
        matches!(self, Self::Runtime | Self::Kernel | Self::Copy)
    }
}

/// Whose code `frame` is, by its name, its source file and its module.
#[must_use]
pub fn role(frame: &Frame) -> Role {
    let function = frame.function.as_deref().filter(|name| !name.is_empty());
    if function.is_some_and(|name| copies::is_copy_routine(name, frame.language)) {
        return Role::Copy;
    }
    let file = frame.file.as_deref();
    match frame.language {
        Language::Kernel => Role::Kernel,
        Language::Go => function.map_or(Role::Unknown, |name| go::role(name, file)),
        Language::Jit => function.map_or(Role::Unknown, |name| jit::role(name, file)),
        Language::Native => native::role(function, file, frame.module.as_deref()),
    }
}

/// What reports call `frame`: its function, else where it lies, such as `[nginx+0x4a31]`. Untrusted.
#[must_use]
pub fn frame_name(frame: &Frame) -> Cow<'_, str> {
    match (frame.function.as_deref(), frame.module.as_deref()) {
        (Some(function), _) if !function.is_empty() => Cow::Borrowed(function),
        (_, Some(module)) => {
            let module = file_name(module).trim_matches(['[', ']']);
            Cow::Owned(format!("[{module}+{:#x}]", frame.address))
        }
        (_, None) => Cow::Owned(format!("[{:#x}]", frame.address)),
    }
}

/// The last part of a path.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
