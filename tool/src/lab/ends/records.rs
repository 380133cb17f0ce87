//! A far end that finds out how many plain bytes the records of TLS that arrive have.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{RecvFlags, recv};

use crate::lab::paths::Calls;
use crate::model::Call;

/// Type, version, length (RFC 8446, section 5.2).
const HEADER: usize = 5;

/// `application_data`
const TYPE: u8 = 23;

/// What follows the plain bytes of a record: their type, and the tag of AES-GCM.
const TRAILER: usize = 1 + 16;

/// Where in a record the stream is.
#[derive(Default)]
struct Position {
    header: Vec<u8>,
    /// Bytes of the record that are still to come.
    rest: usize,
    /// Plain bytes of the records that have ended.
    plain: u64,
    /// Those of the record that has begun.
    of_record: u64,
}

/// Takes records from `socket` until they have had so many plain bytes.
pub(super) fn drain(socket: &OwnedFd, bytes: u64, buffer: &mut [u8]) -> io::Result<Calls> {
    let (mut calls, mut position) = (Calls::default(), Position::default());
    while position.plain < bytes {
        let (got, _) = recv(socket, &mut *buffer, RecvFlags::empty())?;
        calls.count(Call::Recvfrom, got);
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        position.advance(&buffer[..got])?;
    }
    if position.plain > bytes || position.rest > 0 || !position.header.is_empty() {
        return Err(io::Error::other("more records arrived than were sent"));
    }
    Ok(calls)
}

impl Position {
    fn advance(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.rest == 0 {
                let missing = (HEADER - self.header.len()).min(bytes.len());
                self.header.extend(&bytes[..missing]);
                bytes = &bytes[missing..];
                if let [kind, _, _, high, low] = *self.header {
                    self.begin(kind, u16::from_be_bytes([high, low]).into())?;
                }
            } else {
                let taken = self.rest.min(bytes.len());
                bytes = &bytes[taken..];
                self.rest -= taken;
                if self.rest == 0 {
                    self.plain += self.of_record;
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, kind: u8, length: usize) -> io::Result<()> {
        if kind != TYPE || length < TRAILER {
            return Err(io::Error::other("what arrived is no record of TLS"));
        }
        self.header.clear();
        self.rest = length;
        self.of_record = (length - TRAILER) as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_however_they_arrive() {
        let mut stream = Vec::new();
        for plain in [1_u16, 100, 16_384] {
            let length = plain + 17;
            stream.extend([23, 3, 3]);
            stream.extend(length.to_be_bytes());
            stream.extend(std::iter::repeat_n(7, length.into()));
        }
        for piece in [1, 3, 5, 64, 100_000] {
            let mut position = Position::default();
            for bytes in stream.chunks(piece) {
                position.advance(bytes).expect("they are records");
            }
            assert_eq!((position.plain, position.rest), (16_485, 0), "{piece}");
        }
        assert!(Position::default().advance(&[22, 3, 3, 0, 50]).is_err());
    }
}
