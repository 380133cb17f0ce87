//! The flows of the document.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analysis::{Direction, KernelPath, NoPath, Route, Transfers, route, transfers};
use crate::model::{Class, Failures, Flow, Sharing, SharingVerdict, TransferSizes};
use crate::report::names;

/// One flow.
#[derive(Debug, Serialize)]
pub(super) struct FlowEntry {
    mechanism: &'static str,
    source: &'static str,
    sink: &'static str,
    class: &'static str,
    lost: bool,
    evidence: Option<&'static str>,
    sharing: Option<&'static str>,
    sharing_reason: Option<&'static str>,
    direction: Option<&'static str>,
    kernel_path: Option<&'static str>,
    no_kernel_path: Option<&'static str>,
    bytes: u64,
    calls: u64,
    first_ns: Option<u64>,
    errors: BTreeMap<String, u64>,
    error_details: Vec<ErrorEntry>,
    transfers: Option<TransfersEntry>,
    transfer_sizes: Vec<TransferSizesEntry>,
}

/// Failed calls with one errno.
#[derive(Debug, Serialize)]
struct ErrorEntry {
    errno: String,
    count: u64,
    first_ns: u64,
}

#[derive(Debug, Serialize)]
struct TransfersEntry {
    count: u64,
    bytes: u64,
    median_le: u64,
}

/// Transfers of one size class; `le` is the largest size that belongs to it.
#[derive(Debug, Serialize)]
struct TransferSizesEntry {
    le: u64,
    count: u64,
    bytes: u64,
}

impl From<&Flow> for FlowEntry {
    fn from(flow: &Flow) -> Self {
        let Route {
            direction,
            kernel_path,
        } = route(flow.source, flow.sink);
        let is_zero_copy = flow.sharing != Sharing::None;
        Self {
            mechanism: flow.mechanism.name(),
            source: flow.source.name(),
            sink: flow.sink.name(),
            class: names::class(flow.class),
            lost: flow.lost,
            evidence: evidence(flow.class),
            sharing: flow.sharing.verdict().map(SharingVerdict::name),
            sharing_reason: is_zero_copy.then(|| flow.sharing.name()),
            direction: direction.map(Direction::name),
            kernel_path: kernel_path.ok().map(KernelPath::name),
            no_kernel_path: kernel_path.err().map(NoPath::name),
            bytes: flow.bytes,
            calls: flow.calls,
            first_ns: flow.first_ns,
            errors: flow
                .errors
                .iter()
                .map(|(&errno, failures)| (names::errno(errno), failures.count))
                .collect(),
            error_details: flow.errors.iter().map(ErrorEntry::from).collect(),
            transfers: transfers(&flow.transfers).map(TransfersEntry::from),
            transfer_sizes: flow
                .transfers
                .iter()
                .map(TransferSizesEntry::from)
                .collect(),
        }
    }
}

/// Why the bytes have their class; zero-copy mechanisms need no evidence.
pub(super) const fn evidence(class: Class) -> Option<&'static str> {
    match class {
        Class::ZeroCopy | Class::Staged | Class::ByReference | Class::Ingest => None,
        Class::SameBuffer
        | Class::SameContent
        | Class::SameSize
        | Class::Generated
        | Class::Mapped
        | Class::TlsRecord
        | Class::Unknown => Some(class.name()),
    }
}

impl From<(&u16, &Failures)> for ErrorEntry {
    fn from((&errno, failures): (&u16, &Failures)) -> Self {
        Self {
            errno: names::errno(errno),
            count: failures.count,
            first_ns: failures.first_ns,
        }
    }
}

impl From<Transfers> for TransfersEntry {
    fn from(transfers: Transfers) -> Self {
        Self {
            count: transfers.count,
            bytes: transfers.bytes,
            median_le: largest(transfers.median.bucket),
        }
    }
}

impl From<&TransferSizes> for TransferSizesEntry {
    fn from(sizes: &TransferSizes) -> Self {
        Self {
            le: largest(sizes.bucket),
            count: sizes.count,
            bytes: sizes.bytes,
        }
    }
}

/// The largest size of a transfer in a bucket.
fn largest(bucket: u8) -> u64 {
    u64::MAX >> 63_u8.saturating_sub(bucket)
}

#[cfg(test)]
mod tests {
    use super::largest;

    #[test]
    fn bounds_of_buckets_are_inclusive() {
        assert_eq!(largest(0), 1);
        assert_eq!(largest(1), 3);
        assert_eq!(largest(16), (128 << 10) - 1);
        assert_eq!(largest(63), u64::MAX);
        assert_eq!(largest(u8::MAX), u64::MAX);
    }
}
