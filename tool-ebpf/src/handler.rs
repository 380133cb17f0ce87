//! What happens at the exit of an accounted system call.

use copytax_common::{Call, CallGroup, EndpointKind, LossCounter};

use crate::{
    account::{Memory, Operation},
    arch::{self, Registers},
    endpoint::Endpoint,
    error_queue::{self, MSG_ERRQUEUE},
    kernel::Task,
    layout::layout,
    loss,
    msg_zerocopy::{self, MSG_ZEROCOPY},
    pipes::{self, Origin},
    process, sampling, target, walk,
};

/// `include/linux/socket.h`: the return value is the length of the datagram, not of what was
/// copied; on TCP nothing is copied at all.
pub(crate) const MSG_TRUNC: u64 = 0x20;
/// `include/linux/splice.h`
const SPLICE_F_GIFT: u64 = 0x08;

/// A system call that is being accounted.
struct Exit {
    registers: *const Registers,
    operation: Operation,
}

/// Accounts for one system call that returned `result`.
#[inline(always)]
pub(crate) fn on_exit(registers: *const Registers, result: i64) {
    let number = Registers::number(registers);
    let call = arch::call_of(number);
    if call == 0 {
        if Registers::is_compat_code(registers) && arch::is_compat_family(number) {
            count_unsupported();
        }
        return;
    }
    let task = Task::current();
    let leader = task.leader();
    let tgid = task.u32(layout!(task_tgid));
    if !target::accounted(leader, tgid) {
        return;
    }
    if arch::is_compat(task) {
        // The number is one of the 32-bit table.
        if arch::is_compat_family(number) {
            loss::count(LossCounter::UnsupportedAbi);
        }
        return;
    }
    let process = process::key_of(leader);
    let exit = Exit {
        registers,
        operation: Operation {
            process,
            tag: process::tag_of(process, task.u64(layout!(task_self_exec_id))),
            thread: task.u32(layout!(task_pid)),
            call,
        },
    };
    // The groups are runs of numbers (asserted below): two compares instead of a jump table, which
    // the verifier would follow into every entry.
    if call >= Call::Write as u8 {
        exit.egress(result);
    } else if call >= Call::Read as u8 {
        exit.ingest(result);
    } else if exit.is(Call::Vmsplice) {
        exit.vmsplice(result);
    } else {
        exit.zero_copy(result);
    }
    sampling::send();
}

const _: () = {
    let mut i = 0;
    while i < Call::ALL.len() {
        let call = Call::ALL[i];
        let group = match call as u8 {
            number if number >= Call::Write as u8 => CallGroup::Egress,
            number if number >= Call::Read as u8 => CallGroup::Ingest,
            _ => CallGroup::ZeroCopy,
        };
        assert!(call.group() as u8 == group as u8);
        i += 1;
    }
};

#[inline(always)]
fn count_unsupported() {
    let task = Task::current();
    if target::accounted(task.leader(), task.u32(layout!(task_tgid))) {
        loss::count(LossCounter::UnsupportedAbi);
    }
}

impl Exit {
    #[inline(always)]
    fn argument<const N: usize>(&self) -> u64 {
        Registers::argument::<N>(self.registers)
    }

    #[inline(always)]
    fn is(&self, call: Call) -> bool {
        self.operation.call == call as u8
    }

    /// The endpoint of descriptor `fd`. A call that did not fail had one: if it is gone, that is
    /// counted.
    #[inline(always)]
    fn endpoint(&self, fd: u64, result: i64) -> Endpoint {
        let endpoint = Endpoint::of(Task::current(), fd);
        if endpoint.kind == EndpointKind::Unknown as u8 && result >= 0 {
            loss::count(LossCounter::EndpointUnknown);
        }
        endpoint
    }

    /// The memory of a read-like or write-like call.
    #[inline(always)]
    fn memory(&self) -> Memory {
        Memory {
            shape: walk::shape_of(self.operation.call),
            address: self.argument::<1>(),
            length: self.argument::<2>(),
        }
    }

    #[inline(always)]
    fn ingest(&self, result: i64) {
        let source = self.endpoint(self.argument::<0>(), result);
        if result < 0 {
            self.operation
                .add_error(source.kind, EndpointKind::None as u8, result);
        } else if self.receive_flags() & MSG_ERRQUEUE != 0 {
            let (call, address) = (self.operation.call, self.argument::<1>());
            let bytes = error_queue::read(&source, call, address, result as u64);
            self.operation.count_ingest(&source, bytes);
        } else if self.is_truncated() {
            self.operation.count_ingest(&source, result as u64);
        } else {
            self.operation.ingest(&source, self.memory(), result as u64);
        }
    }

    /// The flags of a `recvfrom`, `recvmsg` or `recvmmsg`, 0 of any other read.
    #[inline(always)]
    fn receive_flags(&self) -> u64 {
        if self.operation.call < Call::Recvfrom as u8 {
            0
        } else if self.is(Call::Recvmsg) {
            self.argument::<2>()
        } else {
            self.argument::<3>()
        }
    }

    /// Whether the return value may be larger than what was copied.
    #[inline(always)]
    fn is_truncated(&self) -> bool {
        self.receive_flags() & MSG_TRUNC != 0 && !self.is(Call::Recvmmsg)
    }

    #[inline(always)]
    fn egress(&self, result: i64) {
        let sink = self.endpoint(self.argument::<0>(), result);
        if result < 0 {
            self.operation
                .add_error(EndpointKind::None as u8, sink.kind, result);
        } else if self.is_by_reference(&sink) {
            let (memory, result) = (self.memory(), result as u64);
            let key = msg_zerocopy::key_of(&sink, memory, result);
            self.operation
                .egress_by_reference(&sink, memory, result, key);
        } else {
            self.operation.egress(&sink, self.memory(), result as u64);
        }
    }

    /// Whether the call lent its memory to the socket, instead of having it copied.
    #[inline(always)]
    fn is_by_reference(&self, sink: &Endpoint) -> bool {
        let flags = if self.is(Call::Sendmsg) {
            self.argument::<2>()
        } else if self.is(Call::Sendto) || self.is(Call::Sendmmsg) {
            self.argument::<3>()
        } else {
            return false;
        };
        flags & MSG_ZEROCOPY != 0 && msg_zerocopy::is_honoured(sink)
    }

    /// Not inlined: its variables are then not on the stack of the calls that walk memory, whose chains
    /// are the long ones.
    #[inline(never)]
    fn zero_copy(&self, result: i64) {
        let (from, to) = if self.is(Call::Sendfile) {
            (self.argument::<1>(), self.argument::<0>())
        } else if self.is(Call::Tee) {
            (self.argument::<0>(), self.argument::<1>())
        } else {
            (self.argument::<0>(), self.argument::<2>())
        };
        let source = self.endpoint(from, result);
        let sink = self.endpoint(to, result);
        if result < 0 {
            self.operation.add_error(source.kind, sink.kind, result);
        } else {
            self.operation.transfer(&source, &sink, result as u64);
        }
    }

    /// `vmsplice`: memory into a pipe by reference, or out of a pipe by copying.
    #[inline(always)]
    fn vmsplice(&self, result: i64) {
        let pipe = self.endpoint(self.argument::<0>(), result);
        let memory = if self.argument::<3>() & SPLICE_F_GIFT != 0 {
            EndpointKind::GiftedMemory as u8
        } else {
            EndpointKind::Memory as u8
        };
        let fills = pipe.is_writable();
        if result < 0 {
            let (source, sink) = if fills {
                (memory, pipe.kind)
            } else {
                (pipe.kind, memory)
            };
            self.operation.add_error(source, sink, result);
        } else if fills {
            if result != 0 {
                pipes::fill(&pipe, Origin::pages(memory), result as u64);
            }
            self.operation.stage(memory, &pipe, result as u64);
        } else {
            self.operation.ingest(&pipe, self.memory(), result as u64);
        }
    }
}
