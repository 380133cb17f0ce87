//! Names of the files and sockets that samples tell of.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::host::mounts::{self, Mount};
use crate::model::{OpenFile, ProcessId};

/// Processes whose mounts are remembered.
const MAX_PROCESSES: usize = 256;

/// Files whose names are remembered.
const MAX_NAMES: usize = 8_192;

/// Names files as their processes see them.
#[derive(Default)]
pub(super) struct FileNames {
    mounts: HashMap<ProcessId, Vec<Mount>>,
    names: HashMap<(ProcessId, OpenFile), Option<Arc<str>>>,
}

impl FileNames {
    /// The path of a file, or the addresses of a socket; `None` where it has none.
    pub(super) fn name(&mut self, process: ProcessId, file: &OpenFile) -> Option<Arc<str>> {
        if let Some(name) = sockets(file) {
            return Some(name.into());
        }
        let key = (process, file.clone());
        if let Some(name) = self.names.get(&key) {
            return name.clone();
        }
        let name = self.path(process, file).map(Arc::from);
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        self.names.insert(key, name.clone());
        name
    }

    fn path(&mut self, process: ProcessId, file: &OpenFile) -> Option<String> {
        use std::os::unix::ffi::OsStrExt as _;

        let mut inside = PathBuf::new();
        for name in &file.names {
            inside.push(std::ffi::OsStr::from_bytes(name));
        }
        if inside.as_os_str().is_empty() {
            return None;
        }
        let full = (!file.is_cut)
            .then(|| self.mounted(process, file, &inside))
            .flatten();
        // Where its mount is not known, it is somewhere.
        let path = full.unwrap_or_else(|| Path::new("...").join(&inside));
        Some(path.to_string_lossy().into_owned())
    }

    /// The path of what lies at `inside` of the file system that a file is on.
    fn mounted(&mut self, process: ProcessId, file: &OpenFile, inside: &Path) -> Option<PathBuf> {
        if !self.mounts.contains_key(&process) {
            if self.mounts.len() >= MAX_PROCESSES {
                self.mounts.clear();
            }
            self.mounts.insert(process, mounts::of_process(process.pid));
        }
        let mounts = self.mounts.get_mut(&process)?;
        place(mounts, file, inside).or_else(|| {
            // It may have been mounted since.
            *mounts = mounts::of_process(process.pid);
            place(mounts, file, inside)
        })
    }
}

/// The path at which the mount that a file was opened in shows what lies at `inside` of its file system;
/// where that mount is not known, the shortest one of all mounts.
fn place(mounts: &[Mount], file: &OpenFile, inside: &Path) -> Option<PathBuf> {
    let through = |mount: &Mount| {
        let root = mount.root.strip_prefix("/").unwrap_or(&mount.root);
        Some(mount.point.join(inside.strip_prefix(root).ok()?))
    };
    let own = mounts.iter().find(|mount| Some(mount.id) == file.mount);
    own.and_then(through).or_else(|| {
        mounts
            .iter()
            .filter(|mount| mount.device == file.device)
            .filter_map(through)
            .min_by_key(|path| path.as_os_str().len())
    })
}

/// Addresses of an internet socket. Of two ports the higher one is taken for the one that the kernel
/// chose, and left out: it is another for each connection.
fn sockets(file: &OpenFile) -> Option<String> {
    let local = file.local?;
    Some(match file.peer {
        None => local.to_string(),
        Some(peer) if local.port() <= peer.port() => format!("{local} -> {}", host(peer)),
        Some(peer) => format!("{} -> {peer}", host(local)),
    })
}

fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(id: u32, root: &str, point: &str) -> Mount {
        Mount {
            id,
            device: (8, 1),
            root: root.into(),
            point: point.into(),
            fs_type: "ext4".to_owned(),
        }
    }

    fn file() -> OpenFile {
        OpenFile {
            inode: 1,
            device: (8, 1),
            mount: None,
            names: Vec::new(),
            is_cut: false,
            local: None,
            peer: None,
        }
    }

    #[test]
    fn a_file_is_where_its_file_system_is_mounted() {
        let mounts = [
            mount(30, "/data/www", "/srv/site"),
            mount(31, "/", "/mnt/disk"),
        ];
        let at = |inside: &str| place(&mounts, &file(), Path::new(inside));
        assert_eq!(at("data/www/a.iso"), Some("/srv/site/a.iso".into()));
        assert_eq!(at("data/other"), Some("/mnt/disk/data/other".into()));
        let opened = OpenFile {
            mount: Some(31),
            ..file()
        };
        let path = place(&mounts, &opened, Path::new("data/www/a.iso"));
        assert_eq!(path, Some("/mnt/disk/data/www/a.iso".into()));
        let elsewhere = OpenFile {
            device: (8, 2),
            ..file()
        };
        assert_eq!(place(&mounts, &elsewhere, Path::new("a")), None);
        let inside = Path::new("data/other");
        assert_eq!(place(&mounts[..1], &file(), inside), None);
    }

    #[test]
    fn the_port_of_the_service_is_named() {
        let name = |local: &str, peer: Option<&str>| {
            sockets(&OpenFile {
                local: Some(local.parse().expect("an address")),
                peer: peer.map(|peer| peer.parse().expect("an address")),
                ..file()
            })
            .expect("a socket")
        };
        assert_eq!(
            name("10.0.0.1:80", Some("10.0.0.7:51234")),
            "10.0.0.1:80 -> 10.0.0.7"
        );
        assert_eq!(
            name("[::1]:51234", Some("[::1]:8080")),
            "[::1] -> [::1]:8080"
        );
        assert_eq!(name("0.0.0.0:53", None), "0.0.0.0:53");
    }
}
