//! Samples, read from the kernel half's ring buffer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use aya::Ebpf;
use aya::maps::{MapData, RingBuf};
use copytax_common::{
    Abi, Call, Class, DecodeError, EndpointKind, FileFacts, SAMPLE_FRAMES, SAMPLE_STACK,
    SAMPLE_STACK_CUT, SAMPLE_USER, SampleHeader, SampleKind, Sharing, UnknownTag,
};

use crate::model::{OpenFile, RawSample, UserStack};
use crate::probe::ProbeError;
use crate::probe::maps::{failed, missing};

/// Name of the ring buffer in the object.
const SAMPLES: &str = "SAMPLES";

/// `super_block.s_dev` has the minor number below this bit (`include/linux/kdev_t.h`).
const MINOR_BITS: u32 = 20;

/// `include/linux/socket.h`
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Reads samples. Its descriptor is readable while there are any.
pub struct SampleReader {
    ring: RingBuf<MapData>,
    undecodable: u64,
}

impl SampleReader {
    /// Takes the ring buffer out of a loaded object.
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self, ProbeError> {
        let map = ebpf.take_map(SAMPLES).ok_or_else(|| missing(SAMPLES))?;
        let ring = RingBuf::try_from(map).map_err(|error| failed(SAMPLES, &error))?;
        Ok(Self {
            ring,
            undecodable: 0,
        })
    }

    /// Reads what is there; gives how many samples that were. It does not wait.
    pub fn read(&mut self, mut on_sample: impl FnMut(RawSample)) -> usize {
        let mut samples = 0;
        while let Some(record) = self.ring.next() {
            match decode(&record) {
                Ok(sample) => {
                    samples += 1;
                    on_sample(sample);
                }
                Err(error) => {
                    tracing::debug!("a sample cannot be decoded: {error}");
                    self.undecodable += 1;
                }
            }
        }
        samples
    }

    /// Records that could not be decoded, so far.
    #[must_use]
    pub fn undecodable(&self) -> u64 {
        self.undecodable
    }
}

impl AsFd for SampleReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

/// Why a record cannot be decoded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SampleError {
    #[error(transparent)]
    Length(#[from] DecodeError),
    #[error(transparent)]
    Tag(#[from] UnknownTag),
    #[error("a sample has {0} that it has no room for")]
    Oversized(&'static str),
}

pub(super) fn decode(bytes: &[u8]) -> Result<RawSample, SampleError> {
    let (fixed, tail) = bytes
        .split_at_checked(size_of::<SampleHeader>())
        .unwrap_or((bytes, &[]));
    let header = SampleHeader::decode(fixed)?;
    let user = usize::from(header.user_frames);
    let kernel = usize::from(header.kernel_frames);
    let stack = header.stack_len as usize;
    if user > SAMPLE_FRAMES || kernel > SAMPLE_FRAMES || stack > SAMPLE_STACK {
        return Err(SampleError::Oversized("a stack"));
    }
    let expected = (user + kernel) * size_of::<u64>() + stack;
    if tail.len() != expected {
        return Err(SampleError::Length(DecodeError {
            expected: size_of::<SampleHeader>() + expected,
            found: bytes.len(),
        }));
    }
    let (by_frame_pointers, tail) = tail.split_at(user * size_of::<u64>());
    let (kernel, memory) = tail.split_at(kernel * size_of::<u64>());
    let has_user = header.flags & SAMPLE_USER != 0;
    Ok(RawSample {
        kind: SampleKind::try_from(header.kind)?,
        process: header.process().into(),
        thread: header.tid,
        time_ns: header.time_ns,
        id: header.id,
        call: optional(header.call, Call::try_from)?,
        source: EndpointKind::try_from(header.source)?,
        sink: EndpointKind::try_from(header.sink)?,
        class: optional(header.class, Class::try_from)?,
        sharing: Sharing::try_from(header.sharing)?,
        stands_for: header.stands_for,
        bytes: header.bytes,
        spent: header.spent,
        call_bytes: header.call_bytes,
        interval: header.interval,
        transfer: (header.transfer != 0).then_some(header.transfer),
        syscall: u32::try_from(header.syscall).ok(),
        source_file: file(&header.source_file)?,
        sink_file: file(&header.sink_file)?,
        user: has_user.then(|| UserStack {
            instruction_pointer: header.instruction_pointer,
            stack_pointer: header.stack_pointer,
            frame_pointer: header.frame_pointer,
            by_frame_pointers: addresses(by_frame_pointers),
            memory: memory.to_vec(),
            is_cut: header.flags & SAMPLE_STACK_CUT != 0,
        }),
        kernel: addresses(kernel),
    })
}

/// A tag that may be 0: there is none.
fn optional<T>(
    tag: u8,
    decode: impl FnOnce(u8) -> Result<T, UnknownTag>,
) -> Result<Option<T>, UnknownTag> {
    (tag != 0).then(|| decode(tag)).transpose()
}

fn addresses(bytes: &[u8]) -> Vec<u64> {
    let words = bytes.chunks_exact(size_of::<u64>());
    words
        .filter_map(|word| word.try_into().ok().map(u64::from_ne_bytes))
        .collect()
}

fn file(facts: &FileFacts) -> Result<Option<OpenFile>, SampleError> {
    if EndpointKind::try_from(facts.kind)? == EndpointKind::None {
        return Ok(None);
    }
    let path = facts.path.get(..usize::from(facts.path_len));
    let path = path.ok_or(SampleError::Oversized("a path"))?;
    let names = path.split(|byte| *byte == 0).rev();
    Ok(Some(OpenFile {
        inode: facts.inode,
        device: (
            facts.device >> MINOR_BITS,
            facts.device & ((1 << MINOR_BITS) - 1),
        ),
        mount: (facts.mount != 0).then_some(facts.mount),
        names: names
            .filter(|name| !name.is_empty())
            .map(<[u8]>::to_vec)
            .collect(),
        is_cut: facts.path_cut != 0,
        local: address(facts.family, facts.local, facts.local_port),
        peer: address(facts.family, facts.peer, facts.peer_port),
    }))
}

/// The address of an internet socket that has one.
fn address(family: u16, address: [u8; 16], port: u16) -> Option<SocketAddr> {
    let [a, b, c, d, ..] = address;
    let ip = match family {
        AF_INET => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        AF_INET6 => IpAddr::V6(Ipv6Addr::from(address)),
        _ => return None,
    };
    (port != 0).then(|| SocketAddr::new(ip.to_canonical(), port))
}

#[cfg(test)]
mod tests;
