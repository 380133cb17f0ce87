//! CPU time, exactly: `getrusage` knows it as of the last clock tick only (`task_cputime_adjusted`,
//! `kernel/sched/cputime.c`, 6.18).

use std::io;
use std::os::unix::thread::JoinHandleExt as _;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// What this thread has had of processors.
pub(super) fn of_this_thread() -> io::Result<Duration> {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// What all threads of this process have had, those that work for it in the kernel, too.
pub(super) fn of_process() -> io::Result<Duration> {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// What another thread has had.
pub(super) fn of_thread(thread: &JoinHandle<()>) -> io::Result<Duration> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: the thread has not been joined, so that its handle is valid, and the clock is written to
    // during the call only.
    let error = unsafe { libc::pthread_getcpuclockid(thread.as_pthread_t(), &raw mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    read(ClockId::from_raw(clock))
}

fn read(clock: ClockId) -> io::Result<Duration> {
    Ok(clock_gettime(clock)?.into())
}
