//! The one row that is about all of it.

use std::time::SystemTime;

use rusqlite::{Connection, named_params};

use crate::model::{SiteKind, Snapshot};
use crate::recording::writer::RecordingOptions;
use crate::recording::writer::step::nanoseconds;

/// Writes it, as that of a recording that is not complete.
pub(super) fn write(
    file: &Connection,
    snapshot: &Snapshot,
    options: &RecordingOptions,
) -> rusqlite::Result<()> {
    let started = snapshot.window.start.duration_since(SystemTime::UNIX_EPOCH);
    let interval = |kind: SiteKind| snapshot.profile.sampling.first_interval[kind as usize];
    let host = &snapshot.host;
    file.execute(
        "INSERT INTO recording (id, tool, complete, redacted, started_ns, boot_ns, interval_ns, engine,
             kernel, arch, cpus, hostname, bounced_interval, zero_copy_interval, other_interval,
             without_profile)
         VALUES (1, :tool, 0, :redacted, :started, :boot, :interval, :engine, :kernel, :arch, :cpus, :hostname,
             :bounced, :zero_copy, :other, :without)",
        named_params! {
            ":tool": env!("CARGO_PKG_VERSION"),
            ":redacted": options.redacted,
            ":started": nanoseconds(started.unwrap_or_default()),
            ":boot": snapshot.window.start_ns.cast_signed(),
            ":interval": nanoseconds(options.interval),
            ":engine": snapshot.engine.name(),
            ":kernel": host.kernel,
            ":arch": host.arch,
            ":cpus": host.cpus,
            ":hostname": host.hostname,
            ":bounced": interval(SiteKind::Bounced).cast_signed(),
            ":zero_copy": interval(SiteKind::ZeroCopy).cast_signed(),
            ":other": interval(SiteKind::Other).cast_signed(),
            ":without": snapshot.without_profile,
        },
    )
    .map(drop)
}

/// Marks it as complete; there is nothing to be written after it.
pub(super) fn complete(file: &Connection, last: &Snapshot) -> rusqlite::Result<()> {
    let command = last.command.as_ref();
    let words = command.map(|outcome| serde_json::json!(outcome.command).to_string());
    file.execute(
        "UPDATE recording SET complete = 1, command = ?1, command_pid = ?2, command_exit_code = ?3,
             command_signal = ?4",
        (
            words,
            command.map(|outcome| outcome.pid),
            command.and_then(|outcome| outcome.exit_code),
            command.and_then(|outcome| outcome.signal),
        ),
    )
    .map(drop)
}
