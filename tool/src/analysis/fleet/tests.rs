//! Which recordings are of which machine, and that nothing counts twice.

use std::time::Duration;

use super::*;
use crate::analysis::audit;
use crate::analysis::fixture::{flow, process, snapshot};
use crate::model::EndpointKind::{File, Tcp};
use crate::model::{Call, Class, Snapshot};

const SECOND: Duration = Duration::from_secs(1);

/// A recording of a machine that booted so many seconds after others, so long after its boot; each
/// process loses a byte in a second.
fn recording(name: &str, boot: u32, (begin, length): (u32, u32), pids: &[u32]) -> Audit {
    let mut made = snapshot();
    made.host.hostname = name.into();
    made.window.start_ns += u64::from(begin) * 1_000_000_000;
    made.window.start += (boot + begin) * SECOND;
    made.window.duration = length * SECOND;
    let with = |made: Snapshot, &pid: &u32| {
        let lost = flow(
            pid,
            Call::Write,
            (File, Tcp),
            Class::SameBuffer,
            u64::from(length),
            1,
        );
        made.named(pid, "srv", &[]).with([lost])
    };
    audit(pids.iter().fold(made, with))
}

fn hosts(recordings: &[Audit]) -> Vec<Vec<usize>> {
    let audits: Vec<&Audit> = recordings.iter().collect();
    let hosts = pool(&audits).hosts.into_iter();
    hosts.map(|host| host.recordings).collect()
}

#[test]
fn names_tell_machines_apart() {
    let of = |name| recording(name, 0, (0, 10), &[7]);
    assert_eq!(hosts(&[of("a"), of("b"), of("a")]), [vec![0, 2], vec![1]]);
}

#[test]
fn a_machine_boots_again_but_not_while_it_runs() {
    let first = recording("a", 0, (0, 10), &[7]);
    let rebooted = recording("a", 3_700, (0, 10), &[8]);
    // In the fixture the window begins an hour after the boot.
    assert_eq!(hosts(&[first.clone(), rebooted]), [[0, 1]]);
    let of_that_name = recording("a", 100, (0, 10), &[8]);
    let recordings = [first, of_that_name];
    assert_eq!(hosts(&recordings), [[0], [1]]);
    let audits: Vec<&Audit> = recordings.iter().collect();
    let pool = pool(&audits);
    assert_eq!(
        (pool.label(0, "x").as_str(), pool.label(1, "x").as_str()),
        ("a", "a (2)")
    );
}

#[test]
fn the_clock_of_the_wall_may_be_set() {
    let before = recording("a", 0, (0, 10), &[7, 9]);
    let after = recording("a", 500, (20, 10), &[7, 8]);
    assert_eq!(hosts(&[before, after]), [[0, 1]], "a process tells");
}

#[test]
fn without_names_processes_tell() {
    let of = |boot, begin, pids: &[u32]| recording("", boot, (begin, 10), pids);
    let recordings = [
        of(0, 0, &[1, 7]),
        of(0, 1, &[1, 8]),
        of(0, 2, &[7, 9]),
        of(1_000, 3, &[7]),
        recording("a", 0, (20, 10), &[8]),
    ];
    assert_eq!(hosts(&recordings), [vec![0, 2], vec![1, 4], vec![3]]);
    let audits: Vec<&Audit> = recordings.iter().collect();
    let pool = pool(&audits);
    assert_eq!(pool.label(0, "0a1b"), "unnamed 0a1b");
    assert_eq!(pool.label(1, "0a1b"), "a");
}

#[test]
fn a_recording_tells_of_others_that_they_are_of_one_machine() {
    let of = |begin, pids: &[u32]| recording("", 0, (begin, 10), pids);
    let recordings = [of(0, &[7]), of(1, &[8]), of(2, &[9]), of(3, &[7, 8])];
    assert_eq!(hosts(&recordings), [vec![0, 1, 3], vec![2]]);
    let audits: Vec<&Audit> = recordings.iter().collect();
    assert_eq!(merge(&audits, MatchBy::Exe).total.bytes.lost, 30);
    // But two that cannot be the same stay two.
    let recordings = [
        recording("a", 0, (0, 10), &[7]),
        recording("a", 100, (0, 10), &[8]),
        recording("a", 9_000, (0, 10), &[9]),
    ];
    assert_eq!(hosts(&recordings).len(), 2);
}

#[test]
fn what_two_recordings_have_counts_once() {
    let recordings = [
        recording("a", 0, (0, 10), &[7, 8]),
        recording("a", 0, (5, 20), &[7, 9]),
        recording("a", 0, (30, 10), &[7]),
    ];
    let audits: Vec<&Audit> = recordings.iter().collect();
    let fleet = merge(&audits, MatchBy::Exe);
    // Of 7 the longer one counts, and the one that is later.
    assert_eq!(fleet.total.bytes.lost, 10 + 20 + 20 + 10);
    assert_eq!(fleet.total.processes, 3);
    assert_eq!(fleet.pool.hosts[0].recorded, 35 * SECOND);
    let rate = fleet.total.lost_per_second.expect("a rate");
    assert!((rate - 60.0 / 35.0).abs() < 1e-12);
    let overlap = &fleet.pool.overlaps[&0];
    assert_eq!(overlap.processes, [process(7)].into());
    assert_eq!(overlap.counted_from, [1].into());
    assert_eq!(fleet.recordings[0].left_out.lost, 10);
    assert_eq!(fleet.recordings[1].left_out.lost, 0);
}

#[test]
fn what_is_left_out_of_one_is_not_left_out_of_all() {
    // The second one covers the others, which do not touch each other.
    let recordings = [
        recording("a", 0, (0, 10), &[7]),
        recording("a", 0, (5, 12), &[7]),
        recording("a", 0, (16, 11), &[7]),
    ];
    let audits: Vec<&Audit> = recordings.iter().collect();
    assert_eq!(merge(&audits, MatchBy::Exe).total.bytes.lost, 12);
    // Of three in a row the middle one is left out, so that both ends count.
    let recordings = [
        recording("a", 0, (0, 12), &[7]),
        recording("a", 0, (11, 10), &[7]),
        recording("a", 0, (20, 9), &[7]),
    ];
    let audits: Vec<&Audit> = recordings.iter().collect();
    assert_eq!(merge(&audits, MatchBy::Exe).total.bytes.lost, 12 + 9);
}

#[test]
fn a_recording_is_known_again_whatever_it_has() {
    for twice in [
        recording("", 0, (0, 10), &[1]),
        recording("a", 0, (0, 0), &[7]),
        recording("", 0, (0, 0), &[]),
    ] {
        let fleet = merge(&[&twice, &twice], MatchBy::Exe);
        assert_eq!(fleet.pool.hosts.len(), 1);
        assert_eq!(fleet.total.bytes, twice.bytes);
    }
}

#[test]
fn a_machine_without_time_has_no_rate() {
    let nothing = recording("a", 0, (0, 0), &[]);
    assert_eq!(
        merge(&[&nothing], MatchBy::Exe).total.lost_per_second,
        Some(0.0)
    );
    let lost = recording("b", 0, (0, 10), &[7]);
    let mut at_once = lost.clone();
    at_once.window.duration = Duration::ZERO;
    assert_eq!(merge(&[&at_once], MatchBy::Exe).total.lost_per_second, None);
}

#[test]
fn a_recording_has_one_name() {
    let one = recording("a", 0, (0, 10), &[7]);
    assert_eq!(
        recording_id(&one),
        recording_id(&recording("a", 0, (0, 99), &[8]))
    );
    for other in [("b", 0, 0), ("a", 1, 0), ("a", 0, 1)] {
        let (name, boot, begin) = other;
        let other = recording(name, boot, (begin, 10), &[7]);
        assert_ne!(recording_id(&one), recording_id(&other));
    }
}
