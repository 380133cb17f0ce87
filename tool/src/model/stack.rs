//! Stacks whose frames are named.

use std::sync::Arc;

/// The stack of a thread, or its part in the kernel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stack {
    /// Innermost first; functions that were inlined are frames of their own.
    pub frames: Vec<Frame>,
    /// How far it goes.
    pub end: StackEnd,
}

/// How far a stack goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StackEnd {
    /// To the function that the thread began with.
    Entry,
    /// To the last frame that is recorded; there are more.
    Cut,
    /// To a frame whose caller could not be found.
    Broken,
}

/// One function of a stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// Name, demangled; `None` where it has none.
    pub function: Option<Arc<str>>,
    /// Source file as the compiler knew it.
    pub file: Option<Arc<str>>,
    /// Line in it.
    pub line: Option<u32>,
    /// What the code is in: the path of a file as its process sees it, `[vdso]`, `[jit]` or
    /// `[kernel]`; `None` where nothing was mapped.
    pub module: Option<Arc<str>>,
    /// Address in the module's own terms (of an ELF file its virtual address), else in the process'.
    pub address: u64,
    /// Whether it was inlined into the frame that follows.
    pub is_inlined: bool,
    /// What wrote it.
    pub language: Language,
}

/// What a function was written in, as far as the tables that name it tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// The kernel's.
    Kernel,
    /// Named by a Go program's own tables.
    Go,
    /// Named by a perf map: compiled at run time.
    Jit,
    /// Anything else.
    Native,
}
