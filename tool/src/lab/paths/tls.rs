//! As records of TLS 1.3 with AES-256-GCM, made by this process or by the kernel. Both begin where a
//! handshake has ended; nobody keeps the key, or reads what it protects.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;

use rustix::io::{read, writev};
use rustls::crypto::cipher::{AeadKey, Iv, MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::crypto::ring::cipher_suite::TLS13_AES_256_GCM_SHA384;
use rustls::{ContentType, ProtocolVersion};

use super::Calls;
use super::files::OneCall;
use super::mover::{Mover, Way, set_option, some, unavailable};
use crate::model::Call;

/// Plain bytes of a record at most (RFC 8446, section 5.1).
const RECORD: usize = 16 << 10;

/// Read at once: four records, which are written together.
const BUFFER: usize = 4 * RECORD;

/// Any key will do.
const KEY: u8 = 23;

/// `read` into a buffer, records by the record layer of rustls, and `writev`.
pub(super) struct UserTls {
    buffer: Vec<u8>,
    encrypter: Box<dyn MessageEncrypter>,
    /// Number of the next record.
    record: u64,
}

/// `sendfile` to a socket for which the kernel makes the records.
pub(super) struct KernelTls;

impl UserTls {
    pub(super) fn new() -> io::Result<Self> {
        let suite = TLS13_AES_256_GCM_SHA384.tls13();
        let suite = suite.ok_or_else(|| io::Error::other("no suite of TLS 1.3"))?;
        let (key, iv) = (AeadKey::from([KEY; 32]), Iv::from([KEY; 12]));
        Ok(Self {
            buffer: vec![0; BUFFER],
            encrypter: suite.aead_alg.encrypter(key, iv),
            record: 0,
        })
    }

    /// The records of what is in the buffer.
    fn records(&mut self, filled: usize) -> io::Result<Vec<Vec<u8>>> {
        let mut records = Vec::with_capacity(BUFFER / RECORD);
        for plain in self.buffer[..filled].chunks(RECORD) {
            let message = OutboundPlainMessage {
                typ: ContentType::ApplicationData,
                version: ProtocolVersion::TLSv1_3,
                payload: OutboundChunks::Single(plain),
            };
            let record = self.encrypter.encrypt(message, self.record);
            records.push(record.map_err(io::Error::other)?.encode());
            self.record += 1;
        }
        Ok(records)
    }
}

impl Mover for UserTls {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mut left = way.size;
        while left > 0 {
            let most = left.min(BUFFER);
            let filled = some(read(&way.from, &mut self.buffer[..most])?)?;
            calls.count(Call::Read, filled);
            left -= filled;
            let records = self.records(filled)?;
            let mut slices: Vec<IoSlice<'_>> = records.iter().map(|r| IoSlice::new(r)).collect();
            let mut rest = slices.as_mut_slice();
            while !rest.is_empty() {
                let written = writev(&way.to, rest)?;
                calls.count(Call::Writev, written);
                IoSlice::advance_slices(&mut rest, some(written)?);
            }
        }
        Ok(())
    }
}

impl KernelTls {
    /// Gives the key to a TCP socket, which from then on takes plain bytes.
    pub(super) fn new(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let taken = set_option(socket, libc::IPPROTO_TCP, libc::TCP_ULP, b"tls");
        taken.map_err(|error| match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOPROTOOPT) => unavailable(
                "this kernel has no TLS (CONFIG_TLS; `modprobe tls` where it is a module)",
            ),
            _ => error,
        })?;
        let mut key = Vec::new();
        key.extend(libc::TLS_1_3_VERSION.to_ne_bytes());
        key.extend(libc::TLS_CIPHER_AES_GCM_256.to_ne_bytes());
        // `struct tls12_crypto_info_aes_gcm_256` of linux/tls.h: iv, key, salt, number of the record.
        key.extend([KEY; 8 + 32 + 4]);
        key.extend([0; 8]);
        set_option(socket, libc::SOL_TLS, libc::TLS_TX, &key)?;
        Ok(Self)
    }
}

impl Mover for KernelTls {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        OneCall::Sendfile.transfer(way, calls)
    }
}
