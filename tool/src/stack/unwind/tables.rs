//! Call frame information: `.eh_frame` and `.debug_frame`, indexed by address.
//!
//! `.eh_frame_hdr` is not used: an index that is made from the entries themselves serves both
//! sections, and cannot contradict them.

use gimli::{
    BaseAddresses, CieOrFde, DebugFrame, EhFrame, Encoding, EndianSlice, LittleEndian,
    UnwindContext, UnwindOffset, UnwindSection, UnwindTableRow,
};

/// Bytes of a common entry, beyond which it is not believed. Its text is read again with each entry
/// that refers to it.
const COMMON_LIMIT: u32 = 4 << 10;
/// Bytes of the entry of a function, beyond which it is not believed: all of them are gone through
/// for each address.
const ENTRY_LIMIT: usize = 64 << 10;
/// Bytes of an address.
const ADDRESS_SIZE: u8 = 8;

/// How gimli sees a section.
pub(super) type Slice<'data> = EndianSlice<'data, LittleEndian>;

/// Which of the two forms a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stack) enum Form {
    /// `.eh_frame`
    EhFrame,
    /// `.debug_frame`
    DebugFrame,
}

/// One section of call frame information.
pub(in crate::stack) struct Table {
    form: Form,
    data: Box<[u8]>,
    bases: BaseAddresses,
    /// By rising addresses.
    entries: Box<[Entry]>,
}

/// Code that an entry of the table tells of.
#[derive(Clone, Copy)]
struct Entry {
    start: u64,
    length: u32,
    /// Where in the section it is.
    offset: u32,
}

/// What a table says of an address.
pub(super) struct Row<'table, 'context> {
    /// Its rules.
    pub(super) rules: &'context UnwindTableRow<usize>,
    /// The section, which expressions lie in.
    pub(super) data: &'table [u8],
    /// How expressions are encoded.
    pub(super) encoding: Encoding,
    /// Whether the caller was interrupted rather than calling.
    pub(super) is_signal_frame: bool,
}

impl Table {
    /// Indexes a section. What follows something that cannot be read is left out.
    pub(in crate::stack) fn new(form: Form, data: Vec<u8>, bases: BaseAddresses) -> Self {
        let mut entries = match form {
            Form::EhFrame => index(&eh_frame(&data), &data, &bases),
            Form::DebugFrame => index(&debug_frame(&data), &data, &bases),
        };
        entries.sort_by_key(|entry| entry.start);
        Self {
            form,
            data: data.into(),
            bases,
            entries: entries.into(),
        }
    }

    /// Bytes of the section.
    pub(in crate::stack) fn size(&self) -> u64 {
        self.data.len() as u64
    }

    /// Gives `use_row` what the table says of an address; `None` where it says nothing.
    pub(super) fn with_row<T>(
        &self,
        address: u64,
        context: &mut UnwindContext<usize>,
        use_row: impl FnOnce(Row<'_, '_>) -> T,
    ) -> Option<T> {
        let offset = self.entry_of(address)? as usize;
        match self.form {
            Form::EhFrame => {
                let section = eh_frame(&self.data);
                self.with_row_of(&section, offset.into(), address, context, use_row)
            }
            Form::DebugFrame => {
                let section = debug_frame(&self.data);
                self.with_row_of(&section, offset.into(), address, context, use_row)
            }
        }
    }

    fn with_row_of<'data, Section: UnwindSection<Slice<'data>>, T>(
        &'data self,
        section: &Section,
        offset: Section::Offset,
        address: u64,
        context: &mut UnwindContext<usize>,
        use_row: impl FnOnce(Row<'_, '_>) -> T,
    ) -> Option<T> {
        let entry = section
            .fde_from_offset(&self.bases, offset, Section::cie_from_offset)
            .ok()?;
        let rules = entry
            .unwind_info_for_address(section, &self.bases, context, address)
            .ok()?;
        Some(use_row(Row {
            rules,
            data: &self.data,
            encoding: entry.cie().encoding(),
            is_signal_frame: entry.is_signal_trampoline(),
        }))
    }

    /// Where the entry that tells of an address is.
    fn entry_of(&self, address: u64) -> Option<u32> {
        let behind = self.entries.partition_point(|entry| entry.start <= address);
        let entry = self.entries.get(behind.checked_sub(1)?)?;
        (address - entry.start < u64::from(entry.length)).then_some(entry.offset)
    }
}

fn eh_frame(data: &[u8]) -> EhFrame<Slice<'_>> {
    let mut section = EhFrame::new(data, LittleEndian);
    section.set_address_size(ADDRESS_SIZE);
    section
}

fn debug_frame(data: &[u8]) -> DebugFrame<Slice<'_>> {
    let mut section = DebugFrame::new(data, LittleEndian);
    section.set_address_size(ADDRESS_SIZE);
    section
}

/// The entries of a section, in its order.
fn index<'data, Section: UnwindSection<Slice<'data>>>(
    section: &Section,
    data: &'data [u8],
    bases: &BaseAddresses,
) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut common = None;
    let mut entries = section.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        let entry = partial.parse(|section, bases, offset| {
            let at: usize = UnwindOffset::into(offset);
            match &common {
                Some((known, entry)) if *known == at => Ok(entry),
                _ => common_entry(section, data, bases, offset).map(|entry| {
                    let (_, entry) = common.insert((at, entry));
                    &*entry
                }),
            }
            .cloned()
        });
        if let Ok(entry) = entry
            && entry.entry_len() <= ENTRY_LIMIT
            && let (Ok(length), Ok(offset)) = (entry.len().try_into(), entry.offset().try_into())
        {
            found.push(Entry {
                start: entry.initial_address(),
                length,
                offset,
            });
        }
    }
    found
}

/// The common entry at an offset, unless it is too long.
fn common_entry<'data, Section: UnwindSection<Slice<'data>>>(
    section: &Section,
    data: &[u8],
    bases: &BaseAddresses,
    offset: Section::Offset,
) -> gimli::Result<gimli::CommonInformationEntry<Slice<'data>>> {
    let at: usize = UnwindOffset::into(offset);
    let length = data.get(at..).and_then(|rest| rest.first_chunk());
    if length.is_none_or(|length| u32::from_le_bytes(*length) > COMMON_LIMIT) {
        return Err(gimli::Error::OffsetOutOfBounds);
    }
    section.cie_from_offset(bases, offset)
}

#[cfg(test)]
pub(super) mod tests;
