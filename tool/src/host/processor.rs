//! What the processor calls itself.

use std::fs::File;
use std::io::Read as _;

/// The name is among the first lines; the file grows with the processors.
const FIRST: usize = 512;

/// The name of the first processor; `None` where `/proc/cpuinfo` has none, as on many ARM machines.
#[must_use]
pub fn processor() -> Option<String> {
    let mut first = [0; FIRST];
    let filled = File::open("/proc/cpuinfo").ok()?.read(&mut first).ok()?;
    name(&String::from_utf8_lossy(&first[..filled]))
}

fn name(cpuinfo: &str) -> Option<String> {
    let mut lines = cpuinfo.lines();
    let name = lines.find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name?.1.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC 7313\nmodel name\t: other\n";
        assert_eq!(name(cpuinfo).as_deref(), Some("AMD EPYC 7313"));
        assert_eq!(name("processor\t: 0\nmodel name\t:\n"), None);
        assert_eq!(name(""), None);
    }
}
