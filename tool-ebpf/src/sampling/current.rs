//! The call that is being accounted for, and the bytes of it that are chosen.

use core::cell::Cell;

use aya_ebpf::{
    helpers::generated::{bpf_get_prandom_u32, bpf_get_smp_processor_id},
    macros::map,
    maps::PerCpuArray,
};
use copytax_common::{Class, SampleKind, Sharing};

use super::{
    countdown::{self, Stream},
    is_on,
};
use crate::{opaque, sample};

/// Chosen bytes of a call that each have a record, a power of 2.
pub(super) const PLACES: usize = 8;

/// The call that this CPU accounts for.
#[repr(C)]
pub(super) struct Current {
    /// Used places.
    pub(super) count: Cell<u64>,
    /// Addresses of the `struct file`s, 0 where there is none.
    source_file: Cell<u64>,
    pub(super) sink_file: Cell<u64>,
    /// Bytes that it moved in all, 0 where that is not known.
    pub(super) bytes: Cell<u64>,
    pub(super) thread: Cell<u32>,
    /// [`copytax_common::Call`]
    pub(super) call: Cell<u8>,
    /// [`copytax_common::EndpointKind`]
    source: Cell<u8>,
    /// [`copytax_common::EndpointKind`]
    pub(super) sink: Cell<u8>,
    /// Whether it lends its memory instead of having it copied.
    by_reference: Cell<u8>,
    /// Ids that this CPU has given.
    sequence: Cell<u64>,
    /// The byte of the entry that is being remembered.
    chosen: Chosen,
    /// What is being noted.
    fresh: Noted,
    pub(super) places: [Noted; PLACES],
}

/// A chosen byte of bytes that were read.
#[repr(C)]
pub(crate) struct Chosen {
    /// Where it was read to.
    pub(crate) at: Cell<u64>,
    pub(crate) id: Cell<u64>,
    /// Bytes that it was chosen of.
    pub(crate) bytes: Cell<u32>,
    /// As in [`copytax_common::SampleHeader`].
    pub(crate) stands_for: Cell<u16>,
    /// How often the interval was doubled.
    pub(crate) doublings: Cell<u8>,
    pub(crate) padding: Cell<u8>,
}

impl Chosen {
    #[inline(always)]
    pub(crate) fn copy_from(&self, other: &Self) {
        self.at.set(other.at.get());
        self.id.set(other.id.get());
        self.bytes.set(other.bytes.get());
        self.stands_for.set(other.stands_for.get());
        self.doublings.set(other.doublings.get());
    }
}

/// What a record will be made of.
#[repr(C)]
pub(super) struct Noted {
    pub(super) id: Cell<u64>,
    pub(super) bytes: Cell<u64>,
    pub(super) spent: Cell<u64>,
    pub(super) source_file: Cell<u64>,
    pub(super) stands_for: Cell<u32>,
    /// [`SampleKind`]
    pub(super) kind: Cell<u8>,
    /// [`Class`]
    pub(super) class: Cell<u8>,
    /// [`copytax_common::EndpointKind`]
    pub(super) source: Cell<u8>,
    /// [`Sharing`]
    pub(super) sharing: Cell<u8>,
    pub(super) doublings: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Current {}
// SAFETY: lives in map values: of one CPU, or under the lock of a set of the relay table.
unsafe impl Sync for Chosen {}

#[map]
static SAMPLED_CALL: PerCpuArray<Current> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
pub(super) fn current() -> Option<&'static Current> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    SAMPLED_CALL.get_ptr(0).map(|current| unsafe { &*current })
}

/// Who calls what, and on which files.
pub(crate) struct Caller {
    pub(crate) thread: u32,
    pub(crate) call: u8,
    pub(crate) source: u8,
    pub(crate) sink: u8,
    pub(crate) source_file: u64,
    pub(crate) sink_file: u64,
    pub(crate) by_reference: bool,
}

/// Begins a call that moved `bytes`, 0 where that is not known.
#[inline(always)]
pub(crate) fn begin(caller: &Caller, bytes: u64) {
    if is_on()
        && let Some(current) = current()
    {
        opaque::set(&current.count, 0);
        current.source_file.set(caller.source_file);
        current.sink_file.set(caller.sink_file);
        current.bytes.set(bytes);
        current.thread.set(caller.thread);
        current.call.set(caller.call);
        current.source.set(caller.source);
        current.sink.set(caller.sink);
        current.by_reference.set(u8::from(caller.by_reference));
    }
}

/// The file that further bytes of the call come from, by the address of its `struct file`.
#[inline(always)]
pub(crate) fn set_source(file: u64) {
    if is_on()
        && let Some(current) = current()
    {
        current.source_file.set(file);
    }
}

/// Classes of bytes that move without a copy to userspace, as bits.
const ZERO_COPY: u32 = 1 << Class::ZeroCopy as u32 | 1 << Class::ByReference as u32;

/// Classes of bytes that neither do, nor were read unmodified.
const OTHER: u32 = 1 << Class::SameSize as u32
    | 1 << Class::Generated as u32
    | 1 << Class::Mapped as u32
    | 1 << Class::TlsRecord as u32;

/// Lets bytes of a flow pass that went out of the process; `kinds` is call, source, sink and class.
#[inline(always)]
pub(crate) fn flow(kinds: u32, sharing: u8, bytes: u64) {
    if is_on() && (ZERO_COPY | OTHER) >> (kinds >> 24 & 31) & 1 != 0 {
        sampling_flow(u64::from(kinds), u64::from(sharing), bytes);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sampling_flow(kinds: u64, sharing: u64, bytes: u64) -> u64 {
    if !is_on() {
        return 0;
    }
    let class = (kinds >> 24) as u8;
    let (stream, kind) = if ZERO_COPY >> (class & 31) & 1 != 0 {
        (Stream::ZeroCopy, SampleKind::ZeroCopy)
    } else {
        (Stream::Other, SampleKind::Other)
    };
    let chosen = countdown::pass(stream, bytes);
    if chosen != 0
        && let Some(current) = current()
    {
        let noted = note(current, kind, class, (kinds >> 8) as u8);
        noted.id.set(0);
        noted.bytes.set(bytes);
        noted.spent.set(bytes);
        noted.sharing.set(sharing as u8);
        noted.doublings.set(chosen - 1);
        sampling_note();
    }
    0
}

/// Chooses a byte of `length` at `address` that were read, by this call if `is_read`; or none. It is
/// then in [`chosen_now`].
#[inline(always)]
pub(crate) fn choose(address: u64, length: u64, is_read: bool) -> bool {
    let chosen = countdown::pass(Stream::Read, length);
    chosen != 0 && sampling_choose(address, length, chosen - 1, u64::from(is_read)) != 0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sampling_choose(address: u64, length: u64, doublings: u64, is_read: u64) -> u64 {
    if !is_on() {
        return 0;
    }
    let Some(current) = current() else {
        return 0;
    };
    let sequence = current.sequence.get() + 1;
    current.sequence.set(sequence);
    // SAFETY: no preconditions.
    let cpu = u64::from(unsafe { bpf_get_smp_processor_id() });
    let id = cpu << 48 | sequence & ((1 << 48) - 1);
    current.chosen.at.set(address + lot(length));
    current.chosen.id.set(id);
    current.chosen.bytes.set(length as u32);
    current.chosen.stands_for.set(1);
    current.chosen.doublings.set(doublings as u8);
    let has_read = opaque::get(&current.count) != 0;
    if is_read != 0 && has_read {
        // Ids of one call follow on each other: its reads can share a record.
        let noted = &current.places[0];
        noted.stands_for.set(noted.stands_for.get() + 1);
    } else if is_read != 0 {
        let noted = note(current, SampleKind::Read, 0, current.source.get());
        noted.id.set(id);
        noted.bytes.set(length);
        noted.spent.set(length);
        noted.doublings.set(doublings);
        sampling_note();
    }
    1
}

/// A number below `limit`, of at most 32 bits; each is as likely.
#[inline(always)]
pub(crate) fn lot(limit: u64) -> u64 {
    // SAFETY: no preconditions.
    (u64::from(unsafe { bpf_get_prandom_u32() }) * limit) >> 32
}

/// The byte that was chosen last on this CPU, or that an entry is to take over.
#[inline(always)]
pub(crate) fn chosen_now() -> Option<&'static Chosen> {
    current().map(|current| &current.chosen)
}

/// Notes that a chosen byte is written, with `spent` bytes in all.
#[inline(always)]
pub(crate) fn note_bounce(chosen: &Chosen, class: Class, source: u8, spent: u64) {
    let Some(current) = current() else {
        return;
    };
    // What is lent is chosen as it is lent.
    if current.by_reference.get() != 0 {
        return;
    }
    let noted = note(current, SampleKind::Bounce, class as u8, source);
    noted.id.set(chosen.id.get());
    noted.bytes.set(u64::from(chosen.bytes.get()));
    noted.spent.set(spent);
    noted.stands_for.set(u32::from(chosen.stands_for.get()));
    noted.doublings.set(u64::from(chosen.doublings.get()));
    sampling_note();
}

/// Notes a chosen byte, and gives what is to be noted of it.
#[inline(always)]
fn note(current: &Current, kind: SampleKind, class: u8, source: u8) -> &Noted {
    let noted = &current.fresh;
    noted.kind.set(kind as u8);
    noted.class.set(class);
    noted.source.set(source);
    noted.sharing.set(Sharing::None as u8);
    noted.stands_for.set(1);
    noted.source_file.set(current.source_file.get());
    noted
}

/// Gives what was noted last a place. Where there is none left it shares one by lot: who stays stands
/// for both.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sampling_note() -> u64 {
    if !is_on() {
        return 0;
    }
    let Some(current) = current() else {
        return 0;
    };
    let fresh = &current.fresh;
    let mut place = opaque::get(&current.count);
    if place < PLACES as u64 {
        opaque::set(&current.count, place + 1);
    } else {
        place = lot(PLACES as u64);
        let other = &current.places[sample::masked::<{ PLACES as u64 - 1 }>(place)];
        let (of_fresh, of_other) = (fresh.stands_for.get(), other.stands_for.get());
        let both = of_fresh.wrapping_add(of_other);
        other.stands_for.set(both);
        fresh.stands_for.set(both);
        if lot(u64::from(both)) < u64::from(of_other) {
            return 0;
        }
    }
    let noted = &current.places[sample::masked::<{ PLACES as u64 - 1 }>(place)];
    noted.id.set(fresh.id.get());
    noted.bytes.set(fresh.bytes.get());
    noted.spent.set(fresh.spent.get());
    noted.source_file.set(fresh.source_file.get());
    noted.stands_for.set(fresh.stands_for.get());
    noted.kind.set(fresh.kind.get());
    noted.class.set(fresh.class.get());
    noted.source.set(fresh.source.get());
    noted.sharing.set(fresh.sharing.get());
    noted.doublings.set(fresh.doublings.get());
    0
}
