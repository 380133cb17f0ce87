//! How many bytes there are up to the next chosen one, on each CPU.

use core::cell::Cell;

use aya_ebpf::{
    helpers::generated::{bpf_get_prandom_u32, bpf_jiffies64, bpf_ktime_get_ns},
    macros::map,
    maps::PerCpuArray,
};
use copytax_common::{EXPONENTIAL_ONE, exponential};

use crate::layout::sampling;

/// Bytes that are chosen by an interval of their own.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Stream {
    Read = 0,
    ZeroCopy = 1,
    Other = 2,
}

const STREAMS: u32 = 3;

/// Nanoseconds of a slice, in which no more than a tenth of a second's samples are taken.
const SLICE_NS: u64 = 100_000_000;
const SLICES_PER_SECOND: u32 = 10;

/// The widest interval: with it the longest distance, 22.2 intervals, has 63 bits before it is divided.
const WIDEST: u64 = 1 << 34;

/// Doublings that make any interval the widest.
const MAX_DOUBLINGS: u64 = 34;

#[repr(C)]
struct Countdown {
    /// Bytes up to the next chosen one, that one included.
    left: Cell<u64>,
    /// How often the interval is doubled.
    doublings: Cell<u64>,
    /// When the clock was looked at, in jiffies, while the interval is doubled.
    tick: Cell<u64>,
    /// When the slice has begun, in nanoseconds; 0 before the first.
    slice: Cell<u64>,
    /// Samples of the slice.
    taken: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Countdown {}

#[map]
static COUNTDOWN: PerCpuArray<Countdown> = PerCpuArray::with_max_entries(STREAMS, 0);

#[inline(always)]
fn countdown(stream: u32) -> Option<&'static Countdown> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    COUNTDOWN
        .get_ptr(stream)
        .map(|countdown| unsafe { &*countdown })
}

/// Lets `bytes` pass. Gives 0 where none of them is chosen, else how often the interval was doubled
/// with which it was, plus 1.
#[inline(always)]
pub(super) fn pass(stream: Stream, bytes: u64) -> u64 {
    let Some(countdown) = countdown(stream as u32) else {
        return 0;
    };
    let left = countdown.left.get();
    if left > bytes && (countdown.doublings.get() == 0 || countdown.tick.get() == jiffies()) {
        countdown.left.set(left - bytes);
        return 0;
    }
    countdown_end(stream as u64, bytes)
}

/// [`pass`], where the clock matters: a byte is chosen, or the interval may be narrowed again.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn countdown_end(stream: u64, bytes: u64) -> u64 {
    if sampling!(samples_per_second) == 0 {
        return 0;
    }
    let stream = stream as u32;
    let Some(countdown) = countdown(stream) else {
        return 0;
    };
    turn_slice(countdown, stream);
    let left = countdown.left.get();
    if left > bytes {
        countdown.left.set(left - bytes);
        return 0;
    }
    let doublings = countdown.doublings.get();
    let taken = countdown.taken.get() + 1;
    countdown.taken.set(taken);
    if taken >= samples_of_slice() && doublings < MAX_DOUBLINGS {
        countdown.doublings.set(doublings + 1);
        countdown.taken.set(0);
        // SAFETY: no preconditions.
        countdown.slice.set(unsafe { bpf_ktime_get_ns() });
    }
    countdown.left.set(draw(stream, countdown.doublings.get()));
    doublings + 1
}

/// Begins a new slice where one is over, and narrows the interval if that had few samples.
#[inline(always)]
fn turn_slice(countdown: &Countdown, stream: u32) {
    // SAFETY: no preconditions.
    let now = unsafe { bpf_ktime_get_ns() };
    let slice = countdown.slice.get();
    countdown.tick.set(jiffies());
    if slice == 0 {
        countdown.left.set(draw(stream, 0));
    } else if now.wrapping_sub(slice) < SLICE_NS {
        return;
    }
    let doublings = countdown.doublings.get();
    if doublings != 0 {
        // Slices that are over without any call had no samples.
        let empty = (now - slice) / SLICE_NS - 1;
        let halvings = empty + u64::from(countdown.taken.get() * 4 < samples_of_slice());
        if halvings != 0 {
            let fewer = doublings.saturating_sub(halvings);
            countdown.doublings.set(fewer);
            countdown.left.set(draw(stream, fewer));
        }
    }
    countdown.slice.set(now);
    countdown.taken.set(0);
}

#[inline(always)]
fn samples_of_slice() -> u64 {
    let samples = sampling!(samples_per_second) / SLICES_PER_SECOND;
    if samples == 0 { 1 } else { u64::from(samples) }
}

/// The interval of a stream that was doubled so often; 0 where nothing of it is chosen.
#[inline(always)]
pub(super) fn interval(stream: u32, doublings: u64) -> u64 {
    let configured = if stream == Stream::Read as u32 {
        sampling!(read_interval)
    } else if stream == Stream::ZeroCopy as u32 {
        sampling!(zero_copy_interval)
    } else {
        sampling!(other_interval)
    };
    if configured > WIDEST >> (doublings & 63) {
        WIDEST
    } else {
        configured << (doublings & 63)
    }
}

/// Bytes up to the next chosen one. An integer number of bytes has passed the exact distance just when
/// it has passed that rounded up.
#[inline(always)]
fn draw(stream: u32, doublings: u64) -> u64 {
    let interval = interval(stream, doublings);
    if interval == 0 {
        return u64::MAX;
    }
    // SAFETY: no preconditions.
    let distance = exponential(unsafe { bpf_get_prandom_u32() });
    let bytes = (distance * interval).div_ceil(EXPONENTIAL_ONE);
    if bytes == 0 { 1 } else { bytes }
}

#[inline(always)]
fn jiffies() -> u64 {
    // SAFETY: no preconditions.
    unsafe { bpf_jiffies64() }
}
