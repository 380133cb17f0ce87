//! Snapshots made by hand, for tests of the analysis and of the reports.

pub(crate) mod profile;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

#[cfg(test)]
use crate::model::Calibration;
use crate::model::{
    Call, Class, EndpointKind, Engine, ErrorCount, FlowCount, Host, Libc, Loss, ProcessFacts,
    ProcessId, Profile, Runtime, RuntimeEvidence, RuntimeName, Sharing, Snapshot, TransferCount,
    Window,
};

/// When the window of [`snapshot`] begins, nanoseconds since boot.
pub(crate) const START_NS: u64 = 3_600_000_000_000;

/// A process that started `pid` seconds after boot.
pub(crate) const fn process(pid: u32) -> ProcessId {
    ProcessId {
        pid,
        start_time_ns: pid as u64 * 1_000_000_000,
    }
}

/// Ten seconds of a machine on which nothing happened.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        host: Host {
            kernel: "6.12.57+deb13-amd64".into(),
            arch: "x86_64".into(),
            cpus: 8,
            hostname: "web1".into(),
        },
        window: Window {
            start: SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_246_200_250),
            start_ns: START_NS,
            duration: Duration::from_secs(10),
        },
        engine: Engine::Raw,
        flows: Vec::new(),
        errors: Vec::new(),
        transfers: Vec::new(),
        processes: BTreeMap::new(),
        loss: Loss {
            unsupported_abi_calls: Some(0),
            uring_unseen: Some(0),
            ..Loss::default()
        },
        command: None,
        profile: Profile::default(),
        without_profile: None,
        is_incomplete: false,
    }
}

/// A calibration of the machine of [`snapshot`] that measured nothing.
#[cfg(test)]
pub(crate) fn calibration() -> Calibration {
    Calibration {
        host: snapshot().host,
        processor: None,
        time: SystemTime::UNIX_EPOCH,
        sendfile: None,
        splice: None,
        zerocopy: None,
        send_zc: None,
        costs: BTreeMap::new(),
    }
}

/// Calls of one flow, each of them with its first piece there.
pub(crate) fn flow(
    pid: u32,
    call: Call,
    (source, sink): (EndpointKind, EndpointKind),
    class: Class,
    bytes: u64,
    calls: u64,
) -> FlowCount {
    FlowCount {
        process: process(pid),
        call,
        source,
        sink,
        class,
        sharing: match class {
            Class::ZeroCopy | Class::Staged => Sharing::Pages,
            _ => Sharing::None,
        },
        bytes,
        calls,
        first_pieces: calls,
        first_ns: START_NS + 1,
    }
}

/// Transfers of a flow, all of one size.
pub(crate) fn transfers_of(flow: &FlowCount, size: u64, count: u64) -> TransferCount {
    TransferCount {
        process: flow.process,
        call: flow.call,
        source: flow.source,
        sink: flow.sink,
        class: flow.class,
        sharing: flow.sharing,
        bucket: u8::try_from(size.ilog2()).unwrap_or(u8::MAX),
        count,
        bytes: size * count,
    }
}

/// Failed calls.
pub(crate) fn failure(
    pid: u32,
    call: Call,
    (source, sink): (EndpointKind, EndpointKind),
    errno: u16,
    count: u64,
) -> ErrorCount {
    ErrorCount {
        process: process(pid),
        call,
        source,
        sink,
        errno,
        count,
        first_ns: START_NS,
    }
}

impl Snapshot {
    /// With a process of this name.
    pub(crate) fn named(mut self, pid: u32, comm: &str, cmdline: &[&str]) -> Self {
        self.processes.insert(
            process(pid),
            ProcessFacts {
                comm: comm.into(),
                exe: Some(format!("/usr/bin/{comm}")),
                cmdline: cmdline.iter().map(|&word| word.into()).collect(),
                cgroup: Some("/system.slice".into()),
                af_xdp: Some(false),
                ..ProcessFacts::default()
            },
        );
        self
    }

    /// With a process that runs on this.
    pub(crate) fn running_on(
        mut self,
        pid: u32,
        name: RuntimeName,
        version: Option<&str>,
        evidence: RuntimeEvidence,
    ) -> Self {
        let facts = self.processes.entry(process(pid)).or_default();
        facts.runtime = Some(Runtime {
            name,
            version: version.map(str::to_owned),
            libc: Some(Libc::Glibc),
            evidence,
        });
        self
    }

    /// With these flows, too.
    pub(crate) fn with(mut self, flows: impl IntoIterator<Item = FlowCount>) -> Self {
        self.flows.extend(flows);
        self
    }

    /// With these failed calls, too.
    pub(crate) fn with_errors(mut self, errors: impl IntoIterator<Item = ErrorCount>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// With these transfers, too.
    pub(crate) fn with_transfers(
        mut self,
        transfers: impl IntoIterator<Item = TransferCount>,
    ) -> Self {
        self.transfers.extend(transfers);
        self
    }
}
