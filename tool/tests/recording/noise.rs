//! The same nginx, recorded again and again: what is only noise is no change, and a tenth more of what it
//! reads and writes is one.
//!
//! `COPYTAX_PAIRS=10` makes as many pairs as docs/diff.md tells of; by itself the test makes a few.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use copytax::lab::write_pattern;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::children::Program;
use crate::support::ports::free_port;
use crate::support::{http, prerequisites};
use crate::tool::{record_process, run};

const PAIRS: usize = 2;
/// Small, so that there are many requests, by which the mix is known.
const SIZE: u64 = 64 << 10;
/// Sixty steps.
const LENGTH: Duration = Duration::from_secs(6);

/// Shares of requests that are read and written.
const BEFORE: f64 = 0.5;
const AFTER: f64 = 0.55;

#[test]
fn noise_is_told_from_changes() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("nginx"));
    let Some(nginx) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let pairs = std::env::var("COPYTAX_PAIRS").map_or(Ok(PAIRS), |pairs| pairs.parse())?;
    let server = Server::start(&nginx)?;
    let (mut alarms, mut found) = (Vec::new(), 0);
    for pair in 0..pairs {
        let record = |name: &str, share: f64| {
            let file = server.folder.path().join(format!("{pair}-{name}.ctx"));
            server.record(&file, share)
        };
        let base = record("base", BEFORE)?;
        let again = record("again", BEFORE)?;
        let changed = record("changed", AFTER)?;
        let told = changes(&base, &again)?;
        if !told.is_empty() {
            alarms.push(told);
        }
        found += usize::from(changes(&base, &changed)?.contains(&"hit_rate down".to_owned()));
    }
    println!("{pairs} pairs: {found} changes found; false ones: {alarms:?}");
    ensure!(alarms.len() <= 1, "{alarms:?}");
    ensure!(found * 10 >= pairs * 9, "{found} of {pairs}");
    Ok(())
}

/// What is said to have changed of nginx.
fn changes(base: &Path, new: &Path) -> Result<Vec<String>> {
    let output = run([
        Path::new("diff"),
        base,
        new,
        Path::new("--json"),
        Path::new("--threshold=0"),
    ])?;
    let diff: Value = serde_json::from_slice(&output.stdout)?;
    let metrics = diff["groups"][0]["metrics"].as_array();
    let metrics = metrics.with_context(|| diff.to_string())?;
    Ok(metrics
        .iter()
        .filter_map(|metric| {
            let (name, change) = (metric["metric"].as_str()?, metric["change"].as_str()?);
            Some(format!("{name} {change}"))
        })
        .collect())
}

/// An nginx that sends `/sent`, and reads and writes `/read`.
struct Server {
    folder: TempDir,
    port: u16,
    worker: u32,
    /// Ended with this.
    _master: Program,
}

impl Server {
    fn start(nginx: &Path) -> Result<Self> {
        let (folder, port) = (TempDir::new()?, free_port()?);
        let root = folder.path().to_str().context("text")?.to_owned();
        write_pattern(File::create(folder.path().join("file"))?, SIZE, 23)?;
        let configuration = format!(
            "daemon off; master_process on; worker_processes 1; user root root;
             pid {root}/nginx.pid; error_log {root}/error.log;
             events {{ worker_connections 64; }}
             http {{
                 access_log off;
                 client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;
                 fastcgi_temp_path {root}/fastcgi; uwsgi_temp_path {root}/uwsgi;
                 scgi_temp_path {root}/scgi;
                 server {{
                     listen 127.0.0.1:{port};
                     location = /sent {{ sendfile on; alias {root}/file; }}
                     location = /read {{ sendfile off; alias {root}/file; }}
                 }}
             }}"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration)?;
        let mut command = Command::new(nginx);
        command.arg("-p").arg(folder.path()).arg("-c").arg(file);
        command.arg("-e").arg(folder.path().join("error.log"));
        let master = Program::start_listening(&mut command, port)?;
        Ok(Self {
            folder,
            port,
            worker: master.only_child()?,
            _master: master,
        })
    }

    /// Records it while it has clients, of whose requests about `share` are read and written; their number
    /// goes up and down.
    fn record(&self, file: &Path, share: f64) -> Result<PathBuf> {
        let mut random = fastrand::Rng::new();
        let mut busy = 1;
        record_process(self.worker, file, LENGTH, || {
            if random.f64() < 0.05 {
                busy = random.usize(1..8);
            }
            for _ in 0..busy {
                let path = if random.f64() < share {
                    "/read"
                } else {
                    "/sent"
                };
                ensure!(http::get(self.port, path)? == SIZE, "{path}");
            }
            Ok(())
        })?;
        Ok(file.to_owned())
    }
}
