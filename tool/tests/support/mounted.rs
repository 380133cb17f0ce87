//! File systems in a mount namespace of their own, gone with the process that holds it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::support::children::Program;
use crate::support::prerequisites;

/// Size of the images, of which little is ever written.
const IMAGE: u64 = 512 << 20;

/// A mounted file system.
pub(crate) struct Mounted {
    keeper: Program,
    folder: TempDir,
}

impl Mounted {
    /// A file system in memory.
    pub(crate) fn tmpfs() -> Result<Self> {
        Self::by("mount -t tmpfs tmpfs at", TempDir::new()?)
    }

    /// An empty file system in a file.
    pub(crate) fn image(kind: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let image = folder.path().join("image");
        File::create(&image)?.set_len(IMAGE)?;
        let make = Command::new(prerequisites::program(&format!("mkfs.{kind}"))?)
            .arg("-q")
            .arg(image)
            .output()?;
        let said = String::from_utf8_lossy(&make.stderr);
        ensure!(make.status.success(), "mkfs.{kind} failed: {said}");
        Self::by("mount -o loop image at", folder)
    }

    /// A layered file system: what is there is in the lower layer.
    pub(crate) fn overlay() -> Result<Self> {
        // The upper layer may be on no overlay itself.
        let mount = "mount -t tmpfs tmpfs layers; mkdir layers/upper layers/work; \
                     mount -t overlay -o lowerdir=below,upperdir=layers/upper,workdir=layers/work \
                     overlay at";
        Self::by(mount, TempDir::new()?)
    }

    /// A file system in userspace that passes a folder through.
    pub(crate) fn fuse(options: &str) -> Result<Self> {
        let bindfs = prerequisites::program("bindfs")?;
        // In the foreground, so that it ends with the keeper.
        let mount = format!(
            "{} -f {options} below at & until mountpoint -q at; do kill -0 $!; done",
            bindfs.display()
        );
        Self::by(&mount, TempDir::new()?)
    }

    /// What a script mounts at the folder `at`.
    fn by(mount: &str, folder: TempDir) -> Result<Self> {
        for name in ["at", "below", "layers"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let script = format!("set -e; {mount}; echo mounted; exec sleep infinity");
        let log = folder.path().join("log");
        let mut command = Command::new(prerequisites::program("unshare")?);
        command
            .args(["--mount", "sh", "-c", &script])
            .current_dir(folder.path())
            .stderr(File::create(&log)?);
        let (keeper, line) = Program::start_speaking(&mut command)?;
        let said = fs::read_to_string(log).context("the shell left no log")?;
        ensure!(line == "mounted", "this machine cannot {mount}: {said}");
        Ok(Self { keeper, folder })
    }

    /// Where it is, seen from outside of its namespace.
    pub(crate) fn path(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.pid()));
        let at = self.folder.path().join("at");
        root.join(at.strip_prefix("/").unwrap_or(&at))
    }
}
