//! `SEND_ZC` and `SENDMSG_ZC`: a second completion, of a request of its own, tells that the memory is
//! free again, and, if the process has asked for it, whether the kernel copied it after all.
//!
//! The send forgets its notification before it completes (`io_send_zc` of `io_uring/net.c`, Linux 6.18).

use aya_ebpf::{macros::map, maps::LruHashMap};

use super::request::Request;
use crate::completions::{self, Ids, SendKey, Verdict};

/// `IORING_SEND_ZC_REPORT_USAGE`, a flag of the send.
const REPORT_USAGE: u16 = 1 << 3;
/// `IORING_CQE_F_NOTIF`, a flag of the completion.
pub(super) const NOTIFICATION: u32 = 1 << 3;
/// `IORING_NOTIF_USAGE_ZC_COPIED`, in the result of the notification.
const COPIED: u32 = 1 << 31;

/// No inode number.
const OWNER: u64 = u64::MAX;

/// The address of a send's request to that of its notification.
#[map]
static NOTIFICATIONS: LruHashMap<u64, u64> = LruHashMap::with_max_entries(16_384, 0);

/// `BPF_ANY`
const ANY: u64 = 0;

/// Remembers which notification a send will have, if it will tell anything.
#[inline(always)]
pub(super) fn expect(request: Request) {
    let notification = request.notification();
    // Whatever an earlier notification at this address was for.
    completions::forget(OWNER, notification);
    if request.send_flags() & REPORT_USAGE != 0 {
        let _ = NOTIFICATIONS.insert(request.0, notification, ANY);
    }
}

/// What the notification of a completed send will be known by.
#[inline(always)]
pub(super) fn key_of(request: Request) -> (SendKey, Ids) {
    if request.send_flags() & REPORT_USAGE == 0 {
        return (SendKey::NONE, Ids::Exact);
    }
    // SAFETY: a single word, copied at once.
    let Some(id) = unsafe { NOTIFICATIONS.get(request.0) }.copied() else {
        return (SendKey::NONE, Ids::Exact);
    };
    let _ = NOTIFICATIONS.remove(request.0);
    (SendKey { owner: OWNER, id }, Ids::Exact)
}

/// A notification has come.
#[inline(always)]
pub(super) fn on_notification(request: Request) {
    let verdict = if request.result() as u32 & COPIED != 0 {
        Verdict::Copied
    } else {
        Verdict::Shared
    };
    // A send completes before its notification.
    completions::send_completed(OWNER, request.0, verdict as u64, 0);
}
