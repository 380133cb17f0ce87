//! Plain types of the accounting. No I/O, no decisions.

mod audit;
mod snapshot;

pub use audit::{
    Audit, ByteClasses, Failures, Flow, Mechanism, ProcessAudit, Syscall, TransferSizes,
};
pub use copytax_common::{Call, CallGroup, Class, EndpointKind, Sharing, SharingVerdict};
pub use snapshot::{
    CommandOutcome, Engine, ErrorCount, FlowCount, Host, Loss, ProcessFacts, ProcessId, Snapshot,
    TransferCount, Window,
};
