//! What Go's `io.Copy` does with a file of 512 MiB, by the shape of its reader.

use std::fs::File;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::process::Taken;
use crate::statistics::median;
use crate::strace;
use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::http;

const SIZE: u64 = 512 << 20;

const RUNS: u32 = 9;

const SHAPES: [(&str, &str); 3] = [
    ("plain", "`*os.File`"),
    ("limited", "`io.LimitedReader` of it"),
    ("wrapped", "a plain `io.Reader` around it"),
];

/// One shape at work.
struct Shape {
    name: &'static str,
    program: Program,
    port: u16,
    /// Of `sendfile`, `read` and `write`, in one transfer.
    calls: [u64; 3],
    /// Seconds of each transfer: until it had come, and in the kernel.
    wall: Vec<f64>,
    system: Vec<f64>,
    /// Seconds in calls of one transfer under `strace`.
    traced: f64,
}

/// The table.
pub(crate) fn measure() -> Result<String> {
    let program = crate::go("1.22.10")?;
    let folder = TempDir::new()?;
    let path = folder.path().join("file");
    write_pattern(File::create(&path)?, SIZE, 23)?;
    let mut shapes = Vec::new();
    for (mode, name) in SHAPES {
        let mut command = Command::new(&program);
        let (program, port) = Program::start_server(command.arg(mode).arg(&path))?;
        let mut shape = Shape {
            name,
            program,
            port,
            calls: [0; 3],
            wall: Vec::new(),
            system: Vec::new(),
            traced: 0.0,
        };
        shape.count()?;
        shapes.push(shape);
    }
    for _ in 0..RUNS {
        for shape in &mut shapes {
            shape.run()?;
        }
    }
    let mut text = format!(
        "Go 1.22.10, `io.Copy` of a warm file of 512 MiB to a `*net.TCPConn`, medians of {RUNS} transfers in turn; \
         calls by `copytax audit`; the last column is of one under `strace -c -w`.\n\n\
         | from | `sendfile` | `read` | `write` | wall s | kernel s | traced s |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n"
    );
    for shape in &shapes {
        text += &shape.row();
    }
    Ok(text)
}

impl Shape {
    fn count(&mut self) -> Result<()> {
        // The first has the threads made.
        self.fetch()?;
        let audit = Audit::of_process(self.program.pid())?;
        self.fetch()?;
        let report = audit.interrupt()?;
        report.every_call_counted()?;
        let process = report.process(self.program.pid())?;
        let calls = process.calls();
        let of = |name| calls.get(name).map_or(0, |sums| sums.calls);
        self.calls = ["sendfile", "read", "write"].map(of);
        self.traced = strace::seconds(self.program.pid(), || self.fetch())?;
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        let before = Taken::by(self.program.pid())?;
        let begin = Instant::now();
        self.fetch()?;
        self.wall.push(begin.elapsed().as_secs_f64());
        let after = Taken::by(self.program.pid())?;
        self.system.push(after.system - before.system);
        Ok(())
    }

    fn fetch(&self) -> Result<()> {
        let came = http::drain(self.port)?;
        ensure!(came == SIZE, "{came} bytes came");
        Ok(())
    }

    fn row(&self) -> String {
        let [sendfile, read, write] = self.calls;
        format!(
            "| {} | {sendfile} | {read} | {write} | {:.2} | {:.2} | {:.2} |\n",
            self.name,
            median(&self.wall),
            median(&self.system),
            self.traced
        )
    }
}
