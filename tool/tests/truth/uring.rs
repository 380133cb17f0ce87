//! Single reads and writes by io_uring.

use io_uring::squeue::{Entry, Flags};
use io_uring::{cqueue, opcode, types};

use crate::endpoints::FILE_LENGTH;
use crate::memory::{SLOT, SLOTS};
use crate::messages::message;
use crate::ring::{Completion, REGISTERED, Ring};
use crate::world::{Lends, Segment, Sink, Source, World, is_socket};

/// The position of the open file.
const CURRENT: u64 = u64::MAX;

/// Of the flags of a send, the one that makes those by reference ask for a report.
const REPORTS: i32 = libc::MSG_ZEROCOPY;
/// `IORING_SEND_ZC_REPORT_USAGE`, and `IORING_NOTIF_USAGE_ZC_COPIED` of the report.
pub(crate) const REPORT_USAGE: u16 = 1 << 3;
const COPIED: u32 = 1 << 31;

/// What a request points to. It must live until it is complete.
pub(crate) struct Pointed {
    pub(crate) vector: Vec<libc::iovec>,
    pub(crate) message: Box<libc::msghdr>,
}

impl Pointed {
    pub(crate) fn new(vector: Vec<libc::iovec>) -> Self {
        let message = Box::new(message(&vector));
        Self { vector, message }
    }

    /// Makes it useless: the kernel must not need it any more.
    pub(crate) fn spoil(&mut self) {
        for element in &mut self.vector {
            element.iov_base = std::ptr::without_provenance_mut(8);
            element.iov_len = 1 << 40;
        }
        self.message.msg_iovlen = 1 << 20;
    }

    fn first(&self) -> (*mut u8, u32) {
        (
            self.vector[0].iov_base.cast(),
            self.vector[0].iov_len as u32,
        )
    }

    fn elements(&self) -> (*const libc::iovec, u32) {
        (self.vector.as_ptr(), self.vector.len() as u32)
    }
}

/// A request, and the call that it is counted as.
pub(crate) type Request = (&'static str, Entry);

impl World {
    /// The ring, made at its first use: some processes have one that polls.
    pub(crate) fn ring_mut(&mut self) -> &mut Ring {
        if self.ring.is_none() {
            let buffers: Vec<libc::iovec> = (0..SLOTS)
                .map(|slot| self.vector((slot * SLOT, SLOT)))
                .collect();
            let files = self.endpoints.descriptors();
            // Kernels before 6.8 keep the first groups apart from the others.
            let groups = if self.random.bool() { 64 } else { u16::MAX };
            let (group, polls) = (self.random.u16(..groups), self.random.u32(..4) == 0);
            let ring = Ring::new(files, &buffers, group, polls).expect("a ring");
            self.acting = None;
            self.ring = Some(ring);
        }
        self.ring.as_mut().expect("it was just made")
    }

    /// Carries requests out in the name of whoever submits them.
    pub(crate) fn complete(&mut self, requests: &[Entry]) -> Vec<Completion> {
        let ring = self.ring_mut();
        let poller = ring.poller();
        let completions = ring.run(requests);
        self.acting = poller;
        completions
    }

    /// The request on its descriptor, or on the registered file.
    pub(crate) fn on(&mut self, fd: i32, request: impl FnOnce(types::Fd) -> Entry) -> Entry {
        let registered = self.ring_mut().registered(fd);
        match registered.filter(|_| self.random.bool()) {
            Some(index) => request(types::Fd(index as i32)).flags(REGISTERED),
            None => request(types::Fd(fd)),
        }
    }

    /// Reads into `segments` by one request; gives the bytes.
    pub(crate) fn ring_read(&mut self, source: Source, segments: &[Segment]) -> usize {
        let position = self.random.u64(0..FILE_LENGTH as u64 / 2);
        let mut pointed = Pointed::new(segments.iter().map(|s| self.vector(*s)).collect());
        let moves = source.kind != "file" || self.random.bool();
        let offset = if moves { CURRENT } else { position };
        let selects = segments.len() == 1 && self.random.u32(..4) == 0;
        if selects {
            let (address, length) = pointed.first();
            let id = self.random.u16(..);
            self.ring_mut().provide(address.cast(), length as usize, id);
        }
        let (name, request) =
            self.read_request(source, segments[0].0, &mut pointed, offset, selects);
        let completion = self.complete(&[request])[0];
        assert!(completion.result >= 0, "{name}: {completion:?}");
        assert_eq!(cqueue::buffer_select(completion.flags).is_some(), selects);
        let bytes = completion.result as usize;
        self.account_read(name, source, segments, bytes, moves);
        bytes
    }

    fn read_request(
        &mut self,
        source: Source,
        slot: usize,
        pointed: &mut Pointed,
        offset: u64,
        selects: bool,
    ) -> Request {
        let ((address, length), (vector, count)) = (pointed.first(), pointed.elements());
        let message: *mut libc::msghdr = &raw mut *pointed.message;
        let group = self.ring_mut().group;
        let socket = is_socket(source.kind);
        let choice = self.random.u32(..4);
        if selects {
            let nowhere = std::ptr::null_mut();
            let (name, request) = match choice {
                0 if socket => (
                    "io_uring_recv",
                    self.on(source.fd, |fd| {
                        opcode::Recv::new(fd, nowhere, length)
                            .buf_group(group)
                            .build()
                    }),
                ),
                1 if socket => (
                    "io_uring_recvmsg",
                    self.on(source.fd, |fd| {
                        opcode::RecvMsg::new(fd, message).buf_group(group).build()
                    }),
                ),
                _ => (
                    "io_uring_read",
                    self.on(source.fd, |fd| {
                        opcode::Read::new(fd, nowhere, length)
                            .offset(offset)
                            .buf_group(group)
                            .build()
                    }),
                ),
            };
            return (name, request.flags(Flags::BUFFER_SELECT));
        }
        if choice == 0 && socket {
            let request = |fd| opcode::RecvMsg::new(fd, message).build();
            return ("io_uring_recvmsg", self.on(source.fd, request));
        }
        if count > 1 || choice == 1 {
            let request = |fd| opcode::Readv::new(fd, vector, count).offset(offset).build();
            return ("io_uring_readv", self.on(source.fd, request));
        }
        if choice == 2 && socket {
            let request = |fd| opcode::Recv::new(fd, address, length).build();
            return ("io_uring_recv", self.on(source.fd, request));
        }
        let index = (slot / SLOT) as u16;
        if self.random.bool() && self.ring_mut().is_fixed(index) {
            let request = |fd| {
                opcode::ReadFixed::new(fd, address, length, index)
                    .offset(offset)
                    .build()
            };
            return ("io_uring_read_fixed", self.on(source.fd, request));
        }
        let request = |fd| {
            opcode::Read::new(fd, address, length)
                .offset(offset)
                .build()
        };
        ("io_uring_read", self.on(source.fd, request))
    }

    /// Writes `segments` by one request; gives the bytes, or `None` where it would have blocked.
    pub(crate) fn ring_write(&mut self, sink: Sink, segments: &[Segment]) -> Option<usize> {
        let mut flags = self.send_flags();
        if sink.room == 0 {
            // A request waits for room, whatever the descriptor says, unless it says so itself.
            flags |= libc::MSG_DONTWAIT;
        }
        let mut pointed = Pointed::new(segments.iter().map(|s| self.vector(*s)).collect());
        let (name, request) = self.write_request(sink, segments[0].0, &mut pointed, flags);
        let completions = self.complete(&[request]);
        let completion = completions[0];
        if completion.result == -libc::EAGAIN {
            self.truth.error(name, "none", sink.kind, libc::EAGAIN);
            return None;
        }
        assert!(completion.result >= 0, "{name}: {completion:?}");
        let bytes = completion.result as usize;
        let lends = self.request_lends(name, sink, flags, &completions);
        self.account(name, sink, &[(segments, bytes)], lends);
        Some(bytes)
    }

    /// Whether a request lends its memory to the socket, and what its notification says.
    pub(crate) fn request_lends(
        &self,
        name: &str,
        sink: Sink,
        flags: i32,
        completions: &[Completion],
    ) -> Lends {
        if !name.ends_with("_zc") {
            let asks = flags & libc::MSG_ZEROCOPY != 0 && name.starts_with("io_uring_send");
            return if asks && self.lends(sink) {
                Lends::Counted
            } else {
                Lends::Nothing
            };
        }
        let notification = completions.iter().find(|c| cqueue::notif(c.flags));
        let result = notification.expect("it has come").result;
        Lends::Notified(if !self.asks_for_report(flags) {
            "completion_unread"
        } else if result as u32 & COPIED != 0 {
            "completion_copied"
        } else {
            "completion"
        })
    }

    fn asks_for_report(&self, flags: i32) -> bool {
        self.features.reports && flags & REPORTS != 0
    }

    /// A request that writes what `pointed` points to, which begins at `slot`.
    pub(crate) fn write_request(
        &mut self,
        sink: Sink,
        slot: usize,
        pointed: &mut Pointed,
        flags: i32,
    ) -> Request {
        let ((address, length), (vector, count)) = (pointed.first(), pointed.elements());
        let message: *const libc::msghdr = &raw const *pointed.message;
        let index = (slot / SLOT) as u16;
        let socket = is_socket(sink.kind);
        let by_reference = matches!(sink.kind, "tcp" | "udp");
        let is_fixed = self.ring_mut().is_fixed(index);
        let registered = is_fixed && self.random.bool();
        let fd = sink.fd;
        let reports = if self.asks_for_report(flags) {
            REPORT_USAGE
        } else {
            0
        };
        let choice = self.random.u32(..6);
        let choice = if flags & libc::MSG_DONTWAIT == 0 {
            choice
        } else {
            choice % 2 * 3
        };
        match choice {
            0 if socket => (
                "io_uring_sendmsg",
                self.on(fd, |fd| {
                    opcode::SendMsg::new(fd, message)
                        .flags(flags as u32)
                        .build()
                }),
            ),
            1 if by_reference => (
                "io_uring_sendmsg_zc",
                self.on(fd, |fd| {
                    opcode::SendMsgZc::new(fd, message).ioprio(reports).build()
                }),
            ),
            2 if by_reference && count == 1 => (
                "io_uring_send_zc",
                self.on(fd, |fd| {
                    opcode::SendZc::new(fd, address, length)
                        .buf_index(registered.then_some(index))
                        .zc_flags(reports)
                        .build()
                }),
            ),
            3 if socket && count == 1 => (
                "io_uring_send",
                self.on(fd, |fd| {
                    opcode::Send::new(fd, address, length).flags(flags).build()
                }),
            ),
            _ if count > 1 => (
                "io_uring_writev",
                self.on(fd, |fd| {
                    opcode::Writev::new(fd, vector, count)
                        .offset(CURRENT)
                        .build()
                }),
            ),
            4 if is_fixed => (
                "io_uring_write_fixed",
                self.on(fd, |fd| {
                    opcode::WriteFixed::new(fd, address, length, index)
                        .offset(CURRENT)
                        .build()
                }),
            ),
            _ => (
                "io_uring_write",
                self.on(fd, |fd| {
                    opcode::Write::new(fd, address, length)
                        .offset(CURRENT)
                        .build()
                }),
            ),
        }
    }

    /// Splices by a request; gives the bytes.
    pub(crate) fn ring_splice(&mut self, from: i32, to: i32, length: usize) -> usize {
        let length = length as u32;
        let registered = self.registered_input(from);
        let request = self.on(to, |to| match registered {
            Some(from) => opcode::Splice::new(from, -1, to, -1, length).build(),
            None => opcode::Splice::new(types::Fd(from), -1, to, -1, length).build(),
        });
        self.moved_bytes(&[request])
    }

    /// Duplicates by a request; gives the bytes.
    pub(crate) fn ring_tee(&mut self, from: i32, to: i32, length: usize) -> usize {
        let length = length as u32;
        let registered = self.registered_input(from);
        let request = self.on(to, |to| match registered {
            Some(from) => opcode::Tee::new(from, to, length).build(),
            None => opcode::Tee::new(types::Fd(from), to, length).build(),
        });
        self.moved_bytes(&[request])
    }

    fn registered_input(&mut self, fd: i32) -> Option<types::Fixed> {
        let index = self.ring_mut().registered(fd)?;
        self.random.bool().then_some(types::Fixed(index))
    }

    fn moved_bytes(&mut self, requests: &[Entry]) -> usize {
        let completion = self.complete(requests)[0];
        assert!(completion.result >= 0, "{completion:?}");
        completion.result as usize
    }

    /// Reads from the error queue by a request; gives its result.
    pub(crate) fn ring_completion(
        &mut self,
        fd: i32,
        message: *mut libc::msghdr,
        flags: i32,
    ) -> isize {
        let request = |fd| {
            let receive = opcode::RecvMsg::new(fd, message);
            receive.flags(flags as u32).build()
        };
        let request = self.on(fd, request);
        self.complete(&[request])[0].result as isize
    }
}
