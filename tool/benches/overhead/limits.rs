//! What the kernel half may cost.

use crate::measure::Figures;
use crate::watchers::Configuration;
use crate::workload::Workload;

/// Added cost of an accounted call, in multiples of bpftrace's.
const OF_BPFTRACE: f64 = 0.6;
/// Added cost of an accounted call, in multiples of the floor's.
const OF_FLOOR: f64 = 3.0;
/// Added cost of any other call, in multiples of the floor's.
const OTHER_CALLS: f64 = 1.2;

/// What is held against its limits: the default engine.
const JUDGED: [Configuration; 2] = [Configuration::Machine, Configuration::Process];

/// A line for each limit, and whether all are kept.
pub(crate) fn judge(figures: &Figures) -> (String, bool) {
    let mut lines = String::new();
    let mut kept = true;
    for configuration in JUDGED {
        let accounted = [Workload::Read, Workload::Write, Workload::Pair];
        let limits = accounted
            .into_iter()
            .flat_map(|workload| {
                [
                    (workload, Configuration::Bpftrace, OF_BPFTRACE),
                    (workload, Configuration::Floor, OF_FLOOR),
                ]
            })
            .chain([(Workload::Getppid, Configuration::Floor, OTHER_CALLS)]);
        for (workload, to, limit) in limits {
            let ratio = figures
                .ratio(configuration, to, workload)
                .unwrap_or(f64::INFINITY);
            kept &= ratio <= limit;
            let whose = match to {
                Configuration::Bpftrace => "bpftrace's",
                _ => "the floor's",
            };
            lines += &format!(
                "- {}: {}, {}: {ratio:.2} times {whose} added cost (limit {limit:.1})\n",
                if ratio <= limit { "pass" } else { "FAIL" },
                configuration.title(),
                workload.title(),
            );
        }
    }
    (lines, kept)
}
