//! Where a function that no table tells of has its return address: where its stack pointer will be when
//! it returns.
//!
//! musl has no tables at all, for one. Its functions, as all that a compiler makes, change the stack
//! pointer by amounts that stand in their instructions, so the way to some `ret` tells.

use std::collections::HashSet;

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register,
};

use super::{CALLEE_SAVED, FRAME_POINTER, STACK_POINTER};

/// Instructions that are looked at, over all ways.
const INSTRUCTION_LIMIT: usize = 512;
/// Ways that are still to be gone at any time.
const WAY_LIMIT: usize = 64;
/// Bytes of an instruction at most.
const INSTRUCTION_SIZE: usize = 15;

/// A frame as its function takes it down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stack::unwind) struct Epilogue {
    /// Register that places are relative to.
    pub(in crate::stack::unwind) base: u8,
    /// Where the return address is.
    pub(in crate::stack::unwind) return_address: i32,
    /// Where registers were saved.
    pub(in crate::stack::unwind) saved: [Option<(u8, i32)>; Self::SAVED],
}

impl Epilogue {
    /// Registers that a function saves at most.
    pub(in crate::stack::unwind) const SAVED: usize = 6;

    /// Looks for a way from an address to the end of its function. `read` gives as much of 15 bytes of
    /// code at an address as there is.
    pub(in crate::stack::unwind) fn find(
        address: u64,
        mut read: impl FnMut(u64, &mut [u8]) -> usize,
    ) -> Option<Self> {
        let mut ways = vec![Way::new(address)];
        let mut seen = HashSet::new();
        for _ in 0..INSTRUCTION_LIMIT {
            let mut way = ways.pop()?;
            if !seen.insert(way.address) {
                continue;
            }
            let mut code = [0; INSTRUCTION_SIZE];
            let length = read(way.address, &mut code);
            let options = DecoderOptions::NONE;
            let mut decoder = Decoder::with_ip(64, &code[..length], way.address, options);
            let instruction = decoder.decode();
            match way.follow(&instruction) {
                Next::Returns => return Some(way.epilogue),
                Next::Nowhere => {}
                Next::On => ways.push(way),
                Next::Branch(target) => {
                    // The other way is kept for when this one does not come to an end.
                    if ways.len() < WAY_LIMIT {
                        ways.push(way.at(target));
                    }
                    ways.push(way);
                }
                Next::Jump(target) => ways.push(way.at(target)),
            }
        }
        None
    }
}

/// What follows an instruction.
enum Next {
    Returns,
    Nowhere,
    On,
    Branch(u64),
    Jump(u64),
}

/// One way through a function.
#[derive(Clone, Copy)]
struct Way {
    address: u64,
    /// The stack pointer, relative to the base, is where the return address would be.
    epilogue: Epilogue,
    /// Whether the frame pointer is what it was at the beginning.
    has_frame_pointer: bool,
    is_behind_call: bool,
}

impl Way {
    fn new(address: u64) -> Self {
        Self {
            address,
            epilogue: Epilogue {
                base: STACK_POINTER,
                return_address: 0,
                saved: [None; Epilogue::SAVED],
            },
            has_frame_pointer: true,
            is_behind_call: false,
        }
    }

    const fn at(mut self, address: u64) -> Self {
        self.address = address;
        self
    }

    fn follow(&mut self, instruction: &Instruction) -> Next {
        let was_behind_call = std::mem::take(&mut self.is_behind_call);
        self.address = instruction.next_ip();
        match instruction.flow_control() {
            FlowControl::Return => Next::Returns,
            FlowControl::UnconditionalBranch => Next::Jump(instruction.near_branch_target()),
            FlowControl::ConditionalBranch => Next::Branch(instruction.near_branch_target()),
            FlowControl::Call | FlowControl::IndirectCall => {
                // A system call is one, too.
                self.is_behind_call = instruction.code() != Code::Syscall;
                Next::On
            }
            // What fills the room behind a call that does not return.
            FlowControl::Next if was_behind_call && is_filling(instruction) => Next::Nowhere,
            FlowControl::Next if instruction.mnemonic() != Mnemonic::Hlt => self
                .change(instruction)
                .map_or(Next::Nowhere, |()| Next::On),
            _ => Next::Nowhere,
        }
    }

    /// Follows what an instruction does to the stack; `None` where that cannot be told.
    fn change(&mut self, instruction: &Instruction) -> Option<()> {
        let first = instruction.op0_register();
        match instruction.mnemonic() {
            Mnemonic::Leave => {
                self.take_frame_pointer()?;
                self.pop(Register::RBP)
            }
            Mnemonic::Pop if instruction.op0_kind() == OpKind::Register => self.pop(first),
            Mnemonic::Add if first == Register::RSP => self.move_up(immediate(instruction)?),
            Mnemonic::Sub if first == Register::RSP => {
                self.move_up(immediate(instruction)?.checked_neg()?)
            }
            Mnemonic::Lea if first == Register::RSP => {
                let distance = self.distance(instruction)?;
                if instruction.memory_base() == Register::RBP {
                    self.take_frame_pointer()?;
                }
                self.move_up(distance)
            }
            Mnemonic::Mov if first == Register::RSP => {
                (instruction.op1_register() == Register::RBP).then(|| self.take_frame_pointer())?
            }
            Mnemonic::Mov
                if instruction.op1_kind() == OpKind::Memory
                    && instruction.memory_base() == Register::RSP
                    && instruction.memory_index() == Register::None =>
            {
                let distance = i32::try_from(instruction.memory_displacement64() as i64).ok()?;
                self.write(first);
                let place = self.epilogue.return_address.checked_add(distance)?;
                self.save(first, place)
            }
            _ if first.full_register() == Register::RSP && writes_first(instruction) => None,
            _ => {
                if writes_first(instruction) {
                    self.write(first);
                }
                self.move_up(instruction.stack_pointer_increment())
            }
        }
    }

    fn move_up(&mut self, distance: i32) -> Option<()> {
        self.epilogue.return_address = self.epilogue.return_address.checked_add(distance)?;
        Some(())
    }

    /// Where an operand in memory is, relative to the register that it names.
    fn distance(&self, instruction: &Instruction) -> Option<i32> {
        let is_stack = matches!(instruction.memory_base(), Register::RSP | Register::RBP);
        let is_plain = is_stack && instruction.memory_index() == Register::None;
        is_plain
            .then(|| i32::try_from(instruction.memory_displacement64() as i64).ok())
            .flatten()
    }

    /// The stack pointer becomes the frame pointer, which all places are relative to from now on.
    fn take_frame_pointer(&mut self) -> Option<()> {
        if !self.has_frame_pointer || self.epilogue.saved.iter().any(Option::is_some) {
            return None;
        }
        self.epilogue.base = FRAME_POINTER;
        self.epilogue.return_address = 0;
        Some(())
    }

    fn pop(&mut self, register: Register) -> Option<()> {
        self.write(register);
        let place = self.epilogue.return_address;
        self.save(register, place)?;
        self.move_up(8)
    }

    /// Notes where a register is restored from, if functions must do so. What was put there on the way
    /// is not the caller's.
    fn save(&mut self, register: Register, place: i32) -> Option<()> {
        let Some(number) = number(register) else {
            return Some(());
        };
        if self.epilogue.base == STACK_POINTER && place < 0 {
            return None;
        }
        let saved = &mut self.epilogue.saved;
        let known = saved
            .iter()
            .position(|saved| saved.is_some_and(|(known, _)| known == number));
        let free = known.or_else(|| saved.iter().position(Option::is_none))?;
        saved[free] = Some((number, place));
        Some(())
    }

    fn write(&mut self, register: Register) {
        self.has_frame_pointer &= register.full_register() != Register::RBP;
    }
}

/// DWARF number of a whole register that functions give back as it was.
fn number(register: Register) -> Option<u8> {
    let number = match register {
        Register::RBX => 3,
        Register::RBP => FRAME_POINTER,
        Register::R12 => 12,
        Register::R13 => 13,
        Register::R14 => 14,
        Register::R15 => 15,
        _ => return None,
    };
    (CALLEE_SAVED & 1 << number != 0).then_some(number)
}

/// Whether an instruction may write to its first operand. Only those that surely do not are told.
fn writes_first(instruction: &Instruction) -> bool {
    !matches!(
        instruction.mnemonic(),
        Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Push | Mnemonic::Bt | Mnemonic::Nop
    )
}

fn is_filling(instruction: &Instruction) -> bool {
    matches!(instruction.mnemonic(), Mnemonic::Nop | Mnemonic::Int3)
}

fn immediate(instruction: &Instruction) -> Option<i32> {
    match instruction.op1_kind() {
        OpKind::Immediate8to64 | OpKind::Immediate32to64 => {
            i32::try_from(instruction.immediate(1) as i64).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(code: &[u8]) -> Option<Epilogue> {
        const START: u64 = 0x1000;
        Epilogue::find(START, |address, into| {
            let rest = address
                .checked_sub(START)
                .and_then(|offset| code.get(usize::try_from(offset).ok()?..))
                .unwrap_or_default();
            let length = rest.len().min(into.len());
            into[..length].copy_from_slice(&rest[..length]);
            length
        })
    }

    fn epilogue(base: u8, return_address: i32, saved: &[(u8, i32)]) -> Option<Epilogue> {
        let mut all = [None; Epilogue::SAVED];
        for (place, saved) in all.iter_mut().zip(saved) {
            *place = Some(*saved);
        }
        Some(Epilogue {
            base,
            return_address,
            saved: all,
        })
    }

    #[test]
    fn ways_to_return() {
        // ret
        assert_eq!(find(&[0xc3]), epilogue(STACK_POINTER, 0, &[]));
        // syscall; ret
        assert_eq!(find(&[0x0f, 0x05, 0xc3]), epilogue(STACK_POINTER, 0, &[]));
        // add $0x18, %rsp; pop %rbx; pop %rbp; ret
        let pops = [0x48, 0x83, 0xc4, 0x18, 0x5b, 0x5d, 0xc3];
        assert_eq!(
            find(&pops),
            epilogue(STACK_POINTER, 0x28, &[(3, 0x18), (6, 0x20)])
        );
        // leave; ret
        assert_eq!(find(&[0xc9, 0xc3]), epilogue(FRAME_POINTER, 8, &[(6, 0)]));
        // lea -0x10(%rbp), %rsp; pop %rbx; pop %r12; pop %rbp; ret
        let frame = [0x48, 0x8d, 0x65, 0xf0, 0x5b, 0x41, 0x5c, 0x5d, 0xc3];
        assert_eq!(
            find(&frame),
            epilogue(FRAME_POINTER, 8, &[(3, -16), (12, -8), (6, 0)])
        );
        // push %rax; call; pop %rdx; mov 8(%rsp), %rbx; add $0x10, %rsp; ret
        let mut call = vec![0x50, 0xe8, 0, 0, 0, 0, 0x5a, 0x48, 0x8b, 0x5c, 0x24, 8];
        call.extend([0x48, 0x83, 0xc4, 0x10, 0xc3]);
        assert_eq!(find(&call), epilogue(STACK_POINTER, 0x10, &[(3, 8)]));
        // 1: jne 2f; jmp 1b; 2: pop %rcx; ret
        assert_eq!(
            find(&[0x75, 2, 0xeb, 0xfc, 0x59, 0xc3]),
            epilogue(STACK_POINTER, 8, &[])
        );
    }

    #[test]
    fn no_way_to_return() {
        let codes: [&[u8]; 8] = [
            &[],
            &[0xeb, 0xfe],                         // jmp to itself
            &[0xf4],                               // hlt
            &[0xff, 0xe0],                         // jmp *%rax
            &[0xe8, 0, 0, 0, 0, 0x66, 0x90, 0xc3], // call; what fills up; the next function
            &[0x48, 0x83, 0xe4, 0xf0, 0xc3],       // and $-16, %rsp
            &[0x48, 0x89, 0xc4, 0xc3],             // mov %rax, %rsp
            &[0x31, 0xed, 0xc9, 0xc3],             // xor %ebp, %ebp; leave
        ];
        for code in codes {
            assert_eq!(find(code), None, "{code:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_code_is_taken(code in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = find(&code);
        }
    }
}
