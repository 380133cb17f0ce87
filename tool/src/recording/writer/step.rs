//! The row of a step: its end, and what was lost until then.

use std::time::Duration;

use rusqlite::{Connection, named_params};

use crate::model::{Loss, SiteKind, Snapshot};

/// Writes it.
pub(super) fn write(file: &Connection, step: u32, snapshot: &Snapshot) -> rusqlite::Result<()> {
    let sampling = &snapshot.profile.sampling;
    let widest = |kind: SiteKind| sampling.widest_interval[kind as usize].cast_signed();
    // Taken apart, so that a new counter cannot be forgotten here.
    let Loss {
        samples_dropped,
        relay_evictions,
        relay_contention,
        content_unreadable,
        pieces_truncated,
        map_full,
        unsupported_abi_calls,
        endpoint_unknown,
        transfers_split,
        mapping_contention,
        uring_unseen,
    } = snapshot.loss;
    file.prepare_cached(
        "INSERT INTO step VALUES (:id, :end, :samples, :lost, :tick, :bounced, :zero_copy, :other,
             :dropped, :evictions, :contention, :unreadable, :truncated, :map_full, :abi, :endpoint,
             :split, :mapping, :uring)",
    )?
    .execute(named_params! {
        ":id": step,
        ":end": nanoseconds(snapshot.window.duration),
        ":samples": sampling.samples.cast_signed(),
        ":lost": sampling.dropped.cast_signed(),
        ":tick": nanoseconds(sampling.tick),
        ":bounced": widest(SiteKind::Bounced),
        ":zero_copy": widest(SiteKind::ZeroCopy),
        ":other": widest(SiteKind::Other),
        ":dropped": samples_dropped.cast_signed(),
        ":evictions": relay_evictions.cast_signed(),
        ":contention": relay_contention.cast_signed(),
        ":unreadable": content_unreadable.cast_signed(),
        ":truncated": pieces_truncated.cast_signed(),
        ":map_full": map_full.cast_signed(),
        ":abi": unsupported_abi_calls.map(u64::cast_signed),
        ":endpoint": endpoint_unknown.cast_signed(),
        ":split": transfers_split.cast_signed(),
        ":mapping": mapping_contention.cast_signed(),
        ":uring": uring_unseen.map(u64::cast_signed),
    })
    .map(drop)
}

/// Everything that was lost, besides samples, which are told apart.
pub(super) fn lost(loss: &Loss) -> u64 {
    [
        loss.relay_evictions,
        loss.relay_contention,
        loss.content_unreadable,
        loss.pieces_truncated,
        loss.map_full,
        loss.unsupported_abi_calls.unwrap_or(0),
        loss.endpoint_unknown,
        loss.transfers_split,
        loss.mapping_contention,
        loss.uring_unseen.unwrap_or(0),
    ]
    .into_iter()
    .fold(0, u64::saturating_add)
}

/// A duration as SQLite has it: at most 292 years.
pub(super) fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
