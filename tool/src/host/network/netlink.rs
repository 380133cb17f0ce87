//! Questions to the kernel by netlink: `include/uapi/linux/netlink.h`.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

/// `NLM_F_REQUEST`
const REQUEST: u16 = 0x1;
/// `NLM_F_DUMP`: all of them.
pub(super) const DUMP: u16 = 0x300;
/// `NLM_F_MULTI`: more follow.
const MULTI: u16 = 0x2;
/// `NLMSG_ERROR`, `NLMSG_DONE`
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `sizeof(struct nlmsghdr)`
const HEADER: usize = 16;
/// Set in the type of an attribute that has attributes (`NLA_F_NESTED`).
pub(super) const NESTED: u16 = 0x8000;
/// The bits of the type that are it (`NLA_TYPE_MASK`).
const TYPE: u16 = 0x3fff;

/// The kernel answers at once; it is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of an answer in one piece: the kernel makes dumps of up to 32 KiB.
const PIECE: usize = 64 << 10;
/// Pieces of one answer.
const PIECES: usize = 4096;

/// A socket to one part of the kernel.
pub(super) struct Socket {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Socket {
    pub(super) fn open(protocol: Option<Protocol>) -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            protocol,
        )?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self {
            socket,
            buffer: vec![0; PIECE],
            sequence: 0,
        })
    }

    /// Asks, and gives each message of the answer, without its header, to `visit`.
    ///
    /// # Errors
    ///
    /// What the kernel answers, or that it does not.
    pub(super) fn ask(
        &mut self,
        kind: u16,
        flags: u16,
        body: &[u8],
        mut visit: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        self.sequence += 1;
        let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend((REQUEST | flags).to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(body);
        send(&self.socket, &message, SendFlags::empty())?;
        for _ in 0..PIECES {
            let (_, length) = loop {
                match recv(&self.socket, &mut self.buffer, RecvFlags::TRUNC) {
                    Err(Errno::INTR) => {}
                    received => break received?,
                }
            };
            let piece = self.buffer.get(..length);
            let piece = piece.ok_or_else(|| io::Error::other("an answer that is too long"))?;
            if answer(piece, self.sequence, &mut visit)? {
                return Ok(());
            }
        }
        Err(io::Error::other("an answer without an end"))
    }
}

/// Visits the messages of a piece of an answer; says whether it was the last.
fn answer(mut piece: &[u8], sequence: u32, visit: &mut impl FnMut(&[u8])) -> io::Result<bool> {
    while let Some((header, _)) = piece.split_first_chunk::<HEADER>() {
        let length = u32_at(header, 0).map_or(0, |length| length as usize);
        let Some(body) = piece.get(HEADER..length) else {
            break;
        };
        if u32_at(header, 8) == Some(sequence) {
            match u16_at(header, 4) {
                Some(DONE) => return Ok(true),
                Some(ERROR) => {
                    let error = u32_at(body, 0).unwrap_or(0).cast_signed();
                    return match error.checked_neg() {
                        Some(errno @ 1..) => Err(io::Error::from_raw_os_error(errno)),
                        _ => Ok(true),
                    };
                }
                _ => visit(body),
            }
            if u16_at(header, 6).unwrap_or(0) & MULTI == 0 {
                return Ok(true);
            }
        }
        piece = piece.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// An attribute: length, type, value, padding.
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut attribute = length.to_ne_bytes().to_vec();
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// Types and values of attributes, up to the first that is not whole.
pub(super) fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        let kind = u16_at(rest, 2)? & TYPE;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The value of the first attribute of a type.
pub(super) fn find(attributes_of: &[u8], kind: u16) -> Option<&[u8]> {
    let mut found = attributes(attributes_of).filter(|(found, _)| *found == kind);
    found.next().map(|(_, value)| value)
}

/// A text that ends with a zero byte.
pub(super) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&value[..end.unwrap_or(value.len())]).into_owned()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_ne_bytes(*bytes))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{answer, attribute, attributes, find, text};

    #[test]
    fn attributes_are_read_back() {
        let bytes = [
            attribute(1, b"abc\0"),
            attribute(0x8002, b""),
            attribute(3, b"xyzzy"),
        ];
        let bytes = bytes.concat();
        let found: Vec<_> = attributes(&bytes).collect();
        assert_eq!(found, [(1, &b"abc\0"[..]), (2, b""), (3, b"xyzzy")]);
        assert_eq!(find(&bytes, 3), Some(&b"xyzzy"[..]));
        assert_eq!(find(&bytes, 4), None);
        assert_eq!(text(b"abc\0"), "abc");
    }

    proptest! {
        #[test]
        fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            attributes(&bytes).for_each(drop);
            drop(answer(&bytes, 0, &mut |_| {}));
        }
    }
}
