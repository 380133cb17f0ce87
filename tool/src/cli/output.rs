//! Files that a command writes: whole, or not at all.

use std::fs::{self, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::failure::Failure;
use super::stdout;
use super::terminal::ColorChoice;
use crate::recording;

/// Where to write, of commands that print if nothing is said.
#[derive(Debug, clap::Args)]
pub(crate) struct OutputArgs {
    /// The file to write [default: standard output]
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "-",
        help_heading = "Output"
    )]
    #[arg(hide_default_value = true)]
    output: PathBuf,
}

impl OutputArgs {
    /// As [`Output::create`].
    pub(crate) fn create(&self) -> Result<Output, Failure> {
        Output::create(&self.output)
    }
}

/// Where a result goes.
pub(crate) enum Output {
    /// Standard output.
    Stdout,
    /// Something that is there and is no regular file, such as a pipe.
    Special(fs::File),
    /// A file that gets its name when it is whole.
    File {
        /// Its name.
        path: PathBuf,
        /// What is written.
        unfinished: NamedTempFile,
    },
}

impl Output {
    /// Makes sure that `path` can be written, before there is anything to write.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        // Most likely the one that is to be read.
        if recording::is_recording(path) {
            return Err(Failure::usage(format!(
                "{} is a recording, and is not overwritten",
                path.display()
            )));
        }
        Self::open(path)
            .map_err(|error| Failure::io(&format!("cannot write {}", path.display()), &error))
    }

    fn open(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(there) if !there.is_file() => {
                return fs::OpenOptions::new()
                    .write(true)
                    .open(path)
                    .map(Self::Special);
            }
            _ => {}
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Ok(Self::File {
            path: path.to_owned(),
            unfinished: unfinished_in(folder)?,
        })
    }

    /// Whether to colour it.
    pub(crate) fn is_coloured(&self, color: ColorChoice) -> bool {
        match self {
            Self::Stdout => color.applies_to_stdout(),
            _ => color.applies(false),
        }
    }

    /// Writes it.
    pub(crate) fn write(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::io("the result could not be written", &error);
        match self {
            Self::Stdout => stdout::print(|out| write(out)),
            Self::Special(file) => buffered(file, write).map_err(failed),
            Self::File {
                path,
                mut unfinished,
            } => {
                buffered(unfinished.as_file_mut(), write).map_err(failed)?;
                let named = unfinished.persist(path);
                named.map(drop).map_err(|error| failed(error.error))
            }
        }
    }
}

/// A file that is to get its name when it is whole. As open(2) would make it, but for the owner only: it
/// tells what others do.
pub(crate) fn unfinished_in(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".copytax-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)
}

fn buffered(
    file: impl Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.svg");
        fs::write(&path, "old").expect("written");
        let output = Output::create(&path).expect("can be written");
        let failed = output.write(|out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::Other.into())
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("there"), b"old");
        let output = Output::create(&path).expect("can be written");
        output.write(|out| out.write_all(b"new")).expect("written");
        assert_eq!(fs::read(&path).expect("there"), b"new");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Output::create(folder.path()).is_err());
        assert!(Output::create(&folder.path().join("none/x.svg")).is_err());
    }
}
