//! An hour of 500 processes that all read, write and send in each step.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use copytax::model::{
    Call, Class, EndpointKind, Engine, FlowCount, Host, Loss, ProcessFacts, ProcessId, Profile,
    Sharing, Snapshot, Window,
};
use copytax::recording::{RecordingOptions, Writer};

const PROCESSES: u32 = 500;
const SECONDS: u64 = 3600;

/// Writes its recording, in steps of so many seconds; another seed gives other numbers.
pub(crate) fn record(file: &Path, seed: u64, step_seconds: u64) -> Result<()> {
    let options = RecordingOptions {
        interval: Duration::from_secs(step_seconds),
        overwrite: false,
        redacted: false,
    };
    let mut writer = Writer::create(file, options)?;
    writer.without_syncing();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut now = machine(PROCESSES);
    for step in 1..=SECONDS / step_seconds {
        for flow in &mut now.flows {
            let calls = step_seconds * random.u64(900..1100);
            flow.calls += calls;
            flow.first_pieces += calls;
            flow.bytes += calls * random.u64(30_000..32_768);
        }
        now.window.duration = Duration::from_secs(step * step_seconds);
        writer.step(&now)?;
    }
    writer.finish(&now, &[])?;
    Ok(())
}

/// So many processes that have done nothing yet.
pub(crate) fn machine(count: u32) -> Snapshot {
    let (none, file, tcp) = (EndpointKind::None, EndpointKind::File, EndpointKind::Tcp);
    let mut flows = Vec::new();
    let mut processes = BTreeMap::new();
    for pid in 1..=count {
        let process = ProcessId {
            pid,
            start_time_ns: 1,
        };
        let facts = ProcessFacts {
            comm: format!("server{}", pid % 100),
            cmdline: vec![pid.to_string()],
            ..ProcessFacts::default()
        };
        processes.insert(process, facts);
        for (call, source, sink, class) in [
            (Call::Read, file, none, Class::Ingest),
            (Call::Write, file, tcp, Class::SameBuffer),
            (Call::Write, none, tcp, Class::Generated),
        ] {
            flows.push(FlowCount {
                process,
                call,
                source,
                sink,
                class,
                sharing: Sharing::None,
                bytes: 0,
                calls: 0,
                first_pieces: 0,
                first_ns: 1,
            });
        }
    }
    Snapshot {
        host: Host {
            kernel: "6.12".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 2,
            hostname: "bench".to_owned(),
        },
        window: Window {
            start: SystemTime::UNIX_EPOCH,
            start_ns: 0,
            duration: Duration::ZERO,
        },
        engine: Engine::Raw,
        flows,
        errors: Vec::new(),
        transfers: Vec::new(),
        processes,
        loss: Loss::default(),
        command: None,
        profile: Profile::default(),
        without_profile: None,
        is_incomplete: false,
    }
}
