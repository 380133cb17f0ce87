//! How much memory there is to use.

use std::fs;

/// Bytes that can be had without swapping, as the kernel estimates; `None` where it does not tell.
pub(super) fn available() -> Option<u64> {
    parse(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn parse(meminfo: &str) -> Option<u64> {
    let mut lines = meminfo.lines();
    let line = lines.find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found() {
        let meminfo = "MemTotal:  8 kB\nMemAvailable:       3 kB\nBuffers: 1 kB\n";
        assert_eq!(parse(meminfo), Some(3072));
        for wrong in [
            "",
            "MemAvailable: x kB",
            "MemAvailable: 99999999999999999999 kB",
        ] {
            assert_eq!(parse(wrong), None);
        }
    }
}
