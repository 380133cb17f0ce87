//! Sets, ways, entries, and the variables that the functions of this room share.

use core::cell::Cell;

use aya_ebpf::{
    macros::map,
    maps::{Array, PerCpuArray},
};

use crate::{
    lock,
    sample::{self, SAMPLES},
};

/// Bytes of the longest entry, and of a granule.
pub(crate) const CHUNK: u64 = 1 << GRANULE_SHIFT;

pub(super) const GRANULE_SHIFT: u64 = 16;

pub(super) const SETS: u32 = 4_096;

pub(super) const WAYS: usize = 8;

/// No [`copytax_common::EndpointKind`] has this bit.
pub(super) const COPIED: u8 = 0x80;

/// One set. The tags, which every look-up compares, are one cache line.
#[repr(C)]
pub(crate) struct Set {
    /// [`Entry::tag`], 0 where the way is free. An entry that is spent (`start` is `end`) keeps its
    /// memory, so that it can be renewed, until the way or the memory is taken by another.
    pub(super) tag: [Cell<u64>; WAYS],
    pub(super) start: [Cell<u64>; WAYS],
    pub(super) end: [Cell<u64>; WAYS],
    pub(super) base: [Cell<u64>; WAYS],
    pub(super) sampled_at: [Cell<u64>; WAYS],
    pub(super) length: [Cell<u32>; WAYS],
    pub(super) thread: [Cell<u32>; WAYS],
    pub(super) content_slot: [Cell<u32>; WAYS],
    /// [`recency::stamp`] of the entry.
    pub(super) stamp: [Cell<u32>; WAYS],
    /// [`Entry::file`]
    pub(super) file: [Cell<u32>; WAYS],
    pub(super) samples: [[Cell<u32>; SAMPLES]; WAYS],
    /// [`Entry::source`], with [`COPIED`] where [`Entry::copied`].
    pub(super) origin: [Cell<u8>; WAYS],
    /// The last stamp given.
    pub(super) clock: Cell<u32>,
    /// A bit for each way whose entry reaches into the next granule.
    pub(super) crossing: Cell<u32>,
    /// A bit for each way a byte of which is chosen.
    pub(super) chosen: Cell<u32>,
    pub(super) padding: u32,
    pub(super) lock: Cell<u64>,
}

const _: () = assert!(size_of::<Set>() == 608);

// SAFETY: changes are made under `lock`; what is read without it is only a hint.
unsafe impl Sync for Set {}

#[map]
pub(super) static RELAY: Array<Set> = Array::with_max_entries(SETS, 0);

/// Bytes that were read into memory.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Process and address space, never 0.
    pub(crate) tag: u64,
    /// First address not yet written.
    pub(crate) start: u64,
    /// End of the bytes not yet written.
    pub(crate) end: u64,
    /// Where the read began; where several are one entry, the last of them.
    pub(crate) base: u64,
    /// Where the sampled bytes begin, and how many they are.
    pub(crate) sampled_at: u64,
    pub(crate) length: u32,
    /// Thread that read.
    pub(crate) thread: u32,
    /// Slot in the content table plus 1, or 0.
    pub(crate) content_slot: u32,
    /// Stands for the file that was read ([`crate::flows::Files::source`]).
    pub(crate) file: u32,
    pub(crate) samples: [u32; SAMPLES],
    /// [`copytax_common::EndpointKind`]
    pub(crate) source: u8,
    /// Not what was read but a copy of it: the rest of a short write.
    pub(crate) copied: bool,
    /// The byte that was chosen last ([`crate::sampling::chosen_now`]) is one of its.
    pub(super) chosen: bool,
}

/// Where bytes were read from.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// [`copytax_common::EndpointKind`]
    pub(crate) source: u8,
    /// Stands for the file.
    pub(crate) file: u32,
}

impl Origin {
    /// As an argument of a global function.
    #[inline(always)]
    pub(crate) const fn packed(self) -> u64 {
        (self.file as u64) << 32 | self.source as u64
    }

    /// What [`Origin::packed`] packed.
    #[inline(always)]
    pub(crate) const fn unpacked(packed: u64) -> Self {
        Self {
            source: packed as u8,
            file: (packed >> 32) as u32,
        }
    }
}

/// A run of bytes that were read and are now written.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) length: u64,
    pub(crate) base: u64,
    pub(crate) thread: u32,
    pub(crate) content_slot: u32,
    pub(crate) file: u32,
    pub(crate) source: u8,
    pub(crate) copied: bool,
    /// The whole entry is spent: what else remembers the read must forget it.
    pub(crate) spent: bool,
}

impl Piece {
    /// Where the bytes were read from.
    #[inline(always)]
    pub(crate) const fn origin(&self) -> Origin {
        Origin {
            source: self.source,
            file: self.file,
        }
    }
}

/// Arguments and results of the global functions below, which take scalars only.
///
/// A function that holds this calls others that change it, hence the cells.
#[repr(C)]
pub(crate) struct Request {
    /// What to remember.
    pub(crate) entry: Cell<Entry>,
    /// What was found.
    pub(crate) piece: Cell<Piece>,
    /// Who writes, from where, up to where.
    pub(super) tag: Cell<u64>,
    pub(super) address: Cell<u64>,
    pub(super) limit: Cell<u64>,
    /// First address behind `address` that may be remembered.
    pub(super) next: Cell<u64>,
    /// Variables of loops, see [`opaque`].
    pub(super) way: Cell<u64>,
    pub(super) best: Cell<u64>,
    pub(super) found: Cell<u64>,
    pub(super) before: Cell<u64>,
    pub(super) behind: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Request {}

#[map]
pub(super) static REQUEST: PerCpuArray<Request> = PerCpuArray::with_max_entries(1, 0);

/// A field of the request's entry, read where it is needed: fields that are kept would be spilled, and
/// the chains of calls here have little stack.
macro_rules! entry {
    ($request:expr, $($field:tt)+) => {
        // SAFETY: the cell is valid for reads; the verifier sees a load from a map value.
        unsafe { (&raw const (*$request.entry.as_ptr()).$($field)+).read_volatile() }
    };
}

pub(super) use entry;

/// This CPU's [`Request`].
#[inline(always)]
pub(crate) fn request() -> Option<&'static Request> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    REQUEST.get_ptr(0).map(|request| unsafe { &*request })
}

#[inline(always)]
pub(super) const fn granule(address: u64) -> u64 {
    address >> GRANULE_SHIFT
}

#[inline(always)]
pub(super) const fn index_of(tag: u64, granule: u64) -> u64 {
    sample::mix(tag ^ granule.wrapping_mul(0xff51_afd7_ed55_8ccd)) >> 32 & (SETS - 1) as u64
}

/// The set at `index`. What is read from it without its lock is a hint.
#[inline(always)]
pub(super) fn set_at(index: u64) -> Option<&'static Set> {
    // SAFETY: sets live in map values, which stay; fields are plain integers, changed under the
    // set's lock.
    RELAY.get_ptr(index as u32).map(|set| unsafe { &*set })
}

/// Whether a way can take another entry: it has none, or one that is spent.
#[inline(always)]
pub(super) fn is_free(set: &Set, way: usize) -> bool {
    set.tag[way].get() == 0 || set.start[way].get() >= set.end[way].get()
}

/// Whether an entry of the set may reach into the next granule.
#[inline(always)]
pub(super) fn has_crossing(index: u64) -> bool {
    set_at(index).is_some_and(|set| set.crossing.get() != 0)
}

/// Takes the lock of a set.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn relay_lock(index: u64) -> u64 {
    set_at(index).map_or(0, |set| u64::from(lock::acquire(set.lock.as_ptr())))
}

#[inline(always)]
pub(super) fn unlock(index: u64) {
    if let Some(set) = set_at(index) {
        lock::release(set.lock.as_ptr());
    }
}

impl Entry {
    /// An entry for bytes just read.
    #[inline(always)]
    pub(crate) const fn fresh(
        tag: u64,
        address: u64,
        length: u32,
        thread: u32,
        origin: Origin,
        samples: [u32; SAMPLES],
    ) -> Self {
        Self {
            tag,
            start: address,
            end: address + length as u64,
            base: address,
            sampled_at: address,
            length,
            thread,
            content_slot: 0,
            file: origin.file,
            samples,
            source: origin.source,
            copied: false,
            chosen: false,
        }
    }
}
