//! An hour of 500 processes that all read, write and send in each second: how large its recording is, and
//! how long `report` and `diff` take. `cargo bench -p copytax --bench recording`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use copytax::model::{
    Call, Class, EndpointKind, Engine, FlowCount, Host, Loss, ProcessFacts, ProcessId, Profile,
    Sharing, Snapshot, Window,
};
use copytax::recording::{RecordingOptions, Writer};

const PROCESSES: u32 = 500;
const STEPS: u64 = 3600;

fn main() -> Result<()> {
    // What else cargo bench says is for harnesses that have filters.
    let folder = tempfile::tempdir()?;
    let (base, new) = (
        folder.path().join("base.ctx"),
        folder.path().join("new.ctx"),
    );
    for (file, seed) in [(&base, 1), (&new, 2)] {
        let begin = Instant::now();
        record(file, seed)?;
        let size = std::fs::metadata(file)?.len();
        println!("recorded: {size} bytes, in {:?}", begin.elapsed());
    }
    time("report", &[Path::new("report"), &base])?;
    time("diff", &[Path::new("diff"), &base, &new])
}

fn time(name: &str, arguments: &[&Path]) -> Result<()> {
    let begin = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    let status = command.args(arguments).stdout(Stdio::null()).status()?;
    println!("{name}: {:?}", begin.elapsed());
    ensure!(status.success(), "{name}: {status}");
    Ok(())
}

fn record(file: &Path, seed: u64) -> Result<()> {
    let options = RecordingOptions {
        interval: Duration::from_secs(1),
        overwrite: false,
        redacted: false,
    };
    let mut writer = Writer::create(file, options)?;
    writer.without_syncing();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut now = machine();
    for step in 1..=STEPS {
        for flow in &mut now.flows {
            let calls = random.u64(900..1100);
            flow.calls += calls;
            flow.first_pieces += calls;
            flow.bytes += calls * random.u64(30_000..32_768);
        }
        now.window.duration = Duration::from_secs(step);
        writer.step(&now)?;
    }
    writer.finish(&now, &[])?;
    Ok(())
}

fn machine() -> Snapshot {
    let (none, file, tcp) = (EndpointKind::None, EndpointKind::File, EndpointKind::Tcp);
    let mut flows = Vec::new();
    let mut processes = BTreeMap::new();
    for pid in 1..=PROCESSES {
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
