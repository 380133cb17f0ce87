//! Two servers of Python: one sends by the kernel, one reads and writes.

use std::fs::File;
use std::process::{Command, Stdio};

use anyhow::Result;
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::support::children::Program;
use crate::support::{http, prerequisites};

/// Size of the served file.
const SIZE: u64 = 4 << 20;

/// How often each server sends it.
const REQUESTS: u64 = 5;

/// What the first server moves by `sendfile`, and the second one by read and write.
pub(crate) const MOVED: u64 = SIZE * REQUESTS;

/// Where the programs are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/python");

/// The servers.
pub(crate) struct Traffic {
    fast: (Program, u16),
    slow: (Program, u16),
    _folder: TempDir,
}

impl Traffic {
    /// Starts them; `None` where they cannot be.
    pub(crate) fn start() -> Result<Option<Self>> {
        let there = prerequisites::root()
            .and_then(|()| prerequisites::program("curl"))
            .and_then(|_| prerequisites::python());
        let Some(python) = prerequisites::or_skip(there)? else {
            return Ok(None);
        };
        let folder = TempDir::new()?;
        write_pattern(File::create(folder.path().join("file"))?, SIZE, 23)?;
        let start = |script: &str, served: &str| {
            let mut command = Command::new(&python);
            command.arg(format!("{SCRIPTS}/{script}"));
            // It waits for more clients than come.
            command.arg(folder.path().join(served)).arg("1000");
            Program::start_server(command.stderr(Stdio::null()))
        };
        Ok(Some(Self {
            fast: start("socket_sendfile.py", "file")?,
            slow: start("http_server.py", "")?,
            _folder: folder,
        }))
    }

    /// Their process ids.
    pub(crate) fn pids(&self) -> [u32; 2] {
        [self.fast.0.pid(), self.slow.0.pid()]
    }

    /// Fetches the file from both.
    pub(crate) fn flow(&self) -> Result<()> {
        for _ in 0..REQUESTS {
            assert_eq!(http::drain(self.fast.1)?, SIZE);
            assert_eq!(http::get(self.slow.1, "/file")?, SIZE);
        }
        Ok(())
    }
}
