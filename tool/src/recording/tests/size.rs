//! A long recording stays small.

use std::fs;

use super::*;

const PROCESSES: u32 = 500;
const STEPS: u64 = 3600;
/// Two chunks, and two more.
const MEASURED: u64 = 256;
const LARGEST: u64 = 50_000_000;

/// 500 processes that all read, write and send in each second, each time another amount, of which a part
/// is measured, and an hour is as much more as it is longer.
#[test]
fn an_hour_of_500_processes() {
    let (_folder, path) = place();
    let mut writer = Writer::create(&path, OPTIONS).expect("a recording");
    writer.without_syncing();
    let mut random = fastrand::Rng::with_seed(1);
    let mut now = machine();
    let mut sizes = Vec::new();
    for step in 1..=MEASURED {
        pass(&mut now, &mut random);
        now.window.duration = Duration::from_secs(step);
        let summary = writer.step(&now).expect("a step");
        if step == MEASURED / 2 {
            sizes.push(summary.size);
        }
    }
    writer.finish(&now, &[]).expect("an end");
    let half = sizes[0];
    let all = fs::metadata(&path).expect("it is there").len();
    let hour = half + (all - half) * (STEPS - MEASURED / 2) / (MEASURED / 2);
    assert!(hour < LARGEST, "{hour} bytes");
}

/// A second goes by.
fn pass(now: &mut Snapshot, random: &mut fastrand::Rng) {
    for flow in &mut now.flows {
        let calls = random.u64(900..1100);
        flow.calls += calls;
        flow.first_pieces += calls;
        flow.bytes += calls * random.u64(30_000..32_768);
    }
    // What two CPUs sample at most.
    for _ in 0..800 {
        let sites = &mut now.profile.call_sites;
        let index = random.usize(..sites.len());
        sites[index].samples += 1;
        sites[index].bytes.value += 262_144.5;
        sites[index].bytes.variance += 1e10;
    }
}

fn machine() -> Snapshot {
    let mut machine = snapshot();
    let mut profile = sampled();
    for pid in 1..=PROCESSES {
        let socket = (EndpointKind::None, EndpointKind::Tcp);
        let file = (EndpointKind::File, EndpointKind::None);
        machine = machine
            .named(pid, "server", &["server", "--of", "a", "farm"])
            .with([
                flow(pid, Call::Read, file, Class::Ingest, 0, 0),
                flow(pid, Call::Write, FILE_TO_TCP, Class::SameBuffer, 0, 0),
                flow(pid, Call::Write, socket, Class::Generated, 0, 0),
            ]);
        for site in 0..4 {
            let mut call_site = profile::go_wrapper(Estimate::default());
            call_site.process = process(pid);
            call_site.samples = 0;
            call_site.sink_name = Some(Arc::from(format!("10.0.0.{site}")));
            profile.call_sites.push(call_site);
        }
    }
    machine.profile = profile;
    machine
}
