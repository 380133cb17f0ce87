//! Whether memory that is written is a mapping of a file: its pages, not a copy of them.

mod area;
mod tree;

use core::{cell::Cell, ffi::c_void};

use aya_ebpf::{
    helpers::generated::{bpf_find_vma, bpf_get_current_task_btf},
    macros::map,
    maps::PerCpuArray,
};
use copytax_common::LossCounter;

use crate::{
    kernel::{Task, load},
    layout::layout,
    loss, opaque,
    sample::{self, mix},
    sampling,
};
use area::Area;

/// A mapping of this process that is none of a file. It stays that as long as no mapping of the process
/// is changed: each change takes the process' lock for writing, and counts `mm_lock_seq` on
/// (`mmap_write_lock` and `mmap_write_unlock` of `include/linux/mmap_lock.h`, Linux 6.4 and later).
#[repr(C)]
struct NoFile {
    tag: Cell<u64>,
    start: Cell<u64>,
    end: Cell<u64>,
    sequence: Cell<u32>,
    padding: u32,
}

/// Slots of [`NoFile`] on each CPU.
const NO_FILES: u32 = 64;

/// Addresses that share a slot differ below this bit, or by chance.
const GRANULE_SHIFT: u64 = 20;

#[map]
static NO_FILE: PerCpuArray<NoFile> = PerCpuArray::with_max_entries(NO_FILES, 0);

/// What was found at an address. Functions that hold it call others, hence the cells.
#[repr(C)]
struct Mapping {
    tag: Cell<u64>,
    address: Cell<u64>,
    area: Area,
    is_file: Cell<u64>,
    /// The file, as [`crate::flows::Files::source`].
    file: Cell<u32>,
    padding: u32,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for NoFile {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

#[map]
static MAPPING: PerCpuArray<Mapping> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn mapping() -> Option<&'static Mapping> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    MAPPING.get_ptr(0).map(|mapping| unsafe { &*mapping })
}

impl Mapping {
    #[inline(always)]
    fn end(&self) -> u64 {
        opaque::get(&self.area.end)
    }

    /// Says what the mapping is.
    #[inline(always)]
    fn conclude(&self) {
        let file = self.area.mapped_file();
        if file.is_some() {
            sampling::set_source(self.area.file());
        }
        opaque::set(&self.is_file, if file.is_some() { YES } else { NO });
        opaque::set(&self.file, file.unwrap_or(0));
    }

    /// There is none that could be looked at.
    #[inline(always)]
    fn is_nowhere(&self) {
        opaque::set(&self.is_file, NO);
        opaque::set(&self.area.end, u64::MAX);
    }
}

#[inline(always)]
fn slot_of(tag: u64, address: u64) -> Option<&'static NoFile> {
    let index = mix(tag ^ (address >> GRANULE_SHIFT)) >> 32;
    let index = sample::masked::<{ NO_FILES as u64 - 1 }>(index);
    // SAFETY: as in `mapping`.
    NO_FILE.get_ptr(index as u32).map(|slot| unsafe { &*slot })
}

/// How often the mappings of the current process have changed.
#[inline(always)]
fn sequence() -> u32 {
    load(
        Task::current().pointer(layout!(task_mm)),
        layout!(mm_lock_seq),
    )
}

/// Whether the memory from `start` to `end` of the current process is of no file, as far as that is
/// remembered: another answer means nothing.
#[inline(always)]
pub(crate) fn is_known_no_file(tag: u64, start: u64, end: u64) -> bool {
    if layout!(has_find_vma) == 0 {
        return true;
    }
    layout!(mm_lock_seq) != 0
        && slot_of(tag, start).is_some_and(|slot| {
            slot.tag.get() == tag
                && slot.start.get() <= start
                && slot.end.get() >= end
                && slot.sequence.get() == sequence()
        })
}

/// Whether the memory from `start` to `end` of the current process is of no file. That it is of more
/// than one mapping may hide it.
#[inline(always)]
pub(crate) fn is_no_file(tag: u64, start: u64, end: u64) -> bool {
    is_known_no_file(tag, start, end)
        || (mapping_find(tag, start) == NO && mapping().is_some_and(|mapping| mapping.end() >= end))
}

/// A run of memory that is in one mapping.
pub(crate) struct Run {
    pub(crate) length: u64,
    pub(crate) is_file: bool,
    /// The file, as [`crate::flows::Files::source`].
    pub(crate) file: u32,
}

/// What the memory at `address` of the current process is, at most `length` bytes of it.
#[inline(always)]
pub(crate) fn find(tag: u64, address: u64, length: u64) -> Run {
    let answer = mapping_find(tag, address);
    let end = mapping().map_or(0, |mapping| mapping.end());
    let left = end.wrapping_sub(address);
    Run {
        length: if left < length { left } else { length },
        is_file: answer == YES,
        file: mapping().map_or(0, |mapping| mapping.file.get()),
    }
}

/// Answers of [`mapping_find`].
const NO: u64 = 0;
const YES: u64 = 1;

/// Whether there is a mapping of a file at `address`; leaves its end in [`MAPPING`]. What cannot be
/// looked at is of no file, up to the last address.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn mapping_find(tag: u64, address: u64) -> u64 {
    let Some(mapping) = mapping() else {
        return NO;
    };
    mapping.tag.set(tag);
    mapping.address.set(address);
    mapping.is_nowhere();
    if layout!(has_find_vma) == 0 {
        return NO;
    }
    // SAFETY: `look` has the signature of a callback of the helper, and the task is the current one.
    let result = unsafe {
        let callback: extern "C" fn(*const u8, *const u8, *mut c_void) -> i64 = look;
        bpf_find_vma(
            bpf_get_current_task_btf(),
            address,
            callback as *mut c_void,
            core::ptr::null_mut(),
            0,
        )
    };
    if result == EBUSY && !tree::find(mapping) {
        mapping.is_nowhere();
        loss::count(LossCounter::MappingContention);
    }
    mapping.is_file.get()
}

/// `-EBUSY`: another thread holds the lock of the mappings, to change them.
const EBUSY: i64 = -16;

/// Callback of `bpf_find_vma`, which must not be a global function. Nobody changes mappings meanwhile.
#[inline(never)]
extern "C" fn look(_task: *const u8, vma: *const u8, _context: *mut c_void) -> i64 {
    let Some(mapping) = mapping() else {
        return 0;
    };
    mapping.area.load(vma);
    mapping.conclude();
    if mapping.is_file.get() == NO
        && layout!(mm_lock_seq) != 0
        && let Some(slot) = slot_of(mapping.tag.get(), mapping.address.get())
    {
        slot.tag.set(mapping.tag.get());
        slot.start.set(mapping.area.start.get());
        slot.end.set(mapping.end());
        slot.sequence.set(sequence());
    }
    0
}
