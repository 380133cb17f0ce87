//! Recordings made by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::analysis::audit;
use crate::analysis::fixture::{failure, flow, process, profile, snapshot};
use crate::model::EndpointKind::{File, None as NoEnd, Pipe, Tcp, Udp};
use crate::model::{Call, CallSite, CellCounts, Class, Estimate, Mechanism, SiteKind, Snapshot};

/// A recording, and what is known of it.
struct Recorded {
    audit: Audit,
    profile: Profile,
    timeline: Timeline,
}

impl Recorded {
    /// Bytes of a flow in each second.
    fn new(snapshot: Snapshot, timeline: Timeline, sites: Vec<CallSite>) -> Self {
        Self {
            audit: audit(snapshot),
            profile: Profile {
                call_sites: sites,
                ..Profile::default()
            },
            timeline,
        }
    }

    fn run(&self) -> Run<'_> {
        Run {
            audit: &self.audit,
            profile: &self.profile,
            timeline: &self.timeline,
        }
    }
}

const OPTIONS: ComparisonOptions = ComparisonOptions {
    by: MatchBy::Program,
    threshold: 0.01,
};

/// A server of which `lost` of each second's bytes are read and written, the others sent.
fn server(pid: u32, seconds: &[(f64, f64)], sites: Vec<CallSite>) -> Recorded {
    let cells = seconds.iter().map(|_| Duration::from_secs(1)).collect();
    let counts = |call, class, bytes: Vec<f64>| CellCounts {
        process: process(pid),
        call,
        source: File,
        sink: Tcp,
        class: Some(class),
        calls: bytes.iter().map(|bytes| bytes / 65_536.0).collect(),
        bytes,
    };
    let lost: Vec<f64> = seconds.iter().map(|(_, lost)| *lost).collect();
    let sent: Vec<f64> = seconds.iter().map(|(sent, _)| *sent).collect();
    let timeline = Timeline {
        cells,
        counters: vec![
            counts(Call::Sendfile, Class::ZeroCopy, sent),
            counts(Call::Write, Class::SameBuffer, lost),
        ],
        cpu: None,
    };
    let snapshot = snapshot().named(pid, "srv", &["srv"]).with([
        flow(pid, Call::Sendfile, (File, Tcp), Class::ZeroCopy, 1, 1),
        flow(pid, Call::Write, (File, Tcp), Class::SameBuffer, 1, 1),
    ]);
    Recorded::new(snapshot, timeline, sites)
}

/// Seconds of a server whose load goes up and down, each second like the one before.
fn seconds(count: usize, share_lost: f64, random: &mut fastrand::Rng) -> Vec<(f64, f64)> {
    let mut load = 0.0;
    let mut mix = 0.0;
    (0..count)
        .map(|_| {
            load = 0.6 * load + random.f64() - 0.5;
            mix = 0.5 * mix + 0.05 * (random.f64() - 0.5);
            second(1.0 + 0.3 * load, share_lost * (1.0 + mix))
        })
        .collect()
}

/// Seconds of a server that has nothing to do most of the time.
fn bursts(count: usize, share_lost: f64, random: &mut fastrand::Rng) -> Vec<(f64, f64)> {
    let mut left = 0;
    (0..count)
        .map(|_| {
            left = match left {
                0 if random.f64() < 0.08 => random.usize(3..6),
                left => left.saturating_sub(1),
            };
            let load = if left > 0 { 1.0 } else { 0.05 };
            let mix = 0.5 * (random.f64() - 0.5);
            second(load + 0.5 * load * random.f64(), share_lost * (1.0 + mix))
        })
        .collect()
}

/// Seconds of a server whose load rises and falls once in twelve.
fn waves(count: usize, share_lost: f64, random: &mut fastrand::Rng) -> Vec<(f64, f64)> {
    let mut phase = random.f64() * std::f64::consts::TAU;
    (0..count)
        .map(|_| {
            phase += std::f64::consts::TAU / 12.0;
            let mix = 0.1 * phase.cos() + 0.1 * (random.f64() - 0.5);
            let load = 1.0 + 0.5 * phase.sin() + 0.2 * (random.f64() - 0.5);
            second(load, share_lost * (1.0 + mix))
        })
        .collect()
}

/// Bytes that are sent, and lost.
fn second(load: f64, lost: f64) -> (f64, f64) {
    let (bytes, lost) = (1e8 * load, lost.clamp(0.0, 1.0));
    (bytes * (1.0 - lost), bytes * lost)
}

fn of_metric(comparison: &Comparison, metric: Metric) -> Change {
    *comparison.groups[0].change(metric).expect("all metrics")
}

#[test]
fn a_lost_fast_path_is_worse() {
    let base = server(7, &[(1e8, 0.0); 10], Vec::new());
    let new = server(9, &[(0.0, 1e8); 10], Vec::new());
    let comparison = compare(&[base.run()], &[new.run()], &OPTIONS);
    let group = &comparison.groups[0];
    assert_eq!((group.base_processes, group.new_processes), (1, 1));
    assert!(group.is_worse() && comparison.total.is_worse());
    let hit_rate = of_metric(&comparison, Metric::HitRate);
    assert_eq!((hit_rate.base, hit_rate.new), (Some(1.0), Some(0.0)));
    assert_eq!(hit_rate.evident, Some(Direction::Down));
    let lost = of_metric(&comparison, Metric::LostPerSecond);
    assert_eq!((lost.base, lost.new), (Some(0.0), Some(1e8)));
    assert_eq!(lost.evident, Some(Direction::Up));
    assert_eq!(of_metric(&comparison, Metric::CpuPerGb).base, None);

    let back = compare(&[new.run()], &[base.run()], &OPTIONS);
    assert!(!back.groups[0].is_worse());
    let quality = of_metric(&back, Metric::HitRate).quality();
    assert_eq!(quality, Some(Quality::Better));
}

/// The same server recorded again: in at most 5 of 100 comparisons any of its metrics is said to have
/// changed (7.5 of 100 is what these 400 may have then, by three standard deviations of them).
#[test]
fn noise_is_no_change() {
    type Load = fn(usize, f64, &mut fastrand::Rng) -> Vec<(f64, f64)>;
    let loads: [(&str, Load); 3] = [("like", seconds), ("bursts", bursts), ("waves", waves)];
    let mut random = fastrand::Rng::with_seed(3);
    let options = ComparisonOptions {
        threshold: 0.0,
        ..OPTIONS
    };
    let trials = 400;
    let mut alarms = BTreeMap::new();
    for (name, load) in loads {
        for length in [20, 60, 300] {
            let count = (0..trials).filter(|_| {
                let base = server(7, &load(length, 0.4, &mut random), Vec::new());
                let new = server(7, &load(length, 0.4, &mut random), Vec::new());
                let comparison = compare(&[base.run()], &[new.run()], &options);
                let mut changes = comparison.groups[0].changes.iter();
                changes.any(|change| change.evident.is_some())
            });
            alarms.insert((name, length), count.count());
        }
    }
    let most = trials * 75 / 1000;
    assert!(alarms.values().all(|alarms| *alarms <= most), "{alarms:?}");
}

/// Of many programs that are the same as before, none is said to have changed, in 95 of 100 comparisons.
#[test]
fn noise_of_many_programs_is_no_change() {
    let mut random = fastrand::Rng::with_seed(8);
    let trials = 100;
    let alarms = (0..trials).filter(|_| {
        let mut machine = || farm(20, &mut random);
        let (base, new) = (machine(), machine());
        let options = ComparisonOptions {
            threshold: 0.0,
            ..OPTIONS
        };
        let comparison = compare(&[base.run()], &[new.run()], &options);
        let changes = comparison.groups.iter().flat_map(|group| &group.changes);
        changes.into_iter().any(|change| change.evident.is_some())
    });
    let alarms = alarms.count();
    assert!(alarms <= 11, "{alarms} of {trials}");
}

/// So many servers, of one recording.
fn farm(servers: u32, random: &mut fastrand::Rng) -> Recorded {
    let mut all = Recorded::new(snapshot(), Timeline::default(), Vec::new());
    for pid in 1..=servers {
        let one = server(pid, &seconds(60, 0.4, random), Vec::new());
        all.timeline.cells = one.timeline.cells;
        all.timeline.counters.extend(one.timeline.counters);
        let mut process = one.audit.processes;
        for process in &mut process {
            process.facts.comm = format!("srv{pid}");
        }
        all.audit.processes.extend(process);
    }
    all
}

/// A tenth more of lost bytes is found.
#[test]
fn a_change_of_a_tenth_is_found() {
    let mut random = fastrand::Rng::with_seed(4);
    let found = (0..100)
        .filter(|_| {
            let base = server(7, &seconds(60, 0.4, &mut random), Vec::new());
            let new = server(7, &seconds(60, 0.44, &mut random), Vec::new());
            let comparison = compare(&[base.run()], &[new.run()], &OPTIONS);
            of_metric(&comparison, Metric::HitRate).evident == Some(Direction::Down)
        })
        .count();
    assert!(found >= 95, "{found} of 100");
}

#[test]
fn runs_of_a_side_are_one() {
    let mut random = fastrand::Rng::with_seed(5);
    let mut side = |share| -> Vec<Recorded> {
        let runs = (0..4).map(|_| server(7, &seconds(20, share, &mut random), Vec::new()));
        runs.collect()
    };
    let (base, same, more) = (side(0.4), side(0.4), side(0.6));
    let runs = |side: &[Recorded]| -> Vec<Change> {
        let base: Vec<Run<'_>> = base.iter().map(Recorded::run).collect();
        let new: Vec<Run<'_>> = side.iter().map(Recorded::run).collect();
        compare(&base, &new, &OPTIONS).groups[0].changes.clone()
    };
    assert_eq!(runs(&same)[0].evident, None);
    assert_eq!(runs(&more)[0].evident, Some(Direction::Down));
    assert_eq!(runs(&more), runs(&more), "it is the same each time");
}

#[test]
fn too_few_seconds_say_nothing() {
    let base = server(7, &[(1e8, 0.0)], Vec::new());
    let new = server(7, &[(0.0, 1e8)], Vec::new());
    let comparison = compare(&[base.run()], &[new.run()], &OPTIONS);
    let change = of_metric(&comparison, Metric::HitRate);
    assert_eq!((change.margin, change.evident), (None, None));
    let nothing = server(7, &[(0.0, 0.0); 9], Vec::new());
    let comparison = compare(&[nothing.run()], &[nothing.run()], &OPTIONS);
    let change = of_metric(&comparison, Metric::HitRate);
    assert_eq!((change.base, change.new), (None, None));
}

/// Cells count as the audit does.
#[test]
fn cells_are_classified_like_flows() {
    let flows = [
        flow(7, Call::Sendfile, (File, Tcp), Class::ZeroCopy, 100, 1),
        flow(7, Call::Splice, (File, Pipe), Class::Staged, 10_000, 2),
        flow(7, Call::Sendmsg, (NoEnd, Tcp), Class::ByReference, 200, 3),
        flow(7, Call::Read, (File, NoEnd), Class::Ingest, 7_000, 4),
        flow(7, Call::Write, (File, Tcp), Class::SameBuffer, 300, 5),
        flow(7, Call::Write, (File, Tcp), Class::SameContent, 400, 6),
        flow(7, Call::Write, (File, Udp), Class::SameBuffer, 500, 7),
        flow(7, Call::Write, (File, Tcp), Class::Mapped, 600, 8),
        flow(7, Call::Write, (NoEnd, Tcp), Class::Generated, 700, 9),
        flow(7, Call::Write, (NoEnd, Tcp), Class::Unknown, 800, 10),
    ];
    let counters = flows.iter().map(|flow| CellCounts {
        process: flow.process,
        call: flow.call,
        source: flow.source,
        sink: flow.sink,
        class: Some(flow.class),
        bytes: vec![f64::from(u32::try_from(flow.bytes).expect("small"))],
        calls: vec![f64::from(u32::try_from(flow.first_pieces).expect("small"))],
    });
    let mut counters: Vec<_> = counters.collect();
    counters.push(CellCounts {
        class: None,
        bytes: vec![0.0],
        calls: vec![11.0],
        ..counters[0].clone()
    });
    let timeline = Timeline {
        cells: vec![Duration::from_secs(2)],
        counters,
        cpu: Some([(process(7), vec![3e9]), (process(8), vec![5e9])].into()),
    };
    let audit = audit(snapshot().with(flows).with_errors([failure(
        7,
        Call::Sendfile,
        (File, Tcp),
        22,
        11,
    )]));
    let bytes = &audit.processes[0].bytes;
    let series = series_of(&timeline, |id| id == process(7));
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let expected = series::Sums {
        seconds: 2.0,
        zero_copy: bytes.zero_copy as f64,
        lost: bytes.lost as f64,
        egress: (bytes.written() - bytes.staged) as f64,
        calls: audit.processes[0]
            .syscalls
            .values()
            .map(|calls| calls.calls as f64)
            .sum(),
        cpu_seconds: 3.0,
    };
    assert_eq!(series.cells, [expected]);
}

fn sampled(site: CallSite, pid: u32, samples: u64) -> CallSite {
    CallSite {
        process: process(pid),
        samples,
        ..site
    }
}

fn mib(count: f64) -> Estimate {
    let value = count * 1_048_576.0;
    Estimate {
        value,
        variance: value * value / 500.0,
    }
}

#[test]
fn sites_that_came_and_went_are_named() {
    let sent = CallSite {
        kind: SiteKind::ZeroCopy,
        call: Call::Sendfile,
        class: Class::ZeroCopy,
        read: None,
        write: profile::native("/srv/app", &["sendfile", "send_file", "main"]),
        ..profile::nginx(mib(512.0))
    };
    let wrapped = profile::go_wrapper(mib(512.0));
    let base = server(7, &[(1e8, 0.0); 10], vec![sampled(sent.clone(), 7, 500)]);
    let new = server(9, &[(0.0, 1e8); 10], vec![sampled(wrapped.clone(), 9, 500)]);
    let comparison = compare(&[base.run()], &[new.run()], &OPTIONS);
    let sites = &comparison.groups[0].sites;
    let told: Vec<_> = sites
        .iter()
        .map(|site| {
            let function = site.carrier.function.as_deref();
            (site.is_new, site.carrier.mechanism, function)
        })
        .collect();
    assert!(
        told.contains(&(false, Mechanism::Sendfile, Some("send_file"))),
        "{told:?}"
    );
    let wrapper = (true, Mechanism::ReadWrite, Some("main.justReader.Read"));
    assert!(told.contains(&wrapper), "{told:?}");
    assert_eq!(told.len(), 2);

    // One sample of the other side does not tell that it is gone.
    let few = server(9, &[(0.0, 1e8); 10], vec![sampled(wrapped, 9, 1)]);
    let comparison = compare(&[base.run()], &[few.run()], &OPTIONS);
    assert!(comparison.groups[0].sites.iter().all(|site| site.is_new));
}

/// One process for each word: pid, command name, executable and an argument.
fn machine(processes: &[(u32, &str, &str, &str)]) -> Recorded {
    let mut all = snapshot();
    for (pid, comm, exe, argument) in processes {
        all = all.named(*pid, comm, &[comm, argument]).with([flow(
            *pid,
            Call::Write,
            (NoEnd, Tcp),
            Class::Generated,
            1,
            1,
        )]);
        let facts = all.processes.get_mut(&process(*pid)).expect("it is named");
        facts.exe = Some((*exe).to_owned());
    }
    Recorded::new(all, Timeline::default(), Vec::new())
}

#[test]
fn processes_are_matched() {
    let base = machine(&[
        (1, "srv", "/opt/v1/srv", "plain"),
        (2, "worker", "/bin/worker", "a"),
        (3, "worker", "/bin/worker", "a"),
        (4, "moved", "/bin/moved", "--port=1"),
        (5, "cron", "/bin/cron", ""),
    ]);
    let new = machine(&[
        (11, "srv", "/opt/v2/srv", "wrapped"),
        (12, "worker", "/bin/worker", "a"),
        (14, "moved", "/bin/moved", "--port=2"),
        (16, "two", "/bin/two", "x"),
        (17, "two", "/bin/two", "y"),
    ]);
    let counts = |by| -> BTreeMap<String, (usize, usize)> {
        let options = ComparisonOptions { by, ..OPTIONS };
        let groups = compare(&[base.run()], &[new.run()], &options).groups;
        let counts = groups
            .into_iter()
            .map(|group| (group.name, (group.base_processes, group.new_processes)));
        counts.collect()
    };
    let expected = [
        ("srv", (1, 1)),
        ("worker", (2, 1)),
        ("moved", (1, 1)),
        ("cron", (1, 0)),
        ("two (two x)", (0, 1)),
        ("two (two y)", (0, 1)),
    ];
    let expected = expected.map(|(name, counts)| (name.to_owned(), counts));
    assert_eq!(counts(MatchBy::Program), expected.into());
    assert_eq!(counts(MatchBy::Comm)["two"], (0, 2));
    assert_eq!(counts(MatchBy::Exe)["/opt/v1/srv"], (1, 0));
    assert_eq!(counts(MatchBy::Container)["no container"], (5, 5));
}
