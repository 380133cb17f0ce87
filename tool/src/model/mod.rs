//! Plain types of the accounting. No I/O, no decisions.

mod audit;
mod calibration;
mod container;
mod device;
mod finding;
mod lab;
mod moment;
mod own;
mod profile;
mod pushes;
mod runtime;
mod sample;
mod snapshot;
mod stack;
mod timeline;

pub use audit::{
    Audit, ByteClasses, CompressionLike, Failures, Fallback, FallbackFlow, Flow, Mechanism,
    ProcessAudit, Syscall, TransferSizes,
};
pub use calibration::{BreakEven, Calibration, TransferCost};
pub use container::ContainerName;
pub use copytax_common::{
    Call, CallGroup, Class, EndpointKind, SampleKind, Sharing, SharingVerdict,
};
pub use device::{Device, Offloads};
pub use finding::{Finding, FindingBytes, MatchedBy, Saving, SavingBasis, SmallTransfers, Verdict};
pub use lab::{CallSum, LabConditions, LabModes, LabResult, LabRun, LabSeries, LabUnavailable};
pub use moment::Moment;
pub use own::OwnCost;
pub use profile::{Build, CallSite, CpuSite, Estimate, Profile, Sampling, SiteKind};
pub use pushes::Pushes;
pub use runtime::{Libc, Runtime, RuntimeEvidence, RuntimeName};
pub use sample::{OpenFile, RawSample, UserStack};
pub use snapshot::{
    CommandOutcome, Engine, ErrorCount, FlowCount, Host, Loss, ProcessFacts, ProcessId, Snapshot,
    TransferCount, Window,
};
pub use stack::{Frame, Language, Stack, StackEnd};
pub use timeline::{CellCounts, Timeline};
