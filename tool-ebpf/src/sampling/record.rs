//! Making a record of a chosen byte, and sending it.

use core::slice;

use aya_ebpf::{
    helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns},
    macros::map,
    maps::{Array, RingBuf},
};
use copytax_common::{
    LossCounter, ProcessKey, SAMPLE_FRAMES, SAMPLE_STACK, SampleHeader, SampleKind,
};

use super::{
    countdown::{self, Stream},
    current::{PLACES, current},
    file::{SINK, SOURCE, sample_file, sample_transfer},
    is_on,
    thread::{sample_registers, sample_stack, sample_stacks},
};
use crate::{kernel::Task, layout::sampling, loss, opaque, process, sample::masked};

/// Bytes of the addresses of a stack at most.
pub(super) const FRAME_BYTES: u32 = SAMPLE_FRAMES as u32 * 8;

/// The most that is copied of a stack at once.
pub(super) const PAGE: u64 = 4096;

/// What follows the header at most.
pub(super) const TAIL: usize = 2 * FRAME_BYTES as usize + SAMPLE_STACK;

/// Room for a record. What is copied last must seem to fit behind any of the rest.
#[repr(C)]
pub(super) struct Record {
    pub(super) header: SampleHeader,
    pub(super) tail: [u64; (TAIL + PAGE as usize) / 8],
}

/// Two for each CPU: its call's, and that of the clock, which may interrupt it. Userspace makes it as
/// large.
#[map]
static RECORDS: Array<Record> = Array::with_max_entries(2, 0);

#[map]
static SAMPLES: RingBuf = RingBuf::with_byte_size(8 << 20, 0);

/// This CPU's room for the record of a call.
#[inline(always)]
fn slot_of_call() -> u64 {
    // SAFETY: no preconditions.
    u64::from(unsafe { bpf_get_smp_processor_id() }) * 2
}

#[inline(always)]
pub(super) fn record_at(slot: u64) -> Option<*mut Record> {
    RECORDS.get_ptr_mut(slot as u32)
}

/// Writes a field of a header: one by one, or zeroes would become a call of memset.
macro_rules! put {
    ($record:expr, $($field:ident).+, $value:expr) => {{
        let value = $value;
        // SAFETY: the record belongs to this CPU, and to what runs on this level.
        unsafe { (&raw mut (*$record).header.$($field).+).write_volatile(value) };
    }};
}

/// Reads a field of a header.
macro_rules! get {
    ($record:expr, $($field:ident).+) => {
        // SAFETY: as above.
        unsafe { (&raw const (*$record).header.$($field).+).read_volatile() }
    };
}

pub(super) use {get, put};

/// Makes and sends records of what was noted of this call.
#[inline(always)]
pub(crate) fn send() {
    if is_on()
        && let Some(current) = current()
        && opaque::get(&current.count) != 0
    {
        samples_send();
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn samples_send() -> u64 {
    if !is_on() {
        return 0;
    }
    let Some(current) = current() else {
        return 0;
    };
    for place in 0..PLACES as u64 {
        if place >= opaque::get(&current.count) {
            break;
        }
        sample_send(place);
    }
    opaque::set(&current.count, 0);
    0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sample_send(place: u64) -> u64 {
    if !is_on() {
        return 0;
    }
    let slot = slot_of_call();
    let (Some(current), Some(record)) = (current(), record_at(slot)) else {
        return 0;
    };
    let noted = &current.places[masked::<{ PLACES as u64 - 1 }>(place)];
    put!(record, id, noted.id.get());
    put!(record, bytes, noted.bytes.get());
    put!(record, spent, noted.spent.get());
    put!(record, call_bytes, current.bytes.get());
    put!(record, transfer, 0);
    put!(record, syscall, -1);
    put!(record, kind, noted.kind.get());
    put!(record, class, noted.class.get());
    put!(record, source, noted.source.get());
    put!(record, sharing, noted.sharing.get());
    put!(record, sink, current.sink.get());
    put!(record, call, current.call.get());
    put!(record, stands_for, noted.stands_for.get());
    put!(
        record,
        interval,
        countdown::interval(stream_of(noted.kind.get()), noted.doublings.get())
    );
    sample_file(slot, SOURCE, noted.source_file.get());
    sample_file(slot, SINK, current.sink_file.get());
    sample_transfer(slot, current.sink_file.get());
    who(record, current.thread.get());
    sample_registers(slot, u64::from(current.thread.get()));
    sample_stacks(slot, u64::from(sampling!(kernel_stacks)));
    sample_stack(slot, u64::from(sampling!(stack_bytes)));
    if sample_output(slot) != 0 {
        loss::count(LossCounter::SamplesDropped);
    }
    0
}

/// The stream that chose what a sample tells of.
#[inline(always)]
const fn stream_of(kind: u8) -> u32 {
    if kind == SampleKind::ZeroCopy as u8 {
        Stream::ZeroCopy as u32
    } else if kind == SampleKind::Other as u8 {
        Stream::Other as u32
    } else {
        Stream::Read as u32
    }
}

/// Writes down the current process, and the time.
#[inline(always)]
pub(super) fn who(record: *mut Record, thread: u32) {
    let ProcessKey {
        start_time_ns,
        tgid,
        ..
    } = process::key_of(Task::current().leader());
    put!(record, start_time_ns, start_time_ns);
    put!(record, tgid, tgid);
    put!(record, tid, thread);
    // SAFETY: no preconditions.
    put!(record, time_ns, unsafe { bpf_ktime_get_boot_ns() });
}

/// Sends the record of a slot; not 0 where there was no room for it.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn sample_output(slot: u64) -> u64 {
    if !is_on() {
        return 0;
    }
    let Some(record) = record_at(slot) else {
        return 1;
    };
    let frames = u64::from(get!(record, user_frames)) + u64::from(get!(record, kernel_frames));
    let stack = u64::from(get!(record, stack_len));
    let length = opaque::unbounded(size_of::<SampleHeader>() as u64 + frames * 8 + stack);
    if length > size_of::<Record>() as u64 {
        return 1;
    }
    // SAFETY: the record has that many bytes.
    let bytes = unsafe { slice::from_raw_parts(record.cast::<u8>(), length as usize) };
    u64::from(SAMPLES.output::<[u8]>(bytes, 0).is_err())
}
