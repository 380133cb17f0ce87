//! Mount tables.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// One mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Number of the mount.
    pub(crate) id: u32,
    /// Major and minor number of the file system's device.
    pub(crate) device: (u32, u32),
    /// The directory of the file system that is mounted.
    pub(crate) root: PathBuf,
    /// Where.
    pub(crate) point: PathBuf,
    /// Type of the file system.
    pub(crate) fs_type: String,
}

/// All mounts that this process sees; none where /proc is not mounted.
pub(crate) fn all() -> Vec<Mount> {
    parse(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
}

/// All mounts that a process sees; none where that is not known.
pub(crate) fn of_process(pid: u32) -> Vec<Mount> {
    parse(&std::fs::read(format!("/proc/{pid}/mountinfo")).unwrap_or_default())
}

/// Parses `/proc/PID/mountinfo`; lines that do not have its form are left out.
fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    mountinfo
        .split(|&byte| byte == b'\n')
        .filter_map(parse_line)
        .collect()
}

/// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL...] - TYPE SOURCE OPTIONS`
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let id = number(fields.next()?)?;
    let device = fields.nth(1)?;
    let colon = device.iter().position(|&byte| byte == b':')?;
    let device = (number(&device[..colon])?, number(&device[colon + 1..])?);
    let root = fields.next()?;
    let point = fields.next()?;
    let fs_type = fields.skip_while(|&field| field != b"-").nth(1)?;
    Some(Mount {
        id,
        device,
        root: unescape(root),
        point: unescape(point),
        fs_type: String::from_utf8_lossy(fs_type).into_owned(),
    })
}

fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Undoes the kernel's `\ooo` of blanks and backslashes.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_and_escapes() {
        let mounts = parse(
            b"36 35 98:0 /mnt1 /a\\040dir rw,noatime master:1 shared:2 - ext3 /dev/root rw\n\
              41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n\
              broken line\n",
        );
        assert_eq!(mounts.len(), 2);
        assert_eq!((mounts[0].id, mounts[0].device), (36, (98, 0)));
        assert_eq!(mounts[0].root, PathBuf::from("/mnt1"));
        assert_eq!(mounts[0].point, PathBuf::from("/a dir"));
        assert_eq!(mounts[0].fs_type, "ext3");
        assert_eq!(mounts[1].fs_type, "cgroup2");
    }

    #[test]
    fn a_backslash_at_the_end_is_kept() {
        assert_eq!(unescape(b"/a\\04"), PathBuf::from("/a\\04"));
        assert_eq!(unescape(b"/a\\134"), PathBuf::from("/a\\"));
    }
}
