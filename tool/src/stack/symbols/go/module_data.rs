//! What the runtime knows of the program it is in (`moduledata` in Go's runtime/symtab.go). No symbol
//! is needed to find it: it begins with the address of the table, and what follows is known from the
//! table's head.

use std::fs::File;

use super::super::bytes::{self, Bytes};
use super::super::image::Image;
use super::header::Header;
use super::pointers::Pointers;

/// Fields of eight bytes: slices take three. Those in front are where they are in Go 1.18 to 1.27.
const NAMES: u64 = 1;
const UNITS: u64 = 4;
const FILES: u64 = 7;
const VALUES: u64 = 10;
const FUNCTIONS: u64 = 13;
const FUNCTION_TABLE: u64 = 16;
const FUNCTION_COUNT: u64 = 17;
const TEXT: u64 = 22;
/// Where the slice of text sections has been so far, with fields to spare.
const TEXT_SECTIONS: std::ops::Range<u64> = 36..64;
/// Bytes that are looked through at a time, and in all.
const PIECE: usize = 1 << 20;
const SEARCH_LIMIT: u64 = 1 << 30;

/// Addresses that the table needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct ModuleData {
    /// Where the code begins, from which the table counts.
    pub(super) text: u64,
    /// What tables of functions that are not in the table count from (`go:func.*`); `None` where it
    /// is not where it is in any known release.
    pub(super) function_data: Option<u64>,
}

impl ModuleData {
    pub(super) fn find(
        file: &File,
        bytes: &mut Bytes,
        image: &Image,
        header: &Header,
    ) -> Option<Self> {
        let pointers = Pointers::read(file, image);
        let relocated = pointers
            .relocated_to(header.address)
            .find_map(|address| Self::read(bytes, &pointers, header, address));
        relocated.or_else(|| {
            image
                .segments()
                .iter()
                // Data come last.
                .rev()
                .filter(|segment| segment.is_loaded())
                .flat_map(|segment| pieces(segment.offset, segment.address, segment.size))
                .find_map(|(offset, address, length)| {
                    let piece = bytes::range(file, offset, length, PIECE)?;
                    occurrences(&piece, header.address).find_map(|at| {
                        let address = address.checked_add(at)?;
                        Self::read(bytes, &pointers, header, address)
                    })
                })
        })
    }

    /// Reads it, if that is what is at an address.
    fn read(
        bytes: &mut Bytes,
        pointers: &Pointers<'_>,
        header: &Header,
        address: u64,
    ) -> Option<Self> {
        let mut field = |index: u64| {
            let address = address.checked_add(index * 8)?;
            pointers.at(bytes, address)
        };
        let parts = [
            (NAMES, header.names_at),
            (UNITS, header.units_at),
            (FILES, header.files_at),
            (VALUES, header.values_at),
            (FUNCTIONS, header.functions_at),
            (FUNCTION_TABLE, header.functions_at),
        ];
        for (index, part) in parts {
            if field(index)? != header.address.checked_add(part)? {
                return None;
            }
        }
        // One more marks the end.
        if field(FUNCTION_COUNT)? != header.functions.checked_add(1)? {
            return None;
        }
        let text = field(TEXT)?;
        Some(Self {
            text,
            function_data: function_data(bytes, pointers, header, address, text),
        })
    }
}

/// The field in front of the slice of text sections, whose first begins where the text does. Since
/// Go 1.26 they are at the end of the table, and the address of that end is between the two fields;
/// before, in front of it is the address of constants, which lie before the table.
fn function_data(
    bytes: &mut Bytes,
    pointers: &Pointers<'_>,
    header: &Header,
    address: u64,
    text: u64,
) -> Option<u64> {
    let mut at = |address: u64| pointers.at(bytes, address);
    for index in TEXT_SECTIONS {
        let field = address.checked_add(index * 8)?;
        let (sections, length, capacity) = (at(field)?, at(field + 8)?, at(field + 16)?);
        if length == 0 || length != capacity {
            continue;
        }
        // A section: offset from the text, end, address.
        let Some(address) = sections.checked_add(16) else {
            continue;
        };
        if at(sections) != Some(0) || at(address) != Some(text) {
            continue;
        }
        let (second, first) = (at(field - 16)?, at(field - 8)?);
        let in_table = header.address.checked_add(header.functions_at)?..=first;
        return Some(if in_table.contains(&second) {
            second
        } else {
            first
        });
    }
    None
}

/// Cuts a segment into pieces: offset, address and length of each.
fn pieces(offset: u64, address: u64, size: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let size = size.min(SEARCH_LIMIT);
    (0..size).step_by(PIECE).filter_map(move |into| {
        let length = (size - into).min(PIECE as u64);
        Some((
            offset.checked_add(into)?,
            address.checked_add(into)?,
            length,
        ))
    })
}

/// Offsets of aligned numbers that are `wanted`.
fn occurrences(piece: &[u8], wanted: u64) -> impl Iterator<Item = u64> {
    let wanted = wanted.to_le_bytes();
    (0..)
        .step_by(8)
        .zip(piece.chunks_exact(8))
        .filter(move |(_, bytes)| **bytes == wanted)
        .map(|(at, _)| at)
}
