//! The kernel half from outside: load, attach, read maps. The only room that knows aya.

mod btf;
mod cause;
mod clock;
#[cfg(any(test, fuzzing))]
pub(crate) mod decoding;
mod ended;
mod floor;
mod layout;
mod maps;
mod object;
mod program;
mod samples;
mod sampling;
mod session;
mod sharing;
mod symbols;
mod tracefs;
mod transfers;
mod trials;
mod uring;

pub use clock::CPU_HERTZ;
pub use ended::{Occupancy, Taken};
pub use floor::Floor;
pub use samples::SampleReader;
pub use sampling::Sampling;
pub use session::{LoadTimes, Session};
pub use trials::trials;

/// What went wrong with the kernel half.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The kernel has no type information.
    #[error("no BTF at /sys/kernel/btf/vmlinux: {0}")]
    Btf(String),
    /// The kernel's types are not those that are expected.
    #[error("the kernel's BTF has no {0}")]
    Layout(String),
    /// The built-in object is damaged.
    #[error("the built-in kernel half cannot be read: {0}")]
    Object(String),
    /// Maps could not be created, or the object not relocated.
    #[error("the kernel refused the maps: {0}")]
    Load(String),
    /// The verifier or a security policy refused a program.
    #[error("the kernel refused program {program}: {cause}")]
    Program {
        /// Name of the program.
        program: String,
        /// The kernel's words.
        cause: String,
    },
    /// A program could not be attached.
    #[error("cannot attach {program}: {cause}")]
    Attach {
        /// Name of the program, or of the tracepoint.
        program: String,
        /// The kernel's words.
        cause: String,
    },
    /// tracefs is needed and not there.
    #[error("{0}")]
    Tracefs(String),
    /// A map could not be read.
    #[error("cannot read the kernel's map {map}: {cause}")]
    Map {
        /// Name of the map.
        map: &'static str,
        /// The kernel's words.
        cause: String,
    },
    /// The two halves do not understand each other.
    #[error("{0}")]
    Decode(#[from] copytax_common::UnknownTag),
}
