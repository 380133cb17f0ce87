//! Each thread's last read: a write of the same length but other content is a transformation.

use core::cell::Cell;

use aya_ebpf::{macros::map, maps::Array};

use crate::relay::{Habit, Place};

const THREADS: u32 = 65_536;

/// What a thread read last.
#[repr(C)]
pub(crate) struct LastIngest {
    tag: Cell<u64>,
    base: Cell<u64>,
    thread: Cell<u32>,
    /// Bytes that were read.
    length: Cell<u32>,
    /// Bytes not yet written, 0 when spent.
    pub(crate) left: Cell<u32>,
    /// Where its memory is remembered.
    pub(crate) place: Cell<Place>,
    /// Whether what it reads to this memory is sampled each time.
    pub(crate) habit: Habit,
    source: Cell<u8>,
    padding: [u8; 3],
}

const _: () = assert!(size_of::<LastIngest>() == 40);

// SAFETY: plain integers. A slot is its thread's, which is in one call at a time; two threads that
// share one may mix up theirs, which a look at the relay table tells.
unsafe impl Sync for LastIngest {}

/// By thread id; ids that are equal in their low 16 bits share a slot, the later read stays.
#[map]
static LAST_INGEST: Array<LastIngest> = Array::with_max_entries(THREADS, 0);

impl LastIngest {
    /// The slot of a thread, which may be another's.
    #[inline(always)]
    pub(crate) fn of(thread: u32) -> Option<&'static Self> {
        // SAFETY: slots live in a map value, which stays; their fields are plain integers.
        LAST_INGEST
            .get_ptr(thread & (THREADS - 1))
            .map(|last| unsafe { &*last })
    }

    /// Whether it is of this thread in this address space.
    #[inline(always)]
    pub(crate) fn is_of(&self, tag: u64, thread: u32) -> bool {
        self.tag.get() == tag && self.thread.get() == thread
    }

    /// Whether just this memory was read.
    #[inline(always)]
    pub(crate) fn is_at(&self, base: u64, length: u64) -> bool {
        self.base.get() == base && u64::from(self.length.get()) == length
    }
}

/// Remembers that `thread` read `length` bytes, and where these are remembered.
#[inline(always)]
pub(crate) fn remember(tag: u64, thread: u32, base: u64, length: u64, source: u8, place: Place) {
    let Some(last) = LastIngest::of(thread) else {
        return;
    };
    last.place.set(place);
    last.tag.set(tag);
    last.base.set(base);
    last.thread.set(thread);
    last.length.set(length as u32);
    last.left.set(length as u32);
    last.source.set(source);
    last.habit.forget();
}

/// If `thread` last read just `wanted` bytes: spends `written` of them and gives their source.
#[inline(always)]
pub(crate) fn take(tag: u64, thread: u32, wanted: u64, written: u64) -> Option<u8> {
    let last = LastIngest::of(thread)?;
    if !last.is_of(tag, thread) || u64::from(last.left.get()) != wanted {
        return None;
    }
    last.left.set(last.left.get() - written as u32);
    last.habit.forget();
    Some(last.source.get())
}

/// Forgets what `thread` read if some of it, `length` bytes at `address`, was written unchanged.
#[inline(always)]
pub(crate) fn forget(tag: u64, thread: u32, address: u64, length: u64) {
    let Some(last) = LastIngest::of(thread) else {
        return;
    };
    let (base, end) = (
        last.base.get(),
        last.base.get() + u64::from(last.length.get()),
    );
    if last.is_of(tag, thread) && address < end && base < address + length {
        last.left.set(0);
    }
}
