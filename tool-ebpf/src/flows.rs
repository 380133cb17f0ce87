//! The per-CPU sums.

use aya_ebpf::{macros::map, maps::PerCpuHashMap};
use copytax_common::{
    Class, EndpointKind, ErrorKey, FlowCounters, FlowKey, LossCounter, ProcessKey,
};

use crate::{loss, process};

#[map]
static FLOWS: PerCpuHashMap<FlowKey, FlowCounters> = PerCpuHashMap::with_max_entries(32_768, 0);

#[map]
static ERRORS: PerCpuHashMap<ErrorKey, u64> = PerCpuHashMap::with_max_entries(8_192, 0);

/// `BPF_NOEXIST`: another CPU may have made the element meanwhile.
const NOEXIST: u64 = 1;

/// Adds to the sums of one flow.
#[inline(always)]
pub(crate) fn add(
    process: ProcessKey,
    call: u8,
    source: u8,
    sink: u8,
    class: Class,
    amount: FlowCounters,
) {
    let key = FlowKey {
        start_time_ns: process.start_time_ns,
        tgid: process.tgid,
        call,
        source,
        sink,
        class: class as u8,
    };
    let counters = match FLOWS.get_ptr_mut(&key) {
        Some(counters) => counters,
        None => match first_of(&key) {
            Some(counters) => counters,
            None => return,
        },
    };
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    unsafe {
        (*counters).bytes += amount.bytes;
        (*counters).calls += amount.calls;
        (*counters).first_pieces += amount.first_pieces;
    }
}

#[inline(always)]
fn first_of(key: &FlowKey) -> Option<*mut FlowCounters> {
    process::register(key.start_time_ns, key.tgid);
    let zero = FlowCounters {
        bytes: 0,
        calls: 0,
        first_pieces: 0,
    };
    // An error is told by the look-up that follows.
    let _ = FLOWS.insert(key, &zero, NOEXIST);
    let counters = FLOWS.get_ptr_mut(key);
    if counters.is_none() {
        loss::count(LossCounter::MapFull);
    }
    counters
}

/// Adds a whole call to one flow.
#[inline(always)]
pub(crate) fn add_call(
    process: ProcessKey,
    call: u8,
    source: EndpointKind,
    sink: EndpointKind,
    class: Class,
    bytes: u64,
) {
    let amount = FlowCounters {
        bytes,
        calls: 1,
        first_pieces: 1,
    };
    add(process, call, source as u8, sink as u8, class, amount);
}

/// Counts a call that failed.
#[inline(always)]
pub(crate) fn add_error(
    process: ProcessKey,
    call: u8,
    source: EndpointKind,
    sink: EndpointKind,
    errno: u16,
) {
    let key = ErrorKey {
        start_time_ns: process.start_time_ns,
        tgid: process.tgid,
        errno,
        call,
        source: source as u8,
        sink: sink as u8,
        padding: [0; 7],
    };
    if ERRORS.get_ptr_mut(&key).is_none() {
        process::register(process.start_time_ns, process.tgid);
        // An error is told by the look-up that follows.
        let _ = ERRORS.insert(&key, &0, NOEXIST);
    }
    match ERRORS.get_ptr_mut(&key) {
        // SAFETY: the element belongs to this CPU.
        Some(count) => unsafe { *count += 1 },
        None => loss::count(LossCounter::MapFull),
    }
}
