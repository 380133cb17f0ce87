//! A copy of the tables of an ELF file that name its code, in memory of this process.
//!
//! blazesym maps the files that it reads and follows the links in them. Whoever can write a mapped
//! file can truncate it, which ends the process that has it mapped; and a link can lead to a pipe that
//! is never written, or a compressed table swell beyond all memory. The copy has no links, is not
//! compressed and belongs to nobody else.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use flate2::read::ZlibDecoder;
use object::elf;
use rustix::fs::MemfdFlags;

use super::bytes::{self, u32_at};
use super::image::{FILE_HEADER, Image, SECTION_HEADER, Section};

/// Most bytes of symbols and their names that are copied, and of debug information: more is left out.
const SYMBOLS_LIMIT: u64 = 128 << 20;
const DEBUG_LIMIT: u64 = 160 << 20;
/// Longest file that is copied from; the copy has holes, so this costs nothing.
const LONGEST: u64 = 1 << 36;
/// Bytes that are copied at a time.
const PIECE: u64 = 1 << 20;
/// Header of a compressed section: what with, length, alignment.
const COMPRESSION_HEADER: u64 = 24;

/// Where the fields of a section's header are.
const KIND: usize = 4;
const FLAGS: usize = 8;
const OFFSET: usize = 24;
const SIZE: usize = 32;

/// The copy, and whether it has debug information.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) file: File,
    pub(super) has_debug_information: bool,
}

impl Copy {
    /// Copies what is in a file.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, has no sections or more symbols than are believed.
    pub(super) fn of(file: &File, image: &Image) -> io::Result<Self> {
        let length = file.metadata()?.len();
        if length > LONGEST || image.sections().is_empty() {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let memory = rustix::fs::memfd_create("copytax symbols", MemfdFlags::CLOEXEC)?;
        let copy = File::from(memory);
        copy.set_len(length)?;
        transfer(file, &copy, 0, FILE_HEADER as u64)?;
        let of_headers = (image.sections().len() * SECTION_HEADER) as u64;
        transfer(file, &copy, image.section_headers, of_headers)?;

        let is_symbols = |section: &Section| {
            matches!(
                section.kind,
                elf::SHT_SYMTAB | elf::SHT_DYNSYM | elf::SHT_STRTAB
            )
        };
        let is_debug = |section: &Section| {
            section.kind == elf::SHT_PROGBITS && section.name.starts_with(b".debug_")
        };
        let mut symbols = Copied::new(file, &copy, image, SYMBOLS_LIMIT, length);
        symbols.all(&is_symbols)?;
        let mut debug = Copied::new(file, &copy, image, DEBUG_LIMIT, symbols.end);
        // All or nothing: they refer to one another.
        let has_debug_information = image.section(b".debug_info").is_some()
            && image.section(b".debug_sup").is_none()
            && image.section(b".gnu_debugaltlink").is_none()
            && debug.all(&is_debug).is_ok();
        for (index, section) in image.sections().iter().enumerate() {
            let is_kept = is_symbols(section) || (has_debug_information && is_debug(section));
            if !is_kept {
                put(&copy, image, index, KIND, &elf::SHT_NULL.to_le_bytes())?;
                put(&copy, image, index, 0, &[0; 4])?;
            }
        }
        Ok(Self {
            file: copy,
            has_debug_information,
        })
    }
}

/// Sections that are copied under one limit.
struct Copied<'image> {
    from: &'image File,
    to: &'image File,
    image: &'image Image,
    /// Bytes that may still be copied.
    left: u64,
    /// End of the copy: what was compressed goes there.
    end: u64,
}

impl<'image> Copied<'image> {
    fn new(from: &'image File, to: &'image File, image: &'image Image, left: u64, end: u64) -> Self {
        Self {
            from,
            to,
            image,
            left,
            end,
        }
    }

    fn all(&mut self, is_wanted: &impl Fn(&Section) -> bool) -> io::Result<()> {
        for (index, section) in self.image.sections().iter().enumerate() {
            if is_wanted(section) {
                if section.is_compressed() {
                    self.inflate(index, section)?;
                } else {
                    self.take(section.size)?;
                    transfer(self.from, self.to, section.offset, section.size)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, size: u64) -> io::Result<()> {
        let left = self.left.checked_sub(size);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(())
    }

    /// Copies a section that is compressed, and says in its header that it no longer is.
    fn inflate(&mut self, index: usize, section: &Section) -> io::Result<()> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let limit = usize::try_from(SYMBOLS_LIMIT).map_err(|_| damaged())?;
        let packed =
            bytes::range(self.from, section.offset, section.size, limit).ok_or_else(damaged)?;
        if u32_at(&packed, 0) != Some(elf::ELFCOMPRESS_ZLIB) {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        let packed = packed.get(COMPRESSION_HEADER as usize..).ok_or_else(damaged)?;
        let mut piece = vec![0; PIECE as usize];
        let mut unpacked = ZlibDecoder::new(packed);
        let start = self.end;
        loop {
            let length = unpacked.read(&mut piece)?;
            if length == 0 {
                break;
            }
            self.take(length as u64)?;
            self.to.write_all_at(&piece[..length], self.end)?;
            self.end += length as u64;
        }
        put(self.to, self.image, index, OFFSET, &start.to_le_bytes())?;
        put(self.to, self.image, index, SIZE, &(self.end - start).to_le_bytes())?;
        put(self.to, self.image, index, FLAGS, &[0; 8])
    }
}

/// Changes a field of the header of a section in the copy.
fn put(copy: &File, image: &Image, index: usize, field: usize, value: &[u8]) -> io::Result<()> {
    let into = (index * SECTION_HEADER + field) as u64;
    let at = image.section_headers.checked_add(into);
    copy.write_all_at(value, at.ok_or(io::ErrorKind::InvalidData)?)
}

/// Copies a range to the same place.
fn transfer(from: &File, to: &File, offset: u64, length: u64) -> io::Result<()> {
    let end = offset.checked_add(length).ok_or(io::ErrorKind::InvalidData)?;
    // Not beyond the end of the file, however long the copy would become.
    if end > from.metadata()?.len() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    let mut piece = vec![0; length.min(PIECE) as usize];
    let mut at = offset;
    while at < end {
        let length = (end - at).min(PIECE) as usize;
        from.read_exact_at(&mut piece[..length], at)?;
        to.write_all_at(&piece[..length], at)?;
        at += length as u64;
    }
    Ok(())
}
