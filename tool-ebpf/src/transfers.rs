//! Transfers: runs of consecutive bytes from one file to one other.
//!
//! Each sink has one run open. It grows while bytes of the same file come the same way, and ends with
//! the first byte that does not: what a program makes itself, what comes from another file, or by
//! other means. Only then its size is known and counted.

use core::cell::Cell;

use aya_ebpf::{
    macros::map,
    maps::{Array, PerCpuArray, PerCpuHashMap},
};
use copytax_common::{
    Call, Class, FlowKey, LossCounter, OPEN_TRANSFER_SETS, OPEN_TRANSFER_WAYS, OpenTransfers,
    TransferCounters, TransferKey,
};

use crate::{flows::FLOW_WORDS, lock, loss, opaque, recency, sample};

const WAYS: usize = OPEN_TRANSFER_WAYS;

/// Runs that have not ended, by sink.
#[map]
static OPEN_TRANSFERS: Array<Set> = Array::with_max_entries(OPEN_TRANSFER_SETS, 0);

/// How many transfers of which size each flow had.
#[map]
static TRANSFERS: PerCpuHashMap<TransferKey, TransferCounters> =
    PerCpuHashMap::with_max_entries(16_384, 0);

/// Room for a key: chains of calls have little stack.
#[map]
static KEY: PerCpuArray<TransferKey> = PerCpuArray::with_max_entries(1, 0);

/// A new element's sums, in read-only memory for the same reason.
static NOTHING: TransferCounters = TransferCounters { count: 0, bytes: 0 };

/// `BPF_NOEXIST`: another CPU may have made the element meanwhile.
const NOEXIST: u64 = 1;

/// [`OpenTransfers`], of which each field can be changed by itself.
#[repr(C)]
struct Set {
    sink: [Cell<u64>; WAYS],
    bytes: [Cell<u64>; WAYS],
    flow: [[Cell<u64>; FLOW_WORDS]; WAYS],
    source: [Cell<u32>; WAYS],
    stamp: [Cell<u32>; WAYS],
    lock: Cell<u64>,
    /// A variable of who holds the lock, see [`opaque`].
    found: Cell<u64>,
}

const _: () = assert!(size_of::<Set>() == size_of::<OpenTransfers>());

// SAFETY: changes are made under `lock`; what is read without it is only a hint.
unsafe impl Sync for Set {}

/// Whether runs of such bytes are transfers.
#[inline(always)]
pub(crate) const fn is_transferred(class: u8) -> bool {
    const TRANSFERRED: u16 = 1 << Class::ZeroCopy as u16
        | 1 << Class::SameBuffer as u16
        | 1 << Class::SameContent as u16
        | 1 << Class::Mapped as u16;
    TRANSFERRED >> (class & 15) & 1 != 0
}

/// A flow as transfers are told apart by: write-like calls are all one.
#[inline(always)]
const fn kind_of(flow: [u64; FLOW_WORDS]) -> [u64; FLOW_WORDS] {
    /// Where [`FlowKey::call`] is in its word.
    const CALL: u64 = 0xff << 32;
    if class_of(flow) == Class::ZeroCopy as u8 {
        return flow;
    }
    [
        flow[0],
        flow[1] & !CALL | (Call::Write as u64) << 32,
        flow[2],
    ]
}

#[inline(always)]
const fn class_of(flow: [u64; FLOW_WORDS]) -> u8 {
    (flow[1] >> 56) as u8
}

const _: () = {
    assert!(core::mem::offset_of!(FlowKey, call) == 12);
    assert!(core::mem::offset_of!(FlowKey, class) == 15);
};

/// Notes that `bytes` of the flow went from the file `source` to the file `sink`, not 0.
#[inline(always)]
pub(crate) fn note(sink: u64, source: u32, flow: [u64; FLOW_WORDS], bytes: u64) {
    let index = (sink >> 32) as u32 & (OPEN_TRANSFER_SETS - 1);
    let Some(set) = set_at(index) else {
        return;
    };
    let flow = kind_of(flow);
    let is_transferred = is_transferred(class_of(flow));
    // Most of what programs make themselves goes where nothing was transferred.
    if !is_transferred && !has_way(set, sink) {
        return;
    }
    if !lock::is_acquired(set.lock.as_ptr()) && transfer_lock(u64::from(index)) == 0 {
        return;
    }
    let mut found = way_of(set, sink);
    let is_known = found < WAYS as u64;
    if !is_known {
        found = transfer_begin(u64::from(index), sink);
    }
    let way = sample::masked::<{ WAYS as u64 - 1 }>(found);
    let goes_on =
        is_known && is_transferred && set.source[way].get() == source && is_flow(set, way, flow);
    if !goes_on {
        if set.bytes[way].get() != 0 {
            transfer_end(u64::from(index), way as u64);
        }
        set.flow[way][0].set(flow[0]);
        set.flow[way][1].set(flow[1]);
        set.flow[way][2].set(flow[2]);
        set.source[way].set(source);
    }
    if is_transferred {
        set.bytes[way].set(set.bytes[way].get() + bytes);
        set.stamp[way].set(recency::now());
    }
    lock::release(set.lock.as_ptr());
}

/// Bytes of the run that is open at the file `sink`, 0 where there is none.
#[inline(always)]
pub(crate) fn open_bytes(sink: u64) -> u64 {
    let index = (sink >> 32) as u32 & (OPEN_TRANSFER_SETS - 1);
    let Some(set) = set_at(index) else {
        return 0;
    };
    let mut bytes = 0;
    for way in 0..WAYS {
        if set.sink[way].get() == sink {
            bytes = set.bytes[way].get();
        }
    }
    bytes
}

/// Takes the lock of a set.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn transfer_lock(index: u64) -> u64 {
    set_at(index as u32).map_or(0, |set| u64::from(lock::acquire(set.lock.as_ptr())))
}

#[inline(always)]
fn set_at(index: u32) -> Option<&'static Set> {
    // SAFETY: sets live in map values, which stay; fields are plain integers, changed under the
    // set's lock.
    OPEN_TRANSFERS.get_ptr(index).map(|set| unsafe { &*set })
}

/// Whether a sink has a way of the set.
#[inline(always)]
fn has_way(set: &Set, sink: u64) -> bool {
    let mut way = 0;
    while way < WAYS {
        if set.sink[way].get() == sink {
            return true;
        }
        way += 1;
    }
    false
}

/// The way of a sink in a set, which is locked; [`WAYS`] where it has none.
#[inline(always)]
fn way_of(set: &Set, sink: u64) -> u64 {
    opaque::set(&set.found, WAYS as u64);
    for way in 0..WAYS {
        if set.sink[way].get() == sink {
            opaque::set(&set.found, way as u64);
        }
    }
    opaque::get(&set.found)
}

#[inline(always)]
fn is_flow(set: &Set, way: usize, flow: [u64; FLOW_WORDS]) -> bool {
    let open = &set.flow[way];
    open[0].get() == flow[0] && open[1].get() == flow[1] && open[2].get() == flow[2]
}

/// Gives the sink a way of the set, which is locked: a free one, else the one used least recently, whose
/// run is still to be ended. Gives its number.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn transfer_begin(index: u64, sink: u64) -> u64 {
    let Some(set) = set_at(index as u32) else {
        return 0;
    };
    let now = recency::now();
    let (mut chosen, mut best) = (0, 0);
    for way in 0..WAYS {
        let age = if set.bytes[way].get() == 0 {
            1 << 32
        } else {
            u64::from(now.wrapping_sub(set.stamp[way].get()))
        };
        if age >= best {
            (chosen, best) = (way as u64, age);
        }
    }
    let way = sample::masked::<{ WAYS as u64 - 1 }>(chosen);
    if set.bytes[way].get() != 0 {
        recency::count_early_end(best as u32);
    }
    set.sink[way].set(sink);
    chosen
}

/// Counts the run of a way of the set, which is locked, as ended.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn transfer_end(index: u64, way: u64) -> u64 {
    let Some(set) = set_at(index as u32) else {
        return 0;
    };
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let bytes = set.bytes[way].get();
    if bytes == 0 {
        return 0;
    }
    set.bytes[way].set(0);
    let Some(key) = KEY.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    let key = unsafe {
        let words = key.cast::<u64>();
        words.write_volatile(set.flow[way][0].get());
        words.add(1).write_volatile(set.flow[way][1].get());
        words.add(2).write_volatile(set.flow[way][2].get());
        words.add(3).write_volatile(u64::from(bytes.ilog2()));
        &*key
    };
    if TRANSFERS.get_ptr_mut(key).is_none() {
        let nothing = &NOTHING;
        // An error is told by the look-up that follows.
        let _ = TRANSFERS.insert(key, nothing, NOEXIST);
    }
    match TRANSFERS.get_ptr_mut(key) {
        // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
        Some(counters) => unsafe {
            (*counters).count += 1;
            (*counters).bytes += bytes;
        },
        None => loss::count(LossCounter::MapFull),
    }
    0
}
