//! What filled each pipe: bytes that leave a pipe by `splice` have the source that filled it.
//!
//! A pipe's content is a queue of runs, each from one source and shared with it or copied. Positions
//! count bytes since the pipe was first seen, so that filling and draining touch different fields.

use core::cell::Cell;

use aya_ebpf::{
    macros::map,
    maps::{LruHashMap, PerCpuArray},
};
use copytax_common::{EndpointKind, LossCounter, Sharing};

use crate::{endpoint::Endpoint, loss, opaque, sample};

/// Runs remembered of one pipe.
pub(crate) const RUNS: usize = 4;

/// Where bytes in a pipe came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// [`EndpointKind`]
    pub(crate) source: u8,
    /// [`Sharing`] of the way into the pipe.
    pub(crate) sharing: u8,
    /// Stands for the file that they came from, 0 where there is none.
    pub(crate) file: u32,
}

impl Origin {
    /// Bytes that are in the pipe by reference, or whose way into it is nobody's.
    #[inline(always)]
    pub(crate) const fn pages(source: u8) -> Self {
        Self {
            source,
            sharing: Sharing::Pages as u8,
            file: 0,
        }
    }

    /// What flows are told apart by.
    #[inline(always)]
    pub(crate) const fn tag(self) -> u16 {
        u16::from_le_bytes([self.source, self.sharing])
    }

    #[inline(always)]
    const fn packed(self) -> u64 {
        (self.file as u64) << 32 | self.tag() as u64
    }

    #[inline(always)]
    const fn of_packed(packed: u64) -> Self {
        let [source, sharing] = (packed as u16).to_le_bytes();
        Self {
            source,
            sharing,
            file: (packed >> 32) as u32,
        }
    }
}

/// Identifies a pipe while it exists.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct PipeKey {
    inode: u64,
    device: u32,
    padding: u32,
}

/// The queue.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Content {
    filled: u64,
    drained: u64,
    /// End position of each run, oldest first.
    end: [u64; RUNS],
    /// [`Origin`] of each run.
    origin: [u64; RUNS],
    count: u32,
    padding: u32,
}

/// More runs at once than are remembered.
const UNKNOWN: Origin = Origin {
    source: EndpointKind::Unknown as u8,
    sharing: Sharing::UnknownSource as u8,
    file: 0,
};

/// A pipe that nothing is known of, in read-only memory: chains of calls have little stack.
static EMPTY: Content = Content {
    filled: 0,
    drained: 0,
    end: [0; RUNS],
    origin: [0; RUNS],
    count: 0,
    padding: 0,
};

#[map]
static PIPES: LruHashMap<PipeKey, Content> = LruHashMap::with_max_entries(8_192, 0);

#[inline(always)]
fn key_of(pipe: &Endpoint) -> PipeKey {
    let (inode, device) = pipe.inode_and_device();
    PipeKey {
        inode,
        device,
        padding: 0,
    }
}

/// Notes that `bytes` entered `pipe`.
#[inline(always)]
pub(crate) fn fill(pipe: &Endpoint, origin: Origin, bytes: u64) {
    let (inode, device) = pipe.inode_and_device();
    pipe_fill(inode, u64::from(device), origin.packed(), bytes);
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn pipe_fill(inode: u64, device: u64, origin: u64, bytes: u64) -> u64 {
    let key = PipeKey {
        inode,
        device: device as u32,
        padding: 0,
    };
    if PIPES.get_ptr_mut(key).is_none() {
        let empty = &EMPTY;
        // An error is told by the look-up that follows.
        let _ = PIPES.insert(key, empty, 0);
    }
    let Some(content) = PIPES.get_ptr_mut(key) else {
        return 0;
    };
    // SAFETY: the element lives in a map value; two fillers of one pipe at the same instant have
    // no order that could be told.
    unsafe {
        let filled = (*content).filled + bytes;
        (*content).filled = filled;
        let count = (*content).count as usize;
        let last = count.wrapping_sub(1) & (RUNS - 1);
        if count != 0 && (*content).origin[last] as u16 == origin as u16 {
            // One run has one file: the one of what is in it, or none.
            let is_empty = (*content).end[last] <= (*content).drained;
            if (*content).origin[last] != origin {
                (*content).origin[last] = if is_empty { origin } else { origin & 0xffff };
            }
            (*content).end[last] = filled;
        } else if count < RUNS {
            let next = count & (RUNS - 1);
            (*content).end[next] = filled;
            (*content).origin[next] = origin;
            (*content).count = count as u32 + 1;
        } else if (*content).end[0] <= (*content).drained {
            for run in 1..RUNS {
                (*content).end[run - 1] = (*content).end[run];
                (*content).origin[run - 1] = (*content).origin[run];
            }
            (*content).end[RUNS - 1] = filled;
            (*content).origin[RUNS - 1] = origin;
        } else {
            loss::count(LossCounter::EndpointUnknown);
            (*content).end[RUNS - 1] = filled;
            (*content).origin[RUNS - 1] = UNKNOWN.packed();
        }
    }
    0
}

/// Runs that leave a pipe: those that are remembered, and what follows them.
pub(crate) const DRAINED_RUNS: usize = RUNS + 1;

/// The runs that leave a pipe. In a map, since chains of calls have little stack.
#[repr(C)]
pub(crate) struct Drained {
    origin: [Cell<u64>; DRAINED_RUNS],
    length: [Cell<u64>; DRAINED_RUNS],
    count: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Drained {}

#[map]
static DRAINED: PerCpuArray<Drained> = PerCpuArray::with_max_entries(1, 0);

impl Drained {
    #[inline(always)]
    fn push(&self, origin: u64, length: u64) {
        let run = sample::masked::<7>(self.count.get());
        if run < DRAINED_RUNS {
            self.origin[run].set(origin);
            self.length[run].set(length);
            self.count.set(run as u64 + 1);
        }
    }

    /// Origin and bytes of a run, `None` behind the last one.
    #[inline(always)]
    pub(crate) fn run(&self, run: usize) -> Option<(Origin, u64)> {
        ((run as u64) < opaque::get(&self.count)).then(|| {
            let origin = Origin::of_packed(self.origin[run].get());
            (origin, self.length[run].get())
        })
    }
}

/// The runs of the next `bytes` that leave `pipe`; they are removed if `consume`.
#[inline(always)]
pub(crate) fn drain(pipe: &Endpoint, bytes: u64, consume: bool) -> Option<&'static Drained> {
    let (inode, device) = pipe.inode_and_device();
    pipe_drain(inode, u64::from(device), bytes, u64::from(consume));
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    DRAINED.get_ptr(0).map(|drained| unsafe { &*drained })
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn pipe_drain(inode: u64, device: u64, bytes: u64, consume: u64) -> u64 {
    let Some(drained) = DRAINED.get_ptr(0) else {
        return 0;
    };
    // SAFETY: as in `drain`.
    let drained = unsafe { &*drained };
    drained.count.set(0);
    let key = PipeKey {
        inode,
        device: device as u32,
        padding: 0,
    };
    let Some(content) = PIPES.get_ptr_mut(key) else {
        drained.push(Origin::pages(EndpointKind::Pipe as u8).packed(), bytes);
        return 0;
    };
    // SAFETY: as in `fill`.
    unsafe {
        let mut from = (*content).drained;
        let mut left = bytes;
        if consume != 0 {
            (*content).drained = from + bytes;
        }
        let count = (*content).count as usize;
        let mut origin = Origin::pages(EndpointKind::Pipe as u8).packed();
        for run in 0..RUNS {
            if run >= count || left == 0 {
                break;
            }
            origin = (*content).origin[run];
            let end = (*content).end[run];
            if from < end {
                let length = if end - from < left { end - from } else { left };
                // The last run also serves what its filler has not accounted for yet.
                let length = if run + 1 == count { left } else { length };
                drained.push(origin, length);
                from += length;
                left -= length;
            }
        }
        if left != 0 {
            drained.push(origin, left);
        }
    }
    0
}

/// Notes that `bytes` were read from `pipe`.
#[inline(always)]
pub(crate) fn discard(pipe: &Endpoint, bytes: u64) {
    let key = key_of(pipe);
    if let Some(content) = PIPES.get_ptr_mut(key) {
        // SAFETY: as in `fill`.
        unsafe { (*content).drained += bytes };
    }
}
