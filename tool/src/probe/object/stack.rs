//! The stack that the kernel half needs, told from its instructions. Linux before 6.13 has 512 bytes
//! for a chain of calls, newer kernels have that for each function and would not tell.

use std::collections::{BTreeSet, HashMap};

use object::{
    Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex, SectionKind, SymbolKind,
};

use super::{CALL, INSTRUCTION, OBJECT};

/// `MAX_BPF_STACK`, `include/linux/filter.h`
const LIMIT: u32 = 512;
/// What each frame is rounded up to (`check_max_stack_depth`, `kernel/bpf/verifier.c`, 6.1).
const ROUNDING: u32 = 32;
/// `MAX_CALL_FRAMES`, `include/linux/bpf_verifier.h`
const FRAMES: usize = 8;

/// Instruction classes, in the low bits of the opcode.
const CLASS: u8 = 7;
const LDX: u8 = 1;
const ST: u8 = 2;
const STX: u8 = 3;
/// `BPF_LD | BPF_IMM | BPF_DW`, of two instructions; also loads the address of a callback.
const LOAD_ADDRESS: u8 = 0x18;
/// `BPF_ALU64 | BPF_MOV | BPF_X` and `BPF_ALU64 | BPF_ADD | BPF_K`
const MOVE: u8 = 0xbf;
const ADD: u8 = 0x07;
/// `BPF_PSEUDO_CALL`, in the upper half of the register byte: a function of the object.
const OWN_FUNCTION: u8 = 1;
/// Register 10.
const FRAME_POINTER: u8 = 10;

/// A place in the object's code.
type Place = (SectionIndex, u64);

struct Instruction {
    place: Place,
    opcode: u8,
    to: u8,
    from: u8,
    offset: i16,
    immediate: i32,
}

struct Function {
    name: String,
    stack: u32,
    calls: BTreeSet<usize>,
}

/// All functions of the object.
fn functions() -> Vec<Function> {
    let file = object::File::parse(OBJECT).expect("an object");
    let ranges: Vec<(Place, u64, String)> = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() != 0)
        .map(|symbol| {
            let section = symbol.section_index().expect("a defined symbol");
            let name = symbol.name().expect("UTF-8").to_owned();
            ((section, symbol.address()), symbol.size(), name)
        })
        .collect();
    let function_at = |place: Place| {
        ranges
            .iter()
            .position(|((section, start), size, _)| {
                *section == place.0 && (*start..start + size).contains(&place.1)
            })
            .expect("code of a function")
    };
    let relocated = relocated(&file);
    let mut functions: Vec<_> = ranges
        .iter()
        .map(|(_, _, name)| Function {
            name: name.clone(),
            stack: 0,
            calls: BTreeSet::new(),
        })
        .collect();
    let mut copies = BTreeSet::new();
    for instruction in instructions(&file) {
        let index = function_at(instruction.place);
        let function = &mut functions[index];
        function.stack = function.stack.max(depth(&instruction, &mut copies));
        if let Some(callee) = callee(&instruction, &relocated) {
            function.calls.insert(function_at(callee));
        }
    }
    functions
}

fn instructions(file: &object::File<'_>) -> Vec<Instruction> {
    let mut all = Vec::new();
    for section in file.sections().filter(|s| s.kind() == SectionKind::Text) {
        let code = section.data().expect("code");
        for (index, bytes) in code.chunks_exact(INSTRUCTION).enumerate() {
            let &[opcode, registers, o0, o1, i0, i1, i2, i3] = bytes else {
                unreachable!("chunks of eight");
            };
            all.push(Instruction {
                place: (section.index(), (index * INSTRUCTION) as u64),
                opcode,
                to: registers & 15,
                from: registers >> 4,
                offset: i16::from_le_bytes([o0, o1]),
                immediate: i32::from_le_bytes([i0, i1, i2, i3]),
            });
        }
    }
    all
}

/// Symbols that instructions refer to: where they are, by where the instruction is.
fn relocated(file: &object::File<'_>) -> HashMap<Place, Place> {
    let mut all = HashMap::new();
    for section in file.sections().filter(|s| s.kind() == SectionKind::Text) {
        for (offset, relocation) in section.relocations() {
            let RelocationTarget::Symbol(symbol) = relocation.target() else {
                continue;
            };
            let symbol = file.symbol_by_index(symbol).expect("a symbol");
            let Some(target) = symbol.section_index() else {
                continue;
            };
            let is_code = file
                .section_by_index(target)
                .is_ok_and(|section| section.kind() == SectionKind::Text);
            if is_code {
                all.insert((section.index(), offset), (target, symbol.address()));
            }
        }
    }
    all
}

/// Bytes of the stack that an instruction uses; `copies` are the registers that hold its top.
fn depth(instruction: &Instruction, copies: &mut BTreeSet<u8>) -> u32 {
    let Instruction {
        opcode, to, from, ..
    } = *instruction;
    let reach = |offset: i32| offset.min(0).unsigned_abs();
    match opcode & CLASS {
        LDX if from == FRAME_POINTER => return reach(instruction.offset.into()),
        ST | STX if to == FRAME_POINTER => return reach(instruction.offset.into()),
        ST | STX => return 0,
        _ => {}
    }
    if opcode == ADD && copies.remove(&to) {
        return reach(instruction.immediate);
    }
    if opcode == MOVE && from == FRAME_POINTER {
        copies.insert(to);
    } else {
        copies.remove(&to);
    }
    0
}

/// The function that an instruction calls, or has called back.
fn callee(instruction: &Instruction, relocated: &HashMap<Place, Place>) -> Option<Place> {
    let target = relocated.get(&instruction.place);
    let immediate = i64::from(instruction.immediate);
    if instruction.opcode == LOAD_ADDRESS {
        let (section, address) = *target?;
        return Some((section, address.wrapping_add_signed(immediate)));
    }
    if instruction.opcode != CALL || instruction.from != OWN_FUNCTION {
        return None;
    }
    // Counted in instructions, from the one behind the call, or from the symbol less one.
    let bytes = (immediate + 1) * INSTRUCTION as i64;
    let (section, base) = *target.unwrap_or(&instruction.place);
    Some((section, base.wrapping_add_signed(bytes)))
}

/// The chain of calls below a function that needs most stack: bytes and names.
fn deepest(functions: &[Function], index: usize) -> (u32, Vec<String>) {
    let function = &functions[index];
    let own = function.stack.max(1).next_multiple_of(ROUNDING);
    let (below, mut chain) = function
        .calls
        .iter()
        .map(|callee| deepest(functions, *callee))
        .max()
        .unwrap_or_default();
    chain.insert(0, format!("{} {}", function.name, function.stack));
    (own + below, chain)
}

/// Functions of the longest chain of calls below a function.
fn frames(functions: &[Function], index: usize) -> usize {
    let calls = functions[index].calls.iter();
    1 + calls
        .map(|callee| frames(functions, *callee))
        .max()
        .unwrap_or(0)
}

#[test]
fn every_chain_of_calls_fits_the_stack() {
    let functions = functions();
    for (index, function) in functions.iter().enumerate() {
        let (stack, chain) = deepest(&functions, index);
        assert!(stack <= LIMIT, "{stack} bytes: {}", chain.join(" > "));
        let frames = frames(&functions, index);
        assert!(frames <= FRAMES, "{}: {frames} functions", function.name);
    }
    let entry = functions.iter().position(|f| f.name == "sys_exit_raw");
    let (stack, chain) = deepest(&functions, entry.expect("the raw engine"));
    assert!(
        stack > LIMIT / 2 && chain.len() > FRAMES / 2,
        "this test no longer sees the calls: {chain:?}"
    );
}
