//! The build information of Go: `debug/buildinfo/buildinfo.go` and
//! `cmd/link/internal/ld/data.go` (buildinfo), Go 1.13 to 1.27.

use super::elf::Elf;
use super::{scan, version};

/// What it begins with, aligned to 16 bytes.
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Bytes from its begin to the inline strings.
const HEADER: u64 = 32;
/// Flag: the strings follow (Go 1.18 and later); without it their addresses do.
const INLINE: u8 = 2;
/// Flag: of another byte order. The processors that this tool runs on have none of those.
const BIG_ENDIAN: u8 = 1;

/// Whether a program is made by Go, and by which version if that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Go(pub(super) Option<String>);

/// Looks for the build information.
///
/// In a position-independent program of Go before 1.18 the addresses of its strings come only with
/// relocation: its version stays unknown.
pub(super) fn build_info(elf: &Elf) -> Option<Go> {
    let ranges = match elf.section(b".go.buildinfo") {
        Some(section) => vec![section],
        None => elf.variables(),
    };
    scan::find(elf, &ranges, MAGIC, |rest| {
        let (&pointer_size, rest) = rest.split_first()?;
        let (&flags, rest) = rest.split_first()?;
        if flags & BIG_ENDIAN != 0 {
            return Some(Go(None));
        }
        let version = if flags & INLINE != 0 {
            let after_magic = MAGIC.len() + 2;
            let inline = rest.get(usize::try_from(HEADER).ok()? - after_magic..)?;
            Some(inline_string(inline)?.to_vec())
        } else if pointer_size == 8 {
            let address = rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
            address.and_then(|address| string_at(elf, address))
        } else {
            None
        };
        Some(Go(version.as_deref().and_then(release)))
    })
}

/// A length of seven bits a byte, the lowest first, and as many bytes.
fn inline_string(bytes: &[u8]) -> Option<&[u8]> {
    let mut length = 0_usize;
    for (index, byte) in bytes.iter().take(3).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return bytes[index + 1..].get(..length);
        }
    }
    None
}

/// The string whose header, a pointer and a length, is at an address.
fn string_at(elf: &Elf, address: u64) -> Option<Vec<u8>> {
    let header = elf.bytes(elf.offset_of(address)?, 16);
    let pointer = u64::from_le_bytes(*header.first_chunk()?);
    let length = u64::from_le_bytes(*header.last_chunk()?).min(64);
    Some(elf.bytes(elf.offset_of(pointer)?, usize::try_from(length).ok()?))
}

/// `go1.22.10`, perhaps with experiments after it, or `devel go1.28-0123abc ...`.
fn release(text: &[u8]) -> Option<String> {
    let mut words = text.split(|byte| *byte == b' ');
    words.find_map(|word| version::with_stage(word.strip_prefix(b"go")?))
}

#[cfg(test)]
mod tests {
    use super::{inline_string, release};

    #[test]
    fn releases() {
        for (text, expected) in [
            ("go1.22.10", Some("1.22.10")),
            ("go1.27rc1", Some("1.27rc1")),
            ("go1.24.1 X:boringcrypto", Some("1.24.1")),
            ("devel go1.28-d8117459c5 Mon Jan", Some("1.28")),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(release(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn lengths() {
        assert_eq!(inline_string(b"\x03abcd"), Some(&b"abc"[..]));
        assert_eq!(inline_string(b"\x05abcd"), None);
        assert_eq!(inline_string(b"\xff\xff\xff\xff"), None);
        assert_eq!(inline_string(b""), None);
        let long = [b"\x82\x01".as_slice(), &[b'x'; 130]].concat();
        assert_eq!(inline_string(&long).map(<[u8]>::len), Some(130));
    }
}
