//! The table that maps addresses to functions, files and lines (`.gopclntab`; runtime/symtab.go and
//! runtime/runtime2.go of Go).

use std::fs::File;

use super::super::bytes::{self, Bytes, u32_at};
use super::header::{Format, Header};

/// Most bytes of the list of functions: 8 for each.
const FUNCTIONS_LIMIT: usize = 64 << 20;
/// Longest name that is read.
const LONGEST_NAME: usize = 8 << 10;
/// Most bytes of a table of values of one function.
const LONGEST_VALUES: u64 = 1 << 20;
/// A file number that stands for no file.
const NO_FILE: u32 = u32::MAX;

/// The table of one program.
#[derive(Debug)]
pub(super) struct Table {
    /// Address that functions are counted from.
    text: u64,
    quantum: u8,
    format: Format,
    /// Offsets in the file.
    names: u64,
    units: u64,
    files: u64,
    values: u64,
    records: u64,
    /// Where each function begins, counted from the text, and where its record is, counted from
    /// `records`; by address, with the end of the last one behind it.
    functions: Box<[(u32, u32)]>,
}

/// The record of one function.
#[derive(Debug)]
pub(super) struct Function {
    /// Its address.
    pub(super) entry: u64,
    /// Its name, for [`Table::name`].
    pub(super) name: u32,
    /// What kind of function it is.
    pub(super) id: u8,
    /// Tables of file numbers and of lines by address, for [`Table::value`].
    pub(super) files: u32,
    pub(super) lines: u32,
    unit: u32,
    /// Offset in the file of the offsets of further tables, and how many those are.
    further: u64,
    value_tables: u32,
    data_tables: u8,
}

impl Table {
    pub(super) fn read(file: &File, header: &Header, text: u64) -> Option<Self> {
        let start = header.offset;
        let records = start.checked_add(header.functions_at)?;
        let count = header.functions.checked_add(1)?;
        let length = count.checked_mul(8)?;
        let list = bytes::range(file, records, length, FUNCTIONS_LIMIT)?;
        let functions: Box<[_]> = list
            .chunks_exact(8)
            .map(|entry| Some((u32_at(entry, 0)?, u32_at(entry, 4)?)))
            .collect::<Option<_>>()?;
        functions.is_sorted_by_key(|(entry, _)| *entry).then_some(())?;
        Some(Self {
            text,
            quantum: header.quantum,
            format: header.format,
            names: start.checked_add(header.names_at)?,
            units: start.checked_add(header.units_at)?,
            files: start.checked_add(header.files_at)?,
            values: start.checked_add(header.values_at)?,
            records,
            functions,
        })
    }

    /// The function that an address is in.
    pub(super) fn function(&self, bytes: &mut Bytes, address: u64) -> Option<Function> {
        let into = u32::try_from(address.checked_sub(self.text)?).ok()?;
        let (end, _) = self.functions.last()?;
        if into >= *end {
            return None;
        }
        let behind = self.functions.partition_point(|(entry, _)| *entry <= into);
        let (_, record) = self.functions.get(behind.checked_sub(1)?)?;
        self.record(bytes, *record)
    }

    /// The highest number of a kind of function. In all releases so far this is the kind of those
    /// that traces leave out, `FuncIDWrapper` in Go's internal/abi/symtab.go; `runtime.deferreturn`
    /// is always one.
    pub(super) fn highest_id(&self, bytes: &mut Bytes) -> Option<u8> {
        let (_, records) = self.functions.split_last()?;
        records
            .iter()
            .filter_map(|(_, record)| Some(self.record(bytes, *record)?.id))
            .max()
    }

    fn record(&self, bytes: &mut Bytes, record: u32) -> Option<Function> {
        let at = self.records.checked_add(record.into())?;
        let fields: [u8; 40] = bytes.array(at)?;
        let field = |index: usize| u32_at(&fields, index * 4);
        // Go 1.20 added the line that the function begins at.
        let kinds = match self.format {
            Format::Go118 => 36,
            Format::Go120 => 40,
        };
        let [id, _, _, data_tables] = bytes.array(at.checked_add(kinds)?)?;
        Some(Function {
            entry: self.text.checked_add(field(0)?.into())?,
            name: field(1)?,
            id,
            files: field(5)?,
            lines: field(6)?,
            value_tables: field(7)?,
            unit: field(8)?,
            further: at.checked_add(kinds + 4)?,
            data_tables,
        })
    }

    /// The name at an offset.
    pub(super) fn name(&self, bytes: &mut Bytes, name: u32) -> Option<String> {
        bytes.text(self.names.checked_add(name.into())?, LONGEST_NAME)
    }

    /// The path of a file by its number in the compilation unit of a function.
    pub(super) fn file(&self, bytes: &mut Bytes, function: &Function, file: u32) -> Option<String> {
        let number = function.unit.checked_add(file)?;
        let at = self.units.checked_add(u64::from(number) * 4)?;
        let name = bytes.u32(at)?;
        if name == NO_FILE {
            return None;
        }
        bytes.text(self.files.checked_add(name.into())?, LONGEST_NAME)
    }

    /// What a table says of an instruction that is `target` bytes into a function; `None` if nothing,
    /// which Go writes as -1 (`pcvalue` in runtime/symtab.go).
    pub(super) fn value(
        &self,
        bytes: &mut Bytes,
        table: u32,
        target: u64,
    ) -> Option<u32> {
        if table == 0 {
            return None;
        }
        let start = self.values.checked_add(table.into())?;
        let end = start.checked_add(LONGEST_VALUES)?;
        let mut at = start;
        let (mut value, mut into) = (-1_i32, 0_u64);
        while at < end {
            let change = varint(bytes, &mut at)?;
            if change == 0 && into != 0 {
                return None;
            }
            // The lowest bit is the sign.
            let change = (change >> 1).cast_signed() ^ -((change & 1).cast_signed());
            value = value.wrapping_add(change);
            let advance = u64::from(varint(bytes, &mut at)?) * u64::from(self.quantum);
            if advance == 0 {
                return None;
            }
            into += advance;
            if target < into {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    /// The further table of values of an index, for [`Table::value`]; 0 where there is none.
    pub(super) fn value_table(&self, bytes: &mut Bytes, function: &Function, index: u32) -> Option<u32> {
        if index >= function.value_tables {
            return Some(0);
        }
        bytes.u32(function.further.checked_add(u64::from(index) * 4)?)
    }

    /// Offset from [`super::module_data::ModuleData::function_data`] of the further data of an index;
    /// `None` where there is none.
    pub(super) fn data_table(&self, bytes: &mut Bytes, function: &Function, index: u8) -> Option<u32> {
        if index >= function.data_tables {
            return None;
        }
        let before = u64::from(function.value_tables) + u64::from(index);
        let at = function.further.checked_add(before * 4)?;
        bytes.u32(at).filter(|offset| *offset != u32::MAX)
    }
}

/// A number of which each byte has seven bits, lowest first.
fn varint(bytes: &mut Bytes, at: &mut u64) -> Option<u32> {
    let mut value = 0;
    for shift in (0..32).step_by(7) {
        let byte = bytes.byte(*at)?;
        *at += 1;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
