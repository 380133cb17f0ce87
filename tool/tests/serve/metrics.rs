//! What `/metrics` and the other paths tell.

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::serving::Serving;
use crate::support::patience::until;
use crate::support::report::Report;
use crate::traffic::{MOVED, Traffic};

/// Sum of the series of `/metrics` that begin with a name and have all of the labels.
pub(crate) fn sum(metrics: &str, name: &str, labels: &[&str]) -> Result<u64> {
    let mut sum = 0;
    for line in metrics.lines() {
        let is_it = line
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label));
        if is_it {
            let (_, value) = line.rsplit_once(' ').context("a value")?;
            sum += value.parse::<f64>()? as u64;
        }
    }
    Ok(sum)
}

const WRITTEN: &str = "copytax_written_bytes_total";

/// Waits until all is counted that has flowed.
pub(crate) fn counted(serving: &Serving) -> Result<String> {
    until("all bytes to be counted", || {
        let metrics = serving.body("/metrics")?;
        let lost = sum(&metrics, WRITTEN, &["lost=\"true\""])?;
        Ok((lost == MOVED).then_some(metrics))
    })
}

#[test]
fn metrics_and_report_are_what_has_flowed() -> Result<()> {
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let [fast, slow] = traffic.pids();
    let pids = [format!("--pid={fast}"), format!("--pid={slow}")];
    let serving = Serving::start(&[&pids[0], &pids[1], "--samples=20000"])?;
    traffic.flow()?;
    let metrics = counted(&serving)?;
    assert!(metrics.ends_with("# EOF\n"));
    let fast_bytes = [
        "mechanism=\"sendfile\"",
        "class=\"zero_copy\"",
        "sink=\"tcp\"",
    ];
    assert_eq!(sum(&metrics, WRITTEN, &fast_bytes)?, MOVED);
    let slow_bytes = [
        "mechanism=\"read_write\"",
        "class=\"bounced\"",
        "sink=\"tcp\"",
    ];
    assert_eq!(sum(&metrics, WRITTEN, &slow_bytes)?, MOVED);
    assert!(sum(&metrics, "copytax_calls_total", &slow_bytes)? > 0);
    // Both are one executable, and so one group.
    assert_eq!(sum(&metrics, "copytax_groups", &[])?, 1);
    assert_eq!(sum(&metrics, "copytax_other_processes", &[])?, 0);
    assert!(sum(&metrics, "process_resident_memory_bytes", &[])? > 1 << 20);
    let is_finding =
        |line: &str| line.starts_with("copytax_finding_info{") && line.contains("sink=\"tcp\"");
    assert!(metrics.lines().any(is_finding), "{metrics}");

    let report: Report = serde_json::from_str(&serving.body("/report.json")?)?;
    assert_eq!(report.process(fast)?.bytes.zero_copy, MOVED);
    assert_eq!(report.process(slow)?.bytes.lost, MOVED);
    let page = serving.body("/")?;
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("id=\"flames\""));
    let graph = serving.body("/flamegraph.svg?weight=bytes&only=all")?;
    ensure!(
        graph.contains("<svg") && graph.contains("[bounced]"),
        "{graph}"
    );
    for wrong in ["weight=x", "only=x", "side=x", "colour=red"] {
        let (status, _) = serving.get(&[], &format!("/flamegraph.svg?{wrong}"))?;
        assert_eq!(status, 400, "{wrong}");
    }
    assert_eq!(serving.get(&[], "/nonsense")?.0, 404);
    assert_eq!(serving.end(Signal::INT)?.code(), Some(0));
    Ok(())
}

/// One group is told apart, and the rest is counted.
#[test]
fn further_groups_are_one() -> Result<()> {
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let [fast, slow] = traffic.pids();
    let pids = [format!("--pid={fast}"), format!("--pid={slow}")];
    let serving = Serving::start(&[&pids[0], &pids[1], "--groups=0", "--no-stacks"])?;
    traffic.flow()?;
    let metrics = counted(&serving)?;
    let other = ["exe=\"other\"", "mechanism=\"sendfile\""];
    assert_eq!(sum(&metrics, WRITTEN, &other)?, MOVED);
    assert_eq!(sum(&metrics, "copytax_groups", &[])?, 0);
    assert_eq!(sum(&metrics, "copytax_other_processes", &[])?, 2);
    let (status, said) = serving.get(&[], "/flamegraph.svg")?;
    assert_eq!((status, said.trim()), (400, "call sites are not sampled"));
    serving.end(Signal::TERM)?;
    Ok(())
}
