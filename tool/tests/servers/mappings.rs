//! Threads that write from mappings of files while others change the mappings of the process without
//! pause: what was written is told all the same.

use std::fs::File;
use std::io::Write as _;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap};

use crate::roles;
use crate::support::audit::ENGINES;
use crate::support::report::Report;

const PAGE: usize = 4_096;
/// Threads that write, and those that change mappings.
const WRITERS: usize = 4;
const CHANGERS: usize = 4;
const WRITES_OF_A_THREAD: usize = 5_003;
/// Pages of the file; a writer has as many of no file right behind them.
const PAGES: usize = 5;
/// A write begins in the file, with so many bytes of it, and ends behind it.
const OF_FILE: usize = 1_009;
const BEHIND: usize = 307;
/// Mappings that make the tree of the process' mappings a deep one.
const MAPPINGS: usize = 3_000;

#[test]
fn mappings_are_told_while_others_change() -> Result<()> {
    for engine in ENGINES {
        let Some(report) = roles::played(engine, "mappings::writers_among_changers")? else {
            return Ok(());
        };
        all_is_mapped(&report)?;
    }
    Ok(())
}

fn all_is_mapped(report: &Report) -> Result<()> {
    report.nothing_lost()?;
    let [process] = report.processes.as_slice() else {
        anyhow::bail!("one process was watched: {report:#?}");
    };
    let of_class = |class: &str| -> u64 {
        let flows = process.flows.iter().filter(|flow| flow.class == class);
        let flows = flows.filter(|flow| flow.sink.as_deref() == Some("char"));
        flows.map(|flow| flow.bytes).sum()
    };
    let writes = (WRITERS * WRITES_OF_A_THREAD) as u64;
    let written = (of_class("mapped"), of_class("generated"));
    let expected = (writes * OF_FILE as u64, writes * BEHIND as u64);
    ensure!(written == expected, "{written:?}, not {expected:?}");
    ensure!(process.bytes_to("char", None) == expected.0 + expected.1);
    Ok(())
}

#[test]
#[ignore = "a role that another test starts"]
fn writers_among_changers() -> Result<()> {
    if !roles::is_played() {
        return Ok(());
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(&[0x5a; PAGES * PAGE])?;
    let many = many_mappings()?;
    let (begun, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let changers: Vec<_> = (0..CHANGERS)
            .map(|_| scope.spawn(|| change(&begun, &over)))
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| scope.spawn(|| write(&file, &begun)))
            .collect();
        let written: Vec<_> = writers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        over.store(true, Ordering::Relaxed);
        let changed = changers.into_iter().map(thread::ScopedJoinHandle::join);
        for outcome in changed.chain(written) {
            outcome.ok().context("a thread panicked")??;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    // SAFETY: nobody has a pointer into it.
    unsafe { munmap(many, MAPPINGS * PAGE) }?;
    Ok(())
}

/// Pages of which every other one cannot be written on: each is a mapping of its own.
fn many_mappings() -> Result<*mut std::ffi::c_void> {
    let (length, all) = (MAPPINGS * PAGE, ProtFlags::READ | ProtFlags::WRITE);
    // SAFETY: new memory, that nobody has a pointer into.
    unsafe {
        let start = mmap_anonymous(null_mut(), length, all, MapFlags::PRIVATE)?;
        for page in (0..MAPPINGS).step_by(2) {
            mprotect(start.byte_add(page * PAGE), PAGE, MprotectFlags::READ)?;
        }
        Ok(start)
    }
}

/// Makes, splits and ends mappings until it is `over`.
fn change(begun: &AtomicUsize, over: &AtomicBool) -> Result<()> {
    let all = ProtFlags::READ | ProtFlags::WRITE;
    let mut is_first = true;
    while !over.load(Ordering::Relaxed) {
        // SAFETY: new memory, that nobody has a pointer into.
        unsafe {
            let start = mmap_anonymous(null_mut(), 3 * PAGE, all, MapFlags::PRIVATE)?;
            mprotect(start.byte_add(PAGE), PAGE, MprotectFlags::READ)?;
            munmap(start, 3 * PAGE)?;
        }
        if std::mem::take(&mut is_first) {
            begun.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Writes from a mapping of the file on, once all changers are at work.
fn write(file: &File, begun: &AtomicUsize) -> Result<()> {
    let null = File::options().write(true).open("/dev/null")?;
    let (length, all) = (PAGES * PAGE, ProtFlags::READ | ProtFlags::WRITE);
    // SAFETY: new memory, then a mapping over the first half of it; the slice is of both, and nobody
    // changes them.
    let bytes = unsafe {
        let start = mmap_anonymous(null_mut(), 2 * length, all, MapFlags::PRIVATE)?;
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        mmap(start, length, ProtFlags::READ, flags, file, 0)?;
        start
            .byte_add(length)
            .cast::<u8>()
            .write_bytes(0xa5, length);
        std::slice::from_raw_parts(start.cast::<u8>(), 2 * length)
    };
    std::hint::black_box(bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>());
    while begun.load(Ordering::Relaxed) < CHANGERS {
        thread::yield_now();
    }
    for _ in 0..WRITES_OF_A_THREAD {
        let written = rustix::io::write(&null, &bytes[length - OF_FILE..length + BEHIND])?;
        ensure!(written == OF_FILE + BEHIND, "a short write");
    }
    Ok(())
}
