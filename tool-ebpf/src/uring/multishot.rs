//! Requests that complete more than once: those completions have no request with them
//! (`io_fill_cqe_aux`, `io_uring/io_uring.c`, Linux 6.18), only the ring and the process' own mark.

use aya_ebpf::{macros::map, maps::LruHashMap};

use super::{
    operation::{Form, Kind, READ_MULTISHOT},
    request::{BUNDLE, RECV_MULTISHOT, Request},
};

/// A completion, as the process tells them apart.
#[repr(C)]
#[derive(Clone, Copy)]
struct Mark {
    context: u64,
    user_data: u64,
}

/// To the address of the request.
#[map]
static ARMED: LruHashMap<Mark, u64> = LruHashMap::with_max_entries(16_384, 0);

/// `BPF_ANY`
const ANY: u64 = 0;

#[inline(always)]
fn mark_of(request: Request) -> Mark {
    Mark {
        context: request.context(),
        user_data: request.user_data(),
    }
}

/// Whether the request may complete more than once.
#[inline(always)]
pub(super) fn is_armed(request: Request, kind: Kind) -> bool {
    if kind.is(Form::Transmission) || kind.is(Form::Message) {
        return request.send_flags() & (RECV_MULTISHOT | BUNDLE) != 0;
    }
    request.operation() == READ_MULTISHOT
}

/// Remembers a request that may complete more than once.
#[inline(always)]
pub(super) fn arm(request: Request) {
    let _ = ARMED.insert(mark_of(request), request.0, ANY);
}

/// Forgets it: this was its last completion.
#[inline(always)]
pub(super) fn disarm(request: Request) {
    let _ = ARMED.remove(mark_of(request));
}

/// The request of a completion that has none with it.
#[inline(always)]
pub(super) fn find(context: u64, user_data: u64) -> Option<Request> {
    let mark = Mark { context, user_data };
    // SAFETY: a single word, copied at once.
    let request = Request(unsafe { ARMED.get(mark) }.copied()?);
    // The memory of a request is used for another one, once it is complete.
    let is_same = request.context() == context
        && request.user_data() == user_data
        && is_armed(request, Kind::of(request.operation()));
    is_same.then_some(request)
}
