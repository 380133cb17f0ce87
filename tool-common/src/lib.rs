//! The contract between the kernel half and the userspace half of copytax.
//!
//! Every type that crosses a BPF map or a read-only global lives here: `repr(C)`, integers only,
//! padding explicit, size asserted at compile time. Values that arrive from the kernel are decoded
//! by [`Abi::decode`] and the `TryFrom` implementations, never transmuted into enums.
#![no_std]

mod call;
mod class;
mod config;
mod decode;
mod endpoint;
mod exponential;
mod flow;
mod loss;
mod process;
mod sample;
mod sample_layout;
mod sharing;
mod splice_read;
mod uring;

pub use call::{Call, CallGroup};
pub use class::Class;
pub use config::{Filter, FilterMode, KernelLayout, TARGET_ACTIVE, TARGET_FOLLOW, TARGET_PENDING};
pub use decode::{Abi, DecodeError, UnknownTag};
pub use endpoint::EndpointKind;
pub use exponential::{EXPONENTIAL_ONE, exponential};
pub use flow::{
    ErrorCounters, ErrorKey, FlowCounters, FlowKey, OPEN_TRANSFER_SETS, OPEN_TRANSFER_WAYS,
    OpenTransfers, PENDING_FLOWS, PendingFlow, ProcessKey, TransferCounters, TransferKey,
};
pub use loss::LossCounter;
pub use process::{
    CMDLINE_LEN, COMM_LEN, FILENAME_LEN, PROCESS_EXECED, PROCESS_EXITED, ProcessRecord,
};
pub use sample::{
    FileFacts, SAMPLE_FRAMES, SAMPLE_PATH, SAMPLE_STACK, SAMPLE_STACK_CUT, SAMPLE_USER,
    SampleHeader, SampleKind, SamplingConfig,
};
pub use sample_layout::SampleLayout;
pub use sharing::{Sharing, SharingVerdict};
pub use splice_read::{OverlayFile, SPLICE_READS, SharingLayout, SpliceRead};
pub use uring::UringLayout;
