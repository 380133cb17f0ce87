//! Files of traced processes, which name their code.

use std::io::Write as _;
use std::sync::Arc;

use crate::stack::symbols::Symbolizer;

/// Address of the code, and of the table of it.
const TEXT: u64 = 0x1000;
const TABLE: u64 = 0x8000;
/// Magic number of the table (internal/abi/symtab.go of Go); that of Go 1.20 is the next.
const GO_118: u32 = 0xffff_fff0;
/// Where code is looked for, from its beginning on.
const INTO: [u64; 6] = [0, 1, 7, 15, 16, 300];

/// Names code by a table of Go in a file that is as it should be.
pub(super) fn go_table(data: &[u8]) {
    name(&file_with(data), TEXT);
    let text = data.get(24..32).and_then(|bytes| bytes.try_into().ok());
    if let Some(text) = text.map(u64::from_le_bytes) {
        name(&file_with(data), text);
    }
}

/// The table of two functions, in the formats of Go 1.18 and of 1.20 and later.
pub(super) fn go_tables() -> Vec<Vec<u8>> {
    vec![table(GO_118, 9), table(GO_118 + 1, 10)]
}

/// Names code of any file.
pub(super) fn elf(data: &[u8]) {
    name(data, TEXT);
    let entry = data.get(24..32).and_then(|bytes| bytes.try_into().ok());
    name(data, entry.map_or(0, u64::from_le_bytes));
}

/// A file with a table of Go.
pub(super) fn elves() -> Vec<Vec<u8>> {
    go_tables().iter().map(|table| file_with(table)).collect()
}

fn name(content: &[u8], text: u64) {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(content).expect("it is written");
    let mut symbolizer = Symbolizer::with_debug_directories(Vec::new());
    let module = symbolizer.module(&Arc::new(file), "/srv/app", None);
    for into in INTO {
        let frames = symbolizer.frames(module, text.wrapping_add(into));
        assert!(frames.len() <= 1 << 12);
    }
}

/// `pcHeader` and what follows it (runtime/symtab.go of Go); records have so many fields.
fn table(magic: u32, fields: usize) -> Vec<u8> {
    let parts: [&[u8]; 5] = [
        b"main.main\0main.f\0",
        &[0; 4],
        b"main.go\0",
        // After a byte that no table begins at: a line, then a file, each for 64 bytes.
        &[0, 20, 64, 0, 2, 64, 0],
        &functions(fields),
    ];
    let mut at = 72_u64;
    let mut offsets = Vec::new();
    for part in parts {
        offsets.push(at);
        at += part.len() as u64;
    }
    let mut table = magic.to_le_bytes().to_vec();
    table.extend([0, 0, 1, 8]);
    for field in [2, 1, TEXT].into_iter().chain(offsets) {
        table.extend(u64::to_le_bytes(field));
    }
    table.extend(parts.concat());
    table
}

/// Where two functions begin, and their records. The second is of the kind that traces leave out.
fn functions(fields: usize) -> Vec<u8> {
    let record = |entry: u32, name: u32, kind: u8| {
        let all = [entry, name, 0, 0, 0, 4, 1, 0, 0, 1];
        let mut record = bytes_of(&all[..fields]);
        record.extend([kind, 0, 0, 0]);
        record
    };
    let (first, second) = (record(0, 0, 0), record(16, 10, 1));
    let length = u32::try_from(first.len()).expect("small");
    let list = bytes_of(&[0, 24, 16, 24 + length, 32, 0]);
    [list, first, second].concat()
}

fn bytes_of(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().copied().flat_map(u32::to_le_bytes).collect()
}

/// An ELF file whose section `.gopclntab` is this (`elf.h`).
fn file_with(table: &[u8]) -> Vec<u8> {
    const HEADER: u64 = 64;
    const SEGMENT: u64 = 56;
    const NAMES: &[u8] = b"\0.gopclntab\0.names\0";
    let start = HEADER + SEGMENT;
    let names = start + table.len() as u64;
    let sections = names + NAMES.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // ET_EXEC, EM_X86_64
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    file.extend([TEXT, HEADER, sections].map(u64::to_le_bytes).concat());
    file.extend([0; 4]);
    file.extend([64_u16, 56, 1, 64, 3, 2].map(u16::to_le_bytes).concat());
    // PT_LOAD, readable
    file.extend([1_u32, 4].map(u32::to_le_bytes).concat());
    let length = table.len() as u64;
    let segment = [start, TABLE, TABLE, length, length, 1];
    file.extend(segment.map(u64::to_le_bytes).concat());
    file.extend(table);
    file.extend(NAMES);
    file.extend([0; 64]);
    file.extend(section(1, 1, (TABLE, start, length)));
    file.extend(section(12, 3, (0, names, NAMES.len() as u64)));
    file
}

fn section(name: u32, kind: u32, (address, offset, size): (u64, u64, u64)) -> Vec<u8> {
    let mut section = [name, kind].map(u32::to_le_bytes).concat();
    let fields = [2, address, offset, size, 0, 1, 0];
    section.extend(fields.map(u64::to_le_bytes).concat());
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is fuzzed gets as far as to names.
    #[test]
    fn seeds_are_good() {
        for file in elves() {
            let mut opened = tempfile::tempfile().expect("a file");
            opened.write_all(&file).expect("it is written");
            let mut symbolizer = Symbolizer::with_debug_directories(Vec::new());
            let module = symbolizer.module(&Arc::new(opened), "/srv/app", None);
            let told = |symbolizer: &mut Symbolizer, address| {
                let frame = symbolizer.frames(module, address)[0].clone();
                (frame.function, frame.file, frame.line)
            };
            let main = (Some("main.main".into()), Some("main.go".into()), Some(9));
            assert_eq!(told(&mut symbolizer, TEXT + 1), main);
            assert!(symbolizer.frames(module, TEXT + 16).is_empty());
        }
    }
}
