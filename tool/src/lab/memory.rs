//! How much memory there is to use, and how much is used.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

/// More than the status of a process takes, however many groups it has.
const STATUS: usize = 64 << 10;

/// Bytes that can be had without swapping, as the kernel estimates; `None` where it does not tell.
pub(super) fn available() -> Option<u64> {
    find(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Forgets how much this process has had in memory at most so far, and gives what it has now; bytes,
/// `None` where the kernel does not tell.
pub(super) fn reset_peak() -> Option<u64> {
    // proc_pid_clear_refs(5)
    fs::write("/proc/self/clear_refs", "5").ok()?;
    status("VmRSS:")
}

/// How much more it has had since then at most.
pub(super) fn peak_since(before: Option<u64>) -> Option<u64> {
    status("VmHWM:")?.checked_sub(before?)
}

fn status(name: &str) -> Option<u64> {
    let mut text = vec![0; STATUS];
    // By `pread`: no read of this may be taken for one of a path.
    let status = File::open("/proc/self/status").ok()?;
    let length = status.read_at(&mut text, 0).ok()?;
    find(std::str::from_utf8(&text[..length]).ok()?, name)
}

fn find(lines: &str, name: &str) -> Option<u64> {
    let line = lines.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found() {
        let meminfo = "MemTotal:  8 kB\nMemAvailable:       3 kB\nBuffers: 1 kB\n";
        assert_eq!(find(meminfo, "MemAvailable:"), Some(3072));
        for wrong in [
            "",
            "MemAvailable: x kB",
            "MemAvailable: 99999999999999999999 kB",
        ] {
            assert_eq!(find(wrong, "MemAvailable:"), None);
        }
    }
}
