//! The embedded workload: a file server in every shape, each in a process of its own, and one
//! client that fetches from all of them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::set_name;

use super::shapes::Shape;
use super::{client, memory_file, server};

/// Program to run again for each process of the workload.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// Any number; the content only has to be the same each time.
const SEED: u64 = 23;

/// Options of the hidden subcommand `workload`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct WorkloadOptions {
    /// What this process does; without it, it starts the others.
    #[arg(long)]
    pub role: Option<Role>,
    /// Size of the served file.
    #[arg(long, default_value_t = 16 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub bytes: u64,
    /// How often each shape sends the file.
    #[arg(long, default_value_t = 4)]
    pub transfers: u32,
    /// The file, for a server.
    #[arg(long, hide = true)]
    pub file: Option<PathBuf>,
    /// Where to fetch from, for the client.
    #[arg(long = "port", hide = true)]
    pub ports: Vec<u16>,
}

/// What a process of the workload does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves the file that `--file` names, on the listener that is its standard input.
    Server(Shape),
    /// Fetches from every `--port` and drops what comes.
    Client,
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "client" {
            Ok(Self::Client)
        } else {
            name.parse().map(Self::Server)
        }
    }
}

/// Runs the workload, or one process of it. To be called on the main thread, whose name is the
/// command name that the audit shows.
///
/// # Errors
///
/// Whatever keeps one of the processes from moving all of its bytes; the others are ended then.
pub fn run(options: &WorkloadOptions) -> io::Result<()> {
    let Some(role) = options.role else {
        return run_all(options);
    };
    // A process of the workload never outlives the one that started it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match role {
        Role::Server(shape) => {
            become_known_as(shape.name())?;
            let file = options.file.as_deref().ok_or_else(|| missing("--file"))?;
            server::run(shape, file, options.transfers)
        }
        Role::Client => {
            become_known_as("client")?;
            client::run(&options.ports, options.transfers, options.bytes)
        }
    }
}

fn run_all(options: &WorkloadOptions) -> io::Result<()> {
    become_known_as("workload")?;
    let file = memory_file("copytax-workload", options.bytes, SEED)?;
    let mut processes = Processes::default();
    let mut ports = Vec::new();
    for shape in Shape::ALL {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        ports.push(listener.local_addr()?.port());
        processes.start_server(shape, &file, listener, options)?;
    }
    processes.start_client(&ports, options)?;
    processes.join()?;
    // The client has counted every transfer: these numbers are what arrived.
    for shape in Shape::ALL {
        writeln!(
            io::stderr(),
            "{shape}: {} bytes in {} transfers of {} bytes",
            options.bytes * u64::from(options.transfers),
            options.transfers,
            options.bytes,
        )?;
    }
    Ok(())
}

/// The processes of the workload; ended when they go out of scope.
#[derive(Default)]
struct Processes(Vec<(String, Child)>);

impl Processes {
    fn start_server(
        &mut self,
        shape: Shape,
        file: &File,
        listener: TcpListener,
        options: &WorkloadOptions,
    ) -> io::Result<()> {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let arguments = ["--file".into(), path.into()];
        let stdin = OwnedFd::from(listener).into();
        self.start(shape.name(), arguments, stdin, options)
    }

    fn start_client(&mut self, ports: &[u16], options: &WorkloadOptions) -> io::Result<()> {
        let arguments = ports.iter().map(|port| format!("--port={port}").into());
        self.start("client", arguments, Stdio::null(), options)
    }

    fn start(
        &mut self,
        role: &str,
        arguments: impl IntoIterator<Item = OsString>,
        stdin: Stdio,
        options: &WorkloadOptions,
    ) -> io::Result<()> {
        let child = Command::new(THIS_PROGRAM)
            .args(["workload", "--role", role])
            .arg(format!("--bytes={}", options.bytes))
            .arg(format!("--transfers={}", options.transfers))
            .args(arguments)
            .stdin(stdin)
            .stdout(Stdio::null())
            .spawn()?;
        self.0.push((role.to_owned(), child));
        Ok(())
    }

    /// Waits for all of them, the client first: it fails when a server does, while a server may
    /// wait for ever for a client that failed.
    fn join(mut self) -> io::Result<()> {
        while let Some((role, child)) = self.0.last_mut() {
            let status = child.wait()?;
            if !status.success() {
                return Err(io::Error::other(format!(
                    "the process {role} failed: {status}"
                )));
            }
            self.0.pop();
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, child) in &mut self.0 {
            // Both fail only where the process has ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn become_known_as(name: &str) -> io::Result<()> {
    let name = std::ffi::CString::new(name).map_err(io::Error::other)?;
    Ok(set_name(&name)?)
}

fn missing(option: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{option} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_parse() {
        assert_eq!("client".parse(), Ok(Role::Client));
        assert_eq!("splice".parse(), Ok(Role::Server(Shape::Splice)));
        assert!("other".parse::<Role>().is_err());
    }

    #[test]
    fn a_client_without_a_server_fails() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        assert!(client::run(&[port], 1, 1).is_err());
    }

    #[test]
    fn a_short_transfer_is_an_error() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let server = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept()?;
            peer.write_all(b"short")
        });
        let error = client::run(&[port], 1, 6).expect_err("one byte is missing");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        server.join().expect("no panic").expect("five bytes fit");
    }
}
