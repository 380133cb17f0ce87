//! Sends by reference, until the kernel's completion tells whether it copied their memory after all.
//!
//! A send is counted as unread at first. Its completion moves the bytes and the call to another flow;
//! one that nobody reads leaves them where they are.

use core::cell::Cell;

use aya_ebpf::{
    macros::map,
    maps::{LruHashMap, PerCpuArray},
};
use copytax_common::{Class, PROCESS_EXITED, ProcessKey, Sharing};

use crate::{
    flows::{self, Amount, Files, Flow},
    opaque,
    process::PROCESSES,
};

/// Sends that wait for their completion at once.
pub(crate) const WAITING: u32 = 16_384;

/// Kinds of sources that are told apart in one send; bytes of further ones stay unread.
const SOURCES: usize = 8;

/// How many ids below its own a send takes when that has been taken: threads that send on one socket
/// see its counter after both.
const ATTEMPTS: u32 = 4;

/// `BPF_NOEXIST`: another CPU may have made the element meanwhile.
const NOEXIST: u64 = 1;

/// What a completion says.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Verdict {
    /// The memory was sent by reference.
    Shared = 1,
    /// The kernel copied it.
    Copied = 2,
}

/// A send, as its completion names it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SendKey {
    /// Who counts the ids: the inode number of a socket, or something else that is no inode number.
    pub(crate) owner: u64,
    pub(crate) id: u64,
}

impl SendKey {
    /// No completion can be told to be this send's.
    pub(crate) const NONE: Self = Self { owner: 0, id: 0 };
}

/// How a send's id is known.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ids {
    /// It is the send's own.
    Exact = 0,
    /// From a counter that each send with at least one byte adds to.
    Counted = 1,
    /// From a counter that each send adds to.
    CountedWithEmpty = 2,
}

/// A send without its completion, or, with a [`Verdict`], a completion whose send has not been accounted
/// for yet.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    process: ProcessKey,
    call: u8,
    /// [`copytax_common::EndpointKind`]
    sink: u8,
    /// Used places of the arrays.
    sources: u8,
    /// [`Verdict`], or 0.
    verdict: u8,
    padding: u32,
    bytes: [u32; SOURCES],
    /// [`copytax_common::EndpointKind`]
    source: [u8; SOURCES],
    /// `FIRST_*`
    first: [u8; SOURCES],
}

const _: () = assert!(size_of::<Waiting>() == 72);

/// [`Amount::is_first_of_flow`] and [`Amount::is_first_of_call`].
const FIRST_OF_FLOW: u8 = 1;
const FIRST_OF_CALL: u8 = 2;

#[map]
static WAITING_SENDS: LruHashMap<SendKey, Waiting> = LruHashMap::with_max_entries(WAITING, 0);

/// The send that is being accounted for. The functions that hold it call others that change it, hence
/// the cells.
#[repr(C)]
pub(crate) struct Current {
    process: Cell<ProcessKey>,
    key: Cell<SendKey>,
    bytes: [Cell<u32>; SOURCES],
    source: [Cell<u8>; SOURCES],
    first: [Cell<u8>; SOURCES],
    sources: Cell<u32>,
    call: Cell<u8>,
    sink: Cell<u8>,
    /// [`Ids`]
    ids: Cell<u8>,
    /// Whether its first message has begun.
    has_begun: Cell<u8>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Current {}

#[map]
static CURRENT_SEND: PerCpuArray<Current> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn current() -> Option<&'static Current> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    CURRENT_SEND.get_ptr(0).map(|current| unsafe { &*current })
}

/// Begins a call whose first send has this key.
#[inline(always)]
pub(crate) fn begin(process: ProcessKey, call: u8, sink: u8, key: SendKey, ids: Ids) {
    if let Some(current) = current() {
        current.process.set(process);
        current.call.set(call);
        current.sink.set(sink);
        current.key.set(key);
        current.ids.set(ids as u8);
        current.has_begun.set(0);
        opaque::set(&current.sources, 0);
    }
}

/// Notes bytes of the current send.
#[inline(always)]
pub(crate) fn add(source: u8, amount: Amount) {
    let first_of_flow = u64::from(amount.is_first_of_flow) * u64::from(FIRST_OF_FLOW);
    let first_of_call = u64::from(amount.is_first_of_call) * u64::from(FIRST_OF_CALL);
    send_add(
        u64::from(source),
        amount.bytes,
        first_of_flow | first_of_call,
    );
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn send_add(source: u64, bytes: u64, first: u64) -> u64 {
    let Some(current) = current() else {
        return 0;
    };
    let used = opaque::get(&current.sources);
    for place in 0..SOURCES as u32 {
        let slot = place as usize;
        if place == used {
            current.source[slot].set(source as u8);
            current.bytes[slot].set(bytes as u32);
            current.first[slot].set(first as u8);
            opaque::set(&current.sources, used + 1);
            return 0;
        }
        if current.source[slot].get() == source as u8 {
            current.bytes[slot].set(current.bytes[slot].get() + bytes as u32);
            current.first[slot].set(current.first[slot].get() | first as u8);
            return 0;
        }
    }
    0
}

/// Begins the next send of the call, and ends the one before.
#[inline(always)]
pub(crate) fn next() {
    if let Some(current) = current()
        && current.has_begun.replace(1) != 0
    {
        send_end();
    }
}

/// Ends the current send: it waits for its completion from now on.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn send_end() -> u64 {
    let Some(current) = current() else {
        return 0;
    };
    let key = current.key.get();
    let is_empty = opaque::get(&current.sources) == 0;
    if key.owner == 0 || (is_empty && current.ids.get() != Ids::CountedWithEmpty as u8) {
        return 0;
    }
    if !is_empty {
        wait(current, key);
    }
    current.key.set(SendKey {
        owner: key.owner,
        // Counters have 32 bits.
        id: u64::from((key.id as u32).wrapping_add(1)),
    });
    opaque::set(&current.sources, 0);
    0
}

/// Lets the current send wait, unless its completion is there already.
#[inline(always)]
fn wait(current: &Current, mut key: SendKey) {
    let waiting = Waiting {
        process: current.process.get(),
        call: current.call.get(),
        sink: current.sink.get(),
        sources: opaque::get(&current.sources) as u8,
        verdict: 0,
        padding: 0,
        bytes: core::array::from_fn(|slot| current.bytes[slot].get()),
        source: core::array::from_fn(|slot| current.source[slot].get()),
        first: core::array::from_fn(|slot| current.first[slot].get()),
    };
    for _ in 0..ATTEMPTS {
        if WAITING_SENDS.insert(&key, waiting, NOEXIST).is_ok() {
            return;
        }
        let verdict = WAITING_SENDS
            .get_ptr(&key)
            // SAFETY: the element lives in a map value.
            .map_or(0, |other| unsafe { (*other).verdict });
        if verdict != 0 {
            settle(&waiting, verdict);
            // It is gone in any case.
            let _ = WAITING_SENDS.remove(&key);
            return;
        }
        if current.ids.get() == Ids::Exact as u8 {
            return;
        }
        key.id = u64::from((key.id as u32).wrapping_sub(1));
    }
}

/// Notes that a send has been completed. If it is not known, that may be because it has yet to be
/// accounted for, on another CPU: then, if `may_be_early`, the completion waits for it.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn send_completed(
    owner: u64,
    id: u64,
    verdict: u64,
    may_be_early: u64,
) -> u64 {
    let key = SendKey { owner, id };
    let early = Waiting {
        process: ProcessKey {
            start_time_ns: 0,
            tgid: 0,
            padding: 0,
        },
        call: 0,
        sink: 0,
        sources: 0,
        verdict: verdict as u8,
        padding: 0,
        bytes: [0; SOURCES],
        source: [0; SOURCES],
        first: [0; SOURCES],
    };
    // Twice: the send may be accounted for just now.
    for _ in 0..2 {
        if let Some(waiting) = WAITING_SENDS.get_ptr(&key) {
            // SAFETY: the element lives in a map value.
            let waiting = unsafe { &*waiting };
            if waiting.verdict == 0 {
                settle(waiting, verdict as u8);
                // It is gone in any case.
                let _ = WAITING_SENDS.remove(&key);
            }
            return 0;
        }
        if may_be_early == 0 || WAITING_SENDS.insert(&key, early, NOEXIST).is_ok() {
            return 0;
        }
    }
    0
}

/// Moves what was sent to the flow of the verdict.
///
/// What processes that have ended sent stays where it is: their sums may have been taken out of the
/// maps.
#[inline(always)]
fn settle(waiting: &Waiting, verdict: u8) {
    // SAFETY: values of flags are single words.
    let flags = unsafe { PROCESSES.get(waiting.process) }.map(|record| record.flags);
    if flags.is_none_or(|flags| flags & PROCESS_EXITED != 0) {
        return;
    }
    let sharing = if verdict == Verdict::Copied as u8 {
        Sharing::CompletedCopied
    } else {
        Sharing::CompletedShared
    };
    for slot in 0..SOURCES {
        if slot >= usize::from(waiting.sources) {
            break;
        }
        let unread = Flow {
            call: waiting.call,
            source: waiting.source[slot],
            sink: waiting.sink,
            class: Class::ByReference,
            sharing: Sharing::CompletionUnread as u8,
        };
        let amount = Amount {
            bytes: u64::from(waiting.bytes[slot]),
            is_first_of_flow: waiting.first[slot] & FIRST_OF_FLOW != 0,
            is_first_of_call: waiting.first[slot] & FIRST_OF_CALL != 0,
        };
        flows::take_back(waiting.process, unread, amount);
        flows::add(
            waiting.process,
            Flow {
                sharing: sharing as u8,
                ..unread
            },
            Files::NONE,
            amount,
        );
    }
}
