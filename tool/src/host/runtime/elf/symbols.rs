//! Symbols that a program or library exports, found as the dynamic linker finds them.
//!
//! The table is `DT_GNU_HASH`: header, Bloom filter, buckets, chains (glibc 2.36,
//! `elf/dl-lookup.c`). So a look-up reads a few words, however many symbols there are.

use object::LittleEndian;
use object::elf::{DT_GNU_HASH, DT_STRTAB, DT_SYMTAB, GnuHashHeader, SHN_UNDEF, Sym64, gnu_hash};

use super::{Elf, LE};

/// Symbols with the same hash bucket that are looked at; tables are made for a few.
const CHAIN: u32 = 4096;

/// An exported function or variable.
#[derive(Debug, Clone, Copy)]
pub(in crate::host::runtime) struct Symbol {
    /// Where it begins in the file; `None` where it is not in it, as a variable that is 0.
    pub(in crate::host::runtime) offset: Option<u64>,
    /// Bytes.
    pub(in crate::host::runtime) size: u64,
}

impl Elf {
    /// The exported symbol of this name.
    pub(in crate::host::runtime) fn exported(&self, name: &str) -> Option<Symbol> {
        let hash = gnu_hash(name.as_bytes());
        let table = self.offset_of(self.dynamic(DT_GNU_HASH)?)?;
        let header: GnuHashHeader<LittleEndian> = self.pod(table)?;
        let count = header.bucket_count.get(LE);
        let bloom_size = u64::from(header.bloom_count.get(LE)) * 8;
        let buckets = table + size_of_val(&header) as u64 + bloom_size;
        let chains = buckets + u64::from(count) * 4;
        let first = self.word(buckets + u64::from(hash.checked_rem(count)?) * 4)?;
        for index in first..first.saturating_add(CHAIN) {
            let element = index.checked_sub(header.symbol_base.get(LE))?;
            let chained = self.word(chains + u64::from(element) * 4)?;
            // The lowest bit marks the last one of a bucket.
            if chained | 1 == hash | 1
                && let Some(symbol) = self.symbol(index, name)
            {
                return Some(symbol);
            }
            if chained & 1 != 0 {
                break;
            }
        }
        None
    }

    fn word(&self, offset: u64) -> Option<u32> {
        let bytes = self.bytes(offset, 4);
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// A symbol of the table, if it has this name and is no reference to another file's.
    fn symbol(&self, index: u32, name: &str) -> Option<Symbol> {
        let place = u64::from(index) * size_of::<Sym64<LittleEndian>>() as u64;
        let table = self.dynamic(DT_SYMTAB)?.checked_add(place)?;
        let symbol: Sym64<LittleEndian> = self.pod(self.offset_of(table)?)?;
        let names = self.dynamic(DT_STRTAB)?;
        let found = names.checked_add(symbol.st_name.get(LE).into())?;
        let is_it = self.name(self.offset_of(found)?) == name.as_bytes();
        (is_it && symbol.st_shndx.get(LE) != SHN_UNDEF).then(|| Symbol {
            offset: self.offset_of(symbol.st_value.get(LE)),
            size: symbol.st_size.get(LE),
        })
    }
}
