//! Debian's Prometheus, as it is installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::metrics::counted;
use crate::serving::Serving;
use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::patience::until;
use crate::support::ports::free_port;
use crate::support::prerequisites;
use crate::traffic::{MOVED, Traffic};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/prometheus");

const DASHBOARD: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../deploy/grafana/copytax.json"
);

/// All bytes of a kind, of which there are none where there is no series.
const HIT_RATE: &str = r#"
    sum(copytax_written_bytes_total{class="zero_copy"})
    / (sum(copytax_written_bytes_total{class="zero_copy"}) + sum(copytax_written_bytes_total{lost="true"}))"#;

#[test]
fn rules_are_right() -> Result<()> {
    let Some(promtool) = prerequisites::or_skip(prerequisites::program("promtool"))? else {
        return Ok(());
    };
    for arguments in [
        ["check", "rules", "copytax.rules.yml"],
        ["test", "rules", "copytax.test.yml"],
    ] {
        let output = Command::new(&promtool)
            .args(arguments)
            .current_dir(RULES)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let cried = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {said}{cried}");
    }
    Ok(())
}

#[test]
fn the_hit_rate_is_that_of_an_audit() -> Result<()> {
    let there = prerequisites::program("prometheus");
    let Some(prometheus) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let pids = traffic.pids();
    let targets = pids.map(|pid| format!("--pid={pid}"));
    let serving = Serving::start(&[&targets[0], &targets[1], "--no-stacks"])?;
    let audit = Audit::of_processes(&pids)?;
    let folder = TempDir::new()?;
    let (port, _prometheus) = start(&prometheus, folder.path(), &serving)?;
    traffic.flow()?;
    counted(&serving)?;
    let report = audit.interrupt()?;
    let zero_copy = report.process(pids[0])?.bytes.zero_copy;
    let lost = report.process(pids[1])?.bytes.lost;
    assert_eq!((zero_copy, lost), (MOVED, MOVED));
    until("Prometheus to have it all", || {
        let lost = query(port, r#"sum(copytax_written_bytes_total{lost="true"})"#)?;
        Ok((lost == Some(MOVED as f64)).then_some(()))
    })?;
    let expected = zero_copy as f64 / (zero_copy + lost) as f64;
    assert_eq!(query(port, HIT_RATE)?, Some(expected));
    let up = query(port, r#"up{job="copytax"}"#)?;
    assert_eq!(up, Some(1.0));
    for expression in dashboard()? {
        let answer = ask(port, &expression)?;
        ensure!(answer["status"] == "success", "{expression}: {answer}");
    }
    Ok(())
}

/// The expressions of the dashboard, with everything selected.
fn dashboard() -> Result<Vec<String>> {
    let text = fs::read_to_string(DASHBOARD)?;
    let dashboard: Value = serde_json::from_str(&text)?;
    let panels = dashboard["panels"].as_array().context("panels")?;
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array());
    let expressions = targets.flatten().map(|target| {
        let text = target["expr"].as_str().context("an expression")?;
        Ok(text.replace("$instance", ".*").replace("$exe", ".*"))
    });
    let expressions: Vec<String> = expressions.collect::<Result<_>>()?;
    ensure!(expressions.len() >= 10, "{expressions:?}");
    Ok(expressions)
}

fn start(program: &Path, folder: &Path, serving: &Serving) -> Result<(u16, Program)> {
    let (_, address) = serving.origin.split_once("://").context("an origin")?;
    let configuration = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ['{RULES}/copytax.rules.yml']
scrape_configs:
  - job_name: copytax
    static_configs: [{{targets: ['{address}']}}]
"
    );
    let file = folder.join("prometheus.yml");
    fs::write(&file, configuration)?;
    let port = free_port()?;
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok((port, Program::start_listening(&mut command, port)?))
}

/// The value of a query that has one series at most.
fn query(port: u16, query: &str) -> Result<Option<f64>> {
    let answer = ask(port, query)?;
    ensure!(answer["status"] == "success", "{answer}");
    let value = &answer["data"]["result"][0]["value"][1];
    value.as_str().map(|text| Ok(text.parse()?)).transpose()
}

fn ask(port: u16, query: &str) -> Result<Value> {
    let output = Command::new(prerequisites::program("curl")?)
        .args(["-sS", "--max-time", "60", "-G", "--data-urlencode"])
        .arg(format!("query={query}"))
        .arg(format!("http://127.0.0.1:{port}/api/v1/query"))
        .output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}
