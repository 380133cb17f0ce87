//! Servers as Debian builds them, without frame pointers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::live;
use crate::load::Samples;
use crate::support::children::Program;
use crate::support::http;
use crate::support::ports::free_port;
use crate::support::prerequisites::{self, or_skip};

/// Size of the served file.
const SIZE: u64 = 8 << 20;

#[test]
fn nginx() -> Result<()> {
    let Some(nginx) = installed("nginx")? else {
        return Ok(());
    };
    let site = Site::new()?;
    let server = site.nginx(&nginx)?;
    check("nginx", server.only_child()?, || site.fetch())
}

#[test]
fn haproxy() -> Result<()> {
    let (Some(nginx), Some(haproxy)) = (installed("nginx")?, installed("haproxy")?) else {
        return Ok(());
    };
    let upstream = Site::new()?;
    let _server = upstream.nginx(&nginx)?;
    let site = Site::new()?;
    let configuration = format!(
        "global
             nbthread 2
         defaults
             mode http
             timeout connect 120s
             timeout client 120s
             timeout server 120s
         listen proxy
             bind 127.0.0.1:{}
             server upstream 127.0.0.1:{}\n",
        site.port, upstream.port
    );
    fs::write(site.file("haproxy.cfg"), configuration)?;
    let mut command = Command::new(haproxy);
    command.args(["-db", "-f"]).arg(site.file("haproxy.cfg"));
    let server = Program::start_listening(command.stderr(Stdio::null()), site.port)?;
    check("haproxy", server.pid(), || site.fetch())
}

#[test]
fn python() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::python());
    let Some(python) = or_skip(there)? else {
        return Ok(());
    };
    let site = Site::new()?;
    let mut command = Command::new(python);
    command
        .args(["-m", "http.server", "--bind", "127.0.0.1", "-d"])
        .arg(site.folder.path())
        .arg(site.port.to_string());
    let server = Program::start_listening(
        command.stdout(Stdio::null()).stderr(Stdio::null()),
        site.port,
    )?;
    check("python3", server.pid(), || site.fetch())
}

#[test]
fn node() -> Result<()> {
    let Some(node) = installed("node")? else {
        return Ok(());
    };
    let site = Site::new()?;
    let program = "
        const fs = require('fs');
        const [folder, port] = process.argv.slice(1);
        require('http').createServer((request, response) => {
            const path = folder + request.url;
            response.setHeader('Content-Length', fs.statSync(path).size);
            fs.createReadStream(path).pipe(response);
        }).listen(port, '127.0.0.1');";
    let mut command = Command::new(node);
    command
        .args(["-e", program])
        .arg(site.folder.path())
        .arg(site.port.to_string());
    let server = Program::start_listening(&mut command, site.port)?;
    check("node", server.pid(), || site.fetch())
}

/// Looks at the stacks of a server while it works: one by one, by the tool, and beside `perf`.
fn check(name: &str, process: u32, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    Samples::take(process, &work)?.reach_entry(name)?;
    live::reach_entry(name, process, &work)?;
    live::agree_with_perf(name, process, &work)
}

fn installed(name: &str) -> Result<Option<PathBuf>> {
    or_skip(prerequisites::root().and_then(|()| prerequisites::program(name)))
}

/// A folder with a file to serve, and a port to serve it at.
struct Site {
    folder: TempDir,
    port: u16,
}

impl Site {
    fn new() -> Result<Self> {
        let site = Self {
            folder: TempDir::new()?,
            port: free_port()?,
        };
        write_pattern(fs::File::create(site.file("file"))?, SIZE, 23)?;
        Ok(site)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts an nginx that reads and writes.
    fn nginx(&self, nginx: &Path) -> Result<Program> {
        let root = self.folder.path().to_str().context("a path of UTF-8")?;
        let port = self.port;
        let configuration = format!(
            "daemon off; master_process on; worker_processes 1; user root root;
             pid {root}/nginx.pid; error_log {root}/error.log;
             events {{ worker_connections 64; }}
             http {{
                 access_log off; sendfile off;
                 client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;
                 fastcgi_temp_path {root}/fastcgi; uwsgi_temp_path {root}/uwsgi;
                 scgi_temp_path {root}/scgi;
                 server {{ listen 127.0.0.1:{port}; root {root}; }}
             }}"
        );
        fs::write(self.file("nginx.conf"), configuration)?;
        let mut command = Command::new(nginx);
        command.arg("-p").arg(root);
        command.arg("-c").arg(self.file("nginx.conf"));
        command.arg("-e").arg(self.file("error.log"));
        Program::start_listening(&mut command, self.port)
    }

    fn fetch(&self) -> Result<()> {
        http::get(self.port, "/file").map(drop)
    }
}
