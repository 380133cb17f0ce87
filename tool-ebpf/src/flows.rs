//! The per-CPU sums.

use aya_ebpf::{
    helpers::generated::bpf_ktime_get_boot_ns,
    macros::map,
    maps::{PerCpuArray, PerCpuHashMap},
};
use copytax_common::{
    Class, ErrorCounters, ErrorKey, FlowCounters, FlowKey, LossCounter, PENDING_FLOWS, PendingFlow,
    ProcessKey, Sharing,
};

use crate::{loss, process, sample::mix, sampling, transfers};

#[map]
static FLOWS: PerCpuHashMap<FlowKey, FlowCounters> = PerCpuHashMap::with_max_entries(32_768, 0);

/// What was counted last on this CPU: most calls of a process are of few flows, and adding to a slot
/// is cheaper than finding an element of the map. Readers add both up.
#[map]
static PENDING: PerCpuArray<PendingFlow> = PerCpuArray::with_max_entries(PENDING_FLOWS, 0);

/// Words of a [`FlowKey`]: start time, thread group and kinds, sharing.
pub(crate) const FLOW_WORDS: usize = size_of::<FlowKey>() / 8;

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
    /// Tag of [`Sharing`].
    pub(crate) sharing: u8,
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
            sharing: Sharing::None as u8,
        }
    }

    #[inline(always)]
    const fn packed(&self, tgid: u32) -> u64 {
        let kinds = [self.call, self.source, self.sink, self.class as u8];
        pack(tgid, kinds)
    }
}

/// The files that bytes went between ([`crate::endpoint::Endpoint::id`]).
#[derive(Clone, Copy)]
pub(crate) struct Files {
    /// Lower half of the source's.
    pub(crate) source: u32,
    /// 0 where bytes went to no file.
    pub(crate) sink: u64,
}

impl Files {
    /// Bytes came into the process.
    pub(crate) const NONE: Self = Self { source: 0, sink: 0 };
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

    /// The arguments of [`flow_add`] that are smaller than a register.
    #[inline(always)]
    const fn flags(&self, sharing: u8) -> u64 {
        let first_of_flow = self.is_first_of_flow as u64;
        let first_of_call = self.is_first_of_call as u64;
        sharing as u64 | first_of_flow << 8 | first_of_call << 9
    }
}

/// Adds to the sums of one flow.
#[inline(always)]
pub(crate) fn add(process: ProcessKey, flow: Flow, files: Files, amount: Amount) {
    flow_add(
        process.start_time_ns,
        flow.packed(process.tgid),
        amount.bytes,
        amount.flags(flow.sharing) | u64::from(files.source) << 32,
        files.sink,
    );
}

/// Takes what was added to one flow back: more has become known of it.
#[inline(always)]
pub(crate) fn take_back(process: ProcessKey, flow: Flow, amount: Amount) {
    flow_take_back(
        process.start_time_ns,
        flow.packed(process.tgid),
        amount.bytes,
        amount.flags(flow.sharing),
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
    flags: u64,
    sink_file: u64,
) -> u64 {
    add_to(
        words_of(start_time_ns, packed, flags),
        bytes,
        flags,
        sink_file,
    );
    0
}

/// Adds a whole call of the current process, whose tag is known, to the sums of one flow: [`add`]
/// without the call of a function.
#[inline(always)]
pub(crate) fn add_here(tag: u64, flow: Flow, files: Files, bytes: u64) {
    let flags = Amount::call(bytes).flags(flow.sharing) | u64::from(files.source) << 32;
    let packed = flow.packed(process::tgid_of(tag));
    let flow = words_of(process::start_time(), packed, flags);
    add_to(flow, bytes, flags, files.sink);
}

/// `flags` are [`Amount::flags`], with the source's file in the upper half.
#[inline(always)]
fn add_to(flow: [u64; FLOW_WORDS], bytes: u64, flags: u64, sink_file: u64) {
    if let Some(slot) = slot_of(flow) {
        // SAFETY: the slot belongs to this CPU, where handlers do not interrupt each other.
        let counters = unsafe { &mut (*slot).counters };
        counters.bytes = counters.bytes.wrapping_add(bytes);
        counters.calls = counters.calls.wrapping_add((flags >> 8) & 1);
        counters.first_pieces = counters.first_pieces.wrapping_add((flags >> 9) & 1);
    }
    if sink_file != 0 && bytes != 0 {
        // In this order less has to be kept on the stack.
        sampling::flow((flow[1] >> 32) as u32, flow[2] as u8, bytes);
        transfers::note(sink_file, (flags >> 32) as u32, flow, bytes);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn flow_take_back(start_time_ns: u64, packed: u64, bytes: u64, flags: u64) -> u64 {
    if let Some(slot) = slot_of(words_of(start_time_ns, packed, flags)) {
        // SAFETY: as in `flow_add`.
        let counters = unsafe { &mut (*slot).counters };
        counters.bytes = counters.bytes.wrapping_sub(bytes);
        counters.calls = counters.calls.wrapping_sub((flags >> 8) & 1);
        counters.first_pieces = counters.first_pieces.wrapping_sub((flags >> 9) & 1);
    }
    0
}

/// The words of a [`FlowKey`].
#[inline(always)]
const fn words_of(start_time_ns: u64, packed: u64, flags: u64) -> [u64; FLOW_WORDS] {
    [start_time_ns, packed.rotate_left(32), flags & 0xff]
}

/// This CPU's slot for a flow, which may have been another's before.
#[inline(always)]
fn slot_of(flow: [u64; FLOW_WORDS]) -> Option<*mut PendingFlow> {
    let hash = mix(flow[0] ^ flow[1].rotate_left(49) ^ flow[2]);
    let index = (hash >> 32) as u32 & (PENDING_FLOWS - 1);
    let slot = PENDING.get_ptr_mut(index)?;
    // SAFETY: the slot belongs to this CPU, where handlers do not interrupt each other. Its key is
    // compared word by word: for so many bytes the compiler would call a loop.
    unsafe {
        let key = slot.cast::<u64>();
        let is_same = *key == flow[0] && *key.add(1) == flow[1] && *key.add(2) == flow[2];
        if !is_same {
            flow_flush(u64::from(index));
            process::register(flow[0], flow[1] as u32);
            key.write(flow[0]);
            key.add(1).write(flow[1]);
            key.add(2).write(flow[2]);
            (*slot).counters.first_ns = bpf_ktime_get_boot_ns();
        }
    }
    Some(slot)
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
        let key = &(*slot).key;
        let pending = (*slot).counters;
        if pending.calls == 0 && pending.bytes == 0 && pending.first_pieces == 0 {
            return 0;
        }
        (&raw mut (*slot).counters.bytes).write_volatile(0);
        (&raw mut (*slot).counters.calls).write_volatile(0);
        (&raw mut (*slot).counters.first_pieces).write_volatile(0);
        let Some(counters) = FLOWS.get_ptr_mut(key).or_else(|| first_of(key)) else {
            return 0;
        };
        if (*counters).first_ns == 0 {
            (*counters).first_ns = pending.first_ns;
        }
        (*counters).bytes = (*counters).bytes.wrapping_add(pending.bytes);
        (*counters).calls = (*counters).calls.wrapping_add(pending.calls);
        (*counters).first_pieces = (*counters).first_pieces.wrapping_add(pending.first_pieces);
    }
    0
}

/// A new element's sums: in read-only memory, since the compiler would zero the stack with memset.
static NOTHING: FlowCounters = FlowCounters {
    bytes: 0,
    calls: 0,
    first_pieces: 0,
    first_ns: 0,
};

#[inline(always)]
fn first_of(key: &FlowKey) -> Option<*mut FlowCounters> {
    let nothing = &NOTHING;
    // An error is told by the look-up that follows.
    let _ = FLOWS.insert(key, nothing, NOEXIST);
    let counters = FLOWS.get_ptr_mut(key);
    if counters.is_none() {
        loss::count(LossCounter::MapFull);
    }
    counters
}

/// Counts a call that failed.
#[inline(always)]
pub(crate) fn add_error(process: ProcessKey, call: u8, source: u8, sink: u8, errno: u16) {
    let source_and_sink = [source, sink, 0, 0];
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
