//! The per-CPU sums.

use aya_ebpf::{
    helpers::generated::bpf_ktime_get_boot_ns,
    macros::map,
    maps::{PerCpuArray, PerCpuHashMap},
};
use copytax_common::{
    Class, EndpointKind, ErrorCounters, ErrorKey, FlowCounters, FlowKey, LossCounter,
    PENDING_FLOWS, PendingFlow, ProcessKey, Sharing,
};

use crate::{loss, process, sample::mix};

#[map]
static FLOWS: PerCpuHashMap<FlowKey, FlowCounters> = PerCpuHashMap::with_max_entries(32_768, 0);

/// What was counted last on this CPU: most calls of a process are of few flows, and adding to a slot
/// is cheaper than finding an element of the map. Readers add both up.
#[map]
static PENDING: PerCpuArray<PendingFlow> = PerCpuArray::with_max_entries(PENDING_FLOWS, 0);

#[map]
static ERRORS: PerCpuHashMap<ErrorKey, ErrorCounters> = PerCpuHashMap::with_max_entries(8_192, 0);

/// `BPF_NOEXIST`: another CPU may have made the element meanwhile.
const NOEXIST: u64 = 1;

/// A flow of a process.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    pub(crate) call: u8,
    pub(crate) source: u8,
    pub(crate) sink: u8,
    pub(crate) class: Class,
    pub(crate) sharing: Sharing,
}

impl Flow {
    /// A flow that no zero-copy call made.
    #[inline(always)]
    pub(crate) const fn copied(call: u8, source: u8, sink: u8, class: Class) -> Self {
        Self {
            call,
            source,
            sink,
            class,
            sharing: Sharing::None,
        }
    }
}

/// What a call adds to a flow.
#[derive(Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) bytes: u64,
    /// Whether the call has not added to this flow before.
    pub(crate) is_first_of_flow: bool,
    /// Whether the call has not added to any flow before.
    pub(crate) is_first_of_call: bool,
}

impl Amount {
    /// All of a call.
    #[inline(always)]
    pub(crate) const fn call(bytes: u64) -> Self {
        Self {
            bytes,
            is_first_of_flow: true,
            is_first_of_call: true,
        }
    }
}

/// Adds to the sums of one flow.
#[inline(always)]
pub(crate) fn add(process: ProcessKey, flow: Flow, amount: Amount) {
    let kinds = [flow.call, flow.source, flow.sink, flow.class as u8];
    let [sharing, first_of_flow, first_of_call] = [
        flow.sharing as u64,
        amount.is_first_of_flow as u64,
        amount.is_first_of_call as u64,
    ];
    flow_add(
        process.start_time_ns,
        pack(process.tgid, kinds),
        amount.bytes,
        sharing | first_of_flow << 8 | first_of_call << 9,
    );
}

/// A thread group id and four bytes as one argument.
#[inline(always)]
const fn pack(tgid: u32, bytes: [u8; 4]) -> u64 {
    ((tgid as u64) << 32) | u32::from_le_bytes(bytes) as u64
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn flow_add(start_time_ns: u64, packed: u64, bytes: u64, flags: u64) -> u64 {
    let [call, source, sink, class] = (packed as u32).to_le_bytes();
    let key = FlowKey {
        start_time_ns,
        tgid: (packed >> 32) as u32,
        call,
        source,
        sink,
        class,
        sharing: flags as u8,
        padding: [0; 7],
    };
    let hash = mix(start_time_ns ^ packed.rotate_left(17) ^ (flags & 0xff));
    let Some(slot) = PENDING.get_ptr_mut((hash >> 32) as u32 & (PENDING_FLOWS - 1)) else {
        return 0;
    };
    // SAFETY: the slot belongs to this CPU, where handlers do not interrupt each other.
    unsafe {
        if (*slot).key != key {
            flow_flush((hash >> 32) & u64::from(PENDING_FLOWS - 1));
            process::register(start_time_ns, key.tgid);
            (*slot).key = key;
            (*slot).counters.first_ns = bpf_ktime_get_boot_ns();
        }
        (*slot).counters.bytes += bytes;
        (*slot).counters.calls += (flags >> 8) & 1;
        (*slot).counters.first_pieces += (flags >> 9) & 1;
    }
    0
}

/// Adds the sums of a slot to the map of flows, and clears them.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn flow_flush(slot: u64) -> u64 {
    let Some(slot) = PENDING.get_ptr_mut(slot as u32) else {
        return 0;
    };
    // SAFETY: as in `flow_add`.
    unsafe {
        let key = (*slot).key;
        let pending = (*slot).counters;
        if pending.calls == 0 && pending.bytes == 0 {
            return 0;
        }
        (&raw mut (*slot).counters.bytes).write_volatile(0);
        (&raw mut (*slot).counters.calls).write_volatile(0);
        (&raw mut (*slot).counters.first_pieces).write_volatile(0);
        let Some(counters) = FLOWS.get_ptr_mut(key).or_else(|| first_of(&key)) else {
            return 0;
        };
        if (*counters).first_ns == 0 {
            (*counters).first_ns = pending.first_ns;
        }
        (*counters).bytes += pending.bytes;
        (*counters).calls += pending.calls;
        (*counters).first_pieces += pending.first_pieces;
    }
    0
}

#[inline(always)]
fn first_of(key: &FlowKey) -> Option<*mut FlowCounters> {
    let zero = FlowCounters {
        bytes: 0,
        calls: 0,
        first_pieces: 0,
        first_ns: 0,
    };
    // An error is told by the look-up that follows.
    let _ = FLOWS.insert(key, zero, NOEXIST);
    let counters = FLOWS.get_ptr_mut(key);
    if counters.is_none() {
        loss::count(LossCounter::MapFull);
    }
    counters
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
        let zero = ErrorCounters {
            count: 0,
            first_ns: 0,
        };
        // An error is told by the look-up that follows.
        let _ = ERRORS.insert(key, zero, NOEXIST);
    }
    match ERRORS.get_ptr_mut(key) {
        // SAFETY: the element belongs to this CPU.
        Some(counters) => unsafe {
            if (*counters).count == 0 {
                (*counters).first_ns = bpf_ktime_get_boot_ns();
            }
            (*counters).count += 1;
        },
        None => loss::count(LossCounter::MapFull),
    }
    0
}
