//! Many threads and many processes: totals are exact and nothing is lost.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::thread;

use anyhow::{Context, Result, ensure};
use rustix::process::{WaitOptions, wait};

use crate::roles;
use crate::support::audit::ENGINES;
use crate::support::report::{Report, Syscall};

const THREADS: u64 = 64;
const WRITES_OF_A_THREAD: u64 = 1_009;
const WRITTEN: usize = 101;

const PROCESSES: u64 = 2_000;
/// How many of them live at once.
const AT_ONCE: u64 = 32;
const READS_OF_A_PROCESS: u64 = 3;
const READ: usize = 1_013;
const WRITES_OF_A_PROCESS: u64 = 2;

#[test]
fn sixty_four_writers_are_counted_exactly() -> Result<()> {
    for engine in ENGINES {
        let Some(report) = roles::played(engine, "scale::writers")? else {
            return Ok(());
        };
        writers_are_exact(&report)?;
    }
    Ok(())
}

fn writers_are_exact(report: &Report) -> Result<()> {
    report.nothing_lost()?;
    let [process] = report.processes.as_slice() else {
        anyhow::bail!("one process was watched: {report:#?}");
    };
    let calls = THREADS * WRITES_OF_A_THREAD;
    let bytes = calls * WRITTEN as u64;
    assert_eq!(process.bytes_to("char", None), bytes, "{process:#?}");
    // The test harness says on standard output which role it plays.
    let said = process.bytes_to("file", None);
    assert_eq!(process.bytes.generated, bytes + said, "{process:#?}");
    assert_eq!(process.calls()["write"].bytes, bytes + said);
    assert_eq!(process.calls()["write"].errors, 0);
    let of_harness = process.calls()["write"].calls - calls;
    assert!((1..100).contains(&of_harness), "{process:#?}");
    Ok(())
}

#[test]
fn two_thousand_short_lived_processes_are_counted_exactly() -> Result<()> {
    for engine in ENGINES {
        let Some(report) = roles::played(engine, "scale::short_lived")? else {
            return Ok(());
        };
        short_lived_are_exact(&report)?;
    }
    Ok(())
}

fn short_lived_are_exact(report: &Report) -> Result<()> {
    report.nothing_lost()?;
    let sums = |calls, size: usize| Syscall {
        calls,
        bytes: calls * size as u64,
        errors: 0,
    };
    let expected = BTreeMap::from([
        ("read", sums(READS_OF_A_PROCESS, READ)),
        ("write", sums(WRITES_OF_A_PROCESS, WRITTEN)),
    ]);
    let exact = report.processes.iter().filter(|p| p.calls() == expected);
    assert_eq!(exact.count() as u64, PROCESSES);
    assert_eq!(report.processes.len() as u64, PROCESSES + 1);
    let to_null: u64 = report
        .processes
        .iter()
        .map(|process| process.bytes_to("char", None))
        .sum();
    assert_eq!(to_null, PROCESSES * WRITES_OF_A_PROCESS * WRITTEN as u64);
    Ok(())
}

#[test]
#[ignore = "a role that another test starts"]
fn writers() -> Result<()> {
    if !roles::is_played() {
        return Ok(());
    }
    let null = File::options().write(true).open("/dev/null")?;
    let writer = || write_pattern_to(&null, WRITES_OF_A_THREAD);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..THREADS).map(|_| scope.spawn(writer)).collect();
        for writer in writers {
            writer.join().ok().context("a writer panicked")??;
        }
        Ok(())
    })
}

#[test]
#[ignore = "a role that another test starts"]
fn short_lived() -> Result<()> {
    if !roles::is_played() {
        return Ok(());
    }
    let null = File::options().write(true).open("/dev/null")?;
    let zero = File::open("/dev/zero")?;
    for started in 0..PROCESSES {
        // SAFETY: the child makes system calls only, on descriptors and stack memory that it has
        // its own copy of, and ends without running any destructor or exit handler of the parent.
        match unsafe { libc::fork() } {
            -1 => return Err(io::Error::last_os_error().into()),
            0 => {
                let moved =
                    read_zeroes(&zero).and_then(|()| write_pattern_to(&null, WRITES_OF_A_PROCESS));
                // SAFETY: ends the child at once; see above.
                unsafe { libc::_exit(i32::from(moved.is_err())) };
            }
            _ => {}
        }
        if started + 1 >= AT_ONCE {
            reap()?;
        }
    }
    (1..AT_ONCE).try_for_each(|_| reap())
}

fn reap() -> Result<()> {
    let (_, status) = wait(WaitOptions::empty())?.context("a child ends")?;
    ensure!(
        status.exit_status() == Some(0),
        "a child failed: {status:?}"
    );
    Ok(())
}

fn read_zeroes(from: impl AsFd) -> io::Result<()> {
    let mut buffer = [0_u8; READ];
    for _ in 0..READS_OF_A_PROCESS {
        if rustix::io::read(&from, &mut buffer)? != READ {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn write_pattern_to(to: impl AsFd, times: u64) -> io::Result<()> {
    let pattern = [0xa5_u8; WRITTEN];
    for _ in 0..times {
        if rustix::io::write(&to, &pattern)? != WRITTEN {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}
