//! haproxy as a TCP proxy: with read and write, and with `splice`.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use copytax::lab::write_pattern;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::sink::{accept, count};
use crate::support::audit::{Audit, ENGINES};
use crate::support::children::Program;
use crate::support::patience::until;
use crate::support::ports::free_port;
use crate::support::report::Process;
use crate::support::{http, prerequisites};
use crate::watched::{self, Watched};
use crate::ways::{self, expected};

/// What the client sends.
const UP: u64 = 1_000_003;

/// What the server answers.
const DOWN: u64 = (1 << 30) + 23;

const BOUNCED: &str = "bounced read_write tcp -> tcp, same_buffer";
const STAGED: &str = "staged splice tcp -> pipe";
const SPLICED: &str = "zero_copy splice tcp -> tcp";

#[test]
fn without_splice_bounces() -> Result<()> {
    let Some(haproxy) = proxied("")? else {
        return Ok(());
    };
    assert_eq!(ways::of(&haproxy), expected([(BOUNCED, UP + DOWN)]));
    assert_eq!(haproxy.bytes.lost, UP + DOWN);
    assert_eq!(haproxy.hit_rate, Some(0.0));
    Ok(())
}

/// haproxy decides itself what is worth it, by a rule that a transfer over loopback seldom meets:
/// whatever it does, each byte is either spliced or bounced.
#[test]
fn splice_auto_is_spliced_or_bounces() -> Result<()> {
    let Some(haproxy) = proxied("option splice-auto")? else {
        return Ok(());
    };
    spliced(&haproxy, UP + DOWN)?;
    Ok(())
}

/// One direction only: all that the client sent bounces.
#[test]
fn splice_response_is_sent_by_the_kernel() -> Result<()> {
    let Some(haproxy) = proxied("option splice-response")? else {
        return Ok(());
    };
    let spliced = spliced(&haproxy, UP + DOWN)?;
    assert!(spliced > DOWN / 100 * 99, "{haproxy:#?}");
    assert!(spliced <= DOWN, "{haproxy:#?}");
    Ok(())
}

#[test]
fn equals_strace() -> Result<()> {
    for engine in ENGINES {
        let there = watched::prerequisites().and_then(|()| prerequisites::program("haproxy"));
        let Some(haproxy) = prerequisites::or_skip(there)? else {
            return Ok(());
        };
        let proxy = Proxy::new("option splice-response")?;
        // The shell says which process to end.
        let mut command = Command::new("sh");
        command.args(["-c", r#""$@" & echo $!; wait"#, "sh"]);
        command
            .arg(haproxy)
            .args(["-db", "-f"])
            .arg(proxy.configuration());
        let mut watched = Watched::start(engine, &command)?;
        let pid = watched.printed(|line| line.parse().ok())?;
        let client = until("haproxy to listen", || {
            watched.still_runs()?;
            Ok(proxy.connect())
        })?;
        proxy.exchange(client, 10_007, 3_000_017)?;
        let pid = Pid::from_raw(pid).context("the shell says 0")?;
        kill_process(pid, Signal::USR1)?;
        let report = watched.finish()?;
        let spliced = spliced(report.named("haproxy")?, 10_007 + 3_000_017)?;
        assert!(spliced > 0, "nothing was spliced");
    }
    Ok(())
}

/// How many bytes were spliced. Fails unless all others bounced, and all that was staged in a pipe
/// left it again.
fn spliced(haproxy: &Process, total: u64) -> Result<u64> {
    let mut ways = ways::of(haproxy);
    ways.retain(|way, _| way.contains("tcp"));
    let spliced = ways.get(SPLICED).copied().unwrap_or(0);
    let mut expected = expected([
        (SPLICED, spliced),
        (STAGED, spliced),
        (BOUNCED, total - spliced),
    ]);
    expected.retain(|_, bytes| *bytes > 0);
    assert_eq!(ways, expected);
    assert_eq!(haproxy.bytes.lost, total - spliced);
    Ok(spliced)
}

/// What the audit says of an haproxy with an option, after one exchange.
fn proxied(option: &str) -> Result<Option<Process>> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("haproxy"));
    let Some(haproxy) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let proxy = Proxy::new(option)?;
    let mut command = Command::new(haproxy);
    command.args(["-db", "-f"]).arg(proxy.configuration());
    let mut haproxy = Program::start(command.stderr(File::create(proxy.log())?))?;
    let client = until("haproxy to listen", || {
        if haproxy.has_ended()? {
            bail!("haproxy ended: {}", fs::read_to_string(proxy.log())?);
        }
        Ok(proxy.connect())
    })?;
    let audit = Audit::of_process(haproxy.pid())?;
    proxy.exchange(client, UP, DOWN)?;
    let report = audit.interrupt()?;
    report.every_call_counted()?;
    report.take(haproxy.pid()).map(Some)
}

/// A proxy to a server in this test.
struct Proxy {
    folder: TempDir,
    port: u16,
    server: TcpListener,
}

impl Proxy {
    fn new(option: &str) -> Result<Self> {
        let proxy = Self {
            folder: TempDir::new()?,
            port: free_port()?,
            server: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
        };
        let port = proxy.port;
        let server = proxy.server.local_addr()?.port();
        let configuration = format!(
            "global
                 nbthread 1
                 maxconn 64
                 maxpipes 64
             defaults
                 mode tcp
                 timeout connect 120s
                 timeout client 120s
                 timeout server 120s
                 {option}
             listen proxy
                 bind 127.0.0.1:{port}
                 server upstream 127.0.0.1:{server}\n"
        );
        fs::write(proxy.configuration(), configuration)?;
        Ok(proxy)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("haproxy.cfg")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Connects to it, if it listens.
    fn connect(&self) -> Option<TcpStream> {
        http::connect(self.port).ok()
    }

    /// Moves bytes through it, first up and then down.
    fn exchange(&self, mut client: TcpStream, up: u64, down: u64) -> Result<()> {
        thread::scope(|scope| {
            let server = scope.spawn(|| -> Result<()> {
                let mut server = accept(&self.server)?;
                ensure!(count((&server).take(up))? == up, "the request is too short");
                Ok(write_pattern(&mut server, down, 29)?)
            });
            write_pattern(&mut client, up, 23)?;
            ensure!(count(client)? == down, "the answer is too short");
            server.join().ok().context("the server panicked")?
        })
    }
}
