//! Deterministic content: never all zero, never the same in two pages, so that no shortcut of the
//! kernel or of a checksum can hide a byte that was not moved.

use std::fs::File;
use std::io::{self, Write};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// Written at once while a pattern is made.
const CHUNK: usize = 256 * 1024;

/// Writes `bytes` bytes of a pseudo-random pattern that `seed` determines.
///
/// # Errors
///
/// Whatever `sink` refuses.
pub fn write_pattern(mut sink: impl Write, bytes: u64, seed: u64) -> io::Result<()> {
    // xorshift64* has one state to avoid, zero.
    let mut state = seed | 1;
    let mut chunk = vec![0_u8; CHUNK];
    let mut left = bytes;
    while left > 0 {
        for word in chunk.chunks_exact_mut(8) {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            word.copy_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
        }
        let take = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        sink.write_all(&chunk[..take])?;
        left -= take as u64;
    }
    Ok(())
}

/// A file in memory that children inherit and that nobody can change any more.
///
/// # Errors
///
/// Out of memory, or a kernel without `memfd_create`.
pub fn memory_file(name: &str, bytes: u64, seed: u64) -> io::Result<File> {
    // No CLOEXEC: the processes of a workload open it by its number in /proc/self/fd.
    let file = File::from(memfd_create(name, MemfdFlags::ALLOW_SEALING)?);
    write_pattern(&file, bytes, seed)?;
    fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
    )?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(bytes: u64, seed: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write_pattern(&mut out, bytes, seed).expect("a vector takes every write");
        out
    }

    #[test]
    fn pattern_is_deterministic_and_no_page_repeats() {
        let bytes = pattern(64 * 4096 + 3, 7);
        assert_eq!(bytes.len(), 64 * 4096 + 3);
        assert_eq!(bytes, pattern(64 * 4096 + 3, 7));
        assert_ne!(bytes, pattern(64 * 4096 + 3, 8));
        let pages: std::collections::HashSet<_> = bytes.chunks(4096).collect();
        assert_eq!(pages.len(), 65);
    }

    #[test]
    fn memory_file_cannot_be_changed() {
        let file = memory_file("copytax-test", 4096, 7).expect("memfd");
        assert_eq!(file.metadata().expect("memfd has a size").len(), 4096);
        assert!((&file).write_all(b"x").is_err());
        assert!(file.set_len(1).is_err());
    }
}
