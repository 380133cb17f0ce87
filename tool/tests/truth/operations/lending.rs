//! Memory that a socket is lent (`MSG_ZEROCOPY`), and what its completions say.

use std::ops::RangeInclusive;
use std::os::fd::RawFd;

use super::LONGEST;
use crate::messages::one_of_many;
use crate::truth::moved_key;
use crate::world::{Lends, Segment, Sink, World, thread};

/// `linux/errqueue.h`
const SO_EE_ORIGIN_ZEROCOPY: u8 = 5;
const SO_EE_CODE_ZEROCOPY_COPIED: u8 = 1;

/// Messages of one call.
const MESSAGES: usize = 4;

impl World {
    /// Flags for a send: `MSG_ZEROCOPY` is for sockets that can do it, and ignored by the others.
    pub(crate) fn send_flags(&mut self) -> i32 {
        if self.random.bool() {
            libc::MSG_NOSIGNAL | libc::MSG_ZEROCOPY
        } else {
            libc::MSG_NOSIGNAL
        }
    }

    pub(crate) fn lends(&self, sink: Sink) -> bool {
        sink.channel
            .is_some_and(|channel| self.endpoints.channels[channel].lends)
    }

    /// One of the sockets with `SO_ZEROCOPY`.
    fn lending_sink(&mut self) -> Option<(usize, Sink)> {
        let channels = &self.endpoints.channels;
        let lending: Vec<usize> = (0..channels.len())
            .filter(|index| channels[*index].lends && channels[*index].room() > 0)
            .collect();
        let channel = *self.random.choice(&lending)?;
        let sink = Sink {
            kind: channels[channel].kind,
            fd: channels[channel].writer,
            channel: Some(channel),
            room: channels[channel].room(),
        };
        Some((channel, sink))
    }

    /// Lends what was read or made; several messages by one call, too.
    pub(super) fn lend(&mut self) {
        let Some((channel, sink)) = self.lending_sink() else {
            return;
        };
        match self.random.u32(..4) {
            0 => self.lend_nothing(channel, sink),
            1 | 2 => self.lend_messages(sink),
            _ => {
                let source = self.pick_source();
                let (slot, length) = self.read_some(source, sink.room.min(LONGEST));
                let segments = self.split(slot, length);
                self.write(sink, &segments);
            }
        }
    }

    /// An empty send: a datagram has a completion all the same.
    fn lend_nothing(&mut self, channel: usize, sink: Sink) {
        let flags = libc::MSG_ZEROCOPY;
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe { libc::send(sink.fd, std::ptr::null(), 0, flags) };
        assert_eq!(self.expect("sendto", result), 0);
        self.truth
            .simple_call("sendto", "none", sink.kind, "none", 0);
        self.endpoints.channels[channel]
            .lent
            .empty(sink.kind == "udp");
        if sink.kind == "udp" {
            self.drain_channel(channel);
        }
    }

    /// Takes everything out of a channel, until nothing is left.
    fn drain_channel(&mut self, channel: usize) {
        let (kind, reader) = {
            let channel = &mut self.endpoints.channels[channel];
            channel.runs.clear();
            (channel.kind, channel.reader)
        };
        let slot = self.memory.slot();
        let address = self.memory.pointer(slot);
        loop {
            let flags = libc::MSG_DONTWAIT;
            // SAFETY: a call on descriptors and memory that live as long as it runs.
            let result = unsafe { libc::recv(reader, address, 64 << 10, flags) };
            if result < 0 {
                self.truth.error("recvfrom", kind, "none", libc::EAGAIN);
                return;
            }
            let bytes = result as usize;
            self.truth
                .simple_call("recvfrom", kind, "none", "ingest", bytes as u64);
            if bytes > 0 {
                self.memory.ingest(thread(), kind, &[(slot, bytes)]);
            }
        }
    }

    /// Several messages, some of them empty where that leaves nothing to be read.
    fn lend_messages(&mut self, sink: Sink) {
        let count = self.random.usize(1..=MESSAGES);
        let limit = (sink.room / MESSAGES).min(LONGEST / MESSAGES);
        let mut messages: Vec<Segment> = Vec::new();
        for _ in 0..count {
            if self.random.u32(..4) == 0 && sink.kind == "tcp" {
                messages.push((0, 0));
            } else if self.random.bool() {
                let source = self.pick_source();
                messages.push(self.read_some(source, limit));
            } else {
                let (slot, length) = (self.memory.slot(), self.length(limit));
                self.fill(slot, length);
                messages.push((slot, length));
            }
        }
        let vectors: Vec<libc::iovec> = messages.iter().map(|m| self.vector(*m)).collect();
        let mut headers: Vec<libc::mmsghdr> = vectors
            .iter()
            .map(|vector| one_of_many(std::slice::from_ref(vector)))
            .collect();
        let (address, flags) = (headers.as_mut_ptr(), libc::MSG_ZEROCOPY);
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let result = unsafe { libc::sendmmsg(sink.fd, address, count as u32, flags) } as isize;
        assert_eq!(self.expect("sendmmsg", result), count);
        let written: Vec<(&[Segment], usize)> = messages
            .iter()
            .map(|message| (std::slice::from_ref(message), message.1))
            .collect();
        self.account("sendmmsg", sink, &written, Lends::Counted);
    }

    /// Lends, while another thread waits for the completion.
    pub(super) fn lend_across_threads(&mut self) {
        let Some((_, sink)) = self.lending_sink() else {
            return;
        };
        let (slot, length) = (self.memory.slot(), self.length(sink.room));
        self.fill(slot, length);
        let is_several = self.random.bool();
        let completion = std::thread::scope(|scope| {
            let waiter = scope.spawn(move || {
                wait_for_error(sink.fd);
                Completion::read(sink.fd, is_several)
            });
            let address = self.memory.pointer(slot);
            let flags = libc::MSG_ZEROCOPY;
            // SAFETY: a call on descriptors and memory that live as long as it runs.
            let result = unsafe { libc::send(sink.fd, address, length, flags) };
            let bytes = self.expect("sendto", result);
            self.account(
                "sendto",
                sink,
                &[(&[(slot, length)], bytes)],
                Lends::Counted,
            );
            waiter.join().expect("it does not panic")
        });
        self.completed(sink.kind, sink.fd, &completion);
    }

    /// Reads completions: some of them, or none where there are none.
    pub(super) fn read_completions(&mut self) {
        let lending = self.endpoints.channels.iter().filter(|c| c.lends);
        let lending: Vec<_> = lending.map(|c| (c.kind, c.writer)).collect();
        let (kind, fd) = lending[self.random.usize(..lending.len())];
        for _ in 0..self.random.usize(1..3) {
            let completion = if self.random.u32(..3) == 0 {
                Completion::received(|messages, flags| {
                    let message = &raw mut messages.msg_hdr;
                    let result = self.ring_completion(fd, message, flags);
                    ("io_uring_recvmsg", result)
                })
            } else {
                Completion::read(fd, self.random.bool())
            };
            self.completed(kind, fd, &completion);
        }
    }

    /// Accounts for a completion, and for the call that has read it.
    fn completed(&mut self, kind: &'static str, fd: RawFd, completion: &Completion) {
        let call = completion.call;
        let Some((ids, sharing)) = completion.sends.clone() else {
            self.truth.error(call, kind, "none", libc::EAGAIN);
            return;
        };
        self.truth.simple_call(call, kind, "none", "ingest", 0);
        let channels = &mut self.endpoints.channels;
        let channel = channels.iter_mut().find(|c| c.writer == fd);
        let lent = &mut channel.expect("it has been chosen of them").lent;
        for id in ids {
            let flows = lent.take(id).expect("it was sent");
            self.truth.settle(&flows, sharing);
        }
    }
}

/// The flow of bytes that were sent by reference and would be of `class` from `source` otherwise.
pub(crate) fn lent_key(name: &str, class: &str, source: &str, sink: &str) -> String {
    let source = match class {
        "same_buffer" | "same_content" | "mapped" => source,
        _ => "memory",
    };
    moved_key(name, source, sink, "by_reference", "completion_unread")
}

/// Waits until there is something in the error queue, or for a second.
fn wait_for_error(fd: RawFd) {
    let mut poll = libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    };
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    unsafe { libc::poll(&raw mut poll, 1, 1_000) };
}

/// What a process has read from an error queue.
struct Completion {
    call: &'static str,
    /// Numbers of the sends, and what became of them; `None` where there was nothing.
    sends: Option<(RangeInclusive<u32>, &'static str)>,
}

impl Completion {
    fn read(fd: RawFd, is_several: bool) -> Self {
        // SAFETY: calls on descriptors and memory that live as long as they run.
        Self::received(|messages, flags| unsafe {
            if is_several {
                let null = std::ptr::null_mut();
                let result = libc::recvmmsg(fd, messages, 1, flags, null);
                ("recvmmsg", result as isize)
            } else {
                let result = libc::recvmsg(fd, &raw mut messages.msg_hdr, flags);
                ("recvmsg", result)
            }
        })
    }

    /// Receives it by a call, which gives its name and its result.
    fn received(receive: impl FnOnce(&mut libc::mmsghdr, i32) -> (&'static str, isize)) -> Self {
        let mut control = [0u64; 64];
        let mut messages = one_of_many(&[]);
        messages.msg_hdr.msg_control = control.as_mut_ptr().cast();
        messages.msg_hdr.msg_controllen = size_of_val(&control);
        let (call, result) = receive(&mut messages, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT);
        let sends = (result >= 0).then(|| sends_of(&messages.msg_hdr));
        Self { call, sends }
    }
}

/// What the control message of a completion says.
fn sends_of(message: &libc::msghdr) -> (RangeInclusive<u32>, &'static str) {
    // SAFETY: the kernel has filled the control message in.
    let error = unsafe {
        let header = libc::CMSG_FIRSTHDR(message);
        assert!(!header.is_null());
        let data: *const libc::sock_extended_err = libc::CMSG_DATA(header).cast();
        data.read_unaligned()
    };
    assert_eq!(error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    let sharing = if error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED == 0 {
        "completion"
    } else {
        "completion_copied"
    };
    (error.ee_info..=error.ee_data, sharing)
}
