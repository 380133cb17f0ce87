//! Processes that move bytes until they are no longer wanted.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Result;

use crate::support::prerequisites;

/// One that reads and writes a file, and one that lets the kernel send it.
pub(crate) struct Load(Vec<Child>);

const LOSER: &str = "
import os, sys, time
def move(source, target, size):
    os.lseek(source, 0, 0)
    os.lseek(target, 0, 0)
    for _ in range(16):
        os.write(target, os.read(source, size))
";
const SENDER: &str = "
import os, sys, time
def move(source, target, size):
    os.lseek(target, 0, 0)
    os.sendfile(target, source, 0, 16 * size)
";
const LOOP: &str = "
with open('/proc/self/comm', 'w') as comm: comm.write(sys.argv[1])
source = os.open(sys.argv[2], os.O_RDONLY)
target = os.open(sys.argv[3], os.O_RDWR | os.O_CREAT)
while True:
    move(source, target, 65536)
    time.sleep(0.01)
";

impl Load {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let source = folder.join("source");
        fs::write(&source, vec![7; 1 << 20])?;
        let mut load = Self(Vec::new());
        for (name, program) in [("loser", LOSER), ("sender", SENDER)] {
            let mut command = Command::new(prerequisites::python()?);
            command.arg("-c").arg(format!("{program}{LOOP}"));
            command.arg(name).arg(&source).arg(folder.join(name));
            load.0.push(command.stdin(Stdio::null()).spawn()?);
        }
        Ok(load)
    }

    /// Arguments that name them.
    pub(crate) fn targets(&self) -> String {
        let targets = self.0.iter().map(|child| format!("-p {}", child.id()));
        targets.collect::<Vec<_>>().join(" ")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Both fail only where it has ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
