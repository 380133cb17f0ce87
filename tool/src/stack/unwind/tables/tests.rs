use std::fs::File;
use std::os::unix::fs::FileExt;

use proptest::prelude::*;

use super::*;
use crate::stack::elf::Elf;
use crate::stack::unwind::expression;
use crate::stack::unwind::memory::Memory;
use crate::stack::unwind::registers::Registers;
use crate::stack::unwind::rule::{Failure, Rule};

/// `DW_CFA_def_cfa_expression`, `DW_CFA_expression`, `DW_CFA_offset` of the return address by one word.
const FRAME_BY: u8 = 0x0f;
const REGISTER_BY: u8 = 0x10;
const RETURN_ADDRESS_SAVED: [u8; 2] = [0x80 | 16, 1];

/// A table of one function, from 0x1000 to 0x2000, whose frames are as `instructions` say.
fn table(augmentation: &[u8], instructions: &[u8]) -> Table {
    let mut common = vec![0, 0, 0, 0, 1];
    common.extend(augmentation);
    // End of the augmentation, alignments of 1 and -8, return address in column 16, and its data.
    common.extend([0, 1, 0x78, 16]);
    common.extend(vec![0; usize::from(!augmentation.is_empty())]);
    common.extend(instructions);
    let mut data = entry(common);
    let back = u32::try_from(data.len() + 4).expect("short");
    let mut function = back.to_le_bytes().to_vec();
    function.extend(0x1000_u64.to_le_bytes());
    function.extend(0x1000_u64.to_le_bytes());
    function.extend(vec![0; usize::from(!augmentation.is_empty())]);
    data.extend(entry(function));
    Table::new(Form::EhFrame, data, BaseAddresses::default())
}

/// An entry with its length in front.
fn entry(mut content: Vec<u8>) -> Vec<u8> {
    content.resize(content.len().next_multiple_of(8), 0);
    let length = u32::try_from(content.len()).expect("short");
    [length.to_le_bytes().as_slice(), &content].concat()
}

fn caller(table: &Table, registers: &Registers, memory: Memory<'_>) -> Result<Registers, Failure> {
    let row = |row: Row<'_, '_>| {
        assert_eq!(Rule::of_row(&row), Rule::Expressions);
        expression::caller(&row, registers, memory)
    };
    let caller = table.with_row(0x1800, &mut UnwindContext::new(), row);
    caller.expect("there is a row")
}

#[test]
fn expression_that_never_ends() {
    let skip_back = [FRAME_BY, 3, 0x2f, 0xfd, 0xff];
    let table = table(b"", &[&skip_back[..], &RETURN_ADDRESS_SAVED].concat());
    let registers = Registers::new(0x1800, 0x7000, 0);
    let memory = Memory::new(0x7000, &[]);
    assert_eq!(caller(&table, &registers, memory), Err(Failure::Senseless));
}

/// As glibc tells of a signal's frame.
#[test]
fn expressions_that_read_memory() {
    let rules = [
        // The word at rsp + 16 is the frame, that at rsp + 8 the return address.
        &[FRAME_BY, 3, 0x77, 16, 0x06][..],
        &[REGISTER_BY, 16, 2, 0x77, 8],
    ];
    let mut memory = [0_u8; 24];
    memory[8..16].copy_from_slice(&0x4711_u64.to_le_bytes());
    memory[16..].copy_from_slice(&0x7fff_u64.to_le_bytes());
    let registers = Registers::new(0x1800, 0x7000, 0);
    for augmentation in [&b""[..], b"zS"] {
        let table = table(augmentation, &rules.concat());
        let caller = caller(&table, &registers, Memory::new(0x7000, &memory)).expect("a caller");
        assert_eq!(caller.instruction_pointer(), 0x4711);
        assert_eq!(caller.stack_pointer(), 0x7fff);
        let is_signal_frame = |row: Row<'_, '_>| row.is_signal_frame;
        assert_eq!(
            table.with_row(0x1800, &mut UnwindContext::new(), is_signal_frame),
            Some(!augmentation.is_empty())
        );
    }
    let cut = caller(
        &table(b"", &rules.concat()),
        &registers,
        Memory::new(0x7000, &memory[..16]),
    );
    assert_eq!(cut, Err(Failure::NotCopied(0x7010)));
}

#[test]
fn return_address_that_is_undefined() {
    let undefined = [0x0c, 7, 8, 0x07, 16];
    let table = table(b"", &undefined);
    let rule = |row: Row<'_, '_>| Rule::of_row(&row);
    let mut context = UnwindContext::new();
    assert_eq!(
        table.with_row(0x1000, &mut context, rule),
        Some(Rule::Entry)
    );
    assert_eq!(table.with_row(0xfff, &mut context, rule), None);
    assert_eq!(table.with_row(0x2000, &mut context, rule), None);
}

/// `.eh_frame` of this program.
pub(in crate::stack::unwind) fn own() -> (Vec<u8>, BaseAddresses) {
    let file = File::open("/proc/self/exe").expect("this program");
    let section = Elf::read(&file).expect("an ELF file").eh_frame;
    let section = section.expect("a table");
    let mut data = vec![0; usize::try_from(section.size).expect("it fits")];
    file.read_exact_at(&mut data, section.offset)
        .expect("it is there");
    (data, BaseAddresses::default().set_eh_frame(section.address))
}

#[test]
fn every_function_of_this_program_has_a_rule() {
    let (data, bases) = own();
    let table = Table::new(Form::EhFrame, data, bases);
    assert!(table.entries.len() > 1000);
    let mut context = UnwindContext::new();
    for entry in &table.entries {
        let rule = table.with_row(entry.start, &mut context, |row| Rule::of_row(&row));
        assert!(rule.is_some(), "{:#x}", entry.start);
    }
}

fn go_through(table: &Table) {
    let mut context = UnwindContext::new();
    let registers = Registers::new(0x1800, 0x7000, 0x7010);
    let memory = [1; 64];
    for entry in &table.entries {
        let _ = table.with_row(entry.start, &mut context, |row| {
            let _ = expression::caller(&row, &registers, Memory::new(0x7000, &memory));
            Rule::of_row(&row)
        });
    }
}

proptest! {
    #[test]
    fn any_section_is_taken(data in prop::collection::vec(any::<u8>(), 0..300)) {
        go_through(&Table::new(Form::EhFrame, data.clone(), BaseAddresses::default()));
        go_through(&Table::new(Form::DebugFrame, data, BaseAddresses::default()));
    }

    #[test]
    fn any_instructions_are_taken(instructions in prop::collection::vec(any::<u8>(), 0..100)) {
        go_through(&table(b"", &instructions));
        go_through(&table(b"zS", &instructions));
    }

    #[test]
    fn any_change_of_a_real_section_is_taken(
        start in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        /// Bytes of the section, enough for a few dozen functions.
        const PART: usize = 4096;
        let (data, bases) = own();
        let start = start.index(data.len() - PART);
        // The common entry is in front.
        let mut part = [&data[..64], &data[start..start + PART]].concat();
        for (place, value) in changes {
            let place = place.index(part.len());
            part[place] = value;
        }
        go_through(&Table::new(Form::EhFrame, part, bases));
    }
}
