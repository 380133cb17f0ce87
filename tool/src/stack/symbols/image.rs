//! What an ELF file says of itself: segments, sections, build id, debug link.
//!
//! Files of 64 bits and little endian only, as the accounted tasks have them.

use std::fs::File;

use object::elf;

use super::bytes::{self, u16_at, u32_at, u64_at};

/// Sizes of the structures of an ELF file (`elf.h`).
pub(super) const FILE_HEADER: usize = 64;
const SEGMENT_HEADER: usize = 56;
pub(super) const SECTION_HEADER: usize = 64;
/// Where the file's header has the offset of the headers of sections.
const SECTION_HEADERS_AT: usize = 40;
/// Most bytes of a table of headers that are read.
const HEADERS_LIMIT: usize = 8 << 20;
/// Most bytes of the names of sections, and of one section or segment of notes.
const NAMES_LIMIT: usize = 1 << 20;
/// Longest build id that is believed: 20 bytes are usual.
const LONGEST_BUILD_ID: usize = 64;

/// The headers of an ELF file. Nothing in them is trusted: offsets may lie anywhere.
#[derive(Debug)]
pub(super) struct Image {
    /// Offset in the file of the headers of sections.
    pub(super) section_headers: u64,
    segments: Vec<Segment>,
    sections: Vec<Section>,
}

/// A part of the file that is mapped, or described by a header like those that are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    kind: u32,
    pub(super) address: u64,
    pub(super) offset: u64,
    /// Bytes of it that are in the file.
    pub(super) size: u64,
}

/// A named part of the file.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) name: Box<[u8]>,
    pub(super) kind: u32,
    flags: u64,
    address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Segment {
    pub(super) fn is_loaded(&self) -> bool {
        self.kind == elf::PT_LOAD
    }
}

impl Section {
    pub(super) fn address(&self) -> u64 {
        self.address
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.flags & u64::from(elf::SHF_COMPRESSED) != 0
    }

    /// Whether an address lies in it once it is loaded.
    fn covers(&self, address: u64) -> bool {
        let is_loaded = self.flags & u64::from(elf::SHF_ALLOC) != 0;
        is_loaded && address >= self.address && address - self.address < self.size
    }

    fn is_in_file(&self) -> bool {
        self.kind != elf::SHT_NOBITS
    }
}

impl Image {
    /// Reads the headers; `None` if this is no ELF file of the kind that is known here.
    pub(super) fn read(file: &File) -> Option<Self> {
        let header = bytes::range(file, 0, FILE_HEADER as u64, FILE_HEADER)?;
        let ident = [elf::ELFCLASS64, elf::ELFDATA2LSB];
        if header[..4] != elf::ELFMAG || header[4..6] != ident {
            return None;
        }
        Some(Self {
            section_headers: u64_at(&header, SECTION_HEADERS_AT)?,
            segments: segments(file, &header)?,
            // They can be stripped, and a truncated file lacks them first.
            sections: sections(file, &header).unwrap_or_default(),
        })
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(super) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section of a name, if the file has its bytes.
    pub(super) fn section(&self, name: &[u8]) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| *section.name == *name && section.is_in_file())
    }

    /// Whether two addresses are in the same section; `None` where no sections tell.
    pub(super) fn in_one_section(&self, one: u64, other: u64) -> Option<bool> {
        let is_in_one = |section: &Section| section.covers(one) && section.covers(other);
        (!self.sections.is_empty()).then(|| self.sections.iter().any(is_in_one))
    }

    /// Where the byte of an address is in the file, and how many bytes of its segment follow there.
    pub(super) fn file_offset(&self, address: u64) -> Option<(u64, u64)> {
        self.segments
            .iter()
            .filter(|segment| segment.is_loaded())
            .find_map(|segment| {
                let into = address.checked_sub(segment.address)?;
                let rest = segment.size.checked_sub(into).filter(|rest| *rest != 0)?;
                Some((segment.offset.checked_add(into)?, rest))
            })
    }

    /// The segment of the dynamic linker.
    pub(super) fn dynamic(&self) -> Option<&Segment> {
        self.segments
            .iter()
            .find(|segment| segment.kind == elf::PT_DYNAMIC)
    }

    /// The id that the linker gave to this build (`NT_GNU_BUILD_ID`).
    pub(super) fn build_id(&self, file: &File) -> Option<Vec<u8>> {
        let in_segments = self
            .segments
            .iter()
            .filter(|segment| segment.kind == elf::PT_NOTE)
            .map(|segment| (segment.offset, segment.size));
        // A debug file has headers of segments, but the bytes are only in its sections.
        let in_sections = self
            .sections
            .iter()
            .filter(|section| section.kind == elf::SHT_NOTE)
            .map(|section| (section.offset, section.size));
        in_sections.chain(in_segments).find_map(|(offset, size)| {
            let notes = bytes::range(file, offset, size, NAMES_LIMIT)?;
            build_id(&notes)
        })
    }

    /// Name and checksum of the separate debug file (`.gnu_debuglink`; "Separate Debug Files" in
    /// the manual of GDB).
    pub(super) fn debug_link(&self, file: &File) -> Option<(Vec<u8>, u32)> {
        let section = self.section(b".gnu_debuglink")?;
        let link = bytes::range(file, section.offset, section.size, NAMES_LIMIT)?;
        let end = link.iter().position(|byte| *byte == 0)?;
        let checksum = u32_at(&link, (end + 1).next_multiple_of(4))?;
        Some((link[..end].to_vec(), checksum))
    }
}

fn segments(file: &File, header: &[u8]) -> Option<Vec<Segment>> {
    let (offset, count) = (u64_at(header, 32)?, u16_at(header, 56)?);
    let table = headers(file, offset, count.into(), SEGMENT_HEADER)?;
    table
        .chunks_exact(SEGMENT_HEADER)
        .map(|entry| {
            Some(Segment {
                kind: u32_at(entry, 0)?,
                offset: u64_at(entry, 8)?,
                address: u64_at(entry, 16)?,
                size: u64_at(entry, 32)?,
            })
        })
        .collect()
}

fn sections(file: &File, header: &[u8]) -> Option<Vec<Section>> {
    let offset = u64_at(header, SECTION_HEADERS_AT)?;
    let (mut count, mut names) = (
        u64::from(u16_at(header, 60)?),
        u32::from(u16_at(header, 62)?),
    );
    // What does not fit into the file's header is in that of section 0.
    if offset != 0 && (count == 0 || names == u32::from(elf::SHN_XINDEX)) {
        let first = headers(file, offset, 1, SECTION_HEADER)?;
        if count == 0 {
            count = u64_at(&first, 32)?;
        }
        if names == u32::from(elf::SHN_XINDEX) {
            names = u32_at(&first, 40)?;
        }
    }
    let table = headers(file, offset, count, SECTION_HEADER)?;
    let entry = |index: usize| table.chunks_exact(SECTION_HEADER).nth(index);
    let text = entry(usize::try_from(names).ok()?)?;
    let text = bytes::range(file, u64_at(text, 24)?, u64_at(text, 32)?, NAMES_LIMIT)?;
    table
        .chunks_exact(SECTION_HEADER)
        .map(|entry| {
            let name = text.get(usize::try_from(u32_at(entry, 0)?).ok()?..)?;
            Some(Section {
                name: name.split(|byte| *byte == 0).next()?.into(),
                kind: u32_at(entry, 4)?,
                flags: u64_at(entry, 8)?,
                address: u64_at(entry, 16)?,
                offset: u64_at(entry, 24)?,
                size: u64_at(entry, 32)?,
            })
        })
        .collect()
}

fn headers(file: &File, offset: u64, count: u64, size: usize) -> Option<Box<[u8]>> {
    bytes::range(
        file,
        offset,
        count.checked_mul(size as u64)?,
        HEADERS_LIMIT,
    )
}

/// The build id among notes: each has a name and a value, both padded to four bytes.
fn build_id(mut notes: &[u8]) -> Option<Vec<u8>> {
    loop {
        let name_length = usize::try_from(u32_at(notes, 0)?).ok()?;
        let value_length = usize::try_from(u32_at(notes, 4)?).ok()?;
        let kind = u32_at(notes, 8)?;
        let rest = notes.get(12..)?;
        let name = rest.get(..name_length)?;
        let rest = rest.get(name_length.checked_next_multiple_of(4)?..)?;
        let value = rest.get(..value_length)?;
        if kind == elf::NT_GNU_BUILD_ID && name == b"GNU\0" {
            let is_sane = (2..=LONGEST_BUILD_ID).contains(&value.len());
            return is_sane.then(|| value.to_vec());
        }
        notes = rest.get(value_length.checked_next_multiple_of(4)?..)?;
    }
}
