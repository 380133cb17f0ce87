//! The random operations that move bytes inside the kernel.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use super::LONGEST;
use crate::endpoints::{FILE_LENGTH, Origin};
use crate::files::{combined, of_random};
use crate::truth::moved_key;
use crate::world::{Segment, Sink, World};

/// `O_DIRECT` wants positions and lengths of whole blocks.
const BLOCK: usize = 4_096;

/// Bytes of a file that a call is asked to move.
struct Extent {
    fd: RawFd,
    origin: Origin,
    position: i64,
    length: usize,
}

impl World {
    /// Up to `limit` bytes of one of the files, in whole blocks; `None` where there is no room.
    fn extent(&mut self, limit: usize) -> Option<Extent> {
        let files = &self.endpoints.files.from;
        let file = files[self.random.usize(..files.len())];
        let length = self.length(limit.min(LONGEST)).next_multiple_of(BLOCK);
        let last = (FILE_LENGTH - LONGEST) / BLOCK;
        (length <= limit).then(|| Extent {
            fd: file.fd,
            origin: Origin {
                source: "file",
                sharing: file.sharing,
            },
            position: (self.random.usize(..=last) * BLOCK) as i64,
            length,
        })
    }

    /// A sink, and what it does with bytes that a call inside the kernel gives it.
    fn taking_sink(&mut self) -> (Sink, &'static str) {
        let mut sink = self.pick_sink();
        let taken = match sink.kind {
            "file" => {
                let files = &self.endpoints.files.to;
                let file = files[self.random.usize(..files.len())];
                sink.fd = file.fd;
                file.sharing
            }
            "tcp" | "unix" | "pipe" => "",
            _ => "unknown_sink",
        };
        (sink, taken)
    }

    pub(super) fn sendfile(&mut self) {
        let (sink, taken) = self.taking_sink();
        if sink.kind == "udp" || sink.kind == "unix_datagram" {
            return;
        }
        let Some(mut extent) = self.extent(sink.room) else {
            return;
        };
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result =
            unsafe { libc::sendfile(sink.fd, extent.fd, &raw mut extent.position, extent.length) };
        let bytes = self.expect("sendfile", result);
        self.moved("sendfile", &[(extent.origin, bytes)], sink, taken);
    }

    /// Accounts for runs that a zero-copy call moved into a sink that does `taken` with them.
    fn moved(
        &mut self,
        name: &'static str,
        runs: &[(Origin, usize)],
        sink: Sink,
        taken: &'static str,
    ) {
        let class = if sink.kind == "pipe" {
            "staged"
        } else {
            "zero_copy"
        };
        let mut flows = BTreeMap::new();
        for &(Origin { source, sharing }, bytes) in runs {
            let sharing = combined(sharing, taken);
            let key = moved_key(name, source, sink.kind, class, sharing);
            *flows.entry(key).or_insert(0) += bytes as u64;
            if let Some(channel) = sink.channel
                && bytes != 0
            {
                let origin = if sink.kind == "pipe" {
                    Origin { source, sharing }
                } else {
                    Origin::WRITTEN
                };
                self.endpoints.channels[channel].fill(origin, bytes);
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
            self.splice_in(pipe);
        } else {
            self.splice_out(pipe);
        }
    }

    fn splice_call(&self, from: RawFd, position: *mut i64, to: RawFd, length: usize) -> usize {
        let null = std::ptr::null_mut();
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        self.expect("splice", unsafe {
            libc::splice(from, position, to, null, length, 0)
        })
    }

    fn splice_in(&mut self, pipe: usize) {
        let sink = self.pipe_sink(pipe);
        let null = std::ptr::null_mut();
        let source = self.pick_source();
        let (origin, bytes) = match (source.kind, source.channel) {
            ("file", _) => {
                let Some(mut extent) = self.extent(sink.room) else {
                    return;
                };
                let position = &raw mut extent.position;
                let bytes = self.splice_call(extent.fd, position, sink.fd, extent.length);
                (extent.origin, bytes)
            }
            ("char", _) => {
                let length = self.length(source.available.min(sink.room));
                let bytes = self.splice_call(source.fd, null, sink.fd, length);
                let origin = Origin {
                    source: "char",
                    sharing: of_random(),
                };
                (origin, bytes)
            }
            ("tcp" | "unix", Some(channel)) => {
                let length = self.length(source.available.min(sink.room).min(LONGEST));
                let bytes = self.splice_call(source.fd, null, sink.fd, length);
                self.endpoints.channels[channel].drain(bytes);
                let origin = Origin {
                    source: source.kind,
                    sharing: "socket_source",
                };
                (origin, bytes)
            }
            _ => return,
        };
        self.moved("splice", &[(origin, bytes)], sink, "");
    }

    fn splice_out(&mut self, pipe: usize) {
        let reader = self.endpoints.channels[pipe].reader;
        let pending = self.endpoints.channels[pipe].pending();
        let (sink, taken) = self.taking_sink();
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
        let bytes = self.splice_call(reader, std::ptr::null_mut(), sink.fd, length);
        let runs = self.endpoints.channels[pipe].drain(bytes);
        self.moved("splice", &runs, sink, taken);
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
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe { libc::tee(self.endpoints.channels[from].reader, sink.fd, length, 0) };
        let bytes = self.expect("tee", result);
        let mut runs = self.endpoints.channels[from].peek(bytes);
        if bytes == 0 {
            // Its pages may all be taken although its bytes are not.
            runs.push((Origin::WRITTEN, 0));
        }
        self.moved("tee", &runs, sink, "");
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
            let origin = Origin {
                source: if gift { "gifted_memory" } else { "memory" },
                sharing: "pages",
            };
            self.moved("vmsplice", &[(origin, bytes)], sink, "");
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
        let pairs = &self.endpoints.files.pairs;
        let pair = pairs[self.random.usize(..pairs.len())];
        let length = self.length(LONGEST);
        let mut position = self.random.i64(0..(FILE_LENGTH - LONGEST) as i64);
        let null = std::ptr::null_mut();
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe {
            libc::copy_file_range(pair.source, &raw mut position, pair.sink, null, length, 0)
        };
        let bytes = self.expect("copy_file_range", result);
        let call = "copy_file_range";
        let key = moved_key(call, "file", "file", "zero_copy", pair.sharing);
        self.truth
            .call(call, &BTreeMap::from([(key, bytes as u64)]));
    }
}
