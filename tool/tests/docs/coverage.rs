//! Which test, on the running kernel, covers which class of bytes of which call.

use copytax::model::{Call, Class};

/// A function of a test; of the truth harness an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covering {
    /// Its folder, below `tool/tests`.
    pub(crate) suite: &'static str,
    /// Its name.
    pub(crate) function: &'static str,
}

impl Covering {
    const fn operation(function: &'static str) -> Self {
        Self {
            suite: "truth",
            function,
        }
    }

    const fn unknown(function: &'static str) -> Self {
        Self {
            suite: "unknown",
            function,
        }
    }
}

/// The test that covers bytes of `class` moved by `call`; `None` where there is none yet.
pub(crate) fn of(call: Call, class: Class) -> Option<Covering> {
    let operation = match (call, class) {
        (Call::Sendfile, _) => "sendfile",
        // Each of these operations is by a system call, or by a request of a ring.
        (Call::Splice | Call::UringSplice, _) => "splice",
        (Call::Tee | Call::UringTee, Class::Staged) => "tee",
        (Call::Vmsplice, _) => "vmsplice",
        (Call::CopyFileRange, _) => "copy_file_range",
        (_, Class::Ingest) => "read_some",
        (_, Class::SameBuffer) => "relay",
        (_, Class::SameContent) => "relay_copy",
        (_, Class::SameSize) => "transform",
        (_, Class::Generated) => "generate",
        (Call::Tee, Class::ZeroCopy) => return Some(Covering::unknown("tee_to_closed")),
        (_, Class::Unknown) => return Some(Covering::unknown("too_many_pieces")),
        // A buffer that becomes a mapping is no fixed one any more.
        (Call::UringWriteFixed, Class::Mapped) => return None,
        (_, Class::Mapped) => "write_mapped",
        (_, Class::TlsRecord) => "records",
        (_, Class::ByReference) => "lend",
        _ => return None,
    };
    Some(Covering::operation(operation))
}

/// Every test that is named.
pub(crate) fn all() -> impl Iterator<Item = Covering> {
    Call::ALL.iter().flat_map(|&call| {
        let classes = Class::ALL.iter();
        classes.filter_map(move |&class| of(call, class))
    })
}

#[test]
fn every_call_is_covered() {
    for &call in Call::ALL {
        let is_covered = Class::ALL.iter().any(|&class| of(call, class).is_some());
        assert!(is_covered, "{}", call.name());
    }
}
