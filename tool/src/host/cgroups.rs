//! Cgroups of the unified hierarchy.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use super::{container, mounts};

/// File system type of the unified hierarchy, as statfs(2) gives it.
const CGROUP2_MAGIC: i64 = 0x6367_7270;
/// File system type of the older hierarchies.
const CGROUP1_MAGIC: i64 = 0x0027_e0eb;
/// Id (inode number) of the root of every hierarchy.
const ROOT_ID: u64 = 1;
/// Inode number of the initial cgroup namespace.
const INITIAL_NAMESPACE: u64 = 0xeffffffb;
/// Fewest digits of a container id that name a container.
const PREFIX_DIGITS: usize = 8;

/// A cgroup that does not exist, or cannot be watched. All names in it are escaped.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CgroupError {
    /// No unified hierarchy.
    #[error(
        "no cgroup v2 hierarchy is mounted; mount one with `mount -t cgroup2 none /sys/fs/cgroup`"
    )]
    NoHierarchy,
    /// No such directory.
    #[error("there is no cgroup {path}: looked below {mount}; `systemd-cgls` lists what there is")]
    NotFound {
        /// As the user gave it.
        path: String,
        /// Mount point of the hierarchy.
        mount: String,
    },
    /// Something else than a cgroup.
    #[error("{path} is not a cgroup: cgroups are the directories below {mount}")]
    NotACgroup {
        /// As the user gave it.
        path: String,
        /// Mount point of the hierarchy.
        mount: String,
    },
    /// A cgroup of an older hierarchy.
    #[error("{path} is a cgroup of the v1 hierarchy: only those below {mount} (v2) can be watched")]
    Version1 {
        /// As the user gave it.
        path: String,
        /// Mount point of the unified hierarchy.
        mount: String,
    },
    /// The depth of the hierarchy above this mount is hidden.
    #[error(
        "the level of {path} is hidden by a cgroup namespace; run in the host's (`--cgroupns=host`)"
    )]
    LevelUnknown {
        /// As the user gave it.
        path: String,
    },
    /// Not the id of a container.
    #[error(
        "`{0}` is too short for a container id: give at least 8 of its hexadecimal digits, or the \
         full name of an LXC container"
    )]
    BadContainerId(String),
    /// No such container.
    #[error("no container `{0}` has a cgroup here; it may have stopped, or use cgroup v1")]
    NoContainer(String),
    /// Several containers.
    #[error(
        "`{prefix}` begins the ids of {count} containers ({first}, {second}, ..); give more digits"
    )]
    Ambiguous {
        /// As the user gave it.
        prefix: String,
        /// How many.
        count: usize,
        /// One of them.
        first: String,
        /// Another.
        second: String,
    },
}

/// One cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    /// Path from the root of the hierarchy, as `/proc/PID/cgroup` gives it.
    pub path: String,
    /// Id, as `bpf_get_current_cgroup_id` gives it.
    pub id: u64,
    /// Depth below the root, which has 0, as `bpf_get_current_ancestor_cgroup_id` takes it.
    pub level: u32,
}

/// The unified hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    mount: PathBuf,
    /// Level of the mounted directory, where it can be known.
    base: Option<u32>,
}

impl Hierarchy {
    /// The hierarchy that this process sees, at its highest mount.
    ///
    /// # Errors
    ///
    /// [`CgroupError::NoHierarchy`].
    pub fn find() -> Result<Self, CgroupError> {
        mounts::all()
            .into_iter()
            .filter(|mount| mount.fs_type == "cgroup2")
            .map(|mount| Self {
                base: base_level(&mount),
                mount: mount.point,
            })
            .filter(|hierarchy| hierarchy.mount.is_dir())
            .min_by_key(|hierarchy| hierarchy.base.unwrap_or(u32::MAX))
            .ok_or(CgroupError::NoHierarchy)
    }

    /// Where the hierarchy is mounted.
    #[must_use]
    pub fn mount(&self) -> &Path {
        &self.mount
    }

    /// The cgroup at `path`: a path below the mount point, or one from the root of the hierarchy
    /// as `/proc/PID/cgroup` gives it.
    ///
    /// # Errors
    ///
    /// What `path` is instead of a cgroup of this hierarchy.
    pub fn cgroup(&self, path: &Path) -> Result<Cgroup, CgroupError> {
        let given = escaped(path);
        let mount = escaped(&self.mount);
        let below_root = || self.mount.join(path.strip_prefix("/").unwrap_or(path));
        let mut candidates = vec![below_root()];
        if path.is_absolute() {
            // A path of the machine comes first only where it is in this hierarchy: `/a` is
            // usually the cgroup `a`.
            candidates.insert(usize::from(!path.starts_with(&self.mount)), path.to_owned());
        }
        let found = candidates
            .iter()
            .find_map(|candidate| candidate.canonicalize().ok());
        let Some(directory) = found else {
            return Err(CgroupError::NotFound { path: given, mount });
        };
        match magic(&directory) {
            Some(CGROUP2_MAGIC) if directory.is_dir() => {}
            Some(CGROUP1_MAGIC) => return Err(CgroupError::Version1 { path: given, mount }),
            _ => return Err(CgroupError::NotACgroup { path: given, mount }),
        }
        let Ok(relative) = directory.strip_prefix(&self.mount) else {
            return Err(CgroupError::NotACgroup { path: given, mount });
        };
        let Ok(metadata) = directory.metadata() else {
            return Err(CgroupError::NotFound { path: given, mount });
        };
        let depth = u32::try_from(relative.components().count()).unwrap_or(u32::MAX);
        let base = self.base.ok_or(CgroupError::LevelUnknown { path: given })?;
        Ok(Cgroup {
            path: Path::new("/").join(relative).to_string_lossy().into_owned(),
            id: metadata.ino(),
            level: base.saturating_add(depth),
        })
    }

    /// The cgroup of the container whose id is or begins with `id`.
    ///
    /// # Errors
    ///
    /// No or several such containers, or too few digits.
    pub fn container(&self, id: &str) -> Result<Cgroup, CgroupError> {
        let mut containers: BTreeMap<String, PathBuf> = BTreeMap::new();
        self.walk(&mut |path, _| {
            if let Some(found) = container::id_of_path(&path.to_string_lossy()) {
                // Directories come before those below them, so the container's own one is kept.
                containers
                    .entry(found.to_owned())
                    .or_insert_with(|| path.to_owned());
            }
        });
        let path = choose_container(&containers, id)?;
        self.cgroup(path)
    }

    /// Paths (from the root of the hierarchy) of all cgroups by id.
    #[must_use]
    pub fn paths(&self) -> BTreeMap<u64, String> {
        let mut paths = BTreeMap::new();
        self.walk(&mut |path, id| {
            paths.insert(id, path.to_string_lossy().into_owned());
        });
        paths
    }

    /// Visits every cgroup with its path from the root and its id, parents first. Cgroups that
    /// disappear meanwhile are left out.
    fn walk(&self, visit: &mut impl FnMut(&Path, u64)) {
        let mut pending = vec![PathBuf::from("/")];
        while let Some(path) = pending.pop() {
            let relative = path.strip_prefix("/").unwrap_or(&path);
            let directory = self.mount.join(relative);
            let Ok(metadata) = directory.metadata() else {
                continue;
            };
            visit(&path, metadata.ino());
            for entry in std::fs::read_dir(&directory)
                .into_iter()
                .flatten()
                .flatten()
            {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    pending.push(path.join(entry.file_name()));
                }
            }
        }
    }
}

/// The one container that `id` names.
fn choose_container<'map>(
    containers: &'map BTreeMap<String, PathBuf>,
    id: &str,
) -> Result<&'map Path, CgroupError> {
    if let Some(path) = containers.get(id) {
        return Ok(path);
    }
    let given = id.escape_debug().to_string();
    let lower = id.to_ascii_lowercase();
    if !container::is_hex(&lower) {
        return Err(CgroupError::NoContainer(given));
    }
    if lower.len() < PREFIX_DIGITS {
        return Err(CgroupError::BadContainerId(given));
    }
    let mut matching = containers
        .iter()
        .filter(|(full, _)| full.starts_with(&lower));
    match (matching.next(), matching.next()) {
        (None, _) => Err(CgroupError::NoContainer(given)),
        (Some((_, path)), None) => Ok(path),
        (Some((first, _)), Some((second, _))) => Err(CgroupError::Ambiguous {
            prefix: given,
            count: 2 + matching.count(),
            first: shortened(first),
            second: shortened(second),
        }),
    }
}

/// As much of an id as tools usually show.
fn shortened(id: &str) -> String {
    id.chars().take(16).collect()
}

/// Level of the directory that is mounted.
fn base_level(mount: &mounts::Mount) -> Option<u32> {
    let root = mount.point.metadata().ok()?;
    if root.ino() == ROOT_ID {
        return Some(0);
    }
    let namespace = Path::new("/proc/self/ns/cgroup").metadata().ok()?;
    let names = |part: &Component<'_>| matches!(part, Component::Normal(_));
    let depth = mount.root.components().filter(names).count();
    (namespace.ino() == INITIAL_NAMESPACE).then(|| u32::try_from(depth).ok())?
}

/// Type of the file system that holds `path`.
fn magic(path: &Path) -> Option<i64> {
    rustix::fs::statfs(path).ok().map(|status| status.f_type)
}

/// For error messages.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

#[cfg(test)]
mod tests;
