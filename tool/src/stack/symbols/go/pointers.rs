//! Pointers as a program sees them once it is loaded: in a position independent one the dynamic
//! linker writes most of them.

use std::fs::File;

use object::elf;

use super::super::bytes::{self, Bytes, u64_at};
use super::super::image::Image;

/// Size of an entry of a table of relocations, and of one of the dynamic section.
const RELOCATION: usize = 24;
const DYNAMIC: usize = 16;
/// Most bytes of relocations and of the dynamic section that are read.
const RELOCATIONS_LIMIT: usize = 128 << 20;
const DYNAMIC_LIMIT: usize = 1 << 20;

/// The pointers that the dynamic linker writes without looking a symbol up (`R_X86_64_RELATIVE`).
#[derive(Debug)]
pub(super) struct Pointers<'image> {
    image: &'image Image,
    /// Where, and what; by address.
    relocated: Vec<(u64, u64)>,
}

impl<'image> Pointers<'image> {
    pub(super) fn read(file: &File, image: &'image Image) -> Self {
        let mut relocated = relocations(file, image).unwrap_or_default();
        relocated.sort_unstable();
        Self { image, relocated }
    }

    /// Addresses of pointers to `target` that the dynamic linker writes.
    pub(super) fn relocated_to(&self, target: u64) -> impl Iterator<Item = u64> {
        self.relocated
            .iter()
            .filter(move |(_, value)| *value == target)
            .map(|(address, _)| *address)
    }

    /// The number at an address, with the relocation that there may be. Some linkers write what is to
    /// be relocated into the file too (`DT_RELR` always does): then it is there.
    pub(super) fn at(&self, bytes: &mut Bytes, address: u64) -> Option<u64> {
        let found = self
            .relocated
            .binary_search_by_key(&address, |(address, _)| *address);
        if let Ok(index) = found {
            return self.relocated.get(index).map(|(_, value)| *value);
        }
        let (offset, rest) = self.image.file_offset(address)?;
        if rest < 8 {
            return None;
        }
        bytes.array(offset).map(u64::from_le_bytes)
    }
}

fn relocations(file: &File, image: &Image) -> Option<Vec<(u64, u64)>> {
    let dynamic = image.dynamic()?;
    let dynamic = bytes::range(file, dynamic.offset, dynamic.size, DYNAMIC_LIMIT)?;
    let value = |wanted: u32| {
        dynamic.chunks_exact(DYNAMIC).find_map(|entry| {
            (u64_at(entry, 0)? == u64::from(wanted)).then(|| u64_at(entry, 8))?
        })
    };
    let (address, size) = (value(elf::DT_RELA)?, value(elf::DT_RELASZ)?);
    let (offset, rest) = image.file_offset(address)?;
    if size > rest {
        return None;
    }
    let table = bytes::range(file, offset, size, RELOCATIONS_LIMIT)?;
    let relative = table.chunks_exact(RELOCATION).filter_map(|entry| {
        let is_relative = u64_at(entry, 8)? == u64::from(elf::R_X86_64_RELATIVE);
        is_relative.then(|| Some((u64_at(entry, 0)?, u64_at(entry, 16)?)))?
    });
    Some(relative.collect())
}
