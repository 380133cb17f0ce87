//! Go programs, named by the tables that their own runtime makes tracebacks from. No linker flag
//! strips them: Go 1.18 to 1.27.

mod header;
mod inline;
mod module_data;
mod pointers;
mod search;
mod table;

use std::fs::File;
use std::sync::Arc;

use header::Header;
use inline::Calls;
use module_data::ModuleData;
use table::{Function, Table};

use super::Call;
use super::bytes::Bytes;
use super::image::Image;

/// Calls that are at most inlined into one another; what goes deeper is not believed.
const DEEPEST: usize = 256;

/// Places that are looked at where the tables may be, and bytes that are read to name an address.
const MOST_PLACES: usize = 16;
const MOST_BYTES: u64 = 1 << 20;

/// The tables of one Go program or shared object.
#[derive(Debug)]
pub(super) struct Program {
    bytes: Bytes,
    table: Table,
    calls: Calls,
    /// Number that the release of Go gives to functions which its traces leave out.
    wrapper: u8,
}

impl Program {
    /// Reads where the tables are; `None` where there are none of a known format.
    pub(super) fn read(file: &Arc<File>, image: &Image) -> Option<Self> {
        let mut places = Header::candidates(file, image).take(MOST_PLACES);
        places.find_map(|place| {
            let mut bytes = Bytes::new(Arc::clone(file));
            let header = Header::read(&mut bytes, place)?;
            let data = ModuleData::find(file, &mut bytes, image, &header);
            let text = data.as_ref().map(|data| data.text).or(header.text)?;
            let table = Table::read(file, &header, text)?;
            let wrapper = table.highest_id(&mut bytes)?;
            Some(Self {
                calls: Calls::new(image, data.as_ref(), header.format),
                bytes,
                table,
                wrapper,
            })
        })
    }

    /// The calls that an address is in, innermost first, as `runtime.CallersFrames` has them: without
    /// the wrappers that Go's compiler makes, so there may be none. `None` where no function of Go is.
    pub(super) fn calls(&mut self, address: u64) -> Option<Vec<Call>> {
        self.bytes.allow(MOST_BYTES);
        let function = self.table.function(&mut self.bytes, address)?;
        let mut target = address.checked_sub(function.entry)?;
        let mut calls = Vec::new();
        // As `inlineUnwinder` does in Go's runtime/symtabinl.go: the position is that of the
        // innermost call; its caller's is that of an instruction of the caller that is known.
        for _ in 0..DEEPEST {
            let bytes = &mut self.bytes;
            let inlined = self.calls.at(bytes, &self.table, &function, target)?;
            let (name, id) = match &inlined {
                inline::Inlined::No | inline::Inlined::Unknown => (function.name, function.id),
                inline::Inlined::Call(call) => (call.name, call.id),
            };
            if id != self.wrapper {
                let is_inlined = matches!(inlined, inline::Inlined::Call(_));
                let (file, line) = match inlined {
                    // The position belongs to a call that cannot be named, and the name to another.
                    inline::Inlined::Unknown => (None, None),
                    _ => self.position(&function, target),
                };
                calls.push(Call {
                    function: Some(printed(self.table.name(&mut self.bytes, name)?)),
                    file,
                    line,
                    is_inlined,
                });
            }
            match inlined {
                inline::Inlined::Call(call) => target = call.parent.into(),
                inline::Inlined::No | inline::Inlined::Unknown => return Some(calls),
            }
        }
        None
    }

    fn position(&mut self, function: &Function, target: u64) -> (Option<String>, Option<u32>) {
        let bytes = &mut self.bytes;
        let line = self.table.value(bytes, function.lines, target);
        let file = self.table.value(bytes, function.files, target);
        let (Some(line), Some(file)) = (line, file) else {
            return (None, None);
        };
        let Some(file) = self.table.file(bytes, function, file) else {
            return (None, None);
        };
        (Some(file), Some(line))
    }
}

/// A name as the runtime prints it: the types that a generic function was made for are left out
/// (`funcNameForPrint` in Go's runtime/traceback.go; a method can have two lists of them since 1.27).
fn printed(name: String) -> String {
    let mut text = String::with_capacity(name.len());
    let mut depth = 0_usize;
    for letter in name.chars() {
        match letter {
            '[' => {
                depth += 1;
                if depth == 1 {
                    text.push_str("[...");
                }
            }
            ']' if depth == 0 => return name,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            text.push(letter);
        }
    }
    if depth == 0 { text } else { name }
}
