//! Takes samples of threads by ptrace: the registers, the top of the stack, and the list of return
//! addresses that the kernel would have made.

use std::cell::Cell;
use std::fs::{self, File};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::unix::fs::FileExt;
use std::ptr;

use anyhow::{Context, Result, bail, ensure};
use copytax::host::processes;
use copytax::model::{ProcessId, UserStack};
use copytax_common::{SAMPLE_FRAMES, SAMPLE_STACK};

/// Nanoseconds of a tick of `/proc/PID/stat`.
const NS_PER_TICK: u64 = 10_000_000;

/// A thread that this one traces. It runs again when this is dropped.
pub(crate) struct Traced {
    thread: i32,
    process: ProcessId,
    is_stopped: Cell<bool>,
    has_ended: Cell<bool>,
    /// ptrace is for the thread that attached.
    not_send: PhantomData<*const ()>,
}

impl Traced {
    /// Attaches to a thread of a process.
    pub(crate) fn attach(process: u32, thread: u32) -> Result<Self> {
        let (ticks, _) = processes::facts(process).context("the process is gone")?;
        let traced = Self {
            thread: i32::try_from(thread)?,
            process: ProcessId {
                pid: process,
                start_time_ns: ticks * NS_PER_TICK,
            },
            is_stopped: Cell::new(false),
            has_ended: Cell::new(false),
            not_send: PhantomData,
        };
        traced.request(libc::PTRACE_SEIZE, 0)?;
        Ok(traced)
    }

    /// Attaches to all threads of a process that can be attached to.
    pub(crate) fn attach_all(process: u32) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(format!("/proc/{process}/task"))? {
            let name = entry?.file_name();
            let thread = name.to_str().context("a thread is a number")?.parse()?;
            all.extend(Self::attach(process, thread));
        }
        ensure!(!all.is_empty(), "no thread of {process} can be traced");
        Ok(all)
    }

    /// The process.
    pub(crate) fn process(&self) -> ProcessId {
        self.process
    }

    /// Whether the thread was seen to have ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// Samples the thread where it happens to be, then lets it run.
    pub(crate) fn sample(&self) -> Result<UserStack> {
        self.stop()?;
        let sample = self.sample_stopped();
        self.request(libc::PTRACE_CONT, 0)?;
        self.is_stopped.set(false);
        sample
    }

    /// Stops the thread.
    pub(crate) fn stop(&self) -> Result<()> {
        self.request(libc::PTRACE_INTERRUPT, 0)?;
        loop {
            let status = self.wait()?;
            if status >> 16 == libc::PTRACE_EVENT_STOP {
                self.is_stopped.set(true);
                return Ok(());
            }
            // A signal came first: it is the thread's.
            self.request(libc::PTRACE_CONT, status >> 8 & 0xff)?;
        }
    }

    /// Carries out one instruction of the stopped thread.
    pub(crate) fn step(&self) -> Result<()> {
        self.request(libc::PTRACE_SINGLESTEP, 0)?;
        let status = self.wait()?;
        ensure!(
            status >> 8 == libc::SIGTRAP,
            "status {status:#x} after a step"
        );
        Ok(())
    }

    /// Samples the stopped thread.
    pub(crate) fn sample_stopped(&self) -> Result<UserStack> {
        let registers = self.registers()?;
        let (end, is_cut) = self.end_of_stack(registers.rsp)?;
        // Not opened before: another program has another memory.
        let all = File::open(format!("/proc/{}/mem", self.process.pid))?;
        let mut memory = vec![0; usize::try_from(end - registers.rsp)?];
        all.read_exact_at(&mut memory, registers.rsp)?;
        Ok(UserStack {
            instruction_pointer: registers.rip,
            stack_pointer: registers.rsp,
            frame_pointer: registers.rbp,
            by_frame_pointers: by_frame_pointers(&all, registers.rip, registers.rbp),
            memory,
            is_cut,
        })
    }

    /// Whether the thread waits in a system call, at the place of a sample of it. A stopped call is
    /// one that will be carried out again.
    pub(crate) fn is_in_syscall(&self, sample: &UserStack, number: i64) -> Result<bool> {
        let path = format!("/proc/{}/task/{}/syscall", self.process.pid, self.thread);
        let call = fs::read_to_string(path)?;
        let mut fields = call.split_ascii_whitespace();
        let is_number = fields.next() == Some(number.to_string().as_str());
        let ip = format!("{:#x}", sample.instruction_pointer);
        Ok(is_number && fields.last() == Some(ip.as_str()))
    }

    /// Registers of the stopped thread.
    pub(crate) fn registers(&self) -> Result<libc::user_regs_struct> {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
        // SAFETY: the kernel fills the structure, all of whose fields are integers.
        let registers = unsafe {
            if libc::ptrace(
                libc::PTRACE_GETREGS,
                self.thread,
                ptr::null_mut::<libc::c_void>(),
                registers.as_mut_ptr(),
            ) == -1
            {
                bail!(std::io::Error::last_os_error());
            }
            registers.assume_init()
        };
        Ok(registers)
    }

    /// Where the copy of a stack ends, and whether the stack goes on behind that.
    fn end_of_stack(&self, stack_pointer: u64) -> Result<(u64, bool)> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.process.pid))?;
        let mut ranges = maps.lines().filter_map(|line| {
            let (start, rest) = line.split_once('-')?;
            let (end, _) = rest.split_once(' ')?;
            Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
        });
        let stack = ranges.find(|range| range.contains(&stack_pointer));
        let end = stack.context("no stack is mapped")?.end;
        let limit = stack_pointer + SAMPLE_STACK as u64;
        Ok((end.min(limit), end > limit))
    }

    fn wait(&self) -> Result<i32> {
        let mut status = 0;
        // SAFETY: `status` is written to, nothing else.
        let thread = unsafe { libc::waitpid(self.thread, &raw mut status, libc::__WALL) };
        ensure!(thread == self.thread, std::io::Error::last_os_error());
        self.has_ended.set(!libc::WIFSTOPPED(status));
        ensure!(!self.has_ended.get(), "the thread has ended");
        Ok(status)
    }

    fn request(&self, request: libc::c_uint, signal: i32) -> Result<()> {
        // SAFETY: these requests take no pointers.
        let result = unsafe { libc::ptrace(request, self.thread, 0, libc::c_long::from(signal)) };
        ensure!(result != -1, std::io::Error::last_os_error());
        Ok(())
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // A thread that has ended needs no detaching.
        if self.is_stopped.get() || !self.has_ended() && self.stop().is_ok() {
            let _ = self.request(libc::PTRACE_DETACH, 0);
        }
    }
}

/// As `perf_callchain_user` of the kernel does it (`arch/x86/events/core.c`, Linux 6.12).
fn by_frame_pointers(memory: &File, instruction_pointer: u64, mut frame_pointer: u64) -> Vec<u64> {
    let mut addresses = vec![instruction_pointer];
    while addresses.len() < SAMPLE_FRAMES {
        let mut frame = [0; 16];
        if memory.read_exact_at(&mut frame, frame_pointer).is_err() {
            break;
        }
        let word = |at: usize| u64::from_le_bytes(frame[at..at + 8].try_into().expect("8 bytes"));
        addresses.push(word(8));
        frame_pointer = word(0);
    }
    addresses
}
