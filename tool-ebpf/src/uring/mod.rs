//! io_uring: every completion of an accounted operation is a call of that operation.
//!
//! A completion is traced in a task of the process: the one that submits, a worker of io-wq, or the
//! thread that polls the submission queue. All of them have the process' memory and descriptors.

mod completion;
mod memory;
mod multishot;
mod notification;
mod operation;
mod provided;
mod request;
mod submission;
mod vectors;

use copytax_common::LossCounter;

pub(crate) use completion::{Completion, on_complete};
pub(crate) use submission::on_submit;

use crate::{kernel::Task, layout::layout, loss, target};

/// `io_uring_cqe_overflow`: a completion that no room was left for. It does not name its request.
#[inline(always)]
pub(crate) fn on_overflow() {
    let task = Task::current();
    if target::accounted(task.leader(), task.u32(layout!(task_tgid))) {
        loss::count(LossCounter::UringUnseen);
    }
}
