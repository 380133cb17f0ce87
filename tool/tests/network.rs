//! Facts of network devices, in network namespaces of their own.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

use anyhow::{Context, Result, ensure};
use copytax::analysis::doctor::network::{ZeroCopy, zero_copy};
use copytax::host::network;
use copytax::lab::write_pattern;
use copytax::model::Device;
use tempfile::NamedTempFile;

use support::audit::Audit;
use support::children::Program;
use support::{ethtool, prerequisites};

/// Runs something on a thread with a network namespace of its own, in which only what it makes is up.
fn in_own_network(test: fn() -> Result<()>) -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("ip"));
    if prerequisites::or_skip(there)?.is_none() {
        return Ok(());
    }
    let thread = thread::spawn(move || {
        enter_own_network()?;
        test()
    });
    thread.join().ok().context("the test panicked")?
}

/// Moves this thread to a new network namespace.
fn enter_own_network() -> Result<()> {
    // SAFETY: no memory is involved.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    ensure!(result == 0, "no network namespace");
    Ok(())
}

fn ip(words: &str) -> Result<()> {
    let status = Command::new("ip").args(words.split(' ')).status()?;
    ensure!(status.success(), "ip {words} failed");
    Ok(())
}

fn device(name: &str) -> Result<Device> {
    let devices = network::devices()?;
    let found = devices.iter().find(|device| device.name == name);
    found
        .cloned()
        .with_context(|| format!("no {name} in {devices:?}"))
}

#[test]
fn loopback() -> Result<()> {
    in_own_network(|| {
        assert_eq!(network::devices()?, [], "nothing is up yet");
        ip("link set lo up")?;
        let lo = device("lo")?;
        assert!(lo.is_loopback);
        let offloads = lo.offloads.context("the kernel tells")?;
        assert!(offloads.scatter_gather && offloads.tcp_segmentation && offloads.tx_checksum);
        assert!(!offloads.tls_tx);
        assert_eq!(zero_copy(&lo).0, ZeroCopy::HelpsLess);
        Ok(())
    })
}

#[test]
fn a_pair_of_devices() -> Result<()> {
    in_own_network(|| {
        ip("link add near type veth peer name far")?;
        ip("link set near up")?;
        ip("address add 192.0.2.1/24 dev near")?;
        ip("address add 2001:db8::1/64 dev near nodad")?;
        let near = device("near")?;
        assert!(device("far").is_err(), "it is not up");
        assert!(!near.is_loopback);
        assert!(near.offloads.context("the kernel tells")?.scatter_gather);
        assert_eq!(zero_copy(&near).0, ZeroCopy::Helps);
        ethtool::set_scatter_gather("near", false)?;
        let near = device("near")?;
        let offloads = near.offloads.context("the kernel tells")?;
        assert!(!offloads.scatter_gather && offloads.tx_checksum);
        assert_eq!(zero_copy(&near).0, ZeroCopy::Copied);
        Ok(())
    })
}

#[test]
fn the_device_that_packets_leave_by() -> Result<()> {
    in_own_network(|| {
        let by = |address: IpAddr| network::egress(address);
        let v4 = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        assert!(by(v4(2)).is_err(), "there is no way");
        ip("link set lo up")?;
        ip("link add near type veth peer name far")?;
        ip("link set far up")?;
        ip("link set near up")?;
        ip("address add 192.0.2.1/24 dev near")?;
        ip("address add 2001:db8::1/64 dev near nodad")?;
        assert_eq!(by(v4(2))?.as_deref(), Some("near"));
        // Its own address is as near as loopback.
        assert_eq!(by(v4(1))?.as_deref(), Some("lo"));
        assert_eq!(by(IpAddr::V4(Ipv4Addr::LOCALHOST))?.as_deref(), Some("lo"));
        assert_eq!(by(IpAddr::V6(Ipv6Addr::LOCALHOST))?.as_deref(), Some("lo"));
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
        assert_eq!(by(IpAddr::V6(v6))?.as_deref(), Some("near"));
        let mapped = Ipv4Addr::new(192, 0, 2, 2).to_ipv6_mapped();
        assert_eq!(by(IpAddr::V6(mapped))?.as_deref(), Some("near"));
        Ok(())
    })
}

/// A server that copies a file to each client, here by its own address.
const SERVER: &str = r#"
import socket, sys
server = socket.create_server(("192.0.2.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    client, _ = server.accept()
    with client, open(sys.argv[1], "rb") as file:
        while data := file.read(1 << 16):
            client.sendall(data)
"#;
const SIZE: u64 = 10_000_019;

/// A finding says so where its advice would not help.
#[test]
fn the_device_of_a_finding() -> Result<()> {
    if prerequisites::or_skip(prerequisites::python())?.is_none() {
        return Ok(());
    }
    in_own_network(|| {
        let (send_thread, thread) = channel();
        let (send_port, port) = channel::<u16>();
        let (send_came, came) = channel();
        let (finish, done) = channel::<()>();
        let far = thread::spawn(move || -> Result<()> {
            enter_own_network()?;
            // SAFETY: no preconditions.
            send_thread.send(unsafe { libc::gettid() })?;
            let port = port.recv()?;
            ip("address add 192.0.2.2/24 dev far")?;
            ip("link set far up")?;
            let mut server = TcpStream::connect((Ipv4Addr::new(192, 0, 2, 1), port))?;
            send_came.send(io::copy(&mut server, &mut io::sink())?)?;
            // The devices are gone with this namespace.
            let _ = done.recv();
            Ok(())
        });
        let namespace = thread.recv()?;
        ip(&format!(
            "link add near type veth peer name far netns {namespace}"
        ))?;
        ip("address add 192.0.2.1/24 dev near")?;
        ip("link set near up")?;
        ethtool::set_scatter_gather("near", false)?;
        let mut file = NamedTempFile::new()?;
        write_pattern(&mut file, SIZE, 23)?;
        let mut command = Command::new(prerequisites::python()?);
        command.args(["-c", SERVER]).arg(file.path());
        let (server, number) = Program::start_server(&mut command)?;
        let audit = Audit::of_process(server.pid())?;
        send_port.send(number)?;
        assert_eq!(came.recv()?, SIZE);
        let report = audit.interrupt()?;
        drop(finish);
        far.join().ok().context("the client panicked")??;
        let mut findings = report.findings.iter();
        let finding = findings.find(|finding| finding.pid == server.pid());
        let egress = finding.and_then(|finding| finding.egress.as_ref());
        let egress = egress.with_context(|| format!("no device in {finding:#?}"))?;
        assert_eq!(egress.device, "near");
        assert_eq!(egress.scatter_gather, Some(false));
        assert_eq!(egress.zero_copy, "copied");
        Ok(())
    })
}
