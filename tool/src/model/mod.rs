//! Plain types of the accounting. No I/O, no decisions.

mod audit;
mod snapshot;

pub use audit::{Audit, ByteClasses, Flow, Mechanism, ProcessAudit, Syscall};
pub use copytax_common::{Call, CallGroup, Class, EndpointKind};
pub use snapshot::{
    CommandOutcome, Engine, ErrorCount, FlowCount, Host, Loss, ProcessFacts, ProcessId, Snapshot,
    Window,
};
