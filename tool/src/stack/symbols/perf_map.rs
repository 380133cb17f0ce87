//! Code that a process compiled at run time, as it tells profilers: `/tmp/perf-PID.map`
//! (tools/perf/Documentation/jit-interface.txt of Linux). Written by `node --perf-basic-prof`,
//! `python3 -X perf`, agents for Java, and others.

mod names;

use std::collections::BinaryHeap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

pub(super) use names::Name;

use super::process::ProcessFiles;

/// Most bytes that are read: the last ones, which are those of the newest code.
const LIMIT: u64 = 64 << 20;
/// Longest line that counts.
const LONGEST: usize = 4 << 10;

/// The functions of one process.
#[derive(Debug)]
pub(super) struct PerfMap {
    text: Vec<u8>,
    /// Ranges of addresses that do not overlap, by address.
    ranges: Box<[Range]>,
}

/// A range of addresses with one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    start: u64,
    end: u64,
    /// Where the name is in the text.
    name: u32,
    length: u32,
}

impl PerfMap {
    /// Reads the map of a process; `None` where it has none that can be believed: as for perf, it must
    /// belong to the process' user or to root (`dso__load`, tools/perf/util/symbol.c).
    pub(super) fn read(process: &ProcessFiles, own_pid: u32, user: u32) -> Option<Self> {
        let path = PathBuf::from(format!("/tmp/perf-{own_pid}.map"));
        let file = process.open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        if metadata.uid() != user && metadata.uid() != 0 {
            tracing::debug!("the perf map of {own_pid} belongs to another user");
            return None;
        }
        Some(Self::parse(newest(&file, metadata.len())?))
    }

    fn parse(text: Vec<u8>) -> Self {
        let mut defined = Vec::new();
        let mut at = 0;
        for line in text.split(|byte| *byte == b'\n') {
            if let Some((start, end, name)) = fields(line) {
                let offset = at + line.len() - name.len();
                let position = u32::try_from(offset).ok().zip(u32::try_from(name.len()).ok());
                if let Some((name, length)) = position {
                    defined.push(Range {
                        start,
                        end,
                        name,
                        length,
                    });
                }
            }
            at += line.len() + 1;
        }
        Self {
            ranges: newest_of_each(defined).into(),
            text,
        }
    }

    /// The name of the code at an address.
    pub(super) fn name(&self, address: u64) -> Option<Name> {
        let behind = self.ranges.partition_point(|range| range.start <= address);
        let range = self.ranges.get(behind.checked_sub(1)?)?;
        if address >= range.end {
            return None;
        }
        let from = usize::try_from(range.name).ok()?;
        let to = from.checked_add(usize::try_from(range.length).ok()?)?;
        let name = String::from_utf8_lossy(self.text.get(from..to)?);
        Some(Name::of(name.trim()))
    }
}

/// The last bytes of a file.
fn newest(file: &File, length: u64) -> Option<Vec<u8>> {
    let kept = length.min(LIMIT);
    let mut text = vec![0; usize::try_from(kept).ok()?];
    file.read_exact_at(&mut text, length - kept).ok()?;
    Some(text)
}

/// Start, end and name of a line such as `3ef414c0 398 py::read:/usr/lib/python3.12/socket.py`: the
/// numbers are hexadecimal, the second is the size.
fn fields(line: &[u8]) -> Option<(u64, u64, &[u8])> {
    if line.len() > LONGEST {
        return None;
    }
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let start = hexadecimal(parts.next()?)?;
    let size = hexadecimal(parts.next()?)?;
    let name = parts.next().filter(|name| !name.trim_ascii().is_empty())?;
    let end = start.checked_add(size).filter(|end| *end > start)?;
    Some((start, end, name))
}

fn hexadecimal(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// Cuts ranges that overlap so that each address has the name which it was given last: memory of code
/// that is gone is used again.
fn newest_of_each(defined: Vec<Range>) -> Vec<Range> {
    let mut by_start: Vec<usize> = (0..defined.len()).collect();
    by_start.sort_by_key(|index| defined[*index].start);
    let mut borders: Vec<u64> = defined
        .iter()
        .flat_map(|range| [range.start, range.end])
        .collect();
    borders.sort_unstable();
    borders.dedup();

    let mut ranges: Vec<Range> = Vec::with_capacity(defined.len());
    let mut coming = by_start.into_iter().peekable();
    // Those that began at or before the border, newest first.
    let mut open = BinaryHeap::new();
    for border in borders.windows(2) {
        let (start, end) = (border[0], border[1]);
        while let Some(index) = coming.next_if(|index| defined[*index].start <= start) {
            open.push(index);
        }
        while open.peek().is_some_and(|index| defined[*index].end <= start) {
            open.pop();
        }
        let Some(newest) = open.peek().map(|index| defined[*index]) else {
            continue;
        };
        match ranges.last_mut() {
            Some(last) if last.end == start && last.name == newest.name => last.end = end,
            _ => ranges.push(Range {
                start,
                end,
                ..newest
            }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::PerfMap;

    fn named(text: &str, address: u64) -> Option<String> {
        let map = PerfMap::parse(text.as_bytes().to_vec());
        map.name(address).and_then(|name| name.function)
    }

    #[test]
    fn a_name_goes_as_far_as_its_size() {
        let text = "1000 10 one\n0x1020 8 two with spaces\n";
        assert_eq!(named(text, 0xfff), None);
        assert_eq!(named(text, 0x1000).as_deref(), Some("one"));
        assert_eq!(named(text, 0x100f).as_deref(), Some("one"));
        assert_eq!(named(text, 0x1010), None);
        assert_eq!(named(text, 0x1027).as_deref(), Some("two with spaces"));
        assert_eq!(named(text, 0x1028), None);
    }

    #[test]
    fn the_last_definition_counts() {
        let text = "1000 100 old\n1040 10 new\n1000 8 newest\n";
        assert_eq!(named(text, 0x1000).as_deref(), Some("newest"));
        assert_eq!(named(text, 0x1008).as_deref(), Some("old"));
        assert_eq!(named(text, 0x1040).as_deref(), Some("new"));
        assert_eq!(named(text, 0x1050).as_deref(), Some("old"));
    }

    #[test]
    fn nonsense_names_nothing() {
        let text = "\n1000\n1000 10\n1000 10 \nzz 10 a\n1000 0 a\nffffffffffffffff 10 a\n1000 -1 a";
        assert_eq!(named(text, 0x1000), None);
        assert_eq!(named(text, u64::MAX), None);
    }

    proptest! {
        #[test]
        fn it_is_as_if_each_address_were_looked_up_from_the_end(
            defined in prop::collection::vec((0_u64..64, 1_u64..32), 0..24),
        ) {
            let text: String = defined
                .iter()
                .enumerate()
                .map(|(index, (start, size))| format!("{start:x} {size:x} f{index}\n"))
                .collect();
            for address in 0..100 {
                let last = defined
                    .iter()
                    .rposition(|(start, size)| (*start..start + size).contains(&address));
                let expected = last.map(|index| format!("f{index}"));
                assert_eq!(named(&text, address), expected, "{address} in {text}");
            }
        }

        #[test]
        fn no_text_is_too_strange(text in any::<Vec<u8>>(), address in any::<u64>()) {
            let _ = PerfMap::parse(text).name(address);
        }
    }
}
