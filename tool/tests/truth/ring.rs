//! A ring of io_uring with everything registered that there is.

use std::collections::HashSet;
use std::io;
use std::os::fd::RawFd;

use io_uring::squeue::{Entry, Flags};
use io_uring::{IoUring, cqueue, types};

/// Requests at once.
const ENTRIES: u32 = 16;
/// Provided buffers at once.
const BUFFERS: u16 = 8;
/// Milliseconds before the polling thread sleeps.
const IDLE: u32 = 50;

/// What a completion tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Completion {
    pub(crate) user_data: u64,
    pub(crate) result: i32,
    pub(crate) flags: u32,
}

pub(crate) struct Ring {
    ring: IoUring,
    /// The thread that polls the submission queue.
    poller: Option<i32>,
    /// Registered files, in order.
    files: Vec<RawFd>,
    /// Buffers whose memory is not what was registered any more.
    remapped: HashSet<u16>,
    /// Group of provided buffers; address and tail of its ring.
    pub(crate) group: u16,
    buffers: usize,
    tail: u16,
}

impl Ring {
    /// A ring with these files and buffers registered. None of the calls is accounted.
    pub(crate) fn new(
        files: Vec<RawFd>,
        buffers: &[libc::iovec],
        group: u16,
        polls: bool,
    ) -> io::Result<Self> {
        let before = threads()?;
        let ring = if polls {
            IoUring::builder().setup_sqpoll(IDLE).build(ENTRIES)?
        } else {
            IoUring::new(ENTRIES)?
        };
        let poller = threads()?.difference(&before).next().copied();
        assert_eq!(poller.is_some(), polls);
        ring.submitter().register_files(&files)?;
        // SAFETY: the buffers live as long as the process.
        unsafe { ring.submitter().register_buffers(buffers)? };
        let ring = Self {
            ring,
            poller,
            files,
            remapped: HashSet::new(),
            group,
            buffers: page()?,
            tail: 0,
        };
        // SAFETY: the page stays mapped as long as the process lives.
        unsafe {
            let submitter = ring.ring.submitter();
            submitter.register_buf_ring_with_flags(ring.buffers as u64, BUFFERS, group, 0)?;
        }
        Ok(ring)
    }

    /// Who submits for the current thread, if it is not itself.
    pub(crate) fn poller(&self) -> Option<i32> {
        self.poller
    }

    /// The process has put other memory in the place of a buffer.
    pub(crate) fn remapped(&mut self, buffer: u16) {
        self.remapped.insert(buffer);
    }

    /// Whether a buffer is as it was registered.
    pub(crate) fn is_fixed(&self, buffer: u16) -> bool {
        !self.remapped.contains(&buffer)
    }

    /// A registered file's index, in place of its descriptor, and the flag that says so.
    pub(crate) fn registered(&self, fd: RawFd) -> Option<u32> {
        let index = self.files.iter().position(|file| *file == fd)?;
        Some(index as u32)
    }

    /// Provides a buffer.
    pub(crate) fn provide(&mut self, address: *mut libc::c_void, length: usize, id: u16) {
        let base = self.buffers as *mut types::BufRingEntry;
        // SAFETY: the page holds the ring; the kernel reads an entry once the tail is behind it.
        unsafe {
            let entry = &mut *base.add((self.tail % BUFFERS) as usize);
            entry.set_addr(address as u64);
            entry.set_len(length as u32);
            entry.set_bid(id);
            self.tail = self.tail.wrapping_add(1);
            let tail = types::BufRingEntry::tail(base).cast_mut();
            (*tail.cast::<std::sync::atomic::AtomicU16>())
                .store(self.tail, std::sync::atomic::Ordering::Release);
        }
    }

    /// Forgets the provided buffers that were not used. The next ones are another group: Linux 6.1 goes on
    /// in one that comes again where the old one had ended.
    pub(crate) fn take_back(&mut self) {
        let submitter = self.ring.submitter();
        submitter
            .unregister_buf_ring(self.group)
            .expect("it is registered");
        self.group = self.group.wrapping_add(1);
        // SAFETY: the page stays mapped as long as the process lives.
        unsafe {
            (self.buffers as *mut u8).write_bytes(0, 4_096);
            submitter
                .register_buf_ring_with_flags(self.buffers as u64, BUFFERS, self.group, 0)
                .expect("the group is free");
        }
        self.tail = 0;
    }

    /// Submits requests, and returns as soon as the kernel has taken them.
    pub(crate) fn submit(&mut self, requests: &[Entry]) {
        // SAFETY: what the requests point to lives until they are complete.
        unsafe { self.ring.submission().push_multiple(requests) }.expect("there is room");
        let taken = self.ring.submit().expect("the kernel takes them");
        // It takes none behind one that it refuses.
        assert!(self.poller.is_some() || taken == requests.len());
        while !self.ring.submission().is_empty() {
            std::thread::yield_now();
        }
    }

    /// All completions up to the last ones of this many requests.
    pub(crate) fn wait(&mut self, mut requests: usize) -> Vec<Completion> {
        let mut completions = Vec::new();
        while requests > 0 {
            self.ring.submit_and_wait(1).expect("the kernel waits");
            for entry in self.ring.completion() {
                completions.push(Completion {
                    user_data: entry.user_data(),
                    result: entry.result(),
                    flags: entry.flags(),
                });
                requests -= usize::from(!cqueue::more(entry.flags()));
            }
        }
        completions
    }

    /// Carries requests out.
    pub(crate) fn run(&mut self, requests: &[Entry]) -> Vec<Completion> {
        self.submit(requests);
        self.wait(requests.len())
    }
}

/// Requests on a registered file have its index as descriptor.
pub(crate) const REGISTERED: Flags = Flags::FIXED_FILE;

/// Threads of this process.
fn threads() -> io::Result<HashSet<i32>> {
    std::fs::read_dir("/proc/self/task")?
        .map(|entry| {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.parse().ok());
            Ok(number.expect("threads have numbers"))
        })
        .collect()
}

fn page() -> io::Result<usize> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new memory.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), 4_096, protection, flags, -1, 0) };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(address as usize)
}
