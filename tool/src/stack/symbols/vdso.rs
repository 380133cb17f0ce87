//! The code that the kernel gives to each process. It is the same in all of 64 bits, so the own one
//! names theirs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use rustix::fs::MemfdFlags;

/// Largest one that is believed: it has two pages so far.
const LIMIT: u64 = 1 << 20;

/// A file with the image of the own process.
///
/// # Errors
///
/// Fails if this process has none, or may not read its own memory.
pub(super) fn image() -> io::Result<File> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let range = maps
        .lines()
        .find(|line| line.ends_with("[vdso]"))
        .and_then(range)
        .ok_or(io::ErrorKind::NotFound)?;
    let length = range.1.checked_sub(range.0).filter(|it| *it <= LIMIT);
    let mut image = vec![0; length.ok_or(io::ErrorKind::InvalidData)? as usize];
    File::open("/proc/self/mem")?.read_exact_at(&mut image, range.0)?;
    let memory = rustix::fs::memfd_create("copytax vdso", MemfdFlags::CLOEXEC)?;
    let mut file = File::from(memory);
    file.write_all(&image)?;
    Ok(file)
}

/// The addresses at the beginning of a line such as `7ffd0123000-7ffd0125000 r-xp`.
fn range(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    number(start).zip(number(end))
}
