//! The parts of an ELF file that tell its runtime, read one by one.
//!
//! The file is someone else's. Offsets, sizes and counts in it are checked before they are used, and no
//! more than [`READ_LIMIT`] bytes of it are held at a time. Only the 64-bit form with the byte order of
//! x86-64 and arm64 is read.

mod symbols;

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use object::elf::{
    self, DT_NEEDED, DT_NULL, DT_STRTAB, Dyn64, FileHeader64, NT_GNU_ABI_TAG, NoteHeader64, PF_W,
    PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_NOTE, ProgramHeader64, SHT_NOBITS, SectionHeader64,
};
use object::pod::{self, Pod};
use object::{LittleEndian, read::elf::FileHeader as _};

/// The most that is read at once.
const READ_LIMIT: usize = 256 << 10;
/// Headers of each kind that are looked at. Linkers make some 10 and 40.
const HEADERS: u16 = 512;
/// Elements of the dynamic section that are looked at.
const DYNAMIC: usize = 512;
/// The most that is read of one segment of notes.
const NOTES: usize = 4 << 10;
/// Longest name of a section, a symbol or a library.
const NAME_LIMIT: usize = 256;

const LE: LittleEndian = LittleEndian;

/// A program or library.
#[derive(Debug)]
pub(super) struct Elf {
    file: File,
    segments: Vec<Segment>,
    sections: Vec<Section>,
    dynamic: Vec<Dynamic>,
}

/// A piece of the file that is mapped.
#[derive(Debug, Clone, Copy)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    size: u64,
    align: u64,
}

#[derive(Debug)]
struct Section {
    name: Vec<u8>,
    offset: u64,
    size: u64,
}

#[derive(Debug, Clone, Copy)]
struct Dynamic {
    tag: u32,
    value: u64,
}

impl Elf {
    /// Reads the headers; `None` where it is no such file.
    pub(super) fn read(file: File) -> Option<Self> {
        let mut elf = Self {
            file,
            segments: Vec::new(),
            sections: Vec::new(),
            dynamic: Vec::new(),
        };
        let header: FileHeader64<LittleEndian> = elf.pod(0)?;
        let little = header.e_ident.data == elf::ELFDATA2LSB;
        if !header.is_supported() || !header.is_class_64() || !little {
            return None;
        }
        elf.segments = elf.read_segments(&header);
        elf.sections = elf.read_sections(&header);
        elf.dynamic = elf.read_dynamic();
        Some(elf)
    }

    fn read_segments(&self, header: &FileHeader64<LittleEndian>) -> Vec<Segment> {
        let count = header.e_phnum.get(LE).min(HEADERS);
        let headers = self.array::<ProgramHeader64<LittleEndian>>(header.e_phoff.get(LE), count);
        headers
            .iter()
            .map(|header| Segment {
                kind: header.p_type.get(LE),
                flags: header.p_flags.get(LE),
                offset: header.p_offset.get(LE),
                address: header.p_vaddr.get(LE),
                size: header.p_filesz.get(LE),
                align: header.p_align.get(LE),
            })
            .collect()
    }

    fn read_sections(&self, header: &FileHeader64<LittleEndian>) -> Vec<Section> {
        let count = header.e_shnum.get(LE).min(HEADERS);
        let headers = self.array::<SectionHeader64<LittleEndian>>(header.e_shoff.get(LE), count);
        let names = headers.get(usize::from(header.e_shstrndx.get(LE)));
        let names = names.map_or(0, |names| names.sh_offset.get(LE));
        headers
            .iter()
            .filter(|header| header.sh_type.get(LE) != SHT_NOBITS)
            .map(|header| Section {
                name: self.name(names.saturating_add(header.sh_name.get(LE).into())),
                offset: header.sh_offset.get(LE),
                size: header.sh_size.get(LE),
            })
            .collect()
    }

    fn read_dynamic(&self) -> Vec<Dynamic> {
        let Some(segment) = self.segment(PT_DYNAMIC) else {
            return Vec::new();
        };
        let fits = segment.size / size_of::<Dyn64<LittleEndian>>() as u64;
        let count = u16::try_from(fits.min(DYNAMIC as u64)).unwrap_or(0);
        self.array::<Dyn64<LittleEndian>>(segment.offset, count)
            .iter()
            .map(|entry| Dynamic {
                tag: u32::try_from(entry.d_tag.get(LE)).unwrap_or(u32::MAX),
                value: entry.d_val.get(LE),
            })
            .take_while(|entry| entry.tag != DT_NULL)
            .collect()
    }

    fn segment(&self, kind: u32) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.kind == kind)
    }

    fn dynamic(&self, tag: u32) -> Option<u64> {
        let found = self.dynamic.iter().find(|entry| entry.tag == tag);
        found.map(|entry| entry.value)
    }

    /// Path of the dynamic linker; `None` in a static program.
    pub(super) fn interpreter(&self) -> Option<Vec<u8>> {
        self.segment(PT_INTERP)
            .map(|segment| self.name(segment.offset))
    }

    /// Names of the libraries that it asks for.
    pub(super) fn needed(&self) -> impl Iterator<Item = Vec<u8>> {
        let names = self.dynamic(DT_STRTAB);
        self.dynamic
            .iter()
            .filter(|entry| entry.tag == DT_NEEDED)
            .filter_map(move |entry| self.offset_of(names?.checked_add(entry.value)?))
            .map(|offset| self.name(offset))
    }

    /// Whether a note of GNU names the system and the kernel that it is for.
    pub(super) fn has_abi_note(&self) -> bool {
        self.segments
            .iter()
            .filter(|segment| segment.kind == PT_NOTE)
            .any(|segment| {
                let size = usize::try_from(segment.size).unwrap_or(usize::MAX);
                has_abi_note(&self.bytes(segment.offset, size.min(NOTES)), segment.align)
            })
    }

    /// Where a section is in the file.
    pub(super) fn section(&self, name: &[u8]) -> Option<Range<u64>> {
        let section = self.sections.iter().find(|section| section.name == name)?;
        Some(section.offset..section.offset.saturating_add(section.size))
    }

    /// Where constants are in the file: in `.rodata`, or in what is mapped read-only where the sections
    /// have been stripped.
    pub(super) fn constants(&self) -> Vec<Range<u64>> {
        match self.section(b".rodata") {
            Some(section) => vec![section],
            None => self.loaded(|flags| flags & (PF_W | PF_X) == 0),
        }
    }

    /// Where initialised variables are in the file.
    pub(super) fn variables(&self) -> Vec<Range<u64>> {
        self.loaded(|flags| flags & PF_W != 0)
    }

    fn loaded(&self, wanted: impl Fn(u32) -> bool) -> Vec<Range<u64>> {
        self.segments
            .iter()
            .filter(|segment| segment.kind == PT_LOAD && wanted(segment.flags))
            .map(|segment| segment.offset..segment.offset.saturating_add(segment.size))
            .collect()
    }

    /// Where in the file that is what is mapped at `address`, before relocation.
    pub(super) fn offset_of(&self, address: u64) -> Option<u64> {
        self.segments
            .iter()
            .filter(|segment| segment.kind == PT_LOAD)
            .find_map(|segment| {
                let within = address.checked_sub(segment.address)?;
                (within < segment.size).then(|| segment.offset.checked_add(within))?
            })
    }

    /// As many of the bytes from `offset` on as there are, at most `limit` and [`READ_LIMIT`].
    pub(super) fn bytes(&self, offset: u64, limit: usize) -> Vec<u8> {
        let mut bytes = vec![0; limit.min(READ_LIMIT)];
        let filled = self.fill(offset, &mut bytes);
        bytes.truncate(filled);
        bytes
    }

    /// Fills `buffer` from `offset` on as far as the file goes; gives the length.
    pub(super) fn fill(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(at) = offset.checked_add(filled as u64)
            && let Ok(count @ 1..) = self.file.read_at(&mut buffer[filled..], at)
        {
            filled += count;
        }
        filled
    }

    /// A text that ends with a zero byte.
    pub(super) fn name(&self, offset: u64) -> Vec<u8> {
        let mut name = self.bytes(offset, NAME_LIMIT);
        let end = memchr::memchr(0, &name).unwrap_or(0);
        name.truncate(end);
        name
    }

    fn pod<T: Pod>(&self, offset: u64) -> Option<T> {
        let bytes = self.bytes(offset, size_of::<T>());
        pod::from_bytes::<T>(&bytes).ok().map(|(value, _)| *value)
    }

    /// As many of `count` elements as there are.
    fn array<T: Pod>(&self, offset: u64, count: u16) -> Vec<T> {
        let bytes = self.bytes(offset, usize::from(count) * size_of::<T>());
        let whole = bytes.len() / size_of::<T>();
        pod::slice_from_bytes::<T>(&bytes, whole)
            .map_or_else(|()| Vec::new(), |(values, _)| values.to_vec())
    }
}

/// Each note is a header, a name and a description, the latter two padded.
fn has_abi_note(mut notes: &[u8], align: u64) -> bool {
    let align = if align == 8 { 8 } else { 4 };
    let padded = |size: u32| usize::try_from(size).map(|size| size.next_multiple_of(align));
    while let Ok((header, rest)) = pod::from_bytes::<NoteHeader64<LittleEndian>>(notes)
        && let Ok(name) = padded(header.n_namesz.get(LE))
        && let Ok(description) = padded(header.n_descsz.get(LE))
    {
        if header.n_type.get(LE) == NT_GNU_ABI_TAG && rest.starts_with(b"GNU\0") {
            return true;
        }
        let Some(next) = rest.get(name.saturating_add(description)..) else {
            break;
        };
        notes = next;
    }
    false
}

#[cfg(test)]
pub(super) mod tests;
