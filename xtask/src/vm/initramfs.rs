//! The archive that the kernel unpacks as its first file system: cpio, "newc".

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cpio::newc::{Builder, ModeFileType, trailer};

use crate::shell;

/// An archive that is being written.
pub(super) struct Initramfs {
    writer: BufWriter<File>,
    /// What is in it, by its path there.
    seen: HashSet<PathBuf>,
}

impl Initramfs {
    /// Begins an archive at `path`.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            writer: BufWriter::new(file),
            seen: HashSet::new(),
        })
    }

    /// Adds a program as `to`, and the shared libraries that it needs.
    pub(super) fn program(&mut self, from: &Path, to: impl AsRef<Path>) -> Result<()> {
        self.file(from, to)?;
        let name = from.to_str().context("a path that is not UTF-8")?;
        let Some(libraries) = shell::output("ldd", &[name]) else {
            bail!("ldd cannot tell the libraries of {name}");
        };
        for library in paths(&libraries) {
            self.file(Path::new(library), library)?;
        }
        Ok(())
    }

    /// Adds a file as `to`, with the folders above it, unless it is there.
    pub(super) fn file(&mut self, from: &Path, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref();
        if self.seen.contains(to) {
            return Ok(());
        }
        let read = || Ok::<_, std::io::Error>((fs::read(from)?, fs::metadata(from)?));
        let (content, facts) = read().with_context(|| format!("cannot read {}", from.display()))?;
        self.folders(to)?;
        let mode = facts.permissions().mode() & 0o777;
        self.add(to, ModeFileType::Regular, mode, &content)
    }

    /// Adds a file that says `content` as `to`.
    pub(super) fn text(&mut self, content: &str, to: &str) -> Result<()> {
        self.folders(Path::new(to))?;
        self.add(
            Path::new(to),
            ModeFileType::Regular,
            0o644,
            content.as_bytes(),
        )
    }

    /// Adds an empty folder, with those above it.
    pub(super) fn folder(&mut self, to: &str) -> Result<()> {
        self.folders(&Path::new(to).join("any"))
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> Result<()> {
        trailer(&mut self.writer)?;
        Ok(self.writer.flush()?)
    }

    /// Adds the folders above `to` that are not there yet, the upper ones first.
    fn folders(&mut self, to: &Path) -> Result<()> {
        let above: Vec<_> = to.ancestors().skip(1).collect();
        for folder in above.into_iter().rev() {
            if folder.parent().is_some() && !self.seen.contains(folder) {
                self.add(folder, ModeFileType::Directory, 0o755, &[])?;
            }
        }
        Ok(())
    }

    fn add(&mut self, to: &Path, kind: ModeFileType, mode: u32, content: &[u8]) -> Result<()> {
        let name = to.strip_prefix("/").unwrap_or(to);
        let name = name.to_str().context("a path that is not UTF-8")?;
        self.seen.insert(to.to_path_buf());
        // Equal numbers would mean links to one file.
        let number = u32::try_from(self.seen.len())?;
        let mut entry = Builder::new(name)
            .ino(number)
            .mode(mode)
            .set_mode_file_type(kind)
            .write(&mut self.writer, u32::try_from(content.len())?);
        entry.write_all(content)?;
        entry.finish()?;
        Ok(())
    }
}

/// The paths in the output of `ldd`: libraries, and the program that loads them.
fn paths(ldd: &str) -> impl Iterator<Item = &str> {
    ldd.split_whitespace().filter(|word| word.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found() {
        let ldd =
            "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld.so (0x3)\n";
        assert_eq!(
            paths(ldd).collect::<Vec<_>>(),
            ["/lib/libc.so.6", "/lib64/ld.so"]
        );
        assert_eq!(paths("\tstatically linked\n").count(), 0);
    }
}
