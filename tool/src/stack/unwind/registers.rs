//! The registers of a frame, as far as they are known.

use super::arch::{CALLEE_SAVED, FRAME_POINTER, RETURN_ADDRESS, STACK_POINTER};

/// Registers by their DWARF numbers; that of the return address holds the instruction pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Registers {
    values: [u64; Self::COUNT],
    known: u32,
}

impl Registers {
    /// Number of registers that are followed.
    pub(super) const COUNT: usize = 17;

    /// Those that a sample has.
    pub(super) fn new(instruction_pointer: u64, stack_pointer: u64, frame_pointer: u64) -> Self {
        let mut registers = Self::default();
        registers.set(RETURN_ADDRESS, instruction_pointer);
        registers.set(STACK_POINTER, stack_pointer);
        registers.set(FRAME_POINTER, frame_pointer);
        registers
    }

    /// The value of a register, where it is known.
    pub(super) fn get(&self, register: u8) -> Option<u64> {
        let value = self.values.get(usize::from(register))?;
        (self.known & 1 << register != 0).then_some(*value)
    }

    /// Notes the value of a register; of one that is not followed, nothing.
    pub(super) fn set(&mut self, register: u8, value: u64) {
        if let Some(place) = self.values.get_mut(usize::from(register)) {
            *place = value;
            self.known |= 1 << register;
        }
    }

    /// Notes that a register is not known.
    pub(super) fn forget(&mut self, register: u8) {
        if usize::from(register) < Self::COUNT {
            self.known &= !(1 << register);
        }
    }

    /// What a caller can still expect of these: the registers that functions give back as they were.
    pub(super) fn returned(mut self) -> Self {
        self.known &= CALLEE_SAVED;
        self
    }

    /// Address of the code.
    pub(super) fn instruction_pointer(&self) -> u64 {
        self.values[usize::from(RETURN_ADDRESS)]
    }

    /// Top of the stack.
    pub(super) fn stack_pointer(&self) -> u64 {
        self.values[usize::from(STACK_POINTER)]
    }
}
