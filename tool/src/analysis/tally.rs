//! The counts of one process, summed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::analysis::{hit_rate, kernel_path};
use crate::model::{
    ByteClasses, Call, CallGroup, Class, EndpointKind, ErrorCount, Failures, Flow, FlowCount,
    Mechanism, ProcessAudit, ProcessFacts, ProcessId, Sharing, SharingVerdict, Syscall,
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
}

/// The counts of one process. Sums saturate: no input makes them panic.
#[derive(Debug)]
pub(super) struct Tally {
    /// Start of the window, nanoseconds since boot.
    start_ns: u64,
    flows: BTreeMap<FlowKey, FlowSums>,
    syscalls: BTreeMap<Call, Syscall>,
}

impl Tally {
    /// Nothing counted yet, in a window that began so many nanoseconds after boot.
    pub(super) const fn new(start_ns: u64) -> Self {
        Self {
            start_ns,
            flows: BTreeMap::new(),
            syscalls: BTreeMap::new(),
        }
    }

    /// Adds calls that did not fail.
    pub(super) fn add_flow(&mut self, count: &FlowCount) {
        let syscall = self.syscalls.entry(count.call).or_default();
        syscall.calls = syscall.calls.saturating_add(count.first_pieces);
        syscall.bytes = syscall.bytes.saturating_add(count.bytes);

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

        if error.call.group() != CallGroup::ZeroCopy {
            return;
        }
        let class = intended_class(error);
        let Some(mechanism) = mechanism(error.call, class) else {
            return;
        };
        // A failed call has no class of its own: it joins the largest flow of its kind.
        let key = self
            .flows
            .iter()
            .filter(|(key, _)| {
                (key.mechanism, key.source, key.sink) == (mechanism, error.source, error.sink)
            })
            .max_by_key(|(key, sums)| (sums.bytes, Reverse(key.class)))
            .map_or_else(
                || FlowKey {
                    mechanism,
                    source: error.source,
                    sink: error.sink,
                    class,
                    sharing: Sharing::None,
                },
                |(key, _)| *key,
            );
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
                lost: is_bounce(key.class) && kernel_path(key.source, key.sink).is_some(),
                bytes: sums.bytes,
                calls: sums.calls,
                first_ns: sums.first_ns,
                errors: sums.errors,
                transfers: Vec::new(),
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
            flows,
            syscalls: self.syscalls,
        }
    }
}

/// How a call moves bytes to a sink; `None` for calls that only bring bytes in.
const fn mechanism(call: Call, class: Class) -> Option<Mechanism> {
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

/// The class that a failed zero-copy call would have had.
const fn intended_class(error: &ErrorCount) -> Class {
    match (error.call, error.sink) {
        (
            Call::Splice | Call::Tee | Call::Vmsplice | Call::UringSplice | Call::UringTee,
            EndpointKind::Pipe,
        ) => Class::Staged,
        _ => Class::ZeroCopy,
    }
}

/// Whether bytes of the class were relayed through the process unmodified.
const fn is_bounce(class: Class) -> bool {
    matches!(class, Class::SameBuffer | Class::SameContent)
}

/// The bytes of one flow, under the class they count as.
fn classify(flow: &Flow) -> ByteClasses {
    let mut classes = ByteClasses::default();
    let field = match flow.class {
        Class::ZeroCopy | Class::ByReference => &mut classes.zero_copy,
        Class::Staged => &mut classes.staged,
        Class::SameBuffer | Class::SameContent => &mut classes.bounced,
        Class::Mapped => &mut classes.mapped,
        Class::SameSize | Class::TlsRecord => &mut classes.transformed,
        Class::Generated => &mut classes.generated,
        // Reads are no flow; if one came here it would be counted as what is not understood.
        Class::Unknown | Class::Ingest => &mut classes.unknown,
    };
    *field = flow.bytes;
    let is_copied = flow.sharing.verdict() == Some(SharingVerdict::Copied);
    if is_copied && flow.class != Class::Staged {
        classes.kernel_copied = flow.bytes;
    }
    if flow.lost {
        classes.lost = flow.bytes;
    }
    classes
}
