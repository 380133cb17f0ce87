//! The decoders as fuzzing sees them: from bytes to the words of the model.

use copytax_common::{
    Abi, ErrorCounters, ErrorKey, FlowCounters, FlowKey, TransferCounters, TransferKey,
};

use crate::model::{ErrorCount, FlowCount, RawSample, TransferCount};
use crate::probe::{ProbeError, maps, samples, transfers};

pub(crate) use maps::bytes_of;

/// A record of the ring buffer.
pub(crate) fn sample(bytes: &[u8]) -> Result<RawSample, samples::SampleError> {
    samples::decode(bytes)
}

/// A key of `FLOWS`.
pub(crate) fn flow(bytes: &[u8]) -> Option<Result<FlowCount, ProbeError>> {
    let key = FlowKey::decode(bytes).ok()?;
    Some(maps::flow_count(key, FlowCounters::default()))
}

/// A key of `ERRORS`.
pub(crate) fn error(bytes: &[u8]) -> Option<Result<ErrorCount, ProbeError>> {
    let key = ErrorKey::decode(bytes).ok()?;
    Some(maps::error_of(key, ErrorCounters::default()))
}

/// A key of `TRANSFERS`.
pub(crate) fn transfer(bytes: &[u8]) -> Option<Result<TransferCount, ProbeError>> {
    let key = TransferKey::decode(bytes).ok()?;
    Some(transfers::transfer_count(key, TransferCounters::default()))
}
