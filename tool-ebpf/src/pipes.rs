//! What filled each pipe: bytes that leave a pipe by `splice` have the source that filled it.
//!
//! A pipe's content is a queue of runs, each from one source. Positions count bytes since the pipe
//! was first seen, so that filling and draining touch different fields.

use aya_ebpf::{macros::map, maps::LruHashMap};
use copytax_common::EndpointKind;

use crate::endpoint::Endpoint;

/// Runs remembered of one pipe.
pub(crate) const RUNS: usize = 4;

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
    /// [`EndpointKind`] of each run.
    source: [u8; RUNS],
    count: u32,
}

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

/// Notes that `bytes` from `source` entered `pipe`.
#[inline(always)]
pub(crate) fn fill(pipe: &Endpoint, source: u8, bytes: u64) {
    let (inode, device) = pipe.inode_and_device();
    pipe_fill(inode, u64::from(device), u64::from(source), bytes);
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn pipe_fill(inode: u64, device: u64, source: u64, bytes: u64) -> u64 {
    let source = source as u8;
    let key = PipeKey {
        inode,
        device: device as u32,
        padding: 0,
    };
    if PIPES.get_ptr_mut(&key).is_none() {
        let empty = Content {
            filled: 0,
            drained: 0,
            end: [0; RUNS],
            source: [0; RUNS],
            count: 0,
        };
        // An error is told by the look-up that follows.
        let _ = PIPES.insert(&key, &empty, 0);
    }
    let Some(content) = PIPES.get_ptr_mut(&key) else {
        return 0;
    };
    // SAFETY: the element lives in a map value; two fillers of one pipe at the same instant have
    // no order that could be told.
    unsafe {
        let filled = (*content).filled + bytes;
        (*content).filled = filled;
        let count = (*content).count as usize;
        let last = count.wrapping_sub(1) & (RUNS - 1);
        if count != 0 && (*content).source[last] == source {
            (*content).end[last] = filled;
        } else if count < RUNS {
            let next = count & (RUNS - 1);
            (*content).end[next] = filled;
            (*content).source[next] = source;
            (*content).count = count as u32 + 1;
        } else if (*content).end[0] <= (*content).drained {
            for run in 1..RUNS {
                (*content).end[run - 1] = (*content).end[run];
                (*content).source[run - 1] = (*content).source[run];
            }
            (*content).end[RUNS - 1] = filled;
            (*content).source[RUNS - 1] = source;
        } else {
            // More runs at once than are remembered.
            (*content).end[RUNS - 1] = filled;
            (*content).source[RUNS - 1] = EndpointKind::Unknown as u8;
        }
    }
    0
}

/// Gives the runs of the next `bytes` that leave `pipe` to `each` (source, bytes), and removes them
/// if `consume`.
#[inline(always)]
pub(crate) fn drain(pipe: &Endpoint, bytes: u64, consume: bool, mut each: impl FnMut(u8, u64)) {
    let key = key_of(pipe);
    let Some(content) = PIPES.get_ptr_mut(&key) else {
        each(EndpointKind::Pipe as u8, bytes);
        return;
    };
    // SAFETY: as in `fill`.
    unsafe {
        let mut from = (*content).drained;
        let mut left = bytes;
        if consume {
            (*content).drained = from + bytes;
        }
        let count = (*content).count as usize;
        let mut source = EndpointKind::Pipe as u8;
        for run in 0..RUNS {
            if run >= count || left == 0 {
                break;
            }
            source = (*content).source[run];
            let end = (*content).end[run];
            if from < end {
                let length = if end - from < left { end - from } else { left };
                // The last run also serves what its filler has not accounted for yet.
                let length = if run + 1 == count { left } else { length };
                each(source, length);
                from += length;
                left -= length;
            }
        }
        if left != 0 {
            each(source, left);
        }
    }
}

/// Notes that `bytes` were read from `pipe`.
#[inline(always)]
pub(crate) fn discard(pipe: &Endpoint, bytes: u64) {
    let key = key_of(pipe);
    if let Some(content) = PIPES.get_ptr_mut(&key) {
        // SAFETY: as in `fill`.
        unsafe { (*content).drained += bytes };
    }
}
