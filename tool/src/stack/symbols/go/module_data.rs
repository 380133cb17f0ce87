//! What the runtime knows of the program it is in (`moduledata` in Go's runtime/symtab.go). No symbol
//! is needed to find it: it begins with the address of the table, and what follows is known from the
//! table's head.

use std::fs::File;

use super::super::bytes::Bytes;
use super::super::image::Image;
use super::header::Header;
use super::pointers::Pointers;
use super::search;

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
            let wanted = header.address.to_le_bytes();
            search::places(file, image, move |bytes| *bytes == wanted)
                .find_map(|place| Self::read(bytes, &pointers, header, place.address))
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
    let fields = address
        .checked_add((TEXT_SECTIONS.end + 2) * 8)
        .map(|_| address)?;
    for index in TEXT_SECTIONS {
        let mut field = |index: u64| at(fields + index * 8);
        let (sections, length, capacity) = (field(index)?, field(index + 1)?, field(index + 2)?);
        if length == 0 || length != capacity {
            continue;
        }
        let (second, first) = (field(index - 2)?, field(index - 1)?);
        // A section: offset from the text, end, address.
        let Some(place) = sections.checked_add(16) else {
            continue;
        };
        if at(sections) == Some(0) && at(place) == Some(text) {
            let in_table = header.address.checked_add(header.functions_at)?..=first;
            return Some(if in_table.contains(&second) {
                second
            } else {
                first
            });
        }
    }
    None
}
