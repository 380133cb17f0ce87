//! Recordings of a server that never was.

use std::path::Path;
use std::time::Duration;

use super::{RecordingOptions, Writer};
use crate::analysis::fixture::{failure, flow, process, profile, snapshot, transfers_of};
use crate::model::{
    Build, Call, Class, CpuSite, EndpointKind, Estimate, RuntimeEvidence, RuntimeName, Snapshot,
};

pub(crate) const OPTIONS: RecordingOptions = RecordingOptions {
    interval: Duration::from_secs(1),
    overwrite: false,
    redacted: false,
};

pub(crate) const FILE_TO_TCP: (EndpointKind, EndpointKind) =
    (EndpointKind::File, EndpointKind::Tcp);

/// What a server has after so many seconds.
pub(crate) fn after(seconds: u64) -> Snapshot {
    let lost = flow(
        7,
        Call::Write,
        FILE_TO_TCP,
        Class::SameBuffer,
        1000 * seconds,
        seconds,
    );
    let mut snapshot = snapshot()
        .named(7, "srv", &["srv", "-x", "a b"])
        .running_on(
            7,
            RuntimeName::Go,
            Some("1.22.10"),
            RuntimeEvidence::BuildInfo,
        )
        .with([lost])
        .with_transfers([transfers_of(&lost, 1000, seconds)])
        .with_errors([failure(7, Call::Sendfile, FILE_TO_TCP, 22, 3)]);
    if seconds >= 3 {
        let sent = seconds - 2;
        snapshot = snapshot.named(8, "late", &[]).with([flow(
            8,
            Call::Sendfile,
            FILE_TO_TCP,
            Class::ZeroCopy,
            100 * sent,
            sent,
        )]);
    }
    snapshot.window.duration = Duration::from_secs(seconds);
    snapshot.loss.relay_evictions = seconds;
    snapshot.profile = profile_after(seconds);
    snapshot
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn profile_after(seconds: u64) -> crate::model::Profile {
    let bytes = |samples: u64| Estimate {
        value: samples as f64 * 0.1,
        variance: samples as f64 * 0.3,
    };
    let site = |site: crate::model::CallSite, samples| crate::model::CallSite {
        process: process(7),
        samples,
        calls: bytes(samples),
        ..site
    };
    let mut all = sampled();
    all.call_sites = vec![site(profile::go_wrapper(bytes(seconds)), seconds)];
    if seconds >= 2 {
        all.call_sites.push(site(profile::nginx(bytes(5)), 5));
    }
    all.cpu = vec![CpuSite {
        process: process(9),
        syscall: Some(1),
        user: Some(profile::native("/srv/app", &["write", "main"])),
        kernel: None,
        samples: seconds,
        time: Duration::from_millis(10 * seconds),
    }];
    all.builds.insert(Build {
        module: "/srv/app".into(),
        id: "0a1b".into(),
    });
    all.sampling.samples = 3 * seconds;
    all
}

/// Records all seconds up to `last`, one step each, without an end.
pub(crate) fn record(path: &Path, last: u64) -> (Writer, Snapshot) {
    let mut writer = Writer::create(path, OPTIONS).expect("a recording");
    for second in 1..=last {
        writer.step(&after(second)).expect("a step");
    }
    (writer, after(last))
}

/// Records all seconds up to `last`.
pub(crate) fn recorded(path: &Path, last: u64) -> Snapshot {
    let (writer, last) = record(path, last);
    writer.finish(&last, &[]).expect("an end");
    last
}

/// A profile in which nothing was met yet.
pub(crate) fn sampled() -> crate::model::Profile {
    crate::model::Profile {
        sampling: crate::model::Sampling {
            first_interval: [262_144; 3],
            widest_interval: [262_144; 3],
            tick: Duration::from_millis(10),
            ..crate::model::Sampling::default()
        },
        ..crate::model::Profile::default()
    }
}
