//! Programs without a runtime of their own, and the C library of any program.

use std::ops::ControlFlow;

use super::elf::Elf;
use super::{Found, scan, version};
use crate::model::{Libc, RuntimeEvidence, RuntimeName};

/// The most that is read of what compilers note.
const COMMENT: usize = 64 << 10;

/// What the compiler of Rust notes before its version.
const RUSTC: &[u8] = b"rustc version ";

/// What runtimes have in their programs, by name; `None` where it is a language that is not named.
const MARKS: [(&[u8], Option<RuntimeName>); 5] = [
    // Where panics are reported from: paths of the standard library's own build.
    (b"/rustc/", Some(RuntimeName::Rust)),
    // `libsupc++/vterminate.cc`; libc++abi's message is another one.
    (
        b"terminate called after throwing an instance of '",
        Some(RuntimeName::Cpp),
    ),
    // OCaml: `runtime/printexc.c`
    (b"Fatal error: exception %s", None),
    // Haskell: `rts/RtsFlags.c`
    (b"[+RTS <rtsopts>", None),
    // D: names of druntime's classes
    (b"core.exception.", None),
];

/// What a program was compiled from.
///
/// Compilers note themselves in `.comment`, which stripping leaves. A language whose programs are
/// linked by the compiler of C has that note, too.
pub(super) fn language(elf: &Elf) -> Option<Found> {
    let comment = comment(elf);
    if let Some(version) = after(&comment, RUSTC) {
        let version = version::numbers(version);
        let evidence = RuntimeEvidence::CompilerNote;
        return Some(Found::new(RuntimeName::Rust, version, evidence));
    }
    let mark = mark(elf);
    if let Some(name) = mark {
        return Some(Found::new(name?, None, RuntimeEvidence::Constant));
    }
    let is_cpp = |library: Vec<u8>| {
        library.starts_with(b"libstdc++.so") || library.starts_with(b"libc++.so")
    };
    if elf.needed().any(is_cpp) {
        let evidence = RuntimeEvidence::NeededLibrary;
        return Some(Found::new(RuntimeName::Cpp, None, evidence));
    }
    let compilers: [&[u8]; 2] = [b"GCC: (", b"clang version "];
    let is_compiled = |compiler: &&[u8]| after(&comment, compiler).is_some();
    let evidence = RuntimeEvidence::CompilerNote;
    let is_c = compilers.iter().any(is_compiled);
    is_c.then(|| Found::new(RuntimeName::C, None, evidence))
}

/// Whether the compiler of Rust has noted itself.
pub(super) fn is_rust(elf: &Elf) -> bool {
    after(&comment(elf), RUSTC).is_some()
}

/// What compilers and linkers note of themselves.
fn comment(elf: &Elf) -> Vec<u8> {
    elf.section(b".comment").map_or_else(Vec::new, |section| {
        let size = usize::try_from(section.end - section.start).unwrap_or(usize::MAX);
        elf.bytes(section.start, size.min(COMMENT))
    })
}

/// What the first of [`MARKS`] that is in a program tells.
fn mark(elf: &Elf) -> Option<Option<RuntimeName>> {
    let needles = MARKS.map(|(mark, _)| mark);
    let mut found = None;
    scan::each(elf, &elf.constants(), &needles, |index, rest| {
        let name = MARKS[index].1;
        if name == Some(RuntimeName::Rust) && !is_commit(rest) {
            return ControlFlow::Continue(());
        }
        found = Some(name);
        ControlFlow::Break(())
    });
    found
}

/// What follows the first `mark`.
fn after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(text, mark)?;
    text.get(at + mark.len()..)
}

/// A hash of git, then a path.
fn is_commit(rest: &[u8]) -> bool {
    rest.split_at_checked(40).is_some_and(|(hash, rest)| {
        hash.iter().all(u8::is_ascii_hexdigit) && rest.starts_with(b"/library/")
    })
}

/// The C library.
pub(super) fn libc(elf: &Elf) -> Option<Libc> {
    if let Some(interpreter) = elf.interpreter() {
        // What is linked to be moved in memory, but asks for nothing.
        elf.needed().next()?;
        let name = interpreter.rsplit(|byte| *byte == b'/').next()?;
        // musl's INSTALL; glibc's `shlib-versions` of each architecture.
        return if name.starts_with(b"ld-musl-") {
            Some(Libc::Musl)
        } else if name.starts_with(b"ld-linux") || name.starts_with(b"ld64.so") {
            Some(Libc::Glibc)
        } else {
            None
        };
    }
    // Every program of glibc has this note from its start files (`csu/abi-note.c`).
    if elf.has_abi_note() {
        return Some(Libc::Glibc);
    }
    // The text of error 0, which no other library has (`src/errno/__strerror.h`).
    let musl = b"\0No error information\0";
    scan::find(elf, &elf.constants(), musl, |_| Some(Libc::Musl))
}
