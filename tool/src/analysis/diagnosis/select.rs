//! Flows of which something may be to be said.

use crate::model::{Class, Flow, SharingVerdict};

/// Whether any copy of the bytes was made that need not be, or may not need to be: not so where they
/// were moved by reference, or wait in a pipe.
pub(super) fn is_at_issue(flow: &Flow) -> bool {
    if flow.bytes == 0 {
        return false;
    }
    match flow.class {
        Class::SameBuffer
        | Class::SameContent
        | Class::Mapped
        | Class::SameSize
        | Class::TlsRecord
        | Class::Generated => true,
        Class::ZeroCopy | Class::ByReference => {
            flow.sharing.verdict() == Some(SharingVerdict::Copied)
        }
        Class::Staged | Class::Ingest | Class::Unknown => false,
    }
}
