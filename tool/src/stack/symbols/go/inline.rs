//! The trees of inlined calls (`FUNCDATA_InlTree`; runtime/symtabinl.go of Go, runtime/symtab.go before
//! 1.21).

use super::super::bytes::{Bytes, u32_at};
use super::super::image::Image;
use super::header::Format;
use super::module_data::ModuleData;
use super::table::{Function, Table};

/// Indices of the tables among the further ones of a function (internal/abi/symtab.go).
const INDEX_BY_ADDRESS: u32 = 2;
const TREE: u8 = 3;

/// Where the trees of a program are.
#[derive(Debug)]
pub(super) struct Calls {
    format: Format,
    /// Offset in the file that trees are counted from, and how far its segment goes from there.
    base: Option<(u64, u64)>,
}

/// What an instruction is, beside a part of its function.
#[derive(Debug)]
pub(super) enum Inlined {
    /// Nothing else.
    No,
    /// A part of an inlined call.
    Call(InlinedCall),
    /// A part of an inlined call that cannot be read.
    Unknown,
}

/// A call that was inlined.
#[derive(Debug)]
pub(super) struct InlinedCall {
    /// Name of what is called, for [`Table::name`].
    pub(super) name: u32,
    /// What kind of function it is.
    pub(super) id: u8,
    /// An instruction of the caller at the line of the call, counted from the function's entry.
    pub(super) parent: u32,
}

impl Calls {
    pub(super) fn new(image: &Image, data: Option<&ModuleData>, format: Format) -> Self {
        let base = data
            .and_then(|data| data.function_data)
            .and_then(|address| image.file_offset(address));
        Self { format, base }
    }

    /// The innermost call that the instruction is in which is `target` bytes into a function. `None`
    /// where the tables make no sense.
    pub(super) fn at(
        &self,
        bytes: &mut Bytes,
        table: &Table,
        function: &Function,
        target: u64,
    ) -> Option<Inlined> {
        let Some(tree) = table.data_table(bytes, function, TREE) else {
            return Some(Inlined::No);
        };
        let indices = table.value_table(bytes, function, INDEX_BY_ADDRESS)?;
        let Some(index) = table.value(bytes, indices, target) else {
            return Some(Inlined::No);
        };
        let call = self.call(bytes, tree, index);
        Some(call.map_or(Inlined::Unknown, Inlined::Call))
    }

    /// Entries of both formats: parent, kind, file, line, name, address of the parent; and, since
    /// 1.20: kind, name, address of the parent, first line.
    fn call(&self, bytes: &mut Bytes, tree: u32, index: u32) -> Option<InlinedCall> {
        let (size, kind, name, parent) = match self.format {
            Format::Go118 => (20, 2, 12, 16),
            Format::Go120 => (16, 0, 4, 8),
        };
        let (base, rest) = self.base?;
        let into = u64::from(tree).checked_add(u64::from(index) * size)?;
        if into.checked_add(size)? > rest {
            return None;
        }
        let entry: [u8; 20] = bytes.array(base.checked_add(into)?)?;
        Some(InlinedCall {
            id: entry[kind],
            name: u32_at(&entry, name)?,
            parent: u32_at(&entry, parent)?,
        })
    }
}
