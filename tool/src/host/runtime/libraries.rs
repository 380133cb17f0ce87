//! Libraries that a process has mapped.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};

use super::languages;
use crate::model::RuntimeName;

/// The most that is read of the list of mappings: some 10,000 of them.
const MAPS_LIMIT: u64 = 1 << 20;

/// The library of a runtime.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Library {
    pub(super) name: RuntimeName,
    /// As the process sees it.
    pub(super) path: Vec<u8>,
    /// Addresses of a mapping of it.
    start: u64,
    end: u64,
}

impl Library {
    /// The library of a runtime that counts most among those that a process has mapped.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let maps = File::open(format!("/proc/{pid}/maps")).ok()?;
        first(BufReader::new(maps.take(MAPS_LIMIT)))
    }

    /// The file itself, by its mapping: a path would be one of the process's own root.
    pub(super) fn open(&self, pid: u32) -> Option<File> {
        let (start, end) = (self.start, self.end);
        File::open(format!("/proc/{pid}/map_files/{start:x}-{end:x}")).ok()
    }
}

/// `START-END PERMISSIONS OFFSET DEVICE INODE PATH`
fn first(maps: impl BufRead) -> Option<Library> {
    let mut best: Option<(usize, Library)> = None;
    for line in maps.split(b'\n') {
        // A line that was cut off at the end of what is read has no library, at worst.
        let Ok(line) = line else { break };
        let Some(at) = memchr::memchr(b'/', &line) else {
            continue;
        };
        let (addresses, path) = line.split_at(at);
        let file_name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let Some((rank, name)) = languages::by_file_name(file_name) else {
            continue;
        };
        if best.as_ref().is_none_or(|(best, _)| rank < *best)
            && let Some((start, end)) = range(addresses)
        {
            let path = path.to_vec();
            best = Some((
                rank,
                Library {
                    name,
                    path,
                    start,
                    end,
                },
            ));
        }
    }
    best.map(|(_, library)| library)
}

fn range(addresses: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(addresses).ok()?;
    let (start, end) = text.split_once(' ')?.0.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    Some((address(start)?, address(end)?))
}

#[cfg(test)]
mod tests {
    use super::{Library, first};
    use crate::model::RuntimeName;

    #[test]
    fn the_one_that_counts_most() {
        let maps = "\
55e8c0a00000-55e8c0a28000 r--p 00000000 fe:00 1311 /usr/bin/libjvm.so.d/java
7f00aa000000-7f00aa400000 rw-p 00000000 00:00 0 
7f00aa400000-7f00aa402000 r--p 00000000 00:08 11   /usr/lib/libpython3.11.so.1.0
7f00aa402000-7f00aa404000 r-xp 00002000 00:08 11   /usr/lib/libpython3.11.so.1.0
7f00aa404000-7f00aa406000 r--p 00000000 00:08 12   /opt/a b/libjvm.so (deleted)
7ffd4c5f9000-7ffd4c61a000 rw-p 00000000 00:00 0    [stack]
";
        let library = first(maps.as_bytes()).expect("there is one");
        let expected = Library {
            name: RuntimeName::Jvm,
            path: b"/opt/a b/libjvm.so (deleted)".to_vec(),
            start: 0x7f00_aa40_4000,
            end: 0x7f00_aa40_6000,
        };
        assert_eq!(library, expected);
        let python: Vec<_> = maps.lines().take(4).collect();
        let library = first(python.join("\n").as_bytes()).expect("there is one");
        assert_eq!(
            (library.name, library.start),
            (RuntimeName::Cpython, 0x7f00_aa40_0000)
        );
    }

    #[test]
    fn lines_of_another_form() {
        for line in [
            "",
            "/libjvm.so",
            "x-y r /libjvm.so",
            "1-2 /",
            "12 r--p /libjvm.so",
        ] {
            assert_eq!(first(line.as_bytes()), None, "{line}");
        }
    }
}
