//! How to get from one frame to its caller, in a form that is quick to apply again.

use gimli::{CfaRule, RegisterRule};

use super::arch::{Epilogue, RETURN_ADDRESS, STACK_POINTER};
use super::memory::Memory;
use super::registers::Registers;
use super::tables::Row;

/// Registers that a [`Frame`] gives back at most: a callee saves six at most.
const SAVED: usize = 7;

/// What the tables of a module say of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing calls it: threads begin here.
    Entry,
    /// Its caller is found at fixed places.
    Frame(Frame),
    /// Its caller is found by evaluating expressions.
    Expressions,
    /// Nothing.
    Unknown,
}

/// Where a frame keeps what its caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// The caller's stack pointer is this register
    base: u8,
    /// plus this. All other places are relative to that.
    size: i32,
    return_address: i16,
    saved: [Saved; SAVED],
}

/// A register that was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Saved {
    register: u8,
    place: i16,
}

impl Saved {
    /// No register.
    const NONE: Self = Self {
        register: u8::MAX,
        place: 0,
    };
}

/// Why a step to the caller failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// What it needs is at this address, which was not copied.
    NotCopied(u64),
    /// What it needs is not known, or makes no sense.
    Senseless,
}

impl Rule {
    /// The rule of a row.
    pub(super) fn of_row(row: &Row<'_, '_>) -> Self {
        // gimli does not tell an undefined return address from none, and both mean the same: the
        // tables of entry points say it (`cfi_undefined (rip)`, `sysdeps/x86_64/start.S` and
        // `clone.S` of glibc 2.36).
        match row
            .rules
            .register(gimli::Register(u16::from(RETURN_ADDRESS)))
        {
            RegisterRule::Undefined => Self::Entry,
            _ => Frame::of_row(row).map_or(Self::Expressions, Self::Frame),
        }
    }
}

impl Frame {
    /// The places of a row; `None` where there are expressions in it.
    fn of_row(row: &Row<'_, '_>) -> Option<Self> {
        let CfaRule::RegisterAndOffset { register, offset } = row.rules.cfa() else {
            return None;
        };
        if row.is_signal_frame {
            return None;
        }
        let mut frame = Self {
            base: u8::try_from(register.0).ok()?,
            size: i32::try_from(*offset).ok()?,
            return_address: 0,
            saved: [Saved::NONE; SAVED],
        };
        let mut free = frame.saved.iter_mut();
        for (register, rule) in row.rules.registers() {
            let register = u8::try_from(register.0).unwrap_or(u8::MAX);
            match rule {
                RegisterRule::Offset(offset) if register == RETURN_ADDRESS => {
                    frame.return_address = i16::try_from(*offset).ok()?;
                }
                RegisterRule::Offset(offset) if register != STACK_POINTER => {
                    // A wide register cannot be told of, and is not followed.
                    if usize::from(register) < Registers::COUNT {
                        *free.next()? = Saved {
                            register,
                            place: i16::try_from(*offset).ok()?,
                        };
                    }
                }
                RegisterRule::SameValue | RegisterRule::Undefined if register != RETURN_ADDRESS => {
                }
                _ => return None,
            }
        }
        (frame.return_address != 0).then_some(frame)
    }

    /// A frame whose caller's frame pointer and return address lie where the frame pointer points
    /// to.
    pub(super) const fn by_frame_pointer() -> Self {
        let mut saved = [Saved::NONE; SAVED];
        saved[0] = Saved {
            register: super::arch::FRAME_POINTER,
            place: -16,
        };
        Self {
            base: super::arch::FRAME_POINTER,
            size: 16,
            return_address: -8,
            saved,
        }
    }

    /// A frame that has put nothing on the stack since it was called.
    pub(super) const fn just_called() -> Self {
        Self {
            base: STACK_POINTER,
            size: 8,
            return_address: -8,
            saved: [Saved::NONE; SAVED],
        }
    }

    /// A frame that is taken down in some way.
    pub(super) fn by_epilogue(epilogue: &Epilogue) -> Option<Self> {
        let size = epilogue.return_address.checked_add(8)?;
        let mut frame = Self {
            base: epilogue.base,
            size,
            return_address: -8,
            saved: [Saved::NONE; SAVED],
        };
        for (saved, (register, place)) in
            frame.saved.iter_mut().zip(epilogue.saved.iter().flatten())
        {
            *saved = Saved {
                register: *register,
                place: i16::try_from(place.checked_sub(size)?).ok()?,
            };
        }
        Some(frame)
    }

    /// The caller's registers.
    pub(super) fn caller(
        &self,
        registers: &Registers,
        memory: Memory<'_>,
    ) -> Result<Registers, Failure> {
        let base = registers.get(self.base).ok_or(Failure::Senseless)?;
        let frame = base
            .checked_add_signed(i64::from(self.size))
            .ok_or(Failure::Senseless)?;
        // Stacks grow down, and a call has put something on it.
        if frame <= registers.stack_pointer() {
            return Err(Failure::Senseless);
        }
        let place = |offset: i16| frame.wrapping_add_signed(i64::from(offset));
        let at = place(self.return_address);
        let return_address = memory.read(at).ok_or(Failure::NotCopied(at))?;
        let mut caller = registers.returned();
        for saved in &self.saved {
            if saved.register == u8::MAX {
                break;
            }
            let at = place(saved.place);
            // In an epilogue, compilers leave the rule of a register that was popped already as it
            // was; its place is above the top of the stack then, and the register is what it was.
            if at < registers.stack_pointer() {
                continue;
            }
            match memory.read(at) {
                Some(value) => caller.set(saved.register, value),
                None => caller.forget(saved.register),
            }
        }
        caller.set(STACK_POINTER, frame);
        caller.set(RETURN_ADDRESS, return_address);
        Ok(caller)
    }
}
