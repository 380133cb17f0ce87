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
    let relay = costs
        .cpu
        .map(|cpu| Relay::of(costs.process, cpu, flow, bytes));
    let (time, basis) = match (gain, relay) {
        (Some(gain), Some(relay)) => (
            sum(
                less(relay.moving(), gain.after.times(precise(bytes))),
                relay.around,
            ),
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
    gain(costs.calibration?, "sendfile", transfer)
}

/// What a request takes besides moving bytes is as much as is done around so many chunks.
const CHUNKS_OF_REQUEST: f64 = 8.0;

/// CPU time that relaying some bytes takes while nobody looks: of what all bytes take, by their share.
struct Relay {
    /// In system calls that read, and the copies of that.
    read: Estimate,
    copying_in_read: Estimate,
    /// In system calls that write, likewise.
    write: Estimate,
    copying_in_write: Estimate,
    /// In userspace and in other system calls, such as waiting, as far as chunks are what it is for.
    around: Estimate,
}

impl Relay {
    fn of(process: &ProcessAudit, cpu: &CpuTime, flow: &Flow, bytes: u64) -> Self {
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
        let moving = cpu.moving();
        Self {
            around: without(cpu.total, moving).times(written * share_of_chunks(flow)),
            read: without(
                time(&cpu.in_syscall, SyscallFamily::Read, read),
                time(&cpu.tracing_in_syscall, SyscallFamily::Read, read),
            ),
            copying_in_read: time(&cpu.copying_in_syscall, SyscallFamily::Read, read),
            write: without(
                time(&cpu.in_syscall, SyscallFamily::Write, written),
                time(&cpu.tracing_in_syscall, SyscallFamily::Write, written),
            ),
            copying_in_write: time(&cpu.copying_in_syscall, SyscallFamily::Write, written),
        }
    }

    /// In the system calls that relay.
    fn moving(&self) -> Estimate {
        sum(self.read, self.write)
    }

    /// What is not done if the kernel moves the bytes: copies, of a file the reading altogether, and what
    /// is around that.
    fn needless(&self, source: EndpointKind) -> Estimate {
        let reading = match source {
            EndpointKind::File => self.read,
            _ => self.copying_in_read,
        };
        sum(sum(reading, self.copying_in_write), self.around)
    }
}

/// The share of chunks in what is done for chunks and for transfers, each of which takes
/// [`CHUNKS_OF_REQUEST`]; nothing of transfers that have fewer, or are not known.
fn share_of_chunks(flow: &Flow) -> f64 {
    let transfers: u64 = flow.transfers.iter().map(|size| size.count).sum();
    if transfers == 0 || flow.calls == 0 {
        return 0.0;
    }
    let chunks = precise(flow.calls) / precise(transfers);
    (1.0 - CHUNKS_OF_REQUEST / chunks).max(0.0)
}

/// A sum of ticks without some of them.
fn without(all: Estimate, part: Estimate) -> Estimate {
    Estimate {
        value: (all.value - part.value).max(0.0),
        variance: (all.variance - part.variance).max(0.0),
    }
}

/// The sum of two independent estimates.
fn sum(mut a: Estimate, b: Estimate) -> Estimate {
    a.add(b);
    a
}

/// The difference of two independent estimates.
fn less(a: Estimate, b: Estimate) -> Estimate {
    sum(a, b.times(-1.0))
}

#[expect(clippy::cast_precision_loss, reason = "for an estimate")]
fn precise(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::analysis::audit;
    use crate::analysis::fixture::{self, flow, snapshot, transfers_of};
    use crate::model::EndpointKind::{File, None as NoEnd, Tcp};
    use crate::model::{Audit, Call, Class, TransferCost};

    const MIB: u64 = 1 << 20;
    const SECOND: f64 = 1e9;

    /// A process that sends 64 MiB of files, which is half of what it reads and all that it writes.
    fn sender(source: EndpointKind) -> Audit {
        let (read, write) = (Call::Read, Call::Write);
        let input = flow(7, read, (source, NoEnd), Class::Ingest, 128 * MIB, 4096);
        let sent = flow(7, write, (source, Tcp), Class::SameBuffer, 64 * MIB, 2048);
        let transfers = transfers_of(&sent, MIB, 64);
        audit(
            snapshot()
                .with([input, sent])
                .with_transfers(Some(transfers)),
        )
    }

    /// Two and a half seconds in reads, of which tracing takes a half and copying one, four in writes, a quarter of them copying, and two around
    /// them.
    fn time() -> CpuTime {
        let seconds = |seconds: f64| Estimate {
            value: seconds * SECOND,
            variance: (seconds * SECOND / 10.0).powi(2),
        };
        let (read, write) = (SyscallFamily::Read, SyscallFamily::Write);
        CpuTime {
            total: seconds(8.5),
            in_syscall: [(read, seconds(2.5)), (write, seconds(4.0))].into(),
            tracing_in_syscall: [(read, seconds(0.5))].into(),
            copying_in_kernel: seconds(2.0),
            copying_in_syscall: [(read, seconds(1.0)), (write, seconds(1.0))].into(),
            copying_in_user: Estimate::default(),
        }
    }

    /// `sendfile` costs half of what read and write do, which is a nanosecond for a byte.
    fn calibration() -> Calibration {
        let cost = |cpu_ns| {
            vec![TransferCost {
                bytes: MIB,
                cpu_ns,
                interval_ns: None,
            }]
        };
        Calibration {
            costs: BTreeMap::from([
                ("read+write-64k".to_owned(), cost(MIB)),
                ("sendfile".to_owned(), cost(MIB / 2)),
            ]),
            ..fixture::calibration()
        }
    }

    /// In a window of ten seconds.
    fn saved(
        audit: &Audit,
        cpu: Option<&CpuTime>,
        calibration: Option<&Calibration>,
    ) -> Option<Saving> {
        let process = &audit.processes[0];
        let costs = Costs {
            process,
            cpu,
            calibration,
            window: audit.window.duration,
        };
        saving(&costs, &process.flows[0], 64 * MIB)
    }

    #[track_caller]
    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9, "{value}, not {expected}");
    }

    #[test]
    fn cpu_time_alone() {
        // All of the reading and the copies of writing, for half of what is read and all that is written;
        // and of what is around 32 chunks of each transfer, 8 are for the transfer.
        let file = saved(&sender(File), Some(&time()), None).expect("there is time");
        assert_near(file.cores, 0.1 + 0.1 + 0.15);
        assert_near(file.share.expect("there is a total"), 3.5 / 8.5);
        assert_eq!(file.basis, SavingBasis::CpuTax);
        // A socket must be read by any means.
        let socket = saved(&sender(Tcp), Some(&time()), None).expect("there is time");
        assert_near(socket.cores, 0.05 + 0.1 + 0.15);
    }

    #[test]
    fn calibrated() {
        let audit = sender(File);
        let calibration = calibration();
        let both = saved(&audit, Some(&time()), Some(&calibration)).expect("all is known");
        assert_eq!(both.basis, SavingBasis::Calibration);
        // All of the relay and of what is around it, but for half a nanosecond a byte.
        let after = 0.5 * 0.064 * 1.048_576;
        assert_near(both.cores, (1.0 + 4.0 + 1.5 - after) / 10.0);
        assert_near(both.share.expect("there is a total"), (6.5 - after) / 8.5);

        // Where no CPU was sampled.
        let alone = saved(&audit, None, Some(&calibration)).expect("costs are known");
        assert_near(alone.cores, 0.032 * 1.048_576 / 10.0);
        assert_eq!((alone.share, alone.basis), (None, SavingBasis::Calibration));
        // The lab knows nothing like it.
        let socket = saved(&sender(Tcp), Some(&time()), Some(&calibration));
        assert_eq!(socket.expect("there is time").basis, SavingBasis::CpuTax);
    }

    #[test]
    fn what_cannot_be_told() {
        assert_eq!(saved(&sender(File), None, None), None);
        let mut audit = sender(File);
        audit.window.duration = Duration::ZERO;
        assert_eq!(saved(&audit, Some(&time()), None), None);
    }
}
