//! What is counted apart, and how much of it there is.

use std::collections::BTreeMap;

use crate::model::{Call, Class, EndpointKind, ProcessId, Sharing, Snapshot};

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CounterKey {
    pub(super) process: ProcessId,
    pub(super) kind: Kind,
    pub(super) call: Call,
    pub(super) source: EndpointKind,
    pub(super) sink: EndpointKind,
}

/// What kind of counter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Flow(Class, Sharing),
    /// By errno.
    Error(u16),
    /// By bucket.
    Transfer(Class, Sharing, u8),
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Flow(..) => "flow",
            Self::Error(_) => "error",
            Self::Transfer(..) => "transfer",
        }
    }
}

/// How much. Less than 0 where bytes were found to belong to another counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) bytes: i64,
    pub(crate) calls: i64,
    pub(crate) first_pieces: i64,
}

impl Counts {
    /// The sum, which wraps around like that of the kernel half.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.wrapping_add(other.bytes),
            calls: self.calls.wrapping_add(other.calls),
            first_pieces: self.first_pieces.wrapping_add(other.first_pieces),
        }
    }

    /// The difference, which wraps around, too.
    pub(super) const fn minus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.wrapping_sub(other.bytes),
            calls: self.calls.wrapping_sub(other.calls),
            first_pieces: self.first_pieces.wrapping_sub(other.first_pieces),
        }
    }

    pub(super) fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Sums of a counter, and when it was first counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) counts: Counts,
    /// Nanoseconds since boot.
    pub(super) first_ns: u64,
}

/// All sums of a snapshot.
pub(super) fn sums(snapshot: &Snapshot) -> BTreeMap<CounterKey, Sum> {
    let mut sums: BTreeMap<CounterKey, Sum> = BTreeMap::new();
    let mut add = |key, counts: Counts, first_ns: u64| {
        sums.entry(key)
            .and_modify(|sum| {
                sum.counts = sum.counts.plus(counts);
                sum.first_ns = sum.first_ns.min(first_ns);
            })
            .or_insert(Sum { counts, first_ns });
    };
    for flow in &snapshot.flows {
        let key = CounterKey {
            process: flow.process,
            kind: Kind::Flow(flow.class, flow.sharing),
            call: flow.call,
            source: flow.source,
            sink: flow.sink,
        };
        let counts = Counts {
            bytes: flow.bytes.cast_signed(),
            calls: flow.calls.cast_signed(),
            first_pieces: flow.first_pieces.cast_signed(),
        };
        add(key, counts, flow.first_ns);
    }
    for error in &snapshot.errors {
        let key = CounterKey {
            process: error.process,
            kind: Kind::Error(error.errno),
            call: error.call,
            source: error.source,
            sink: error.sink,
        };
        let counts = Counts {
            calls: error.count.cast_signed(),
            ..Counts::default()
        };
        add(key, counts, error.first_ns);
    }
    for transfer in &snapshot.transfers {
        let key = CounterKey {
            process: transfer.process,
            kind: Kind::Transfer(transfer.class, transfer.sharing, transfer.bucket),
            call: transfer.call,
            source: transfer.source,
            sink: transfer.sink,
        };
        let counts = Counts {
            bytes: transfer.bytes.cast_signed(),
            calls: transfer.count.cast_signed(),
            ..Counts::default()
        };
        add(key, counts, 0);
    }
    sums
}
