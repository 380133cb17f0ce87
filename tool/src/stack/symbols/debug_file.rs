//! Separate debug files, as Debian and others have them in packages of their own: by build id and by
//! debug link ("Debugging Information in Separate Files" in the manual of GDB).

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::image::Image;
use super::process::{self, ProcessFiles};

/// Where debug files are, on the host and in a container.
const DIRECTORY: &str = "/usr/lib/debug";
/// Longest file whose checksum is computed.
const LONGEST: u64 = 2 << 30;
/// Bytes of it that are read at a time.
const PIECE: usize = 1 << 20;

/// The debug file of a module.
#[derive(Debug)]
pub(super) struct DebugFile {
    pub(super) file: File,
    /// Whether the host's own packages put it there, and not whoever runs the process.
    pub(super) is_of_host: bool,
}

/// Where debug files are looked for.
#[derive(Debug)]
pub(super) struct DebugDirectories {
    of_host: Vec<PathBuf>,
}

impl Default for DebugDirectories {
    fn default() -> Self {
        Self {
            of_host: vec![PathBuf::from(DIRECTORY)],
        }
    }
}

impl DebugDirectories {
    pub(super) fn new(of_host: Vec<PathBuf>) -> Self {
        Self { of_host }
    }

    pub(super) fn of_host(&self) -> &[PathBuf] {
        &self.of_host
    }

    /// The debug file of a module that is mapped from `path`.
    pub(super) fn find(
        &self,
        file: &File,
        image: &Image,
        path: &Path,
        process: Option<&ProcessFiles>,
    ) -> Option<DebugFile> {
        let wanted = Wanted {
            build_id: image.build_id(file),
            link: image.debug_link(file),
        };
        let below: Vec<PathBuf> = wanted.below_directory(path).collect();
        for directory in &self.of_host {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let Ok(directory) = rustix::fs::open(directory, flags, Mode::empty()) else {
                continue;
            };
            let open = |path: &Path| open_in(&directory, path);
            if let Some(file) = below.iter().find_map(|path| wanted.open(open, path)) {
                let is_of_host = true;
                return Some(DebugFile { file, is_of_host });
            }
        }
        let process = process?;
        let open = |path: &Path| process.open(path).ok();
        let in_directory = below.iter().map(|path| Path::new(DIRECTORY).join(path));
        let mut paths = in_directory.chain(wanted.beside(path));
        let file = paths.find_map(|path| wanted.open(open, &path))?;
        let is_of_host = false;
        Some(DebugFile { file, is_of_host })
    }
}

/// The host's own links lead where they will.
fn open_in(directory: &OwnedFd, path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, path, flags, Mode::empty()).ok()?;
    Some(File::from(file))
}

/// By what a debug file is told.
struct Wanted {
    build_id: Option<Vec<u8>>,
    /// Name and checksum.
    link: Option<(Vec<u8>, u32)>,
}

impl Wanted {
    /// Paths in a directory of debug files.
    fn below_directory(&self, module: &Path) -> impl Iterator<Item = PathBuf> {
        let by_id = self.build_id.as_deref().map(path_of_id);
        let parent = module.parent().and_then(|path| path.strip_prefix("/").ok());
        let by_link = self.link_name().zip(parent);
        by_id
            .into_iter()
            .chain(by_link.map(|(name, parent)| parent.join(name)))
    }

    /// Paths beside the module.
    fn beside(&self, module: &Path) -> impl Iterator<Item = PathBuf> {
        let found = self.link_name().zip(module.parent());
        found.into_iter().flat_map(|(name, parent)| {
            [parent.join(name), parent.join(".debug").join(name)]
        })
    }

    /// The name in the link, which is nothing but a name.
    fn link_name(&self) -> Option<&OsStr> {
        let (name, _) = self.link.as_ref()?;
        let is_name = !name.is_empty() && name != b".." && name != b"." && !name.contains(&b'/');
        is_name.then(|| OsStr::from_bytes(name))
    }

    /// Opens a file if it is the one: with the same build id, or the checksum of the link where one of
    /// them has no id.
    fn open(&self, open: impl Fn(&Path) -> Option<File>, path: &Path) -> Option<File> {
        let file = open(path)?;
        let image = Image::read(&file)?;
        let is_it = match (&self.build_id, image.build_id(&file)) {
            (Some(wanted), Some(found)) => *wanted == found,
            _ => self
                .link
                .as_ref()
                .is_some_and(|(_, checksum)| checksum_of(&file) == Some(*checksum)),
        };
        is_it.then_some(file)
    }
}

/// `.build-id/01/23456789.debug`.
fn path_of_id(id: &[u8]) -> PathBuf {
    let mut path = String::from(".build-id/");
    for (index, byte) in id.iter().enumerate() {
        write!(path, "{byte:02x}").expect("a string can be written to");
        if index == 0 {
            path.push('/');
        }
    }
    path.push_str(".debug");
    PathBuf::from(path)
}

fn checksum_of(file: &File) -> Option<u32> {
    let mut file = File::open(process::path_of(file)).ok()?.take(LONGEST);
    let mut checksum = crc32fast::Hasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(checksum.finalize()),
            length => checksum.update(&piece[..length]),
        }
    }
}
