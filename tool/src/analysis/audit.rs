//! The audit of a snapshot.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::analysis::tally::Tally;
use crate::model::{Audit, ByteClasses, ProcessAudit, ProcessId, Snapshot};

/// Decides what the counts of `snapshot` mean.
///
/// Processes are sorted by lost bytes, then bounced bytes, then all written bytes, largest first,
/// then by pid; those that made no accounted call are left out.
#[must_use]
pub fn audit(snapshot: Snapshot) -> Audit {
    let mut tallies: BTreeMap<ProcessId, Tally> = BTreeMap::new();
    let start_ns = snapshot.window.start_ns;
    let new = || Tally::new(start_ns);
    for count in &snapshot.flows {
        // An empty aggregate stands for no call.
        if (count.bytes, count.calls, count.first_pieces) != (0, 0, 0) {
            let tally = tallies.entry(count.process).or_insert_with(new);
            tally.add_flow(count);
        }
    }
    // After all flows: errors and transfers look for the flow they belong to.
    for error in snapshot.errors.iter().filter(|error| error.count > 0) {
        let tally = tallies.entry(error.process).or_insert_with(new);
        tally.add_error(error);
    }
    for sizes in &snapshot.transfers {
        if let Some(tally) = tallies.get_mut(&sizes.process) {
            tally.add_transfers(sizes);
        }
    }

    let mut facts = snapshot.processes;
    let mut processes: Vec<ProcessAudit> = tallies
        .into_iter()
        .map(|(id, tally)| tally.finish(id, facts.remove(&id).unwrap_or_default()))
        .collect();
    processes.sort_by_key(|process| {
        let bytes = &process.bytes;
        (
            Reverse((bytes.lost, bytes.bounced, bytes.written())),
            process.id,
        )
    });

    let mut bytes = ByteClasses::default();
    for process in &processes {
        bytes.add(&process.bytes);
    }
    Audit {
        host: snapshot.host,
        window: snapshot.window,
        engine: snapshot.engine,
        loss: snapshot.loss,
        hit_rate: hit_rate(&bytes),
        bytes,
        processes,
        findings: Vec::new(),
        command: snapshot.command,
        is_incomplete: snapshot.is_incomplete,
    }
}

/// Zero-copy bytes / (zero-copy + lost bytes). `None` where both are 0: bytes that no kernel path
/// could have moved say nothing about the fast path.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio; 53 bits of it are plenty"
)]
pub fn hit_rate(bytes: &ByteClasses) -> Option<f64> {
    let zero_copy = bytes.zero_copy as f64;
    let eligible = zero_copy + bytes.lost as f64;
    (eligible > 0.0).then(|| zero_copy / eligible)
}
