//! 24 machines that never were: no two have a number in common.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use copytax::model::{
    Call, Class, CpuSite, EndpointKind, Engine, FlowCount, Host, Loss, ProcessFacts, ProcessId,
    Profile, Runtime, RuntimeEvidence, RuntimeName, Sampling, Sharing, Snapshot, Window,
};
use copytax::recording::{RecordingOptions, Redactor, Writer};

use crate::stacks;

/// How many there are.
pub(crate) const HOSTS: u64 = 24;
/// Whose recording was cut short.
pub(crate) const CUT_SHORT: u64 = 5;
/// Whose recording says no names.
pub(crate) const REDACTED: u64 = 9;
/// Whose kernel does not show io_uring.
pub(crate) const WITHOUT_URING: u64 = 11;
/// Of which there is a second recording, of later.
pub(crate) const TWICE: u64 = 3;

const FILE_TO_TCP: (EndpointKind, EndpointKind) = (EndpointKind::File, EndpointKind::Tcp);
const FILE_TO_FILE: (EndpointKind, EndpointKind) = (EndpointKind::File, EndpointKind::File);
const MADE: (EndpointKind, EndpointKind) = (EndpointKind::None, EndpointKind::Tcp);

/// Records all of them, and one a second time.
pub(crate) fn record_all(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for number in 0..HOSTS {
        let file = folder.join(format!("web{number:02}.ctx"));
        record(&file, number, Duration::ZERO)?;
        files.push(file);
    }
    let later = folder.join("later.ctx");
    record(&later, TWICE, Duration::from_secs(900))?;
    files.push(later);
    Ok(files)
}

/// Records one, so long after the others begin.
fn record(file: &Path, number: u64, later: Duration) -> Result<()> {
    let options = RecordingOptions {
        interval: Duration::from_secs(1),
        overwrite: false,
        redacted: number == REDACTED,
    };
    let mut writer = Writer::create(file, options)?;
    writer.without_syncing();
    let mut redactor = Redactor::default();
    let mut after = |seconds| {
        let snapshot = machine(number, later, seconds);
        match number {
            REDACTED => redactor.redacted(snapshot),
            _ => snapshot,
        }
    };
    let seconds = 10 + number;
    for second in 1..=seconds {
        writer.step(&after(second))?;
    }
    if number != CUT_SHORT {
        writer.finish(&after(seconds), &[])?;
    }
    Ok(())
}

/// What a machine has after so many seconds.
fn machine(number: u64, later: Duration, seconds: u64) -> Snapshot {
    let boot = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000 + 1_000 * number);
    let since_boot = Duration::from_secs(300_000) + later;
    let (nginx, go) = (process(100 + number), process(200 + number));
    let (backup, api) = (process(300 + number), process(400 + number));
    let mut processes: BTreeMap<ProcessId, ProcessFacts> = BTreeMap::new();
    processes.insert(
        nginx,
        facts("nginx", "/usr/sbin/nginx", Some(RuntimeName::Nginx)),
    );
    processes.insert(
        go,
        facts("filesrv", "/srv/bin/filesrv", Some(RuntimeName::Go)),
    );
    processes.insert(
        api,
        facts("python3", "/usr/bin/python3.11", Some(RuntimeName::Cpython)),
    );
    let rate = |base: u64| (base + 1_009 * number) * seconds;
    let mut flows = vec![flow(
        api,
        Call::Sendto,
        MADE,
        Class::Generated,
        rate(10_007),
        seconds,
    )];
    let mut sites = Vec::new();
    if number.is_multiple_of(3) {
        let bytes = rate(50_000_017);
        flows.push(flow(
            nginx,
            Call::Writev,
            FILE_TO_TCP,
            Class::SameBuffer,
            bytes,
            9 * seconds,
        ));
        sites.push(stacks::nginx(nginx, real(bytes), 3 * seconds));
    } else {
        let bytes = rate(70_000_027);
        flows.push(flow(
            nginx,
            Call::Sendfile,
            FILE_TO_TCP,
            Class::ZeroCopy,
            bytes,
            2 * seconds,
        ));
    }
    if number.is_multiple_of(2) {
        let bytes = rate(90_000_049);
        flows.push(flow(
            go,
            Call::Write,
            FILE_TO_TCP,
            Class::SameBuffer,
            bytes,
            7 * seconds,
        ));
        sites.push(stacks::go(go, real(bytes), 5 * seconds));
    }
    if number.is_multiple_of(4) {
        processes.insert(backup, facts("backup", "/usr/local/bin/backup", None));
        let bytes = rate(30_000_001);
        flows.push(flow(
            backup,
            Call::Write,
            FILE_TO_FILE,
            Class::SameContent,
            bytes,
            seconds,
        ));
    }
    let cpu = CpuSite {
        process: go,
        syscall: Some(1),
        user: None,
        kernel: None,
        samples: seconds,
        time: Duration::from_millis(10 * seconds),
    };
    Snapshot {
        host: Host {
            kernel: "6.12.57+deb13-amd64".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 8,
            hostname: format!("web{number:02}"),
        },
        window: Window {
            start: boot + since_boot,
            start_ns: u64::try_from(since_boot.as_nanos()).unwrap_or(u64::MAX),
            duration: Duration::from_secs(seconds),
        },
        engine: Engine::Raw,
        flows,
        errors: Vec::new(),
        transfers: Vec::new(),
        processes,
        loss: Loss {
            relay_evictions: number,
            unsupported_abi_calls: Some(0),
            uring_unseen: (number != WITHOUT_URING).then_some(0),
            ..Loss::default()
        },
        command: None,
        profile: Profile {
            call_sites: sites,
            cpu: vec![cpu],
            sampling: Sampling {
                first_interval: [262_144; 3],
                widest_interval: [262_144; 3],
                tick: Duration::from_millis(10),
                samples: 8 * seconds,
                ..Sampling::default()
            },
            ..Profile::default()
        },
        without_profile: None,
        is_incomplete: false,
    }
}

fn process(pid: u64) -> ProcessId {
    ProcessId {
        pid: u32::try_from(pid).unwrap_or(u32::MAX),
        start_time_ns: 1_000_000_007 * pid,
    }
}

fn facts(comm: &str, exe: &str, runtime: Option<RuntimeName>) -> ProcessFacts {
    ProcessFacts {
        comm: comm.to_owned(),
        exe: Some(exe.to_owned()),
        cmdline: vec![comm.to_owned(), "--serve".to_owned()],
        cgroup: Some(format!("/system.slice/{comm}.service")),
        runtime: runtime.map(|name| Runtime {
            name,
            version: None,
            libc: None,
            evidence: RuntimeEvidence::ALL[0],
        }),
        ..ProcessFacts::default()
    }
}

fn flow(
    process: ProcessId,
    call: Call,
    (source, sink): (EndpointKind, EndpointKind),
    class: Class,
    bytes: u64,
    calls: u64,
) -> FlowCount {
    FlowCount {
        process,
        call,
        source,
        sink,
        class,
        sharing: match class {
            Class::ZeroCopy => Sharing::Pages,
            _ => Sharing::None,
        },
        bytes,
        calls,
        first_pieces: calls,
        first_ns: 1,
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
const fn real(bytes: u64) -> f64 {
    bytes as f64
}
