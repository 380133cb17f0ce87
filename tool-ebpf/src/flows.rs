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
    class: u8,
    amount: FlowCounters,
) {
    flow_add(
        process.start_time_ns,
        pack(process.tgid, [call, source, sink, class]),
        amount.bytes,
        amount.calls,
        amount.first_pieces,
    );
}

/// A thread group id and four bytes as one argument.
#[inline(always)]
const fn pack(tgid: u32, bytes: [u8; 4]) -> u64 {
    ((tgid as u64) << 32) | u32::from_le_bytes(bytes) as u64
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn flow_add(
    start_time_ns: u64,
    packed: u64,
    bytes: u64,
    calls: u64,
    first_pieces: u64,
) -> u64 {
    let [call, source, sink, class] = (packed as u32).to_le_bytes();
    let key = FlowKey {
        start_time_ns,
        tgid: (packed >> 32) as u32,
        call,
        source,
        sink,
        class,
    };
    let Some(counters) = FLOWS.get_ptr_mut(key).or_else(|| first_of(&key)) else {
        return 0;
    };
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    unsafe {
        (*counters).bytes += bytes;
        (*counters).calls += calls;
        (*counters).first_pieces += first_pieces;
    }
    0
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
    let _ = FLOWS.insert(key, zero, NOEXIST);
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
    let amount = FlowCounters::call(bytes);
    add(process, call, source as u8, sink as u8, class as u8, amount);
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
    let source_and_sink = [source as u8, sink as u8, 0, 0];
    flow_error(
        process.start_time_ns,
        pack(process.tgid, source_and_sink),
        u64::from(call),
        u64::from(errno),
    );
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn flow_error(start_time_ns: u64, packed: u64, call: u64, errno: u64) -> u64 {
    let [source, sink, _, _] = (packed as u32).to_le_bytes();
    let key = ErrorKey {
        start_time_ns,
        tgid: (packed >> 32) as u32,
        errno: errno as u16,
        call: call as u8,
        source,
        sink,
        padding: [0; 7],
    };
    if ERRORS.get_ptr_mut(key).is_none() {
        process::register(key.start_time_ns, key.tgid);
        // An error is told by the look-up that follows.
        let _ = ERRORS.insert(key, 0, NOEXIST);
    }
    match ERRORS.get_ptr_mut(key) {
        // SAFETY: the element belongs to this CPU.
        Some(count) => unsafe { *count += 1 },
        None => loss::count(LossCounter::MapFull),
    }
    0
}
