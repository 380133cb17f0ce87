//! The executable mappings of a process, as `/proc/PID/maps` lists them
//! (`show_map_vma`, `fs/proc/task_mmu.c`, Linux 6.12).

use std::io::{self, BufRead, BufReader, Read};

/// Bytes of the list that are read at most: some 100,000 mappings.
const LIST_LIMIT: u64 = 16 << 20;
/// Executable mappings that are kept at most.
const MAPPING_LIMIT: usize = 16 << 10;

/// What the kernel appends to the path of a file whose last name is gone.
const DELETED: &[u8] = b" (deleted)";

/// A part of a process' memory that can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// Address behind the last one.
    pub end: u64,
    /// Where in the file `start` lies.
    pub offset: u64,
    /// Major and minor number of the file system's device; 0 where no file is mapped.
    pub device: (u32, u32),
    /// Inode number, 0 where no file is mapped.
    pub inode: u64,
    /// Path of the file, or what the kernel calls the memory; empty where it has no name.
    pub name: Vec<u8>,
    /// Whether the kernel says that the file has no name any more.
    pub is_deleted: bool,
}

/// Reads the executable mappings off a list, by rising addresses.
///
/// What does not look like a mapping is left out.
///
/// # Errors
///
/// If the list cannot be read.
pub fn read(list: impl Read) -> io::Result<Vec<Mapping>> {
    let mut mappings: Vec<Mapping> = Vec::new();
    for line in BufReader::new(list.take(LIST_LIMIT)).split(b'\n') {
        if mappings.len() == MAPPING_LIMIT {
            break;
        }
        if let Some(mapping) = parse(&line?)
            && mappings.last().is_none_or(|last| last.end <= mapping.start)
        {
            mappings.push(mapping);
        }
    }
    Ok(mappings)
}

/// The mapping of one line, if it can be executed.
fn parse(line: &[u8]) -> Option<Mapping> {
    // Six fields; the last one may hold blanks, and has blanks in front.
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let mut range = fields.next()?.split(|&byte| byte == b'-');
    let (start, end) = (number(range.next()?)?, number(range.next()?)?);
    let permissions = fields.next()?;
    let offset = number(fields.next()?)?;
    let mut device = fields.next()?.split(|&byte| byte == b':');
    let device = (number(device.next()?)?, number(device.next()?)?);
    let inode = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let name = fields.next().unwrap_or_default().trim_ascii_start();
    let name = unescape(name);
    let stripped = name.strip_suffix(DELETED);
    (start < end && permissions.get(2) == Some(&b'x')).then(|| Mapping {
        start,
        end,
        offset,
        device: (
            u32::try_from(device.0).unwrap_or(u32::MAX),
            u32::try_from(device.1).unwrap_or(u32::MAX),
        ),
        inode,
        is_deleted: stripped.is_some(),
        name: stripped.map_or_else(|| name.clone(), <[u8]>::to_vec),
    })
}

/// A hexadecimal number without prefix.
fn number(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Newlines are the only bytes that the kernel escapes there.
fn unescape(name: &[u8]) -> Vec<u8> {
    const NEWLINE: &[u8] = b"\\012";
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(NEWLINE) {
            plain.push(b'\n');
            rest = behind;
        } else {
            plain.push(first);
            rest = behind;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(list: &str) -> Vec<(String, bool)> {
        let mappings = read(list.as_bytes()).expect("a slice can be read");
        let name = |mapping: &Mapping| String::from_utf8_lossy(&mapping.name).into_owned();
        mappings
            .iter()
            .map(|mapping| (name(mapping), mapping.is_deleted))
            .collect()
    }

    #[test]
    fn every_field() {
        let list = "\
            55d0-55e0 r--p 00000000 fe:01 77 /bin/cat\n\
            55e0-55f0 r-xp 00010000 fe:01 77                         /bin/cat\n\
            7fff00000000-7fff00001000 r-xp 00000000 00:00 0          [vdso]\n\
            ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n";
        let mappings = read(list.as_bytes()).expect("a slice can be read");
        assert_eq!(
            mappings[0],
            Mapping {
                start: 0x55e0,
                end: 0x55f0,
                offset: 0x10000,
                device: (0xfe, 1),
                inode: 77,
                name: b"/bin/cat".to_vec(),
                is_deleted: false,
            }
        );
        assert_eq!(mappings.len(), 3);
        assert_eq!(mappings[2].start, 0xffff_ffff_ff60_0000);
    }

    #[test]
    fn names_of_all_kinds() {
        let list = "\
            1-2 r-xp 0 00:00 0\n\
            2-3 r-xp 0 00:00 0 \n\
            3-4 r-xp 0 00:00 1   /a b (deleted)\n\
            4-5 r-xp 0 00:00 1   /a\\012b\\\n\
            5-6 r-xp 0 00:00 0   [anon: a b]\n";
        let expected = [
            ("", false),
            ("", false),
            ("/a b", true),
            ("/a\nb\\", false),
            ("[anon: a b]", false),
        ];
        assert_eq!(
            names(list),
            expected.map(|(name, is_deleted)| (name.to_owned(), is_deleted))
        );
    }

    #[test]
    fn what_is_no_mapping_is_left_out() {
        let list = "\n \n1 r-xp 0 00:00 0 a\n2-1 r-xp 0 0:0 0 b\n1-2 r-xp 0 00:00 x c\n\
            1-2 rwxp 0 00:00 0 kept\n1-2 r-xp 0 00:00 0 again\n3-4 rw-p 0 00:00 0 d\n5-6 r-xp 0 00";
        assert_eq!(names(list), [("kept".to_owned(), false)]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes[..]);
        }

        #[test]
        fn mappings_rise(lines in prop::collection::vec((0_u64..50, 0_u64..50), 0..20)) {
            let list: String = lines
                .iter()
                .map(|(start, end)| format!("{start:x}-{end:x} r-xp 0 00:00 0\n"))
                .collect();
            let mappings = read(list.as_bytes()).expect("a slice can be read");
            prop_assert!(mappings.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
