//! Reading a file of a traced process here and there, without mapping it: who can write it could
//! truncate it under the mapping, and end this process with it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes that are read at a time.
const BLOCK: usize = 16 << 10;
/// Blocks that are kept: tables of one function lie near each other.
const BLOCKS: usize = 32;

/// The bytes of a file, through a small cache. What lies beyond its end is `None`, as is what cannot
/// be read.
#[derive(Debug)]
pub(super) struct Bytes {
    file: Arc<File>,
    blocks: Vec<Option<Block>>,
    /// Bytes that may still be read.
    left: u64,
}

#[derive(Debug)]
struct Block {
    number: u64,
    /// Shorter than a block at the end of the file.
    bytes: Box<[u8]>,
}

impl Bytes {
    pub(super) fn new(file: Arc<File>) -> Self {
        Self {
            file,
            blocks: (0..BLOCKS).map(|_| None).collect(),
            left: u64::MAX,
        }
    }

    /// From here on only so many bytes can be read: what refers to other places may do so for ever.
    pub(super) fn allow(&mut self, bytes: u64) {
        self.left = bytes;
    }

    /// The byte at an offset.
    pub(super) fn byte(&mut self, offset: u64) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        let at = usize::try_from(offset % BLOCK as u64).ok()?;
        self.block(offset / BLOCK as u64)?.get(at).copied()
    }

    /// As many bytes from an offset on as were asked for.
    pub(super) fn array<const LENGTH: usize>(&mut self, offset: u64) -> Option<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        for (at, byte) in (offset..).zip(&mut bytes) {
            *byte = self.byte(at)?;
        }
        Some(bytes)
    }

    /// A number of four bytes.
    pub(super) fn u32(&mut self, offset: u64) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    /// A text that ends with a zero byte, which is not further away than `limit`.
    pub(super) fn text(&mut self, offset: u64, limit: usize) -> Option<String> {
        let mut text = Vec::new();
        for at in offset..offset.checked_add(limit as u64)? {
            match self.byte(at)? {
                0 => return Some(String::from_utf8_lossy(&text).into_owned()),
                byte => text.push(byte),
            }
        }
        None
    }

    fn block(&mut self, number: u64) -> Option<&[u8]> {
        let slot = &mut self.blocks[(number % BLOCKS as u64) as usize];
        if slot.as_ref().is_none_or(|block| block.number != number) {
            let bytes = read(&self.file, number.checked_mul(BLOCK as u64)?, BLOCK)?;
            *slot = Some(Block { number, bytes });
        }
        slot.as_ref().map(|block| &*block.bytes)
    }
}

/// Up to `length` bytes from an offset on: fewer at the end of the file.
fn read(file: &File, offset: u64, length: usize) -> Option<Box<[u8]>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let at = offset.checked_add(filled as u64)?;
        match file.read_at(&mut bytes[filled..], at) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    bytes.truncate(filled);
    Some(bytes.into())
}

/// All of a range of a file, if it is there and not longer than `limit`.
pub(super) fn range(file: &File, offset: u64, length: u64, limit: usize) -> Option<Box<[u8]>> {
    let length = usize::try_from(length).ok().filter(|it| *it <= limit)?;
    // Before memory is taken for it: the length is what a file says of itself.
    let end = offset.checked_add(length as u64)?;
    if end > file.metadata().ok()?.len() {
        return None;
    }
    read(file, offset, length).filter(|bytes| bytes.len() == length)
}

/// The number of eight bytes at an offset of a piece that was read.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    let bytes = bytes.get(offset..offset.checked_add(8)?)?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// The number of four bytes at an offset of a piece that was read.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..offset.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}

/// The number of two bytes at an offset of a piece that was read.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let bytes = bytes.get(offset..offset.checked_add(2)?)?;
    bytes.try_into().ok().map(u16::from_le_bytes)
}
