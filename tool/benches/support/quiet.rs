//! A machine that adds little of its own to what is measured.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use copytax::lab::Awake;
use nix::sched::{CloneFlags, unshare};

/// Congestion control that every kernel has, and that sets no timers to pace what is sent. Those of BBR
/// take as much CPU time over a loopback device as moving the bytes does, by its idea of the moment of how
/// fast that is.
const CONGESTION_CONTROL: &str = "reno";

/// From now on this process and its children are in a network of their own; and no processor sleeps, as long
/// as the result is there.
pub(crate) fn machine() -> Result<Awake> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let up = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .status();
    let up = up.context("iproute2 is needed")?;
    ensure!(up.success(), "the loopback device cannot be set up: {up}");
    fs::write(
        "/proc/sys/net/ipv4/tcp_congestion_control",
        CONGESTION_CONTROL,
    )?;
    Awake::stay().context("processors cannot be kept awake")
}
