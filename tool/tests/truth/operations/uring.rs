//! What only io_uring does: linked requests, requests that complete more than once, and memory that
//! the process takes back before they are complete.

use copytax::host::kernel::Version;
use io_uring::{cqueue, opcode, squeue::Flags, types};

use super::LONGEST;
use crate::ring::Completion;
use crate::uring::Pointed;
use crate::world::{Lends, Segment, Sink, Source, World, cut, is_socket};

/// Marks a request that completes more than once.
const ARMED: u64 = 1;

/// Whether a request that waits for another one has its file already: in `io_req_prep_async` of
/// `io_uring/io_uring.c`, before 6.10.
fn assigns_early() -> bool {
    // A system call that is not accounted.
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    Version::of_release(&release) < Some(Version::new(6, 10))
}

impl World {
    /// A read and a write of what it reads, submitted together.
    pub(super) fn linked(&mut self) {
        let (source, sink) = (self.file_source(), self.pick_sink());
        let length = self.length(source.available.min(sink.room).min(LONGEST));
        let slot = self.memory.slot();
        let segment = (slot, length);
        let mut pointed = Pointed::new(vec![self.vector(segment)]);
        let address = pointed.vector[0].iov_base.cast();
        let read = self.on(source.fd, |fd| {
            let read = opcode::Read::new(fd, address, length as u32);
            read.offset(u64::MAX).build().flags(Flags::IO_LINK)
        });
        let flags = self.send_flags();
        let (name, write) = self.write_request(sink, slot, &mut pointed, flags);
        let completions = self.complete(&[read.user_data(0), write.user_data(1)]);
        let result = |mark: u64| {
            let found = completions
                .iter()
                .find(|c| c.user_data == mark && !cqueue::notif(c.flags));
            found.expect("both complete").result
        };
        assert_eq!(result(0), length as i32);
        assert_eq!(result(1), length as i32, "{name}");
        self.account_read("io_uring_read", source, &[segment], length, true);
        let lends = self.request_lends(name, sink, flags, &completions);
        self.account(name, sink, &[(&[segment], length)], lends);
    }

    /// A read that is short, so that the write linked to it is cancelled.
    pub(super) fn broken_link(&mut self) {
        let source = self.file_source();
        let (slot, length) = (self.memory.slot(), self.random.usize(8..4_096));
        let address = self.memory.pointer(slot).cast();
        let position = (crate::endpoints::FILE_LENGTH - length) as u64;
        let read = opcode::Read::new(types::Fd(source.fd), address, 8_192)
            .offset(position)
            .build();
        let sink = self.endpoints.sink_file;
        let write = opcode::Write::new(types::Fd(sink), address, 8_192).build();
        let completions = self.complete(&[read.flags(Flags::IO_LINK), write.user_data(1)]);
        let cancelled = completions.iter().find(|c| c.user_data == 1);
        assert_eq!(cancelled.map(|c| c.result), Some(-libc::ECANCELED));
        self.account_read("io_uring_read", source, &[(slot, length)], length, false);
        let sink = if assigns_early() { "file" } else { "unknown" };
        self.truth
            .error("io_uring_write", "none", sink, libc::ECANCELED);
    }

    /// A receive that stays armed until its buffers are used up, or it is cancelled.
    pub(super) fn multishot(&mut self) {
        let source = self.pick_source();
        let Some(channel) = source.channel.filter(|_| source.kind != "pipe") else {
            return;
        };
        let slot = self.memory.slot();
        let size = self.random.usize(64..16 << 10);
        let count = self.random.usize(1..=4);
        let first = self.random.u16(..1_000);
        for index in 0..count {
            let address = self.memory.pointer(slot + index * size);
            self.ring_mut().provide(address, size, first + index as u16);
        }
        let group = self.ring_mut().group;
        let is_stream = !self.endpoints.channels[channel].is_datagram();
        let bundles = is_stream && self.random.bool() && self.features.bundles;
        let receive = self.on(source.fd, |fd| {
            if bundles {
                opcode::RecvMultiBundle::new(fd, group).build()
            } else {
                opcode::RecvMulti::new(fd, group).build()
            }
        });
        let cancel = opcode::AsyncCancel::new(ARMED).build();
        let completions = self.complete(&[receive.user_data(ARMED), cancel]);
        let mut received = Vec::new();
        for completion in completions.iter().filter(|c| c.user_data == ARMED) {
            received.extend(self.received(source, *completion, (slot, size), first));
        }
        self.ring_mut().take_back();
        self.write_out(&received);
    }

    /// Writes segments to the file: so many small reads in one buffer are not to stay.
    fn write_out(&mut self, segments: &[Segment]) {
        let sink = Sink {
            kind: "file",
            fd: self.endpoints.sink_file,
            channel: None,
            room: usize::MAX,
        };
        for segment in segments {
            self.write(sink, &[*segment]);
        }
    }

    /// Accounts for one completion of an armed receive into buffers of `size` bytes from `slot` on;
    /// gives what was received.
    fn received(
        &mut self,
        source: Source,
        completion: Completion,
        (slot, size): (usize, usize),
        first: u16,
    ) -> Vec<Segment> {
        if completion.result < 0 {
            let errno = -completion.result;
            self.truth
                .error("io_uring_recv", source.kind, "none", errno);
            return Vec::new();
        }
        let id = cqueue::buffer_select(completion.flags).expect("a provided buffer");
        let mut start = slot + usize::from(id - first) * size;
        let mut left = completion.result as usize;
        let mut segments: Vec<Segment> = Vec::new();
        while left > 0 {
            segments.push((start, left.min(size)));
            start += size;
            left -= left.min(size);
        }
        let bytes = completion.result as usize;
        self.account_read("io_uring_recv", source, &segments, bytes, false);
        segments
    }

    /// A read that waits for what is written later, whose vector is gone by then.
    pub(super) fn late_vector(&mut self) {
        let empty: Vec<usize> = (0..self.endpoints.channels.len())
            .filter(|channel| self.endpoints.channels[*channel].runs.is_empty())
            .collect();
        // A thread that polls may be faster with the read than this one with the end of its write.
        if empty.is_empty() || self.ring_mut().poller().is_some() {
            return;
        }
        let channel = empty[self.random.usize(..empty.len())];
        let (kind, reader, writer) = {
            let channel = &self.endpoints.channels[channel];
            (channel.kind, channel.reader, channel.writer)
        };
        let slot = self.memory.slot();
        let segments = [(slot, 100), (slot + 500, 200), (slot + 1_000, 700)];
        let mut pointed = Pointed::new(segments.map(|segment| self.vector(segment)).to_vec());
        let message = &raw mut *pointed.message;
        let (vector, is_message) = (pointed.vector.as_ptr(), self.random.bool());
        let (name, request) = if is_socket(kind) && is_message {
            let request = |fd| opcode::RecvMsg::new(fd, message).build();
            ("io_uring_recvmsg", self.on(reader, request))
        } else {
            let request = |fd| opcode::Readv::new(fd, vector, 3).build();
            ("io_uring_readv", self.on(reader, request))
        };
        self.ring_mut().submit(&[request]);
        pointed.spoil();
        let source = self.memory.slot();
        let length = self.random.usize(1..1_000);
        self.fill(source, length);
        self.acting = None;
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe { libc::write(writer, self.memory.pointer(source), length) };
        assert_eq!(result, length as isize);
        let sink = Sink {
            kind,
            fd: writer,
            channel: Some(channel),
            room: length,
        };
        self.account(
            "write",
            sink,
            &[(&[(source, length)], length)],
            Lends::Nothing,
        );
        let completion = self.ring_mut().wait(1)[0];
        assert_eq!(completion.result, length as i32, "{name}");
        self.acting = self.ring_mut().poller();
        let source = Source {
            kind,
            fd: reader,
            channel: Some(channel),
            available: length,
        };
        self.account_read(name, source, &segments, length, false);
        self.write_out(&cut(&segments, length));
    }
}
