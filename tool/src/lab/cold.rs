//! Files that are on a disk and not in memory.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::ptr;
use std::thread;
use std::time::Duration;

use rustix::fs::{Advice, fadvise, fstatfs};
use rustix::param::page_size;

use super::paths::unavailable;

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of `include/uapi/linux/magic.h`: their files are nowhere but in memory.
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];

/// Half a second in all.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

/// Takes a file out of memory.
///
/// # Errors
///
/// `Unsupported` where some of it stays; else a refused call.
pub(super) fn cool(file: &File) -> io::Result<()> {
    if IN_MEMORY.contains(&fstatfs(file)?.f_type) {
        return Err(unavailable(
            "the folder for temporary files is in memory; set TMPDIR to one on a disk",
        ));
    }
    let mut pages = 0;
    for _ in 0..ATTEMPTS {
        // What was not written to the disk yet would stay.
        file.sync_all()?;
        fadvise(file, 0, None, Advice::DontNeed)?;
        pages = resident(file)?;
        if pages == 0 {
            return Ok(());
        }
        // The journal of the file system, or a socket, has some for a while.
        thread::sleep(PAUSE);
    }
    Err(unavailable(format!(
        "{pages} pages of the file stay in memory: its file system keeps them"
    )))
}

/// How many pages of it are in memory.
fn resident(file: &File) -> io::Result<usize> {
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut pages = vec![0_u8; length.div_ceil(page_size())];
    // SAFETY: a new mapping at an address that the kernel chooses touches no memory of ours. Nobody reads
    // from it.
    let start = unsafe {
        let flags = libc::MAP_SHARED;
        libc::mmap(
            ptr::null_mut(),
            length,
            libc::PROT_NONE,
            flags,
            file.as_raw_fd(),
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the range is mapped, and there is a byte for each of its pages.
    let result = unsafe { libc::mincore(start, length, pages.as_mut_ptr()) };
    let error = io::Error::last_os_error();
    // SAFETY: what was mapped above, and nothing points into it.
    unsafe { libc::munmap(start, length) };
    if result == -1 {
        return Err(error);
    }
    // Only the lowest bit means something (mincore(2)).
    Ok(pages.iter().filter(|page| **page & 1 == 1).count())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn files_get_cold_and_warm() {
        // The folder of the tests is on a disk; the one for temporary files may not be.
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).expect("a file");
        file.write_all(&[7; 100_000]).expect("there is room");
        assert!(resident(&file).expect("it can be asked") > 0);
        cool(&file).expect("a disk");
        assert_eq!(resident(&file).expect("it can be asked"), 0);
        file.read_exact_at(&mut [0; 1], 50_000)
            .expect("it is there");
        assert!(resident(&file).expect("it can be asked") > 0);
    }
}
