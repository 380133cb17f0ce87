//! Calls that move bytes inside the kernel.

use super::LONGEST;
use crate::world::{Segment, Sink, World};

impl World {
    pub(super) fn sendfile(&mut self) {
        let source = self.file_source();
        let sink = self.pick_sink();
        if sink.kind == "udp" || sink.kind == "unix_datagram" {
            return;
        }
        let length = self.length(source.available.min(sink.room).min(LONGEST));
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe { libc::sendfile(sink.fd, source.fd, std::ptr::null_mut(), length) };
        let bytes = self.expect("sendfile", result);
        self.endpoints.source_position += bytes;
        self.moved("sendfile", &[("file", bytes)], sink);
    }

    /// Accounts for runs that a zero-copy call moved.
    fn moved(&mut self, name: &'static str, runs: &[(&'static str, usize)], sink: Sink) {
        let class = if sink.kind == "pipe" {
            "staged"
        } else {
            "zero_copy"
        };
        let mut flows = std::collections::BTreeMap::new();
        for &(source, bytes) in runs {
            let key = crate::truth::flow_key(name, source, sink.kind, class);
            *flows.entry(key).or_insert(0) += bytes as u64;
            if let Some(channel) = sink.channel
                && bytes != 0
            {
                let channel = &mut self.endpoints.channels[channel];
                channel.fill(if sink.kind == "pipe" { source } else { "pipe" }, bytes);
            }
        }
        self.truth.call(name, &flows);
    }

    /// One of the two pipes.
    fn pipe(&mut self) -> usize {
        2 + self.random.usize(..2)
    }

    fn pipe_sink(&self, channel: usize) -> Sink {
        let pipe = &self.endpoints.channels[channel];
        Sink {
            kind: "pipe",
            fd: pipe.writer,
            channel: Some(channel),
            room: pipe.room(),
        }
    }

    /// Splices into a pipe, out of one, or between the two.
    pub(super) fn splice(&mut self) {
        let pipe = self.pipe();
        if self.random.bool() && self.endpoints.channels[pipe].room() > 0 {
            let source = self.pick_source();
            if !matches!(source.kind, "file" | "tcp" | "unix") {
                return;
            }
            let sink = self.pipe_sink(pipe);
            let length = self.length(source.available.min(sink.room).min(LONGEST));
            let (name, bytes) = self.splice_call(source.fd, sink.fd, length);
            match source.channel {
                Some(channel) => drop(self.endpoints.channels[channel].drain(bytes)),
                None => self.endpoints.source_position += bytes,
            }
            self.moved(name, &[(source.kind, bytes)], sink);
            return;
        }
        let reader = self.endpoints.channels[pipe].reader;
        let pending = self.endpoints.channels[pipe].pending();
        let sink = self.pick_sink();
        if pending == 0
            || !matches!(sink.kind, "file" | "tcp" | "unix" | "pipe" | "char")
            || sink.channel == Some(pipe)
            || (sink.kind == "pipe" && self.endpoints.channels[5 - pipe].runs.len() > 1)
        {
            return;
        }
        let runs = self.endpoints.channels[pipe].runs.len();
        if sink.kind == "pipe" && runs > 2 {
            return;
        }
        let length = self.length(pending.min(sink.room));
        let (name, bytes) = self.splice_call(reader, sink.fd, length);
        let runs = self.endpoints.channels[pipe].drain(bytes);
        self.moved(name, &runs, sink);
    }

    pub(super) fn tee(&mut self) {
        let from = self.pipe();
        let to = 5 - from;
        let (pending, runs) = {
            let channel = &self.endpoints.channels[from];
            (channel.pending(), channel.runs.len())
        };
        if pending == 0 || runs > 2 || self.endpoints.channels[to].runs.len() > 1 {
            return;
        }
        let sink = self.pipe_sink(to);
        let length = self.length(pending.min(sink.room));
        let reader = self.endpoints.channels[from].reader;
        let (name, bytes) = self.tee_call(reader, sink.fd, length);
        let mut runs = self.endpoints.channels[from].peek(bytes);
        if bytes == 0 {
            // Its pages may all be taken although its bytes are not.
            runs.push(("pipe", 0));
        }
        self.moved(name, &runs, sink);
    }

    /// Splices by a call or by a request; gives which, and the bytes.
    fn splice_call(&mut self, from: i32, to: i32, length: usize) -> (&'static str, usize) {
        if self.random.bool() {
            return ("io_uring_splice", self.ring_splice(from, to, length));
        }
        let null = std::ptr::null_mut();
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe { libc::splice(from, null, to, null, length, 0) };
        ("splice", self.expect("splice", result))
    }

    fn tee_call(&mut self, from: i32, to: i32, length: usize) -> (&'static str, usize) {
        if self.random.bool() {
            return ("io_uring_tee", self.ring_tee(from, to, length));
        }
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe { libc::tee(from, to, length, 0) };
        ("tee", self.expect("tee", result))
    }

    /// Gifted or not, into a pipe; or out of one, which is a read.
    pub(super) fn vmsplice(&mut self) {
        let pipe = self.pipe();
        let slot = self.memory.slot();
        if self.random.bool() {
            let sink = self.pipe_sink(pipe);
            if sink.room == 0 {
                return;
            }
            let length = self.length(sink.room.min(32 << 10));
            self.fill(slot, length);
            let gift = self.random.bool();
            let flags = if gift { libc::SPLICE_F_GIFT } else { 0 };
            let bytes = self.vmsplice_call(sink.fd, (slot, length), flags);
            let source = if gift { "gifted_memory" } else { "memory" };
            self.moved("vmsplice", &[(source, bytes)], sink);
            return;
        }
        let (reader, pending) = {
            let channel = &self.endpoints.channels[pipe];
            (channel.reader, channel.pending())
        };
        if pending == 0 {
            return;
        }
        let length = self.length(pending.min(LONGEST));
        let bytes = self.vmsplice_call(reader, (slot, length), 0);
        self.endpoints.channels[pipe].drain(bytes);
        self.truth
            .simple_call("vmsplice", "pipe", "none", "ingest", bytes as u64);
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let thread = unsafe { libc::syscall(libc::SYS_gettid) as i32 };
        self.memory.ingest(thread, "pipe", &[(slot, bytes)]);
        let sink = self.pick_sink();
        self.write(sink, &[(slot, bytes.min(sink.room))]);
    }

    fn vmsplice_call(&self, fd: i32, (offset, length): Segment, flags: u32) -> usize {
        let vector = libc::iovec {
            iov_base: self.memory.pointer(offset),
            iov_len: length,
        };
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        self.expect("vmsplice", unsafe {
            libc::vmsplice(fd, &raw const vector, 1, flags)
        })
    }

    pub(super) fn copy_file_range(&mut self) {
        let source = self.file_source();
        let length = self.length(source.available.min(LONGEST));
        let null = std::ptr::null_mut();
        let sink = self.endpoints.sink_file;
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe { libc::copy_file_range(source.fd, null, sink, null, length, 0) };
        let bytes = self.expect("copy_file_range", result);
        self.endpoints.source_position += bytes;
        let key = ("copy_file_range", "file", "file", "zero_copy");
        self.truth
            .simple_call(key.0, key.1, key.2, key.3, bytes as u64);
    }
}
