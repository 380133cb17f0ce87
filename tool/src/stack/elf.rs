//! What unwinding needs to know of an ELF file. The file is a watched process': no size in it is
//! believed, and it is never mapped, since its owner may truncate it.

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::elf::{
    ELFCLASS64, ELFDATA2LSB, ELFMAG, NT_GNU_BUILD_ID, PF_X, PT_LOAD, PT_NOTE, SHF_COMPRESSED,
    SHT_NOBITS,
};

/// Program headers that are read at most.
const SEGMENT_LIMIT: u16 = 256;
/// Section headers that are read at most.
const SECTION_LIMIT: u16 = 4096;
/// Bytes of section names that are read at most.
const NAMES_LIMIT: u64 = 1 << 20;
/// Bytes of the notes of a segment that are read at most.
const NOTES_LIMIT: u64 = 64 << 10;
/// Bytes of a build id; the usual ones have 20 or 16.
const BUILD_ID_LIMIT: usize = 64;
/// Type of the note that the Go linker writes (`elfGoBuildIDTag`, `cmd/link/internal/ld/elf.go`,
/// Go 1.22).
const NT_GO_BUILD_ID: u32 = 4;

/// Bytes of a file header, a program header, and a section header of a 64-bit file.
const FILE_HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;

/// Facts of an ELF file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Elf {
    /// Parts that are loaded.
    pub segments: Vec<Segment>,
    /// What its linker called it by.
    pub build_id: Option<Vec<u8>>,
    /// Whether the Go linker wrote it.
    pub is_go: bool,
    /// Address that a process of it begins at.
    pub entry: u64,
    /// `.text`
    pub text: Option<Section>,
    /// `.eh_frame`
    pub eh_frame: Option<Section>,
    /// `.debug_frame`, where it is not compressed.
    pub debug_frame: Option<Section>,
    /// `.got`
    pub got: Option<Section>,
}

/// A loaded part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins in the file.
    pub offset: u64,
    /// Bytes of it in the file.
    pub size: u64,
    /// Its first virtual address.
    pub address: u64,
    /// Whether it holds code.
    pub is_executable: bool,
}

/// A named part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Where it begins in the file.
    pub offset: u64,
    /// Bytes of it.
    pub size: u64,
    /// Its first virtual address, 0 where it is not loaded.
    pub address: u64,
}

impl Elf {
    /// Reads the headers of a file; `None` where it is not a 64-bit little-endian ELF file.
    #[must_use]
    pub fn read(file: &File) -> Option<Self> {
        let header = read_at(file, 0, FILE_HEADER)?;
        let identification = [ELFCLASS64, ELFDATA2LSB];
        if header[..4] != ELFMAG || header[4..6] != identification {
            return None;
        }
        let mut elf = Self {
            entry: u64_at(&header, 24)?,
            ..Self::default()
        };
        elf.read_segments(file, &header);
        elf.read_sections(file, &header);
        Some(elf)
    }

    /// The virtual address of what lies at `offset` of the file; of code, where there is a choice.
    #[must_use]
    pub fn address_of_offset(&self, offset: u64) -> Option<u64> {
        // A mapping begins at a page of the file, which may be in front of its segment.
        const PAGE: u64 = 0xfff;
        let holds = |segment: &&Segment| {
            let start = segment.offset & !PAGE;
            (start..segment.offset.saturating_add(segment.size)).contains(&offset)
        };
        let segments = || self.segments.iter().filter(holds);
        let segment = segments()
            .find(|segment| segment.is_executable)
            .or_else(|| segments().next())?;
        Some(
            segment
                .address
                .wrapping_add(offset.wrapping_sub(segment.offset)),
        )
    }

    /// Where in the file the byte of a virtual address lies, and how many bytes of its segment
    /// follow with it.
    #[must_use]
    pub fn offset_of_address(&self, address: u64) -> Option<(u64, u64)> {
        self.segments.iter().find_map(|segment| {
            let distance = address.checked_sub(segment.address)?;
            let left = segment
                .size
                .checked_sub(distance)
                .filter(|&left| left > 0)?;
            Some((segment.offset.checked_add(distance)?, left))
        })
    }

    fn read_segments(&mut self, file: &File, header: &[u8]) {
        let table = table(file, header, 32, 54, PROGRAM_HEADER, SEGMENT_LIMIT);
        for entry in table.chunks_exact(PROGRAM_HEADER) {
            let _ = self.add_segment(file, entry);
        }
    }

    fn add_segment(&mut self, file: &File, entry: &[u8]) -> Option<()> {
        let (kind, flags) = (u32_at(entry, 0)?, u32_at(entry, 4)?);
        let (offset, size) = (u64_at(entry, 8)?, u64_at(entry, 32)?);
        match kind {
            PT_LOAD => self.segments.push(Segment {
                offset,
                size,
                address: u64_at(entry, 16)?,
                is_executable: flags & PF_X != 0,
            }),
            PT_NOTE => {
                let notes = read_at(file, offset, usize::try_from(size.min(NOTES_LIMIT)).ok()?)?;
                self.add_notes(&notes, u64_at(entry, 48)?);
            }
            _ => {}
        }
        Some(())
    }

    /// Notes: lengths of the name and the description, type, then both of them, padded.
    fn add_notes(&mut self, mut notes: &[u8], alignment: u64) {
        let alignment = if alignment == 8 { 8 } else { 4 };
        let pad = |len: u32| (len as usize).checked_next_multiple_of(alignment);
        while let (Some(name_len), Some(len), Some(kind)) =
            (u32_at(notes, 0), u32_at(notes, 4), u32_at(notes, 8))
        {
            let name_end = 12 + name_len.min(16) as usize;
            let Some(start) = pad(name_len.saturating_add(12)) else {
                return;
            };
            let name = notes.get(12..name_end).unwrap_or_default();
            let description = notes.get(start..start.saturating_add(len as usize));
            match (name, kind, description) {
                (b"GNU\0", NT_GNU_BUILD_ID, Some(id)) if id.len() <= BUILD_ID_LIMIT => {
                    self.build_id = Some(id.to_vec());
                }
                (b"Go\0\0", NT_GO_BUILD_ID, _) => self.is_go = true,
                _ => {}
            }
            let Some(rest) = pad(len)
                .and_then(|len| start.checked_add(len))
                .and_then(|next| notes.get(next..))
            else {
                return;
            };
            notes = rest;
        }
    }

    fn read_sections(&mut self, file: &File, header: &[u8]) {
        let table = table(file, header, 40, 58, SECTION_HEADER, SECTION_LIMIT);
        let names = u16_at(header, 62)
            .and_then(|index| table.chunks_exact(SECTION_HEADER).nth(usize::from(index)))
            .and_then(|entry| {
                let size = u64_at(entry, 32)?.min(NAMES_LIMIT);
                read_at(file, u64_at(entry, 24)?, usize::try_from(size).ok()?)
            })
            .unwrap_or_default();
        for entry in table.chunks_exact(SECTION_HEADER) {
            let _ = self.add_section(entry, &names);
        }
    }

    fn add_section(&mut self, entry: &[u8], names: &[u8]) -> Option<()> {
        let name = names.get(u32_at(entry, 0)? as usize..)?;
        let name = &name[..name.iter().position(|&byte| byte == 0)?];
        let flags = u64_at(entry, 8)?;
        if u32_at(entry, 4)? == SHT_NOBITS || flags & u64::from(SHF_COMPRESSED) != 0 {
            return None;
        }
        let section = Some(Section {
            offset: u64_at(entry, 24)?,
            size: u64_at(entry, 32)?,
            address: u64_at(entry, 16)?,
        });
        match name {
            b".text" => self.text = section,
            b".eh_frame" => self.eh_frame = section,
            b".debug_frame" => self.debug_frame = section,
            b".got" => self.got = section,
            b".gopclntab" | b".data.rel.ro.gopclntab" | b".note.go.buildid" => self.is_go = true,
            _ => {}
        }
        Some(())
    }
}

/// The table whose offset is at `offset_at` of the file header, and the size of whose entries at
/// `entry_size_at`, in front of their number; empty where it cannot be read.
fn table(
    file: &File,
    header: &[u8],
    offset_at: usize,
    entry_size_at: usize,
    entry_size: usize,
    limit: u16,
) -> Vec<u8> {
    let read = || {
        let (size, count) = (
            u16_at(header, entry_size_at)?,
            u16_at(header, entry_size_at + 2)?,
        );
        let length = entry_size * usize::from(count.min(limit));
        (usize::from(size) == entry_size)
            .then(|| read_at(file, u64_at(header, offset_at)?, length))?
    };
    read().unwrap_or_default()
}

/// Exactly `length` bytes of a file.
fn read_at(file: &File, offset: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("it can be written");
        file
    }

    fn own_head() -> Vec<u8> {
        let mut head = vec![0; 2048];
        let file = File::open("/proc/self/exe").expect("this program");
        file.read_exact_at(&mut head, 0).expect("it is longer");
        head
    }

    #[test]
    fn this_program() {
        let elf = Elf::read(&File::open("/proc/self/exe").expect("this program"));
        let elf = elf.expect("an ELF file");
        assert!(!elf.is_go);
        let text = elf.text.expect("code");
        assert!((text.address..text.address + text.size).contains(&elf.entry));
        let (offset, left) = elf.offset_of_address(elf.entry).expect("it is loaded");
        assert_eq!(offset - text.offset, elf.entry - text.address);
        assert!(left > 1);
        assert_eq!(elf.address_of_offset(offset), Some(elf.entry));
        assert!(elf.eh_frame.is_some_and(|section| section.size > 0));
        assert_eq!(elf.offset_of_address(u64::MAX), None);
        assert_eq!(elf.address_of_offset(u64::MAX), None);
    }

    #[test]
    fn other_files() {
        assert_eq!(Elf::read(&file(b"")), None);
        assert_eq!(Elf::read(&file(&[0; 64])), None);
        let mut wide = own_head();
        wide[4] = 1;
        assert_eq!(Elf::read(&file(&wide)), None);
        let headers_only = Elf::read(&file(&own_head()[..64]));
        let headers_only = headers_only.expect("its header is right");
        assert_eq!(headers_only.segments, []);
    }

    #[test]
    fn notes() {
        let mut elf = Elf::default();
        let mut notes = Vec::new();
        for (name, kind, text) in [
            (b"XYZ\0", 1_u32, &b"12345"[..]),
            (b"Go\0\0", 4, b"id"),
            (b"GNU\0", 3, b"\xab\xcd"),
        ] {
            notes.extend(4_u32.to_le_bytes());
            notes.extend(u32::try_from(text.len()).expect("short").to_le_bytes());
            notes.extend(kind.to_le_bytes());
            notes.extend(name);
            notes.extend(text);
            notes.resize(notes.len().next_multiple_of(4), 0);
        }
        elf.add_notes(&notes, 4);
        assert!(elf.is_go);
        assert_eq!(elf.build_id.as_deref(), Some(&b"\xab\xcd"[..]));
    }

    proptest! {
        #[test]
        fn any_notes_are_taken(notes in prop::collection::vec(any::<u8>(), 0..100)) {
            Elf::default().add_notes(&notes, 4);
            Elf::default().add_notes(&notes, 8);
        }

        #[test]
        fn any_header_is_taken(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        ) {
            let mut head = own_head();
            for (place, value) in changes {
                let place = place.index(1024);
                head[place] = value;
            }
            if let Some(elf) = Elf::read(&file(&head)) {
                let _ = elf.offset_of_address(elf.entry);
                let _ = elf.address_of_offset(elf.entry);
            }
        }
    }
}
