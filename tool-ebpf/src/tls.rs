//! Records of TLS that a process has made: it encrypts in userspace.

use core::{ffi::c_void, mem::MaybeUninit};

use aya_ebpf::helpers::generated::bpf_probe_read_user;
use copytax_common::EndpointKind;

/// Bytes of a record's header: type, version, length (RFC 8446, section 5.1).
const HEADER: u64 = 5;

/// `application_data`
const APPLICATION_DATA: u8 = 23;
/// From `change_cipher_spec` to `heartbeat`.
const TYPES: core::ops::RangeInclusive<u8> = 20..=24;
/// From TLS 1.0 to 1.3.
const VERSIONS: core::ops::RangeInclusive<u16> = 0x0301..=0x0304;
/// The most that TLS 1.2 allows (RFC 5246, section 6.2.3); TLS 1.3 allows less.
const LENGTHS: core::ops::RangeInclusive<u16> = 1..=(1 << 14) + 2048;

/// Whether `length` bytes at `address`, on their way to a stream, begin with a record of application data
/// that fits: it is all of them, or another record begins behind it.
#[inline(always)]
pub(crate) fn is_record(sink: u8, address: u64, length: u64) -> bool {
    let is_stream = sink == EndpointKind::Tcp as u8
        || sink == EndpointKind::Unix as u8
        || sink == EndpointKind::Vsock as u8;
    is_stream && length > HEADER && tls_is_record(address, length) != 0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn tls_is_record(address: u64, length: u64) -> u64 {
    let Some((kind, content)) = header(address) else {
        return 0;
    };
    if kind != APPLICATION_DATA {
        return 0;
    }
    let end = HEADER + content;
    let fits =
        length == end || (length >= end + HEADER && header(address.wrapping_add(end)).is_some());
    u64::from(fits)
}

/// Type and length of the record whose header is at `address`, if one is.
#[inline(always)]
fn header(address: u64) -> Option<(u8, u64)> {
    let mut bytes = MaybeUninit::<[u8; HEADER as usize]>::uninit();
    // SAFETY: the helper writes all of the bytes, zeroes where it fails, and handles faults.
    let bytes = unsafe {
        bpf_probe_read_user(
            bytes.as_mut_ptr().cast(),
            HEADER as u32,
            address as *const c_void,
        );
        bytes.assume_init()
    };
    let [kind, version @ .., length_high, length_low] = bytes;
    let length = u16::from_be_bytes([length_high, length_low]);
    let is_header = TYPES.contains(&kind)
        && VERSIONS.contains(&u16::from_be_bytes(version))
        && LENGTHS.contains(&length);
    is_header.then_some((kind, u64::from(length)))
}
