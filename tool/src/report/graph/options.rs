//! What a graph is to show.

/// Which stacks a graph shows, and of what weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GraphOptions {
    /// What the width of a frame stands for.
    pub weight: Weight,
    /// Which bytes or calls count. CPU time is not told apart by it.
    pub only: Only,
    /// Which stack stands for bytes that were read and written. CPU time has one.
    pub side: Side,
    /// Whether stacks begin with the innermost function. Flame graphs and folded stacks only.
    pub reverse: bool,
}

/// What is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weight {
    /// Bytes.
    #[default]
    Bytes,
    /// Calls that wrote or moved bytes.
    Calls,
    /// Nanoseconds on CPUs.
    Cpu,
}

impl Weight {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Bytes, Self::Calls, Self::Cpu];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Calls => "calls",
            Self::Cpu => "cpu",
        }
    }
}

/// Which bytes count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Only {
    /// Read, then written unmodified.
    #[default]
    Bounced,
    /// Moved by zero-copy calls.
    ZeroCopy,
    /// All that were written or moved.
    All,
}

impl Only {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Bounced, Self::ZeroCopy, Self::All];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::ZeroCopy => "zero-copy",
            Self::All => "all",
        }
    }
}

/// Which stack stands for bytes that one call read and another wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Side {
    /// That of the read, then what the stack of the write has more: each byte counts once, with who
    /// read it and who wrote it.
    #[default]
    Both,
    /// That of the read; that of the write where the read is not known.
    Read,
    /// That of the write.
    Write,
}

impl Side {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Both, Self::Read, Self::Write];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}
