//! What holds for every snapshot.

use std::sync::LazyLock;

use proptest::prelude::{Just, Strategy, prop, proptest};
use proptest::sample::select;
use proptest::{prop_assert, prop_assert_eq};

use super::fixture::{self, START_NS, process, snapshot};
use super::{audit, possible_classes, route, transfers};
use crate::model::{
    ByteClasses, Call, Class, EndpointKind, ErrorCount, FlowCount, Sharing, Snapshot, TransferCount,
};

/// Everything that a flow of the kernel half can be.
static POSSIBLE: LazyLock<Vec<(Call, EndpointKind, EndpointKind, Class)>> = LazyLock::new(|| {
    let mut possible = Vec::new();
    for &call in Call::ALL {
        for &source in EndpointKind::ALL {
            for &sink in EndpointKind::ALL {
                let classes = possible_classes(call, source, sink);
                possible.extend(classes.into_iter().map(|class| (call, source, sink, class)));
            }
        }
    }
    possible
});

fn times() -> impl Strategy<Value = u64> {
    (0..1000u64).prop_map(|after| START_NS + after)
}

fn flows() -> impl Strategy<Value = FlowCount> {
    (
        1..5u32,
        select(POSSIBLE.as_slice()),
        select(Sharing::ALL),
        (0..1u64 << 40, 0..1000u64, 0..1000u64),
        times(),
    )
        .prop_map(
            |(pid, (call, source, sink, class), sharing, counts, first_ns)| FlowCount {
                process: process(pid),
                call,
                source,
                sink,
                class,
                sharing: possible_sharing(class, sharing),
                bytes: counts.0,
                calls: counts.1,
                first_pieces: counts.2,
                first_ns,
            },
        )
}

/// Only bytes of zero-copy calls are shared or copied.
const fn possible_sharing(class: Class, sharing: Sharing) -> Sharing {
    match class {
        Class::ZeroCopy | Class::Staged | Class::ByReference => sharing,
        _ => Sharing::None,
    }
}

fn errors() -> impl Strategy<Value = ErrorCount> {
    let kinds = || select(EndpointKind::ALL);
    (
        1..6u32,
        select(Call::ALL),
        (kinds(), kinds()),
        select(&[1, 9, 11, 22, 32, 38, 95, 512, u16::MAX][..]),
        0..1000u64,
        times(),
    )
        .prop_map(
            |(pid, call, (source, sink), errno, count, first_ns)| ErrorCount {
                process: process(pid),
                call,
                source,
                sink,
                errno,
                count,
                first_ns,
            },
        )
}

/// Transfers of a flow, in up to three sizes, where it has bytes.
fn transfers_of(flow: FlowCount) -> impl Strategy<Value = Vec<TransferCount>> {
    let most = if flow.bytes > 0 { 3 } else { 0 };
    let sizes = prop::collection::btree_map(0..64u8, (1..1000u64, 0..1u64 << 40), 0..=most);
    sizes.prop_map(move |sizes| {
        let sizes = sizes.into_iter();
        let one = fixture::transfers_of(&flow, 1, 1);
        let transfers = sizes.map(|(bucket, (count, bytes))| TransferCount {
            bucket,
            count,
            bytes,
            ..one
        });
        transfers.collect()
    })
}

pub(crate) fn snapshots() -> impl Strategy<Value = Snapshot> {
    let flows = flows().prop_flat_map(|flow| (Just(flow), transfers_of(flow)));
    (
        prop::collection::vec(flows, 0..40),
        prop::collection::vec(errors(), 0..10),
    )
        .prop_map(|(flows, errors)| {
            let (flows, transfers): (Vec<_>, Vec<_>) = flows.into_iter().unzip();
            snapshot()
                .with(flows)
                .with_errors(errors)
                .with_transfers(transfers.into_iter().flatten())
        })
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
            .filter(|flow| route(flow.source, flow.sink).kernel_path.is_ok())
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
        reversed.transfers.reverse();
        prop_assert_eq!(audit(snapshot), audit(reversed));
    }

    #[test]
    fn every_transfer_of_a_flow_is_found_at_a_flow(snapshot in snapshots()) {
        let written = snapshot.transfers.iter().filter(|sizes| sizes.class != Class::Ingest);
        let counted: u64 = written.map(|sizes| sizes.count).sum();
        let audit = audit(snapshot);
        let flows = || audit.processes.iter().flat_map(|process| &process.flows);
        let found = flows().filter_map(|flow| transfers(&flow.transfers));
        prop_assert_eq!(found.map(|transfers| transfers.count).sum::<u64>(), counted);
    }

    #[test]
    fn a_fallback_is_a_refusal_and_then_a_bounce(snapshot in snapshots()) {
        for process in audit(snapshot).processes {
            for fallback in &process.fallbacks {
                prop_assert!(![11, 32, 512].contains(&fallback.errno));
                prop_assert!(fallback.failures.first_ns < fallback.then.first_ns);
                let is_flow = process.flows.iter().any(|flow| {
                    (flow.class, flow.source, flow.sink, flow.bytes, flow.first_ns)
                        == (
                            fallback.then.class,
                            fallback.then.source,
                            fallback.then.sink,
                            fallback.then.bytes,
                            Some(fallback.then.first_ns),
                        )
                        && matches!(flow.class, Class::SameBuffer | Class::SameContent)
                });
                prop_assert!(is_flow);
            }
        }
    }

    #[test]
    fn what_the_kernel_copied_is_part_of_zero_copy(snapshot in snapshots()) {
        let bytes = audit(snapshot).bytes;
        prop_assert!(bytes.kernel_copied <= bytes.zero_copy);
    }
}
