//! Idle processors that poll instead of going to sleep.

use std::fs::{File, OpenOptions};
use std::io::Write as _;

/// Takes the longest time, in microseconds, that a processor may need to wake up, for as long as it is open
/// (`kernel/power/qos.c`; `cpu_latency_qos_limit` in `drivers/cpuidle`; Linux 6.12).
const DEVICE: &str = "/dev/cpu_dma_latency";

/// While it is there, no processor of this machine sleeps. To wake one, a virtual machine has to be left,
/// which costs whoever sends to it more than moving the bytes does, as often as the other end happens to
/// sleep.
#[derive(Debug)]
pub struct Awake {
    _file: File,
}

impl Awake {
    /// `None` where it is not ours to say, as without root: then figures vary more.
    #[must_use]
    pub fn stay() -> Option<Self> {
        let mut file = OpenOptions::new().write(true).open(DEVICE).ok()?;
        file.write_all(&0_i32.to_ne_bytes()).ok()?;
        Some(Self { _file: file })
    }
}
