//! The file that programs serve.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use copytax::lab::write_pattern;
use tempfile::TempDir;

/// Its size. Odd, so that the last piece is short.
pub(crate) const SIZE: u64 = (16 << 20) + 19;

/// Bytes of a message that is not worth a zero-copy call, and how many there are.
pub(crate) const MESSAGE: u64 = 2_003;
pub(crate) const MESSAGES: u64 = 300;

/// A folder that any user may read, with the file in it.
pub(crate) struct Content(TempDir);

impl Content {
    pub(crate) fn new() -> Result<Self> {
        let content = Self(TempDir::new()?);
        fs::set_permissions(content.folder(), fs::Permissions::from_mode(0o755))?;
        let mut text = Vec::new();
        write_pattern(&mut text, SIZE, 23)?;
        // Six bits of eight, so that it can be compressed.
        text.iter_mut()
            .for_each(|byte| *byte = b' ' + (*byte & 0x3f));
        fs::write(content.file(), text)?;
        Ok(content)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder().join("file")
    }
}
