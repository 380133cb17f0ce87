//! Rules of users.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::analysis::catalog::Catalog;

/// No rule and no policy is longer.
const LARGEST_FILE: u64 = 256 << 10;
const MOST_FILES: usize = 4096;

/// Where rules come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct RulesArgs {
    /// Add the rules of DIR/*.toml; they take the place of those with the same id
    #[arg(long = "rules", value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl RulesArgs {
    /// The rules of the tool and those of the user.
    pub(crate) fn catalog(&self) -> Result<Cow<'static, Catalog>, Failure> {
        let builtin = Catalog::builtin();
        let Some(directory) = &self.directory else {
            return Ok(Cow::Borrowed(builtin));
        };
        let texts = read_all(directory)?;
        let files: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let catalog = builtin.with(&files);
        let catalog = catalog.map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Cow::Owned(catalog))
    }
}

/// Path and content of each rule, in the order of their names.
fn read_all(directory: &Path) -> Result<Vec<(String, String)>, Failure> {
    let failed = |path: &Path, error: &io::Error| {
        Failure::io(&format!("cannot read rules from {}", path.display()), error)
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| failed(directory, &error))? {
        let path = entry.map_err(|error| failed(directory, &error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    if paths.len() > MOST_FILES {
        return Err(Failure::usage(format!(
            "{} has more than {MOST_FILES} rules",
            directory.display()
        )));
    }
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = read(path).map_err(|error| failed(path, &error))?;
            Ok((path.display().to_string(), text))
        })
        .collect()
}

/// Reads a file of rules or policies.
pub(super) fn read(path: &Path) -> io::Result<String> {
    // Before it is opened: a FIFO would have it wait for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?
        .take(LARGEST_FILE + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other(format!(
            "it is longer than {LARGEST_FILE} bytes"
        )));
    }
    Ok(text)
}
