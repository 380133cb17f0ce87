//! Accounting of one call, whatever interface it came by.

use copytax_common::{Call, Class, EndpointKind, ProcessKey, Sharing};

use crate::{
    completions::{self, Ids, SendKey},
    content,
    endpoint::Endpoint,
    flows::{self, Amount, Files, Flow},
    last_ingest, mapping, pieces,
    pipes::{self, DRAINED_RUNS, Origin},
    relay::{self, CHUNK, Place, Who, Whole},
    sampling, sharing, tls,
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
    fn walk(&self, endpoint: &Endpoint, direction: Direction, memory: Memory, result: u64) -> u64 {
        let caller = Caller {
            process: self.process,
            tag: self.tag,
            thread: self.thread,
            call: self.call,
            endpoint: endpoint.kind,
            file: endpoint.id(),
            direction,
        };
        walk::walk(&caller, memory.shape, memory.address, memory.length, result)
    }

    /// Accounts for a call that brought `result` bytes (or messages) into `memory`.
    #[inline(always)]
    pub(crate) fn ingest(&self, source: &Endpoint, memory: Memory, result: u64) {
        let mut bytes = result;
        self.begin_sampling(Some(source), None, self.known(result), false);
        let (tag, thread) = (self.tag, self.thread);
        if memory.is_one_unit(result) {
            let address = memory.address;
            if relay::read_again(tag, address, result, self.who(0), source.origin()) {
                discard(source, result);
                return;
            }
            pieces::read(tag, address, result, thread, source.origin());
        } else if result != 0 {
            bytes = self.walk(source, Direction::Ingest, memory, result);
            let base = walk::first_address();
            last_ingest::remember(tag, thread, base, bytes, source.kind, Place(0));
        }
        self.count_ingest(source, bytes);
    }

    /// What the short ways know it by.
    #[inline(always)]
    const fn who(&self, sink: u8) -> Who {
        Who {
            thread: self.thread,
            call: self.call,
            sink,
        }
    }

    /// Counts `bytes` that came into the process, and remembers nothing of them.
    #[inline(always)]
    pub(crate) fn count_ingest(&self, source: &Endpoint, bytes: u64) {
        discard(source, bytes);
        let flow = Flow::copied(self.call, source.kind, 0, Class::Ingest);
        flows::add(self.process, flow, Files::NONE, Amount::call(bytes));
    }

    /// Accounts for a call that brought `result` bytes (or messages) out of `memory`.
    #[inline(always)]
    pub(crate) fn egress(&self, sink: &Endpoint, memory: Memory, result: u64) {
        let mut bytes = result;
        self.begin_sampling(None, Some(sink), self.known(result), false);
        if !memory.is_one_unit(bytes) || !self.egress_one_unit(sink, memory, bytes) {
            bytes = self.walk(sink, Direction::Egress, memory, bytes);
        }
        if sink.kind == EndpointKind::Pipe as u8 {
            pipes::fill(sink, Origin::pages(EndpointKind::Pipe as u8), bytes);
        }
    }

    /// Accounts for a call that lent `result` bytes (or messages) of `memory` to a socket; its
    /// completion has this key, or, if it is several, the first one.
    #[inline(always)]
    pub(crate) fn egress_by_reference(
        &self,
        sink: &Endpoint,
        memory: Memory,
        result: u64,
        (key, ids): (SendKey, Ids),
    ) {
        self.begin_sampling(None, Some(sink), self.known(result), true);
        completions::begin(self.process, self.call, sink.kind, key, ids);
        self.walk(sink, Direction::ByReference, memory, result);
    }

    /// Accounts for a write whose one buffer is one piece of a read, or nothing that is remembered and
    /// too short to be looked up by content; `false` where it is neither.
    #[inline(always)]
    fn egress_one_unit(&self, sink: &Endpoint, memory: Memory, bytes: u64) -> bool {
        let (tag, address) = (self.tag, memory.address);
        if relay::write_again(tag, address, bytes, self.who(sink.kind), sink.id()) {
            return true;
        }
        let (origin, class) = match relay::spend_whole(tag, address, address + bytes) {
            Whole::Piece(piece) => {
                pieces::forget_spent(tag, &piece, address);
                let class = pieces::class_of(piece.source, piece.copied);
                (piece.origin(), class)
            }
            Whole::Nothing
                if memory.length < content::MIN_LENGTH
                    && !tls::is_record(sink.kind, address, memory.length)
                    && mapping::is_no_file(tag, address, address + bytes) =>
            {
                match last_ingest::take(tag, self.thread, memory.length, bytes) {
                    Some(source) => (relay::Origin { source, file: 0 }, Class::SameSize),
                    None => (pieces::PROCESS, Class::Generated),
                }
            }
            _ => return false,
        };
        let flow = Flow::copied(self.call, origin.source, sink.kind, class);
        let files = Files {
            source: origin.file,
            sink: sink.id(),
        };
        flows::add(self.process, flow, files, Amount::call(bytes));
        true
    }

    /// Accounts for bytes that moved inside the kernel.
    #[inline(always)]
    pub(crate) fn transfer(&self, source: &Endpoint, sink: &Endpoint, bytes: u64) {
        let into_pipe = sink.kind == EndpointKind::Pipe as u8;
        self.begin_sampling(Some(source), Some(sink), bytes, false);
        let halves = sharing::of_call(self.call, source, sink);
        if source.kind != EndpointKind::Pipe as u8 || bytes == 0 {
            let origin = Origin {
                source: source.kind,
                sharing: halves.both,
                file: source.id() as u32,
            };
            if into_pipe && bytes != 0 {
                pipes::fill(sink, origin, bytes);
            }
            self.add_moved(origin, sink, Amount::call(bytes));
            return;
        }
        let consume = self.call != Call::Tee as u8 && self.call != Call::UringTee as u8;
        // Tags of the origins that this call has counted in, the last one lowest: a pipe has four.
        let mut seen = 0u64;
        let Some(drained) = pipes::drain(source, bytes, consume) else {
            return;
        };
        for run in 0..DRAINED_RUNS {
            let Some((staged, length)) = drained.run(run) else {
                break;
            };
            let origin = Origin {
                sharing: sharing::combined(staged.sharing, halves.taken),
                ..staged
            };
            if into_pipe {
                pipes::fill(sink, origin, length);
            }
            let amount = Amount {
                bytes: length,
                is_first_of_flow: !has_lane(seen, origin.tag()),
                is_first_of_call: seen == 0,
            };
            seen = seen << 16 | u64::from(origin.tag());
            self.add_moved(origin, sink, amount);
        }
    }

    /// Accounts for `bytes` of memory that a pipe took by reference.
    #[inline(always)]
    pub(crate) fn stage(&self, memory: u8, pipe: &Endpoint, bytes: u64) {
        self.add_moved(Origin::pages(memory), pipe, Amount::call(bytes));
    }

    /// Adds bytes that moved inside the kernel to their flow.
    #[inline(always)]
    fn add_moved(&self, origin: Origin, sink: &Endpoint, amount: Amount) {
        let class = if sink.kind == EndpointKind::Pipe as u8 {
            Class::Staged
        } else {
            Class::ZeroCopy
        };
        let flow = Flow {
            call: self.call,
            source: origin.source,
            sink: sink.kind,
            class,
            sharing: origin.sharing,
        };
        let files = Files {
            source: origin.file,
            sink: sink.id(),
        };
        flows::add(self.process, flow, files, amount);
    }

    /// Adds a call of which neither the memory nor all files can be looked at to its flow.
    #[inline(always)]
    pub(crate) fn add_unseen(&self, source: u8, sink: u8, class: Class, bytes: u64) {
        let sharing = match class {
            Class::ZeroCopy | Class::Staged => Sharing::UnknownSource,
            Class::ByReference => Sharing::CompletionUnread,
            _ => Sharing::None,
        };
        let flow = Flow {
            call: self.call,
            source,
            sink,
            class,
            sharing: sharing as u8,
        };
        flows::add(self.process, flow, Files::NONE, Amount::call(bytes));
    }

    /// Begins to sample the bytes of this call; it moved `bytes`, 0 where that is not known.
    #[inline(always)]
    fn begin_sampling(
        &self,
        source: Option<&Endpoint>,
        sink: Option<&Endpoint>,
        bytes: u64,
        by_reference: bool,
    ) {
        let file = |endpoint: Option<&Endpoint>| endpoint.map_or(0, Endpoint::file);
        let kind = |endpoint: Option<&Endpoint>| {
            endpoint.map_or(EndpointKind::None as u8, |endpoint| endpoint.kind)
        };
        let caller = sampling::Caller {
            thread: self.thread,
            call: self.call,
            source: kind(source),
            sink: kind(sink),
            source_file: file(source),
            sink_file: file(sink),
            by_reference,
        };
        sampling::begin(&caller, bytes);
    }

    /// The result of a call as bytes, 0 where it is messages.
    #[inline(always)]
    fn known(&self, result: u64) -> u64 {
        let is_messages = self.call == Call::Recvmmsg as u8 || self.call == Call::Sendmmsg as u8;
        if is_messages { 0 } else { result }
    }

    /// Counts a call that failed with `result`, a negative errno.
    #[inline(always)]
    pub(crate) fn add_error(&self, source: u8, sink: u8, result: i64) {
        flows::add_error(self.process, self.call, source, sink, (-result) as u16);
    }
}

/// Takes what was read from a pipe out of it.
#[inline(always)]
fn discard(source: &Endpoint, bytes: u64) {
    if source.kind == EndpointKind::Pipe as u8 {
        pipes::discard(source, bytes);
    }
}

/// Whether one of the four lanes of `word` is `tag`; without branches, which the verifier would follow
/// for each run of a pipe.
#[inline(always)]
const fn has_lane(word: u64, tag: u16) -> bool {
    const LOWEST: u64 = 0x0001_0001_0001_0001;
    // A lane that is 0 borrows from its own highest bit.
    let differences = word ^ (tag as u64 * LOWEST);
    differences.wrapping_sub(LOWEST) & !differences & (LOWEST << 15) != 0
}
