//! Addresses of the implementations of `splice_read`, from `/proc/kallsyms`.
//!
//! The file has more than 100,000 lines that the kernel makes as they are read: it is read in
//! pieces, and nothing but the few wanted lines is kept.

use std::fs::File;
use std::io::{self, Read};

use copytax_common::{SPLICE_READS, SpliceRead};

/// What the kernel's implementations do, by the name of the function. All but
/// `generic_file_splice_read` are those of 6.5 and later, where the file systems' own end in
/// `filemap_splice_read` in every case. Left out are those that decide anew at each call
/// (`ceph_splice_read`, `v9fs_file_splice_read`, `coda_file_splice_read`), so that they are unknown.
const IMPLEMENTATIONS: [(&str, SpliceRead); 15] = [
    ("filemap_splice_read", SpliceRead::PageCache),
    ("shmem_file_splice_read", SpliceRead::PageCache),
    ("ext4_file_splice_read", SpliceRead::PageCache),
    ("xfs_file_splice_read", SpliceRead::PageCache),
    ("f2fs_file_splice_read", SpliceRead::PageCache),
    ("nfs_file_splice_read", SpliceRead::PageCache),
    ("ocfs2_file_splice_read", SpliceRead::PageCache),
    ("afs_file_splice_read", SpliceRead::PageCache),
    ("orangefs_file_splice_read", SpliceRead::PageCache),
    ("zonefs_file_splice_read", SpliceRead::PageCache),
    ("ecryptfs_splice_read_update_atime", SpliceRead::PageCache),
    ("generic_file_splice_read", SpliceRead::ReadIter),
    ("copy_splice_read", SpliceRead::Copy),
    ("fuse_splice_read", SpliceRead::Fuse),
    ("ovl_splice_read", SpliceRead::Overlay),
];

/// Bytes read at a time; the kernel gives less.
const PIECE: usize = 16 << 10;
/// Longest line that is looked at; names of the kernel have up to 512 bytes.
const LONGEST: usize = 1 << 10;

/// The implementations of the running kernel, by address; none where it hides addresses.
pub(crate) fn splice_reads() -> Vec<(u64, SpliceRead)> {
    match File::open("/proc/kallsyms").and_then(find) {
        Ok(found) => {
            if found.is_empty() {
                tracing::debug!("/proc/kallsyms hides addresses: sources of splice are unknown");
            }
            found
        }
        Err(error) => {
            tracing::debug!("/proc/kallsyms cannot be read: {error}");
            Vec::new()
        }
    }
}

fn find(mut symbols: impl Read) -> io::Result<Vec<(u64, SpliceRead)>> {
    let mut found = Vec::new();
    let mut buffer = vec![0; PIECE + LONGEST];
    let mut kept = 0;
    loop {
        let length = symbols.read(&mut buffer[kept..])?;
        if length == 0 {
            return Ok(found);
        }
        let end = kept + length;
        let whole = buffer[..end]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        found.extend(
            buffer[..whole]
                .split(|byte| *byte == b'\n')
                .filter_map(parse),
        );
        found.truncate(SPLICE_READS as usize);
        // A line longer than any is thrown away, and its end no more than a line that is not wanted.
        let rest = if end - whole > LONGEST { end } else { whole };
        buffer.copy_within(rest..end, 0);
        kept = end - rest;
    }
}

/// Reads a line such as `ffffffff81234560 t ext4_file_splice_read\t[ext4]`, if it is wanted.
fn parse(line: &[u8]) -> Option<(u64, SpliceRead)> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    let symbol = line.get(end + " t ".len()..)?;
    let (_, what) = IMPLEMENTATIONS.iter().find(|(name, _)| {
        let rest = symbol.strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| matches!(rest, [] | [b'\t', ..]))
    })?;
    let address = std::str::from_utf8(&line[..end]).ok()?;
    let address = u64::from_str_radix(address, 16).ok()?;
    (address != 0).then_some((address, *what))
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, PIECE, SpliceRead, find};

    const SYMBOLS: &str = "ffffffff81594890 T __pfx_filemap_splice_read\n\
        ffffffff815948a0 T filemap_splice_read\n\
        ffffffff815948b0 T filemap_splice_reader\n\
        ffffffffc0123450 t fuse_splice_read\t[fuse]\n";

    #[test]
    fn whole_names_are_found() {
        let found = find(SYMBOLS.as_bytes()).expect("memory can be read");
        let expected = [
            (0xffff_ffff_8159_48a0, SpliceRead::PageCache),
            (0xffff_ffff_c012_3450, SpliceRead::Fuse),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn hidden_addresses_are_none() {
        let hidden = "0000000000000000 T filemap_splice_read\n";
        assert_eq!(find(hidden.as_bytes()).expect("memory"), []);
        assert_eq!(find(&b"nonsense\n\n1 "[..]).expect("memory"), []);
    }

    #[test]
    fn lines_are_found_wherever_a_piece_ends() {
        for length in 0..2 * LONGEST {
            let line = format!("1 T {}\n", "x".repeat(PIECE - 2 * LONGEST + length));
            let found = find((line + SYMBOLS).as_bytes()).expect("memory can be read");
            assert_eq!(found.len(), 2, "{length}");
        }
    }
}
