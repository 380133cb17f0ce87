//! A completion, as a call.

use core::cell::Cell;

use aya_ebpf::{
    macros::map,
    maps::PerCpuArray,
    programs::{BtfTracePointContext, TracePointContext},
};
use copytax_common::{Call, Class, EndpointKind, LossCounter, ProcessKey};

use super::{
    memory::{self, BUFFER},
    multishot,
    notification::{self, NOTIFICATION},
    operation::Kind,
    request::Request,
};
use crate::{
    account::Operation,
    endpoint::Endpoint,
    error_queue::{self, MSG_ERRQUEUE},
    handler::MSG_TRUNC,
    kernel::{Task, load, read, untyped},
    layout::layout,
    loss,
    msg_zerocopy::{self, MSG_ZEROCOPY},
    opaque,
    process::{self, PROCESSES},
    sampling, target,
};

/// What `io_uring_complete` tells.
pub(crate) struct Completion {
    /// Address of the ring's `io_ring_ctx`.
    pub(crate) context: u64,
    /// Address of the request, 0 where more completions of it follow.
    pub(crate) request: u64,
    pub(crate) user_data: u64,
    pub(crate) result: i32,
    pub(crate) flags: u32,
}

/// `struct io_uring_cqe` of `include/uapi/linux/io_uring.h`: `res`, and `flags`.
const ENTRY_RESULT: u32 = 8;
const ENTRY_FLAGS: u32 = 12;

impl Completion {
    /// From the arguments of the tracepoint.
    #[inline(always)]
    pub(crate) fn of_raw(context: &BtfTracePointContext) -> Self {
        let ring = untyped(context.arg(0));
        let request = context.arg(1);
        if layout!(uring.complete_has_entry) == 0 {
            return Self {
                context: ring,
                request,
                user_data: context.arg(2),
                result: context.arg(3),
                flags: context.arg(4),
            };
        }
        let entry: *const u8 = context.arg(2);
        Self {
            context: ring,
            request,
            user_data: load(entry, 0),
            result: load(entry, ENTRY_RESULT),
            flags: load(entry, ENTRY_FLAGS),
        }
    }

    /// From the tracepoint's record.
    #[inline(always)]
    pub(crate) fn of_record(context: &TracePointContext) -> Option<Self> {
        Some(Self {
            context: member(context, layout!(uring.record_complete_ctx))?,
            request: member(context, layout!(uring.record_complete_request))?,
            user_data: member(context, layout!(uring.record_complete_user_data))?,
            result: member(context, layout!(uring.record_complete_result))?,
            flags: member(context, layout!(uring.record_complete_flags))?,
        })
    }
}

/// A member of a tracepoint's record.
#[inline(always)]
fn member<T>(context: &TracePointContext, offset: u32) -> Option<T> {
    // SAFETY: the helper handles faults.
    unsafe { context.read_at(offset as usize) }.ok()
}

/// A completed request of an accounted operation. In a map, since chains of calls have little stack.
#[repr(C)]
struct Completed {
    request: Cell<u64>,
    result: Cell<i32>,
    flags: Cell<u32>,
    is_armed: Cell<u32>,
    /// [`Call`]
    call: Cell<u8>,
    padding: [u8; 3],
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Completed {}

#[map]
static COMPLETED: PerCpuArray<Completed> = PerCpuArray::with_max_entries(1, 0);

/// Accounts for one completion.
#[inline(always)]
pub(crate) fn on_complete(completion: &Completion) {
    let Some(completed) = completed(completion) else {
        return;
    };
    let task = Task::current();
    let leader = task.leader();
    let tgid = task.u32(layout!(task_tgid));
    let submitter = completed.request().task();
    let id = layout!(uring.id_task);
    let thread = read(submitter, id, layout!(task_pid));
    if read::<u32>(submitter, id, layout!(task_tgid)) != tgid {
        completed.account_elsewhere(submitter, thread);
    } else if target::accounted(leader, tgid) {
        let process = process::key_of(leader);
        let operation = Operation {
            process,
            tag: process::tag_of(process, task.u64(layout!(task_self_exec_id))),
            thread,
            call: completed.call(),
        };
        completed.account(&operation);
        sampling::send();
    }
}

/// What is complete, if it is an accounted operation.
#[inline(always)]
fn completed(completion: &Completion) -> Option<&'static Completed> {
    let flags = completion.flags;
    let request = Request(completion.request);
    if completion.request != 0 {
        let kind = Kind::of(request.operation());
        if kind.call == 0 {
            if flags & NOTIFICATION != 0 {
                notification::on_notification(request);
            }
            return None;
        }
        if multishot::is_armed(request, kind) {
            multishot::disarm(request);
        }
        // The result in the completion lies where the process can write.
        return Completed::of(request, kind, request.result(), flags, false);
    }
    let Some(request) = multishot::find(completion.context, completion.user_data) else {
        if flags & BUFFER != 0 {
            count_unseen();
        }
        return None;
    };
    let kind = Kind::of(request.operation());
    Completed::of(request, kind, completion.result, flags, true)
}

/// A request from before the window has received something.
#[inline(never)]
fn count_unseen() {
    let task = Task::current();
    if target::accounted(task.leader(), task.u32(layout!(task_tgid))) {
        loss::count(LossCounter::UringUnseen);
    }
}

impl Completed {
    #[inline(always)]
    fn of(
        request: Request,
        kind: Kind,
        result: i32,
        flags: u32,
        is_armed: bool,
    ) -> Option<&'static Self> {
        // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
        let completed = COMPLETED
            .get_ptr(0)
            .map(|completed| unsafe { &*completed })?;
        opaque::set(&completed.request, request.0);
        opaque::set(&completed.result, result);
        opaque::set(&completed.flags, flags);
        opaque::set(&completed.is_armed, u32::from(is_armed));
        opaque::set(&completed.call, kind.call);
        Some(completed)
    }

    #[inline(always)]
    fn request(&self) -> Request {
        Request(opaque::get(&self.request))
    }

    #[inline(always)]
    fn call(&self) -> u8 {
        opaque::get(&self.call)
    }

    /// Bytes, or a negative errno.
    #[inline(always)]
    fn result(&self) -> i64 {
        i64::from(opaque::get(&self.result))
    }

    #[inline(always)]
    fn endpoint(&self, endpoint: Endpoint) -> Endpoint {
        if endpoint.kind == EndpointKind::Unknown as u8 && self.result() >= 0 {
            loss::count(LossCounter::EndpointUnknown);
        }
        endpoint
    }

    /// Accounts for it in its own process.
    #[inline(always)]
    fn account(&self, operation: &Operation) {
        let file = Endpoint::of_file(self.request().file());
        if operation.call < Call::Read as u8 {
            self.splice(operation, self.endpoint(file));
        } else if operation.call >= Call::Write as u8 {
            self.egress(operation, self.endpoint(file));
        } else {
            self.ingest(operation, self.endpoint(file));
        }
    }

    /// Not inlined: its variables are then not on the stack of the calls that walk memory.
    #[inline(never)]
    fn splice(&self, operation: &Operation, sink: Endpoint) {
        let source = self.endpoint(if self.request().has_fixed_input() {
            Endpoint::of_file(self.request().fixed_input())
        } else {
            Endpoint::of(Task::current(), u64::from(self.request().splice_input()))
        });
        if self.result() < 0 {
            operation.add_error(source.kind, sink.kind, self.result());
        } else {
            operation.transfer(&source, &sink, self.result() as u64);
        }
    }

    #[inline(always)]
    fn ingest(&self, operation: &Operation, source: Endpoint) {
        if self.result() < 0 {
            operation.add_error(source.kind, EndpointKind::None as u8, self.result());
            return;
        }
        let flags = self.receive_flags();
        if flags & MSG_ERRQUEUE != 0 {
            // The kernel writes to the message as it completes: it is still the request's.
            let message = self.request().buffer();
            error_queue::read(&source, self.call(), message, self.result() as u64);
            operation.count_ingest(&source, self.result() as u64);
            return;
        }
        let (memory, bytes) = self.memory();
        if flags & MSG_TRUNC != 0 {
            operation.count_ingest(&source, bytes);
        } else {
            operation.ingest(&source, memory, bytes);
        }
    }

    #[inline(always)]
    fn egress(&self, operation: &Operation, sink: Endpoint) {
        if self.result() < 0 {
            operation.add_error(EndpointKind::None as u8, sink.kind, self.result());
            return;
        }
        let (memory, bytes) = self.memory();
        if self.call() >= Call::UringSendZc as u8 {
            let key = notification::key_of(self.request());
            operation.egress_by_reference(&sink, memory, bytes, key);
        } else if self.is_by_reference(&sink) {
            let key = msg_zerocopy::key_of(&sink, memory, bytes);
            operation.egress_by_reference(&sink, memory, bytes, key);
        } else {
            operation.egress(&sink, memory, bytes);
        }
    }

    #[inline(always)]
    fn memory(&self) -> (crate::account::Memory, u64) {
        memory::of(
            self.request(),
            self.result() as u64,
            opaque::get(&self.flags),
            opaque::get(&self.is_armed) != 0,
        )
    }

    /// Whether it is a send with `MSG_ZEROCOPY`.
    #[inline(always)]
    fn is_by_reference(&self, sink: &Endpoint) -> bool {
        self.call() >= Call::UringSend as u8
            && u64::from(self.request().message_flags()) & MSG_ZEROCOPY != 0
            && msg_zerocopy::is_honoured(sink)
    }

    /// The flags of a receive, 0 of any other read.
    #[inline(always)]
    fn receive_flags(&self) -> u64 {
        let is_receive =
            self.call() == Call::UringRecv as u8 || self.call() == Call::UringRecvmsg as u8;
        if is_receive {
            u64::from(self.request().message_flags())
        } else {
            0
        }
    }

    /// Accounts for it where neither the process' memory nor its descriptors are at hand, as when a
    /// kernel thread ends the ring: only for a process that was accounted before.
    #[inline(never)]
    fn account_elsewhere(&self, submitter: u64, thread: u32) {
        let id = layout!(uring.id_task);
        let leader: u64 = read(submitter, id, layout!(task_group_leader));
        let process = ProcessKey {
            start_time_ns: read(leader, id, layout!(task_start_boottime)),
            tgid: read(leader, id, layout!(task_tgid)),
            padding: 0,
        };
        // SAFETY: only whether there is an element matters.
        if unsafe { PROCESSES.get(process) }.is_none() {
            return;
        }
        let operation = Operation {
            process,
            tag: 0,
            thread,
            call: self.call(),
        };
        let file = Endpoint::of_file(self.request().file()).kind;
        let (source, sink, class) = if operation.call < Call::Read as u8 {
            let class = if file == EndpointKind::Pipe as u8 {
                Class::Staged
            } else {
                Class::ZeroCopy
            };
            (EndpointKind::Unknown as u8, file, class)
        } else if operation.call < Call::Write as u8 {
            (file, EndpointKind::None as u8, Class::Ingest)
        } else if operation.call >= Call::UringSendZc as u8 {
            (EndpointKind::Unknown as u8, file, Class::ByReference)
        } else {
            (EndpointKind::Unknown as u8, file, Class::Unknown)
        };
        if self.result() < 0 {
            operation.add_error(source, sink, self.result());
        } else {
            operation.add_unseen(source, sink, class, self.result() as u64);
        }
    }
}
