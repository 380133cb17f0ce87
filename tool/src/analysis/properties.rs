//! What holds for every snapshot.

use proptest::prelude::{Strategy, any, prop, proptest};
use proptest::sample::select;
use proptest::{prop_assert, prop_assert_eq};

use super::fixture::{START_NS, process, snapshot};
use super::{audit, kernel_path};
use crate::model::{
    ByteClasses, Call, CallGroup, Class, EndpointKind, ErrorCount, FlowCount, Sharing, Snapshot,
};

fn flows() -> impl Strategy<Value = FlowCount> {
    let kinds = || select(EndpointKind::ALL);
    (
        1..5u32,
        select(Call::ALL),
        (kinds(), kinds()),
        select(Class::ALL),
        (0..1u64 << 40, 0..1000u64, 0..1000u64),
    )
        .prop_map(|(pid, call, (source, sink), class, counts)| FlowCount {
            process: process(pid),
            call,
            source,
            sink,
            class: possible(call.group(), class),
            sharing: Sharing::None,
            bytes: counts.0,
            calls: counts.1,
            first_pieces: counts.2,
            first_ns: START_NS,
        })
}

/// The class, or one that the kernel half may give to bytes of such a call.
fn possible(group: CallGroup, class: Class) -> Class {
    match (group, class) {
        (CallGroup::Ingest, _) => Class::Ingest,
        (CallGroup::ZeroCopy, Class::Staged | Class::Unknown) => class,
        (CallGroup::ZeroCopy, _) => Class::ZeroCopy,
        (CallGroup::Egress, Class::Ingest | Class::ZeroCopy | Class::Staged) => Class::Generated,
        (CallGroup::Egress, _) => class,
    }
}

fn errors() -> impl Strategy<Value = ErrorCount> {
    let kinds = || select(EndpointKind::ALL);
    (
        1..6u32,
        select(Call::ALL),
        kinds(),
        kinds(),
        any::<u16>(),
        0..1000u64,
    )
        .prop_map(|(pid, call, source, sink, errno, count)| ErrorCount {
            process: process(pid),
            call,
            source,
            sink,
            errno,
            count,
            first_ns: START_NS,
        })
}

pub(crate) fn snapshots() -> impl Strategy<Value = Snapshot> {
    (
        prop::collection::vec(flows(), 0..40),
        prop::collection::vec(errors(), 0..10),
    )
        .prop_map(|(flows, errors)| snapshot().with(flows).with_errors(errors))
}

proptest! {
    #[test]
    fn every_written_byte_is_in_one_class(snapshot in snapshots()) {
        let written: u64 = snapshot
            .flows
            .iter()
            .filter(|flow| flow.class != Class::Ingest)
            .map(|flow| flow.bytes)
            .sum();
        let lost: u64 = snapshot
            .flows
            .iter()
            .filter(|flow| matches!(flow.class, Class::SameBuffer | Class::SameContent))
            .filter(|flow| kernel_path(flow.source, flow.sink).is_some())
            .map(|flow| flow.bytes)
            .sum();
        let audit = audit(snapshot);
        prop_assert_eq!(audit.bytes.written(), written);
        prop_assert_eq!(audit.bytes.lost, lost);
    }

    #[test]
    fn processes_sum_to_the_totals_and_flows_to_the_process(snapshot in snapshots()) {
        let audit = audit(snapshot);
        let mut sum = ByteClasses::default();
        for process in &audit.processes {
            sum.add(&process.bytes);
            let flows: u64 = process.flows.iter().map(|flow| flow.bytes).sum();
            prop_assert_eq!(process.bytes.written(), flows);
            prop_assert!(process.bytes.lost <= process.bytes.bounced);
        }
        prop_assert_eq!(sum, audit.bytes);
    }

    #[test]
    fn calls_are_exits_with_and_without_errors(snapshot in snapshots()) {
        let exits: u64 = snapshot.flows.iter().map(|flow| flow.first_pieces).sum();
        let failed: u64 = snapshot.errors.iter().map(|error| error.count).sum();
        let bytes: u64 = snapshot.flows.iter().map(|flow| flow.bytes).sum();
        let audit = audit(snapshot);
        let calls = || audit.processes.iter().flat_map(|process| process.syscalls.values());
        prop_assert_eq!(calls().map(|call| call.calls).sum::<u64>(), exits + failed);
        prop_assert_eq!(calls().map(|call| call.errors).sum::<u64>(), failed);
        prop_assert_eq!(calls().map(|call| call.bytes).sum::<u64>(), bytes);
    }

    #[test]
    fn a_hit_rate_is_a_share_or_nothing(snapshot in snapshots()) {
        for process in audit(snapshot).processes {
            let eligible = process.bytes.zero_copy + process.bytes.lost;
            prop_assert_eq!(process.hit_rate.is_none(), eligible == 0);
            prop_assert!(process.hit_rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)));
        }
    }

    #[test]
    fn the_order_of_the_counts_does_not_matter(snapshot in snapshots()) {
        let mut reversed = snapshot.clone();
        reversed.flows.reverse();
        reversed.errors.reverse();
        prop_assert_eq!(audit(snapshot), audit(reversed));
    }
}
