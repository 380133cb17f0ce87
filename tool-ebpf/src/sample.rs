//! Content fingerprints: a few sampled runs of a buffer, hashed. Content never leaves the kernel.

use core::{arch::asm, ffi::c_void, mem::MaybeUninit};

use aya_ebpf::{helpers::generated::bpf_probe_read_user, macros::map, maps::PerCpuArray};
use copytax_common::LossCounter;

use crate::loss;

/// Bytes of one sampled run.
pub(crate) const SAMPLE_LEN: u32 = 32;

/// What [`hash_at`] gives when the memory cannot be read.
pub(crate) const UNREADABLE: u64 = u64::MAX;

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Odd, with as many ones as zeroes.
const MULTIPLIERS: [u64; 4] = [
    0x9e37_79b9_7f4a_7c15,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0xd6e8_feb8_6659_fd93,
];

/// Hash (32 bits) of `length` bytes, at most [`SAMPLE_LEN`], of the user memory at `address`.
///
/// A global function in the sense of BPF (exported, hence `no_mangle`): the verifier checks it once,
/// by itself, instead of at every call. So are the others with that attribute.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn hash_at(address: u64, length: u64) -> u64 {
    // Compared in 64 bits: the verifier keeps these bounds for the helper's argument.
    if length == 0 || length > u64::from(SAMPLE_LEN) {
        return UNREADABLE;
    }
    hash(address, length)
}

/// [`hash_at`] without the call, of fewer than [`SAMPLE_LEN`] bytes.
#[inline(always)]
pub(crate) fn hash_short(address: u64, length: u64) -> u64 {
    // Where the length was kept on the stack meanwhile, the verifier of 6.1 has lost its bounds.
    hash(address, masked::<{ SAMPLE_LEN as u64 - 1 }>(length) as u64)
}

#[inline(always)]
fn hash(address: u64, length: u64) -> u64 {
    let mut words = MaybeUninit::<[u64; 4]>::uninit();
    let start = words.as_mut_ptr().cast::<u64>();
    // SAFETY: four words are written and read; the length is within them; the helper handles
    // faults.
    unsafe {
        // One by one: zeroing an array would become a call of memset.
        start.write_volatile(0);
        start.add(1).write_volatile(0);
        start.add(2).write_volatile(0);
        start.add(3).write_volatile(0);
        if bpf_probe_read_user(start.cast(), length as u32, address as *const c_void) != 0 {
            return UNREADABLE;
        }
        // Four products that do not wait for each other. The upper half of each depends on all bits of
        // its word but the lowest of the others' carries.
        let hash = (length ^ start.read_volatile())
            .wrapping_mul(MULTIPLIERS[0])
            .wrapping_add(start.add(1).read_volatile().wrapping_mul(MULTIPLIERS[1]))
            .wrapping_add(start.add(2).read_volatile().wrapping_mul(MULTIPLIERS[2]))
            .wrapping_add(start.add(3).read_volatile().wrapping_mul(MULTIPLIERS[3]));
        (hash ^ (hash >> 29)).wrapping_mul(MULTIPLIER) >> 32
    }
}

/// `value & MASK`, also where the compiler thinks that it knows better: what a global function
/// returns or is given has no bounds for the verifier.
#[inline(always)]
pub(crate) fn masked<const MASK: u64>(value: u64) -> usize {
    let mut value = value;
    // SAFETY: an instruction on a register.
    unsafe {
        asm!("{value} &= {mask}", value = inout(reg) value, mask = const MASK, options(pure, nomem));
    }
    // The compiler does not know what the instruction did; this spares it a bounds check.
    (value & MASK) as usize
}

/// Spreads `value` over 64 bits; the upper ones are the better ones.
#[inline(always)]
pub(crate) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 29)).wrapping_mul(MULTIPLIER);
    value ^ (value >> 32)
}

/// Runs sampled of a buffer.
pub(crate) const SAMPLES: usize = 3;

/// Offset and length of run `index` in a buffer of `length` bytes: start, middle, end. A length of
/// 0 means that the buffer is too short to have it.
#[inline(always)]
pub(crate) const fn run(index: usize, length: u32) -> (u32, u32) {
    match index {
        0 if length <= SAMPLE_LEN => (0, length),
        0 => (0, SAMPLE_LEN),
        1 if length <= 2 * SAMPLE_LEN => (0, 0),
        1 => ((length / 2) & !7, SAMPLE_LEN),
        _ if length <= SAMPLE_LEN => (0, 0),
        _ => (length - SAMPLE_LEN, SAMPLE_LEN),
    }
}

/// One word that stands for the samples of a buffer and its length.
#[inline(always)]
pub(crate) const fn combine(samples: [u32; SAMPLES], length: u32) -> u64 {
    let first = ((samples[0] as u64) << 32) | samples[1] as u64;
    let second = ((samples[2] as u64) << 32) | length as u64;
    mix(first ^ mix(second))
}

/// The samples that [`sample_buffer`] took last on this CPU.
#[map]
static SAMPLED: PerCpuArray<[u32; SAMPLES]> = PerCpuArray::with_max_entries(1, 0);

/// Samples a buffer of `length` bytes (of a `u32`); `None`, and counted, where it cannot be read.
#[inline(always)]
pub(crate) fn of(address: u64, length: u64) -> Option<[u32; SAMPLES]> {
    if sample_buffer(address, length) == 0 {
        return None;
    }
    let sampled = SAMPLED.get_ptr(0)?;
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    unsafe { Some([(*sampled)[0], (*sampled)[1], (*sampled)[2]]) }
}

/// Puts the samples of a buffer into [`SAMPLED`]; 0 where it cannot be read.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sample_buffer(address: u64, length: u64) -> u64 {
    let Some(sampled) = SAMPLED.get_ptr_mut(0) else {
        return 0;
    };
    for index in 0..SAMPLES {
        let (offset, size) = run(index, length as u32);
        let mut hash = 0;
        if size != 0 {
            hash = hash_at(address + u64::from(offset), u64::from(size));
        }
        if hash == UNREADABLE {
            loss::count(LossCounter::ContentUnreadable);
            return 0;
        }
        // SAFETY: the element belongs to this CPU.
        unsafe { (*sampled)[index] = hash as u32 };
    }
    1
}
