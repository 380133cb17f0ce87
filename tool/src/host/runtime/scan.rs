//! Looking for texts in parts of a file, however large they are.

use std::ops::{ControlFlow, Range};

use memchr::memmem;

use super::elf::Elf;

/// Bytes that are looked at together.
const CHUNK: usize = 64 << 10;
/// The longest text that is found, with what is given of what follows it. Chunks overlap by it.
const REACH: usize = 256;
/// The most that is looked through for one question. The constants of Node.js are some 30 MiB.
const LIMIT: u64 = 64 << 20;

/// What follows the first occurrence of `needle` for which `find` yields something.
pub(super) fn find<T>(
    elf: &Elf,
    ranges: &[Range<u64>],
    needle: &[u8],
    mut find: impl FnMut(&[u8]) -> Option<T>,
) -> Option<T> {
    let mut found = None;
    each(elf, ranges, &[needle], |_, rest| {
        found = find(rest);
        if found.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    found
}

/// Visits every occurrence of the needles, chunk by chunk: which needle it is, and what follows it,
/// up to [`REACH`] bytes less the length of the needle.
pub(super) fn each(
    elf: &Elf,
    ranges: &[Range<u64>],
    needles: &[&[u8]],
    mut visit: impl FnMut(usize, &[u8]) -> ControlFlow<()>,
) {
    let finders: Vec<_> = needles.iter().map(memmem::Finder::new).collect();
    let mut buffer = vec![0; CHUNK + REACH];
    let mut left = LIMIT;
    for range in ranges {
        let mut offset = range.start;
        while offset < range.end && left > 0 {
            let wanted = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
            let wanted = wanted.min(buffer.len());
            let filled = elf.fill(offset, &mut buffer[..wanted]);
            // What begins in the overlap is found in the next chunk.
            let new = filled.min(CHUNK);
            for (index, finder) in finders.iter().enumerate() {
                let length = finder.needle().len();
                let end = filled.min(new + length.saturating_sub(1));
                for at in finder.find_iter(&buffer[..end]) {
                    let rest = &buffer[at + length..filled.min(at + REACH)];
                    if visit(index, rest).is_break() {
                        return;
                    }
                }
            }
            if filled < wanted || new == 0 {
                break;
            }
            offset += new as u64;
            left = left.saturating_sub(new as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, REACH, each};
    use crate::host::runtime::elf::tests::with_bytes_after_header;
    use std::ops::ControlFlow;

    #[test]
    fn each_is_found_once_wherever_it_lies() {
        for place in [
            0,
            1,
            CHUNK - 5,
            CHUNK - 1,
            CHUNK,
            CHUNK + 7,
            CHUNK + REACH,
            3 * CHUNK - 2,
        ] {
            let mut bytes = vec![b'.'; 3 * CHUNK + 100];
            bytes[place..place + 8].copy_from_slice(b"needle:v");
            let (elf, start) = with_bytes_after_header(&bytes);
            let mut found = Vec::new();
            let range = start..start + bytes.len() as u64;
            each(&elf, &[range], &[b"nothing", b"needle:"], |index, rest| {
                found.push((index, rest.first().copied()));
                ControlFlow::Continue(())
            });
            assert_eq!(found, [(1, Some(b'v'))], "at {place}");
        }
    }

    #[test]
    fn a_range_past_the_end_ends_with_the_file() {
        let (elf, start) = with_bytes_after_header(b"needle");
        let mut count = 0;
        each(
            &elf,
            &[start..u64::MAX, u64::MAX - 1..u64::MAX],
            &[b"needle"],
            |_, _| {
                count += 1;
                ControlFlow::Continue(())
            },
        );
        assert_eq!(count, 1);
    }
}
