//! nginx, with and without `sendfile`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use copytax::lab::write_pattern;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::patience::until;
use crate::support::ports::free_port;
use crate::support::report::Process;
use crate::support::{http, prerequisites};

/// Size of the served file.
const SIZE: u64 = 64 << 20;

/// How often it is fetched.
const REQUESTS: u64 = 5;

#[test]
fn sendfile_on_is_sent_by_the_kernel() -> Result<()> {
    let Some(worker) = served(true)? else {
        return Ok(());
    };
    assert_eq!(worker.bytes_to("tcp", Some("sendfile")), SIZE * REQUESTS);
    assert_eq!(worker.bytes.zero_copy, SIZE * REQUESTS);
    assert_eq!(worker.bytes.lost, 0);
    // The headers.
    assert!((1..=1000 * REQUESTS).contains(&worker.bytes.generated));
    assert!(worker.hit_rate > Some(0.99), "{worker:#?}");
    Ok(())
}

#[test]
fn sendfile_off_bounces() -> Result<()> {
    let Some(worker) = served(false)? else {
        return Ok(());
    };
    assert_eq!(worker.bytes.zero_copy, 0);
    assert!(worker.bytes.lost >= SIZE * REQUESTS / 100 * 99);
    assert!(worker.bytes.lost <= SIZE * REQUESTS, "{worker:#?}");
    assert!(worker.bytes_to("tcp", Some("read_write")) > SIZE * REQUESTS);
    assert!(
        worker.hit_rate.is_some_and(|rate| rate < 0.01),
        "{worker:#?}"
    );
    // Debian's nginx keeps no frame pointers, and has no names of static functions.
    worker.stacks_reach_their_entry()?;
    let site = worker.largest_site("bounced")?;
    for function in ["ngx_output_chain", "main"] {
        assert!(site.stacks.write.has(function), "{site:#?}");
    }
    Ok(())
}

/// What the audit says of the worker of an nginx that has sent the file a few times.
fn served(sendfile: bool) -> Result<Option<Process>> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("nginx"));
    let Some(nginx) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let site = Site::with_file(SIZE, sendfile)?;
    let master = Program::start(&mut site.command(&nginx))?;
    until("nginx to listen", || Ok(site.is_up().then_some(())))?;
    let worker = master.only_child()?;

    let audit = Audit::of_process(worker)?;
    for _ in 0..REQUESTS {
        assert_eq!(http::get(site.port, "/file")?, SIZE);
    }
    let report = audit.interrupt()?;
    site.quit()?;
    ensure!(master.wait()?.success(), "nginx failed");
    report.take(worker).map(Some)
}

/// A folder to serve, with a configuration that touches nothing outside of it.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) port: u16,
}

impl Site {
    /// A site with one file, `/file`.
    pub(crate) fn with_file(bytes: u64, sendfile: bool) -> Result<Self> {
        let site = Self {
            folder: TempDir::new()?,
            port: free_port()?,
        };
        let root = site.path();
        write_pattern(fs::File::create(root.join("file"))?, bytes, 23)?;
        let root = root.to_str().context("the temporary folder is not UTF-8")?;
        let sendfile = if sendfile { "on" } else { "off" };
        let port = site.port;
        // The worker keeps the user of the master: the folder is its own.
        let configuration = format!(
            "daemon off; master_process on; worker_processes 1; user root root;
             pid {root}/nginx.pid; error_log {root}/error.log;
             events {{ worker_connections 64; }}
             http {{
                 access_log off; sendfile {sendfile};
                 client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;
                 fastcgi_temp_path {root}/fastcgi; uwsgi_temp_path {root}/uwsgi;
                 scgi_temp_path {root}/scgi;
                 server {{ listen 127.0.0.1:{port}; root {root}; }}
             }}"
        );
        fs::write(site.path().join("nginx.conf"), configuration)?;
        Ok(site)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Serves it.
    pub(crate) fn command(&self, nginx: &Path) -> Command {
        let mut command = Command::new(nginx);
        command.arg("-p").arg(self.path());
        command.arg("-c").arg(self.path().join("nginx.conf"));
        command.arg("-e").arg(self.path().join("error.log"));
        command
    }

    /// Whether the server listens.
    pub(crate) fn is_up(&self) -> bool {
        http::connect(self.port).is_ok()
    }

    /// Asks the server to end when it has answered everyone.
    pub(crate) fn quit(&self) -> Result<()> {
        let pid = fs::read_to_string(self.path().join("nginx.pid"))?;
        let pid = Pid::from_raw(pid.trim_end().parse()?).context("the pid file says 0")?;
        Ok(kill_process(pid, Signal::QUIT)?)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Where the test failed before it could; there is no pid file after a regular end.
        let _ = self.quit();
    }
}
