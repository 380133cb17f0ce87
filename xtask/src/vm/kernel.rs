//! The machine's kernel: a package of Debian, unpacked below the target directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The release that the tests are for.
pub(crate) const RELEASE: &str = "6.1.";

/// Modules that the tests need: file systems and TLS, and what TLS encrypts with.
const MODULES: [&str; 5] = ["fuse", "ctr", "ghash-generic", "gcm", "tls"];

/// A kernel that was unpacked.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// As `uname -r` there.
    pub(crate) release: String,
    root: PathBuf,
}

/// Where the package is unpacked.
pub(crate) fn directory() -> Result<PathBuf> {
    Ok(super::directory()?.join("kernel"))
}

impl Kernel {
    /// The kernel that setup has unpacked.
    pub(crate) fn find() -> Result<Self> {
        let root = directory()?;
        let boot = root.join("boot");
        let files = fs::read_dir(&boot).with_context(|| format!("no {}", boot.display()))?;
        for file in files {
            let name = file?.file_name();
            let release = name.to_str().and_then(|name| name.strip_prefix("vmlinuz-"));
            if let Some(release) = release.filter(|release| release.starts_with(RELEASE)) {
                let release = release.to_owned();
                return Ok(Self { release, root });
            }
        }
        bail!("no kernel {RELEASE}x in {}", boot.display())
    }

    /// What is booted.
    pub(super) fn image(&self) -> PathBuf {
        self.root
            .join("boot")
            .join(format!("vmlinuz-{}", self.release))
    }

    /// The modules that the tests need, each behind those that it needs itself.
    pub(super) fn modules(&self) -> Result<Vec<PathBuf>> {
        let folder = self.root.join("lib/modules").join(&self.release);
        let mut found = Vec::new();
        for name in MODULES {
            add_module(&folder, name, &mut found)?;
        }
        Ok(found)
    }
}

/// Adds a module behind those that it depends on.
fn add_module(folder: &Path, name: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    let file = find_file(folder, &format!("{name}.ko"))?
        .with_context(|| format!("no module {name} in {}", folder.display()))?;
    if found.contains(&file) {
        return Ok(());
    }
    for dependency in dependencies(&fs::read(&file)?) {
        add_module(folder, &dependency, found)?;
    }
    found.push(file);
    Ok(())
}

/// The file of this name somewhere below `folder`.
fn find_file(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if let Some(found) = find_file(&entry.path(), name)? {
                return Ok(Some(found));
            }
        } else if entry.file_name() == name {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

/// The names in the `depends` field of a module's `.modinfo` section, which is strings that end
/// with a zero.
fn dependencies(module: &[u8]) -> Vec<String> {
    module
        .split(|byte| *byte == 0)
        .find_map(|text| text.strip_prefix(b"depends="))
        .map(String::from_utf8_lossy)
        .unwrap_or_default()
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read() {
        let module = |depends: &str| format!("ELF\0license=GPL\0{depends}\0name=x\0").into_bytes();
        assert_eq!(dependencies(&module("depends=a,b-c")), ["a", "b-c"]);
        assert!(dependencies(&module("depends=")).is_empty());
        assert!(dependencies(b"").is_empty());
    }
}
