//! Accounting of one call, whatever interface it came by.

use copytax_common::{Call, Class, EndpointKind, ProcessKey, Sharing};

use crate::{
    content,
    endpoint::Endpoint,
    flows::{self, Amount, Flow},
    last_ingest, pieces, pipes,
    relay::{self, CHUNK, Whole},
    walk::{self, Caller, Direction, Shape},
};

/// A call that is being accounted: who made it, and what it was.
pub(crate) struct Operation {
    pub(crate) process: ProcessKey,
    /// Process and address space.
    pub(crate) tag: u64,
    pub(crate) thread: u32,
    pub(crate) call: u8,
}

/// The memory that a call moved bytes to or from.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// [`Shape`]
    pub(crate) shape: u8,
    pub(crate) address: u64,
    /// Bytes asked for, or elements of the vector.
    pub(crate) length: u64,
}

impl Memory {
    /// Whether it is one buffer that is one unit of the relay table when `result` bytes moved.
    #[inline(always)]
    fn is_one_unit(&self, result: u64) -> bool {
        result.wrapping_sub(1) < CHUNK && self.shape == Shape::Buffer as u8
    }
}

impl Operation {
    /// Walks the memory of a call that moved `result` bytes (or messages); gives the bytes.
    #[inline(always)]
    fn walk(
        &self,
        endpoint: EndpointKind,
        direction: Direction,
        memory: Memory,
        result: u64,
    ) -> u64 {
        let caller = Caller {
            process: self.process,
            tag: self.tag,
            thread: self.thread,
            call: self.call,
            endpoint,
            direction,
        };
        walk::walk(&caller, memory.shape, memory.address, memory.length, result)
    }

    /// Accounts for a call that brought `result` bytes (or messages) into `memory`.
    #[inline(always)]
    pub(crate) fn ingest(&self, source: &Endpoint, memory: Memory, result: u64) {
        let mut bytes = result;
        if result != 0 {
            let mut base = memory.address;
            if memory.is_one_unit(result) {
                pieces::read(self.tag, base, result, self.thread, source.kind as u8);
            } else {
                bytes = self.walk(source.kind, Direction::Ingest, memory, result);
                base = walk::first_address();
            }
            last_ingest::remember(self.tag, self.thread, base, bytes, source.kind);
        }
        self.count_ingest(source, bytes);
    }

    /// Counts `bytes` that came into the process, and remembers nothing of them.
    #[inline(always)]
    pub(crate) fn count_ingest(&self, source: &Endpoint, bytes: u64) {
        if source.kind as u8 == EndpointKind::Pipe as u8 {
            pipes::discard(source, bytes);
        }
        self.add(source.kind, EndpointKind::None, Class::Ingest, bytes);
    }

    /// Accounts for a call that brought `result` bytes (or messages) out of `memory`.
    #[inline(always)]
    pub(crate) fn egress(&self, sink: &Endpoint, memory: Memory, result: u64) {
        let mut bytes = result;
        if !memory.is_one_unit(bytes) || !self.egress_one_unit(sink.kind, memory, bytes) {
            bytes = self.walk(sink.kind, Direction::Egress, memory, bytes);
        }
        if sink.kind as u8 == EndpointKind::Pipe as u8 {
            pipes::fill(sink, EndpointKind::Pipe as u8, bytes);
        }
    }

    /// Accounts for a write whose one buffer is one piece of a read, or nothing that is remembered and
    /// too short to be looked up by content; `false` where it is neither.
    #[inline(always)]
    fn egress_one_unit(&self, sink: EndpointKind, memory: Memory, bytes: u64) -> bool {
        let (tag, address) = (self.tag, memory.address);
        let (source, class) = match relay::spend_whole(tag, address, address + bytes) {
            Whole::Piece(piece) => {
                pieces::forget_spent(tag, &piece, address);
                (piece.source, pieces::class_of(&piece))
            }
            Whole::Nothing if memory.length < content::MIN_LENGTH => {
                match last_ingest::take(tag, self.thread, memory.length, bytes) {
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

    /// Accounts for bytes that moved inside the kernel.
    #[inline(always)]
    pub(crate) fn transfer(&self, source: &Endpoint, sink: &Endpoint, bytes: u64) {
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

    /// Adds a whole call to one flow.
    #[inline(always)]
    pub(crate) fn add(&self, source: EndpointKind, sink: EndpointKind, class: Class, bytes: u64) {
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

    /// Counts a call that failed with `result`, a negative errno.
    #[inline(always)]
    pub(crate) fn add_error(&self, source: EndpointKind, sink: EndpointKind, result: i64) {
        flows::add_error(self.process, self.call, source, sink, (-result) as u16);
    }
}
