//! The head of the table that maps addresses to functions and lines (`pcHeader` in Go's
//! runtime/symtab.go).

use super::super::bytes::Bytes;
use super::super::image::Image;

/// Names of the section: the second is that of a position independent program of Go before 1.26.
const SECTIONS: [&[u8]; 2] = [b".gopclntab", b".data.rel.ro.gopclntab"];
/// Bytes of the head: eight, then eight numbers of eight bytes.
const LENGTH: u64 = 72;
/// Size of a pointer.
const POINTER: u8 = 8;
/// Bytes that are looked through for the table where no section names it.
const SEARCH_LIMIT: u64 = 1 << 30;

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
    pub(super) fn find(bytes: &mut Bytes, image: &Image) -> Option<Self> {
        let named = SECTIONS.iter().find_map(|name| image.section(name));
        if let Some(section) = named {
            return Self::read(bytes, section.offset, section.address(), section.size);
        }
        if !image.sections().is_empty() {
            return None;
        }
        // Without a section table it takes a search.
        image
            .segments()
            .iter()
            .filter(|segment| segment.is_loaded())
            .find_map(|segment| {
                let end = segment.size.min(SEARCH_LIMIT);
                (0..end).step_by(POINTER.into()).find_map(|into| {
                    let offset = segment.offset.checked_add(into)?;
                    let magic = bytes.u32(offset)?;
                    Format::of(magic)?;
                    let address = segment.address.checked_add(into)?;
                    Self::read(bytes, offset, address, segment.size - into)
                })
            })
    }

    fn read(bytes: &mut Bytes, offset: u64, address: u64, length: u64) -> Option<Self> {
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
