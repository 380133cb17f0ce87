//! What CPU time a fix would save.

use std::time::Duration;

use crate::analysis::CpuTime;
use crate::analysis::cpu::SyscallFamily;
use crate::analysis::lab::{Gain, gain};
use crate::analysis::transfers::typical_size_by_bytes;
use crate::model::{
    Calibration, CallGroup, EndpointKind, Estimate, Flow, ProcessAudit, Saving, SavingBasis,
};

/// What savings of one process are estimated from.
#[derive(Clone, Copy)]
pub(super) struct Costs<'a> {
    /// The process.
    pub(super) process: &'a ProcessAudit,
    /// Its CPU time; `None` where CPUs were not sampled, or it was never met.
    pub(super) cpu: Option<&'a CpuTime>,
    /// What was measured of the machine.
    pub(super) calibration: Option<&'a Calibration>,
    /// How long the process was watched.
    pub(super) window: Duration,
}

/// What is saved if `bytes` of a flow, relayed by read and write, are moved by the kernel; `None` where
/// that cannot be told.
pub(super) fn saving(costs: &Costs<'_>, flow: &Flow, bytes: u64) -> Option<Saving> {
    let gain = calibrated(costs, flow);
    let relay = costs.cpu.map(|cpu| Relay::of(costs.process, cpu, bytes));
    let (time, basis) = match (gain, relay) {
        (Some(gain), Some(relay)) => (
            product(relay.time(), gain.share()),
            SavingBasis::Calibration,
        ),
        (Some(gain), None) => (
            gain.of_byte().times(precise(bytes)),
            SavingBasis::Calibration,
        ),
        (None, Some(relay)) => (relay.needless(flow.source), SavingBasis::CpuTax),
        (None, None) => return None,
    };
    let nanoseconds = costs.window.as_secs_f64() * 1e9;
    let total = costs.cpu.map(|cpu| cpu.total.value);
    let is_known = nanoseconds > 0.0 && time.value.is_finite() && time.variance.is_finite();
    is_known.then(|| Saving {
        cores: time.value / nanoseconds,
        margin: time.margin() / nanoseconds,
        share: total
            .filter(|total| *total > 0.0)
            .map(|total| time.value / total),
        basis,
    })
}

/// What the lab says: of files that are sent, which `sendfile` could do.
fn calibrated(costs: &Costs<'_>, flow: &Flow) -> Option<Gain> {
    let is_sent = matches!(flow.sink, EndpointKind::Tcp | EndpointKind::Unix);
    if flow.source != EndpointKind::File || !is_sent {
        return None;
    }
    let transfer = typical_size_by_bytes(&flow.transfers)?;
    let chunk = flow.bytes.checked_div(flow.calls)?;
    gain(costs.calibration?, "sendfile", chunk, transfer)
}

/// CPU time in system calls that relay some bytes: of all that read and write, by their share of the bytes.
struct Relay {
    read: Estimate,
    copying_in_read: Estimate,
    write: Estimate,
    copying_in_write: Estimate,
}

impl Relay {
    fn of(process: &ProcessAudit, cpu: &CpuTime, bytes: u64) -> Self {
        let share_of = |group| {
            let calls = process.syscalls.iter();
            let calls = calls.filter(|(call, _)| call.group() == group && !call.is_io_uring());
            let all = calls.fold(0, |sum: u64, (_, calls)| sum.saturating_add(calls.bytes));
            if all == 0 {
                0.0
            } else {
                (precise(bytes) / precise(all)).min(1.0)
            }
        };
        let (read, written) = (share_of(CallGroup::Ingest), share_of(CallGroup::Egress));
        let time = |times: &std::collections::BTreeMap<SyscallFamily, Estimate>, family, share| {
            times.get(&family).copied().unwrap_or_default().times(share)
        };
        Self {
            read: time(&cpu.in_syscall, SyscallFamily::Read, read),
            copying_in_read: time(&cpu.copying_in_syscall, SyscallFamily::Read, read),
            write: time(&cpu.in_syscall, SyscallFamily::Write, written),
            copying_in_write: time(&cpu.copying_in_syscall, SyscallFamily::Write, written),
        }
    }

    /// All of it.
    fn time(&self) -> Estimate {
        let mut time = self.read;
        time.add(self.write);
        time
    }

    /// What the kernel does not do if it moves the bytes: copies, and of a file the reading altogether.
    fn needless(&self, source: EndpointKind) -> Estimate {
        let mut time = match source {
            EndpointKind::File => self.read,
            _ => self.copying_in_read,
        };
        time.add(self.copying_in_write);
        time
    }
}

/// The product of two independent estimates, to the first order of their errors.
fn product(a: Estimate, b: Estimate) -> Estimate {
    Estimate {
        value: a.value * b.value,
        variance: a.value.powi(2) * b.variance + b.value.powi(2) * a.variance,
    }
}

#[expect(clippy::cast_precision_loss, reason = "for an estimate")]
fn precise(bytes: u64) -> f64 {
    bytes as f64
}
