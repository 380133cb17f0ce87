//! The counts of one process, summed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::analysis::compression::Unexplained;
use crate::analysis::fallback::{fallbacks, is_bounce};
use crate::analysis::{hit_rate, route};
use crate::model::{
    ByteClasses, Call, CallGroup, Class, EndpointKind, ErrorCount, Failures, Flow, FlowCount,
    Mechanism, ProcessAudit, ProcessFacts, ProcessId, Sharing, SharingVerdict, Syscall,
    TransferCount, TransferSizes,
};

/// What a flow is summed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct FlowKey {
    mechanism: Mechanism,
    source: EndpointKind,
    sink: EndpointKind,
    class: Class,
    sharing: Sharing,
}

#[derive(Debug, Default)]
struct FlowSums {
    bytes: u64,
    calls: u64,
    first_ns: Option<u64>,
    errors: BTreeMap<u16, Failures>,
    /// By bucket.
    transfers: BTreeMap<u8, TransferSizes>,
}

/// The counts of one process. Sums saturate: no input makes them panic.
#[derive(Debug)]
pub(super) struct Tally {
    /// Start of the window, nanoseconds since boot.
    start_ns: u64,
    flows: BTreeMap<FlowKey, FlowSums>,
    syscalls: BTreeMap<Call, Syscall>,
    unexplained: Unexplained,
}

impl Tally {
    /// Nothing counted yet, in a window that began so many nanoseconds after boot.
    pub(super) fn new(start_ns: u64) -> Self {
        Self {
            start_ns,
            flows: BTreeMap::new(),
            syscalls: BTreeMap::new(),
            unexplained: Unexplained::default(),
        }
    }

    /// Adds calls that did not fail.
    pub(super) fn add_flow(&mut self, count: &FlowCount) {
        let syscall = self.syscalls.entry(count.call).or_default();
        syscall.calls = syscall.calls.saturating_add(count.first_pieces);
        syscall.bytes = syscall.bytes.saturating_add(count.bytes);
        self.unexplained.add(count);

        // Reads end in the process, and an end of file moves nothing: neither is a flow.
        let nothing_moved = count.bytes == 0 && count.calls == 0;
        if nothing_moved || count.class == Class::Ingest {
            return;
        }
        let Some(mechanism) = mechanism(count.call, count.class) else {
            return;
        };
        let sums = self
            .flows
            .entry(FlowKey {
                mechanism,
                source: count.source,
                sink: count.sink,
                class: count.class,
                sharing: count.sharing,
            })
            .or_default();
        sums.bytes = sums.bytes.saturating_add(count.bytes);
        sums.calls = sums.calls.saturating_add(count.calls);
        let first_ns = count.first_ns.saturating_sub(self.start_ns);
        sums.first_ns = Some(sums.first_ns.map_or(first_ns, |first| first.min(first_ns)));
    }

    /// Adds calls that failed, after all that did not.
    ///
    /// A failed zero-copy call belongs to a flow: it says why bytes took another way. A read that
    /// found nothing or a write to a full socket says nothing of the kind and is counted as a call
    /// only.
    pub(super) fn add_error(&mut self, error: &ErrorCount) {
        let syscall = self.syscalls.entry(error.call).or_default();
        syscall.calls = syscall.calls.saturating_add(error.count);
        syscall.errors = syscall.errors.saturating_add(error.count);

        let Some(class) = intended_class(error) else {
            return;
        };
        let Some(mechanism) = mechanism(error.call, class) else {
            return;
        };
        // A failed call has no class of its own: it joins the largest flow of its kind.
        let ends = (error.source, error.sink);
        let key = self
            .largest(|key| (key.mechanism, (key.source, key.sink)) == (mechanism, ends))
            .unwrap_or(FlowKey {
                mechanism,
                source: error.source,
                sink: error.sink,
                class,
                sharing: Sharing::None,
            });
        let first_ns = error.first_ns.saturating_sub(self.start_ns);
        let failures = self
            .flows
            .entry(key)
            .or_default()
            .errors
            .entry(error.errno)
            .or_insert(Failures { count: 0, first_ns });
        failures.count = failures.count.saturating_add(error.count);
        failures.first_ns = failures.first_ns.min(first_ns);
    }

    /// Adds sizes of transfers to their flow, after all flows.
    ///
    /// Whether the bytes were shared may have become known only after the transfer was over: then
    /// they join the largest flow that is theirs otherwise. Sizes of a flow that was not counted,
    /// for want of room in the kernel's map, are left out like its bytes.
    pub(super) fn add_transfers(&mut self, sizes: &TransferCount) {
        let Some(mechanism) = mechanism(sizes.call, sizes.class) else {
            return;
        };
        let wanted = FlowKey {
            mechanism,
            source: sizes.source,
            sink: sizes.sink,
            class: sizes.class,
            sharing: sizes.sharing,
        };
        let is_alike = |key: &FlowKey| {
            let sharing = key.sharing;
            *key == FlowKey { sharing, ..wanted }
        };
        let key = if self.flows.contains_key(&wanted) {
            Some(wanted)
        } else {
            self.largest(is_alike)
        };
        let Some(flow) = key.and_then(|key| self.flows.get_mut(&key)) else {
            return;
        };
        let sum = flow.transfers.entry(sizes.bucket).or_insert(TransferSizes {
            bucket: sizes.bucket,
            ..TransferSizes::default()
        });
        sum.count = sum.count.saturating_add(sizes.count);
        sum.bytes = sum.bytes.saturating_add(sizes.bytes);
    }

    /// The key of the largest flow whose key is as wanted.
    fn largest(&self, wanted: impl Fn(&FlowKey) -> bool) -> Option<FlowKey> {
        self.flows
            .iter()
            .filter(|(key, _)| wanted(key))
            .max_by_key(|(key, sums)| (sums.bytes, Reverse(key.class), Reverse(key.sharing)))
            .map(|(key, _)| *key)
    }

    /// The audit of the process.
    pub(super) fn finish(self, id: ProcessId, facts: ProcessFacts) -> ProcessAudit {
        let mut bytes = ByteClasses::default();
        let mut flows: Vec<Flow> = self
            .flows
            .into_iter()
            .map(|(key, sums)| Flow {
                mechanism: key.mechanism,
                source: key.source,
                sink: key.sink,
                class: key.class,
                sharing: key.sharing,
                lost: is_lost(key.class, key.source, key.sink),
                bytes: sums.bytes,
                calls: sums.calls,
                first_ns: sums.first_ns,
                errors: sums.errors,
                transfers: sums.transfers.into_values().collect(),
            })
            .collect();
        for flow in &flows {
            bytes.add(&classify(flow));
        }
        // Stable: flows of equal size stay in the order of their keys.
        flows.sort_by_key(|flow| Reverse((flow.bytes, flow.calls)));
        ProcessAudit {
            id,
            facts,
            hit_rate: hit_rate(&bytes),
            bytes,
            fallbacks: fallbacks(&flows),
            compression_like: self.unexplained.compression_like(),
            flows,
            syscalls: self.syscalls,
        }
    }
}

/// Whether the kernel could have moved bytes that were read and written.
pub(super) fn is_lost(class: Class, source: EndpointKind, sink: EndpointKind) -> bool {
    is_bounce(class) && route(source, sink).kernel_path.is_ok()
}

/// How a call moves bytes to a sink; `None` for calls that only bring bytes in.
pub(super) const fn mechanism(call: Call, class: Class) -> Option<Mechanism> {
    match call {
        Call::Sendfile => Some(Mechanism::Sendfile),
        Call::Splice => Some(Mechanism::Splice),
        Call::Tee => Some(Mechanism::Tee),
        Call::Vmsplice => Some(Mechanism::Vmsplice),
        Call::CopyFileRange => Some(Mechanism::CopyFileRange),
        Call::UringSplice => Some(Mechanism::UringSplice),
        Call::UringTee => Some(Mechanism::UringTee),
        _ => match call.group() {
            CallGroup::Egress => Some(match class {
                Class::ByReference if call.is_io_uring() => Mechanism::UringSendZc,
                Class::ByReference => Mechanism::MsgZerocopy,
                Class::Mapped => Mechanism::MmapWrite,
                _ => Mechanism::ReadWrite,
            }),
            CallGroup::Ingest | CallGroup::ZeroCopy => None,
        },
    }
}

/// The class that bytes of a failed zero-copy call would have had; `None` for other calls.
const fn intended_class(error: &ErrorCount) -> Option<Class> {
    match (error.call, error.call.group()) {
        (Call::UringSendZc | Call::UringSendmsgZc, _) => Some(Class::ByReference),
        (_, CallGroup::ZeroCopy) if matches!(error.sink, EndpointKind::Pipe) => Some(Class::Staged),
        (_, CallGroup::ZeroCopy) => Some(Class::ZeroCopy),
        (_, CallGroup::Ingest | CallGroup::Egress) => None,
    }
}

/// The bytes of one flow, under the class they count as.
fn classify(flow: &Flow) -> ByteClasses {
    let mut classes = of_class(flow.class, flow.bytes, flow.lost);
    classes.kernel_copied = copied(flow.class, flow.sharing, flow.bytes);
    classes
}

/// The part of `bytes` that the kernel is known to have copied, though a zero-copy call delivered them.
pub(super) fn copied(class: Class, sharing: Sharing, bytes: u64) -> u64 {
    let is_copied = sharing.verdict() == Some(SharingVerdict::Copied) && class != Class::Staged;
    if is_copied { bytes } else { 0 }
}

/// Bytes of one class.
pub(super) fn of_class(class: Class, bytes: u64, lost: bool) -> ByteClasses {
    let mut classes = ByteClasses::default();
    let field = match class {
        Class::ZeroCopy | Class::ByReference => &mut classes.zero_copy,
        Class::Staged => &mut classes.staged,
        Class::SameBuffer | Class::SameContent => &mut classes.bounced,
        Class::Mapped => &mut classes.mapped,
        Class::SameSize | Class::TlsRecord => &mut classes.transformed,
        Class::Generated => &mut classes.generated,
        // Reads are no flow; if one came here it would be counted as what is not understood.
        Class::Unknown | Class::Ingest => &mut classes.unknown,
    };
    *field = bytes;
    if lost {
        classes.lost = bytes;
    }
    classes
}
