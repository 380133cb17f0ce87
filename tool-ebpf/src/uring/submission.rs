//! A request is submitted: what of it cannot be known any more when it is complete.

use copytax_common::{Call, LossCounter};

use super::{
    multishot, notification,
    operation::{Form, Kind},
    request::{Request, SEND_VECTORIZED},
    vectors,
};
use crate::{arch, kernel::Task, layout::layout, loss, target, walk::message_vector};

/// `io_uring_submit_req`, which fires once the request is prepared, and before it is carried out.
#[inline(always)]
pub(crate) fn on_submit(request: u64) {
    let request = Request(request);
    let kind = Kind::of(request.operation());
    if kind.call == 0 {
        return;
    }
    let task = Task::current();
    if !target::accounted(task.leader(), task.u32(layout!(task_tgid))) {
        return;
    }
    if request.skips_success() {
        loss::count(LossCounter::UringUnseen);
    }
    if kind.call >= Call::UringSendZc as u8 {
        notification::expect(request);
    }
    if multishot::is_armed(request, kind) {
        multishot::arm(request);
    }
    // The vector of a 32-bit task has other elements.
    if !request.selects_buffer() && !arch::is_compat(task) {
        keep_vector(request, kind);
    }
}

#[inline(always)]
fn keep_vector(request: Request, kind: Kind) {
    if kind.is(Form::Vector) {
        let count = u64::from(request.rw_length());
        vectors::keep(request.0, request.rw_address(), count);
    } else if kind.is(Form::Message) {
        let [address, count] = message_vector(request.buffer());
        vectors::keep(request.0, address, count);
    } else if kind.is(Form::Transmission) && request.send_flags() & SEND_VECTORIZED != 0 {
        let count = u64::from(request.length());
        vectors::keep(request.0, request.buffer(), count);
    }
}
