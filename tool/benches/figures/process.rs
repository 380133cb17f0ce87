//! What a process has taken so far.

use std::fs;

use anyhow::{Context as _, Result};

/// Sums since its start (`proc_pid_stat(5)`, `proc_pid_status(5)`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// CPU time in userspace, in seconds.
    pub(crate) user: f64,
    /// CPU time in the kernel, in seconds.
    pub(crate) system: f64,
    /// Page faults.
    pub(crate) faults: f64,
    /// Memory, at most, in MiB.
    pub(crate) memory: f64,
}

impl Taken {
    pub(crate) fn by(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The command name may have spaces.
        let (_, fields) = stat.rsplit_once(") ").context("no command name")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let field = |at: usize| -> Result<f64> {
            let text = fields.get(at).context("too few fields")?;
            Ok(text.parse()?)
        };
        let second = rustix::param::clock_ticks_per_second() as f64;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mut lines = status.lines();
        let memory = lines.find_map(|line| line.strip_prefix("VmHWM:"));
        let memory = memory.and_then(|text| text.trim().strip_suffix(" kB"));
        Ok(Self {
            user: field(11)? / second,
            system: field(12)? / second,
            faults: field(7)? + field(9)?,
            memory: memory.context("no memory")?.parse::<f64>()? / 1024.0,
        })
    }
}
