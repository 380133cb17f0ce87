//! What happens at the exit of an accounted system call.

use copytax_common::{Call, CallGroup, Class, EndpointKind, LossCounter, ProcessKey, Sharing};

use crate::{
    arch::{self, Registers},
    content,
    endpoint::Endpoint,
    flows::{self, Amount, Flow},
    kernel::Task,
    last_ingest,
    layout::layout,
    loss, pieces, pipes, process,
    relay::{self, CHUNK, Whole},
    target,
    walk::{self, Caller, Direction, Shape},
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
    let exit = Exit {
        registers,
        task,
        process: process::key_of(leader),
        call,
    };
    // The groups are runs of numbers (asserted below): two compares instead of a jump table, which
    // the verifier would follow into every entry.
    if call >= Call::Write as u8 {
        exit.egress(result);
    } else if call >= Call::Read as u8 {
        exit.ingest(result);
    } else {
        exit.zero_copy(result);
    }
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

    /// Process and address space.
    #[inline(always)]
    fn tag(&self) -> u64 {
        process::tag_of(self.process, self.task.u64(layout!(task_self_exec_id)))
    }

    #[inline(always)]
    fn thread(&self) -> u32 {
        self.task.u32(layout!(task_pid))
    }

    /// Walks the memory of a call that moved `result` bytes (or messages); gives the bytes.
    #[inline(always)]
    fn walk(&self, endpoint: EndpointKind, direction: Direction, result: u64) -> u64 {
        let caller = Caller {
            process: self.process,
            tag: self.tag(),
            thread: self.thread(),
            call: self.call,
            endpoint,
            direction,
        };
        let shape = walk::shape_of(self.call);
        walk::walk(
            &caller,
            shape,
            self.argument::<1>(),
            self.argument::<2>(),
            result,
        )
    }

    /// Whether the call has one buffer that is one unit of the relay table.
    #[inline(always)]
    fn is_one_unit(&self, result: u64) -> bool {
        result.wrapping_sub(1) < CHUNK && walk::shape_of(self.call) == Shape::Buffer as u8
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
            let (tag, thread) = (self.tag(), self.thread());
            let mut base = self.argument::<1>();
            if self.is_one_unit(result) {
                pieces::read(tag, base, result, thread, source.kind as u8);
            } else {
                bytes = self.walk(source.kind, Direction::Ingest, result);
                base = walk::first_address();
            }
            last_ingest::remember(tag, thread, base, bytes, source.kind);
        }
        if source.kind as u8 == EndpointKind::Pipe as u8 {
            pipes::discard(source, bytes);
        }
        self.add(source.kind, EndpointKind::None, Class::Ingest, bytes);
    }

    /// Whether the return value may be larger than what was copied.
    #[inline(always)]
    fn is_truncated(&self) -> bool {
        if self.call == Call::Recvfrom as u8 {
            self.argument::<3>() & MSG_TRUNC != 0
        } else {
            self.call == Call::Recvmsg as u8 && self.argument::<2>() & MSG_TRUNC != 0
        }
    }

    #[inline(always)]
    fn egress(&self, result: i64) {
        let sink = self.endpoint(self.argument::<0>(), result);
        if result < 0 {
            self.add_error(EndpointKind::None, sink.kind, result);
            return;
        }
        let mut bytes = result as u64;
        if !self.is_one_unit(bytes) || !self.egress_one_unit(sink.kind, bytes) {
            bytes = self.walk(sink.kind, Direction::Egress, bytes);
        }
        if sink.kind as u8 == EndpointKind::Pipe as u8 {
            pipes::fill(&sink, EndpointKind::Pipe as u8, bytes);
        }
    }

    /// Accounts for a write whose one buffer is one piece of a read, or nothing that is remembered and
    /// too short to be looked up by content; `false` where it is neither.
    #[inline(always)]
    fn egress_one_unit(&self, sink: EndpointKind, bytes: u64) -> bool {
        let (tag, address) = (self.tag(), self.argument::<1>());
        let (source, class) = match relay::spend_whole(tag, address, address + bytes) {
            Whole::Piece(piece) => {
                pieces::forget_spent(tag, &piece, address);
                (piece.source, pieces::class_of(&piece))
            }
            Whole::Nothing if self.argument::<2>() < content::MIN_LENGTH => {
                let wanted = self.argument::<2>();
                match last_ingest::take(tag, self.thread(), wanted, bytes) {
                    Some(source) => (source, Class::SameSize),
                    None => (EndpointKind::None as u8, Class::Generated),
                }
            }
            _ => return false,
        };
        let flow = Flow::copied(self.call, source, sink as u8, class);
        flows::add(self.process, flow, Amount::call(bytes));
        true
    }

    #[inline(always)]
    fn zero_copy(&self, result: i64) {
        if self.call == Call::Vmsplice as u8 {
            self.vmsplice(result);
            return;
        }
        let (from, to) = if self.call == Call::Sendfile as u8 {
            (self.argument::<1>(), self.argument::<0>())
        } else if self.call == Call::Tee as u8 {
            (self.argument::<0>(), self.argument::<1>())
        } else {
            (self.argument::<0>(), self.argument::<2>())
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
            let amount = Amount {
                bytes: length,
                is_first_of_flow: seen & bit == 0,
                is_first_of_call: seen == 0,
            };
            seen |= bit;
            self.add_amount(kind, sink.kind as u8, class, amount);
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
        self.add_amount(source as u8, sink as u8, class, Amount::call(bytes));
    }

    #[inline(always)]
    fn add_amount(&self, source: u8, sink: u8, class: Class, amount: Amount) {
        let sharing = if self.call < Call::Read as u8 && class as u8 <= Class::Staged as u8 {
            Sharing::UnknownSource
        } else {
            Sharing::None
        };
        let flow = Flow {
            call: self.call,
            source,
            sink,
            class,
            sharing,
        };
        flows::add(self.process, flow, amount);
    }

    #[inline(always)]
    fn add_error(&self, source: EndpointKind, sink: EndpointKind, result: i64) {
        flows::add_error(self.process, self.call, source, sink, (-result) as u16);
    }
}
