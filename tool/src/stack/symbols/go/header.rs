//! The head of the table that maps addresses to functions and lines (`pcHeader` in Go's
//! runtime/symtab.go).

use std::fs::File;

use super::super::bytes::{Bytes, u32_at};
use super::super::image::Image;
use super::search::{self, Place};

/// Names of the section: the second is that of a position independent program of Go before 1.26.
const SECTIONS: [&[u8]; 2] = [b".gopclntab", b".data.rel.ro.gopclntab"];
/// A section that all programs of Go have.
const MARK: &[u8] = b".go.buildinfo";
/// Bytes of the head: eight, then eight numbers of eight bytes.
const LENGTH: u64 = 72;
/// Size of a pointer.
const POINTER: u8 = 8;

/// How the table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Go 1.18 and 1.19.
    Go118,
    /// Go 1.20 and later.
    Go120,
}

impl Format {
    /// By the magic number (`PCLnTabMagic` in Go's internal/abi/symtab.go). Tables of releases before
    /// 1.18 are others.
    fn of(magic: u32) -> Option<Self> {
        match magic {
            0xffff_fff0 => Some(Self::Go118),
            0xffff_fff1 => Some(Self::Go120),
            _ => None,
        }
    }
}

/// Where the parts of the table are in the file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) format: Format,
    /// Address of the table.
    pub(super) address: u64,
    /// Smallest size of an instruction, in which the table counts.
    pub(super) quantum: u8,
    pub(super) functions: u64,
    /// Where the code begins; `None` where the file does not tell: position independent programs, and
    /// Go 1.26 and later.
    pub(super) text: Option<u64>,
    /// Offset of the table in the file.
    pub(super) offset: u64,
    /// Offsets from the table: names of functions, file numbers of compilation units, names of files,
    /// tables of values by address, records of functions.
    pub(super) names_at: u64,
    pub(super) units_at: u64,
    pub(super) files_at: u64,
    pub(super) values_at: u64,
    pub(super) functions_at: u64,
}

impl Header {
    /// Where a header may be: in the section of its own, else anywhere in a program that is of Go or
    /// does not tell.
    pub(super) fn candidates<'image>(
        file: &'image File,
        image: &'image Image,
    ) -> Box<dyn Iterator<Item = Place> + 'image> {
        if let Some(section) = SECTIONS.iter().find_map(|name| image.section(name)) {
            return Box::new(std::iter::once(Place {
                address: section.address(),
                offset: section.offset,
                rest: section.size,
            }));
        }
        // GNU ld puts it into `.data.rel.ro` of a position independent program with cgo.
        if image.sections().is_empty() || image.section(MARK).is_some() {
            return Box::new(search::places(file, image, is_start));
        }
        Box::new(std::iter::empty())
    }

    /// Reads the header, if that is what is at a place.
    pub(super) fn read(bytes: &mut Bytes, place: Place) -> Option<Self> {
        let Place {
            address,
            offset,
            rest: length,
        } = place;
        let format = Format::of(bytes.u32(offset)?)?;
        let [_, _, quantum, pointer] = bytes.array(offset.checked_add(4)?)?;
        if pointer != POINTER || !matches!(quantum, 1 | 2 | 4) {
            return None;
        }
        let mut fields = [0; 8];
        for (at, field) in (offset.checked_add(8)?..).step_by(8).zip(&mut fields) {
            *field = bytes.array(at).map(u64::from_le_bytes)?;
        }
        let [functions, _, text, parts @ ..] = fields;
        let are_inside = parts.iter().all(|part| (LENGTH..length).contains(part));
        if !are_inside {
            return None;
        }
        let [names_at, units_at, files_at, values_at, functions_at] = parts;
        Some(Self {
            format,
            address,
            quantum,
            functions,
            text: (text != 0).then_some(text),
            offset,
            names_at,
            units_at,
            files_at,
            values_at,
            functions_at,
        })
    }
}

/// Whether these may be its first eight bytes.
fn is_start(bytes: &[u8]) -> bool {
    u32_at(bytes, 0).and_then(Format::of).is_some() && bytes[4..6] == [0, 0] && bytes[7] == POINTER
}
