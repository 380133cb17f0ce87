//! What happens at the exit of an accounted system call.

use copytax_common::{Call, CallGroup, Class, EndpointKind, FlowCounters, LossCounter, ProcessKey};

use crate::{
    arch::{self, Registers},
    endpoint::Endpoint,
    flows,
    kernel::Task,
    last_ingest,
    layout::layout,
    loss, pipes, process, target,
    walk::{self, Caller, Direction, Memory},
};

/// `include/linux/socket.h`: the return value is the length of the datagram, not of what was
/// copied; on TCP nothing is copied at all.
const MSG_TRUNC: u64 = 0x20;
/// `include/linux/splice.h`
const SPLICE_F_GIFT: u64 = 0x08;

/// A call that is being accounted.
struct Exit {
    registers: *const Registers,
    task: Task,
    process: ProcessKey,
    call: u8,
}

/// Accounts for one system call that returned `result`.
#[inline(always)]
pub(crate) fn on_exit(registers: *const Registers, result: i64) {
    let number = Registers::number(registers);
    let call = arch::call_of(number);
    if call == 0 {
        if arch::is_compat_family(registers, number) {
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
        loss::count(LossCounter::UnsupportedAbi);
        return;
    }
    let exit = Exit {
        registers,
        task,
        process: process::key_of(leader),
        call,
    };
    match Call::try_from(call).map(Call::group) {
        Ok(CallGroup::Ingest) => exit.ingest(result),
        Ok(CallGroup::Egress) => exit.egress(result),
        Ok(CallGroup::ZeroCopy) => exit.zero_copy(result),
        Err(_) => {}
    }
}

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

    /// The endpoint of descriptor `fd`. A call that did not fail had one: if it is gone, that is
    /// counted.
    #[inline(always)]
    fn endpoint(&self, fd: u64, result: i64) -> Endpoint {
        let endpoint = Endpoint::of(self.task, fd);
        if endpoint.kind as u8 == EndpointKind::Unknown as u8 && result >= 0 {
            loss::count(LossCounter::EndpointUnknown);
        }
        endpoint
    }

    #[inline(always)]
    fn caller(&self, endpoint: EndpointKind, direction: Direction) -> Caller {
        Caller {
            process: self.process,
            tag: process::tag_of(self.process, self.task.u64(layout!(task_self_exec_id))),
            thread: self.task.u32(layout!(task_pid)),
            call: self.call,
            endpoint,
            direction,
        }
    }

    /// The memory of a read-like or write-like call.
    #[inline(always)]
    fn memory(&self) -> Memory {
        let address = self.argument::<1>();
        let length = self.argument::<2>();
        match Call::try_from(self.call) {
            Ok(
                Call::Readv
                | Call::Preadv
                | Call::Preadv2
                | Call::Writev
                | Call::Pwritev
                | Call::Pwritev2
                | Call::Vmsplice,
            ) => Memory::Vector(address, length),
            Ok(Call::Recvmsg | Call::Sendmsg) => Memory::Message(address),
            Ok(Call::Recvmmsg | Call::Sendmmsg) => Memory::Messages(address),
            _ => Memory::Buffer(address, length),
        }
    }

    #[inline(always)]
    fn ingest(&self, result: i64) {
        let source = self.endpoint(self.argument::<0>(), result);
        if result < 0 {
            self.add_error(source.kind, EndpointKind::None, result);
            return;
        }
        self.ingest_from(&source, result as u64);
    }

    #[inline(always)]
    fn ingest_from(&self, source: &Endpoint, result: u64) {
        let mut bytes = result;
        if result != 0 && !self.is_truncated() {
            let caller = self.caller(source.kind, Direction::Ingest);
            let memory = self.memory();
            bytes = walk::walk(&caller, &memory, result);
            let base = walk::first_address();
            last_ingest::remember(caller.tag, caller.thread, base, bytes, source.kind);
        }
        if source.kind as u8 == EndpointKind::Pipe as u8 {
            pipes::discard(source, bytes);
        }
        self.add(source.kind, EndpointKind::None, Class::Ingest, bytes);
    }

    /// Whether the return value may be larger than what was copied.
    #[inline(always)]
    fn is_truncated(&self) -> bool {
        match Call::try_from(self.call) {
            Ok(Call::Recvfrom) => self.argument::<3>() & MSG_TRUNC != 0,
            Ok(Call::Recvmsg) => self.argument::<2>() & MSG_TRUNC != 0,
            _ => false,
        }
    }

    #[inline(always)]
    fn egress(&self, result: i64) {
        let sink = self.endpoint(self.argument::<0>(), result);
        if result < 0 {
            self.add_error(EndpointKind::None, sink.kind, result);
            return;
        }
        let caller = self.caller(sink.kind, Direction::Egress);
        let memory = self.memory();
        let bytes = walk::walk(&caller, &memory, result as u64);
        if sink.kind as u8 == EndpointKind::Pipe as u8 {
            pipes::fill(&sink, EndpointKind::Pipe as u8, bytes);
        }
    }

    #[inline(always)]
    fn zero_copy(&self, result: i64) {
        if self.call == Call::Vmsplice as u8 {
            self.vmsplice(result);
            return;
        }
        let (from, to) = match Call::try_from(self.call) {
            Ok(Call::Sendfile) => (self.argument::<1>(), self.argument::<0>()),
            Ok(Call::Tee) => (self.argument::<0>(), self.argument::<1>()),
            _ => (self.argument::<0>(), self.argument::<2>()),
        };
        let source = self.endpoint(from, result);
        let sink = self.endpoint(to, result);
        if result < 0 {
            self.add_error(source.kind, sink.kind, result);
            return;
        }
        self.transfer(&source, &sink, result as u64);
    }

    /// Accounts for bytes that moved inside the kernel.
    #[inline(always)]
    fn transfer(&self, source: &Endpoint, sink: &Endpoint, bytes: u64) {
        let into_pipe = sink.kind as u8 == EndpointKind::Pipe as u8;
        let class = if into_pipe {
            Class::Staged
        } else {
            Class::ZeroCopy
        };
        if source.kind as u8 != EndpointKind::Pipe as u8 || bytes == 0 {
            if into_pipe && bytes != 0 {
                pipes::fill(sink, source.kind as u8, bytes);
            }
            self.add(source.kind, sink.kind, class, bytes);
            return;
        }
        let consume = self.call != Call::Tee as u8;
        // Sources that this call has counted in.
        let mut seen = 0u32;
        pipes::drain(source, bytes, consume, |kind, length| {
            if into_pipe {
                pipes::fill(sink, kind, length);
            }
            let bit = 1 << (kind & 31);
            let amount = FlowCounters {
                bytes: length,
                calls: u64::from(seen & bit == 0),
                first_pieces: u64::from(seen == 0),
            };
            seen |= bit;
            flows::add(
                self.process,
                self.call,
                kind,
                sink.kind as u8,
                class as u8,
                amount,
            );
        });
    }

    /// `vmsplice`: memory into a pipe by reference, or out of a pipe by copying.
    #[inline(always)]
    fn vmsplice(&self, result: i64) {
        let pipe = self.endpoint(self.argument::<0>(), result);
        let memory = if self.argument::<3>() & SPLICE_F_GIFT != 0 {
            EndpointKind::GiftedMemory
        } else {
            EndpointKind::Memory
        };
        let fills = pipe.is_writable();
        if result < 0 {
            let (source, sink) = if fills {
                (memory, pipe.kind)
            } else {
                (pipe.kind, memory)
            };
            self.add_error(source, sink, result);
        } else if fills {
            if result != 0 {
                pipes::fill(&pipe, memory as u8, result as u64);
            }
            self.add(memory, pipe.kind, Class::Staged, result as u64);
        } else {
            self.ingest_from(&pipe, result as u64);
        }
    }

    #[inline(always)]
    fn add(&self, source: EndpointKind, sink: EndpointKind, class: Class, bytes: u64) {
        flows::add_call(self.process, self.call, source, sink, class, bytes);
    }

    #[inline(always)]
    fn add_error(&self, source: EndpointKind, sink: EndpointKind, result: i64) {
        flows::add_error(self.process, self.call, source, sink, (-result) as u16);
    }
}
