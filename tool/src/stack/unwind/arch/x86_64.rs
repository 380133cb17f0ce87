//! x86-64, with the register numbers of its DWARF tables (System V ABI, figure 3.36).

mod epilogue;

pub(in crate::stack::unwind) use epilogue::Epilogue;

use crate::stack::unwind::memory::Memory;
use crate::stack::unwind::registers::Registers;

/// `rbp`
pub(in crate::stack::unwind) const FRAME_POINTER: u8 = 6;
/// `rsp`
pub(in crate::stack::unwind) const STACK_POINTER: u8 = 7;
/// Column of the return address.
pub(in crate::stack::unwind) const RETURN_ADDRESS: u8 = 16;
/// Set of the registers that a function gives back as they were: `rbx`, `rbp`, `r12` to `r15`.
pub(in crate::stack::unwind) const CALLEE_SAVED: u32 = 1 << 3 | 1 << FRAME_POINTER | 0xf << 12;

/// What the code around a return address tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::stack::unwind) struct ReturnSite {
    /// Whether the instruction in front of it can be a call.
    pub(in crate::stack::unwind) is_after_call: bool,
    /// What that instruction calls, if it is a direct call.
    pub(in crate::stack::unwind) callee: Option<u64>,
    /// Whether it is in one of the Go functions that stacks begin with, if it is in Go code at all.
    pub(in crate::stack::unwind) is_go_entry: bool,
    /// Whether it is where musl's `__clone` begins a thread.
    pub(in crate::stack::unwind) is_thread_start: bool,
    /// Whether it is code that ends a signal handler.
    pub(in crate::stack::unwind) is_signal_return: bool,
}

impl ReturnSite {
    /// Bytes of code in front of the return address that are looked at.
    pub(in crate::stack::unwind) const BEFORE: usize = 7;
    /// Bytes of code behind it that are looked at.
    pub(in crate::stack::unwind) const AFTER: usize = 9;

    /// What the code around `address` tells.
    pub(in crate::stack::unwind) fn of_code(
        address: u64,
        before: [u8; Self::BEFORE],
        after: [u8; Self::AFTER],
    ) -> Self {
        let callee = match before {
            [_, _, 0xe8, a, b, c, d] => {
                let distance = i32::from_le_bytes([a, b, c, d]);
                Some(address.wrapping_add_signed(i64::from(distance)))
            }
            _ => None,
        };
        Self {
            is_after_call: callee.is_some() || is_indirect_call(before),
            callee,
            is_go_entry: is_goexit(address, before, after)
                || is_mstart(address, before, after)
                || is_mcall(before, after),
            is_thread_start: callee_is_followed_by_exit(after),
            is_signal_return: is_signal_return(after),
        }
    }
}

impl ReturnSite {
    /// Whether anything returns there.
    pub(in crate::stack::unwind) const fn is_plausible(self) -> bool {
        self.is_after_call || self.is_go_entry || self.is_signal_return
    }
}

/// `call r/m64` (opcode `ff /2`) of each length that it can have without a prefix: its operand ends
/// where the return address is.
fn is_indirect_call(before: [u8; ReturnSite::BEFORE]) -> bool {
    (2..=ReturnSite::BEFORE).any(|length| {
        let instruction = &before[ReturnSite::BEFORE - length..];
        let [0xff, operand, ..] = *instruction else {
            return false;
        };
        let (mode, extension, register) = (operand >> 6, operand >> 3 & 7, operand & 7);
        let has_index = mode != 3 && register == 4;
        let displacement = match mode {
            0 if register == 5 => 4,
            // Without base, by the index byte.
            0 if has_index && instruction.get(2).is_some_and(|index| index & 7 == 5) => 4,
            1 => 1,
            2 => 4,
            _ => 0,
        };
        extension == 2 && length == 2 + usize::from(has_index) + displacement
    })
}

/// `runtime.goexit` (`src/runtime/asm_amd64.s`, Go 1.18 to 1.27): `nop; call goexit1; nop`, at the
/// start of a function, which Go aligns to 16 bytes or more. The return address is behind the
/// first `nop`.
fn is_goexit(
    address: u64,
    before: [u8; ReturnSite::BEFORE],
    after: [u8; ReturnSite::AFTER],
) -> bool {
    address % 16 == 1
        && before[ReturnSite::BEFORE - 1] == 0x90
        && after[0] == 0xe8
        && after[5] == 0x90
}

/// `runtime.mstart` (there, too), which threads begin with: `call mstart0; ret`. No Go function that
/// has a frame begins with a call, or returns right behind one.
fn is_mstart(
    address: u64,
    before: [u8; ReturnSite::BEFORE],
    after: [u8; ReturnSite::AFTER],
) -> bool {
    address % 16 == 5 && before[ReturnSite::BEFORE - 5] == 0xe8 && after[0] == 0xc3
}

/// `runtime.mcall` (there, too), which the scheduler's own stack begins with: it has left the stack
/// of a goroutine that may run elsewhere by now. `call *%r12; pop %rax; jmp badmcall2`, with a `nop`
/// behind the call in later versions.
fn is_mcall(before: [u8; ReturnSite::BEFORE], after: [u8; ReturnSite::AFTER]) -> bool {
    before.ends_with(&[0x41, 0xff, 0xd4])
        && (after.starts_with(&[0x58, 0xe9]) || after.starts_with(&[0x90, 0x58, 0xe9]))
}

/// `__clone` of musl (`src/thread/x86_64/clone.s`, 1.2.3) ends the thread with what its function has
/// returned: `mov %eax, %edi; xor %eax, %eax; mov $60, %al; syscall; hlt`.
fn callee_is_followed_by_exit(after: [u8; ReturnSite::AFTER]) -> bool {
    after == [0x89, 0xc7, 0x31, 0xc0, 0xb0, 60, 0x0f, 0x05, 0xf4]
}

/// `rt_sigreturn()`, number 15, as glibc and Go (`mov $15, %rax`) and musl (`mov $15, %eax`) spell
/// it.
fn is_signal_return(after: [u8; ReturnSite::AFTER]) -> bool {
    after == [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05]
        || after[..7] == [0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05]
}

/// Registers of the code that a signal interrupted. When its handler has returned, the stack
/// pointer is at the `ucontext` of `struct rt_sigframe` (`arch/x86/include/asm/sigframe.h`), whose
/// registers are a `struct sigcontext_64` (`arch/x86/include/uapi/asm/sigcontext.h`).
pub(in crate::stack::unwind) fn interrupted(
    registers: &Registers,
    memory: Memory<'_>,
) -> Option<Registers> {
    /// `offsetof(struct ucontext, uc_mcontext)`
    const CONTEXT: u64 = 40;
    /// Registers in the order of `struct sigcontext_64`.
    const ORDER: [u8; 17] = [
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        5,
        4,
        6,
        3,
        1,
        0,
        2,
        7,
        RETURN_ADDRESS,
    ];
    let mut address = registers.get(STACK_POINTER)?.checked_add(CONTEXT)?;
    let mut interrupted = Registers::default();
    for register in ORDER {
        interrupted.set(register, memory.read(address)?);
        address = address.checked_add(8)?;
    }
    Some(interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(before: &[u8], after: &[u8]) -> ReturnSite {
        let mut front = [0; ReturnSite::BEFORE];
        front[ReturnSite::BEFORE - before.len()..].copy_from_slice(before);
        let mut behind = [0; ReturnSite::AFTER];
        behind[..after.len()].copy_from_slice(after);
        ReturnSite::of_code(0x1001, front, behind)
    }

    #[test]
    fn calls_of_each_form() {
        let calls: [&[u8]; 9] = [
            &[0xe8, 1, 2, 3, 4],
            &[0xff, 0xd0],                   // *%rax
            &[0x41, 0xff, 0xd4],             // *%r12
            &[0xff, 0x10],                   // *(%rax)
            &[0xff, 0x50, 8],                // *8(%rax)
            &[0xff, 0x90, 1, 2, 3, 4],       // *0x4030201(%rax)
            &[0xff, 0x15, 1, 2, 3, 4],       // *0x4030201(%rip)
            &[0xff, 0x54, 0x24, 8],          // *8(%rsp)
            &[0xff, 0x14, 0xc5, 1, 2, 3, 4], // *0x4030201(,%rax,8)
        ];
        for call in calls {
            assert!(site(call, &[]).is_after_call, "{call:x?}");
        }
        let others: [&[u8]; 4] = [
            &[0xff, 0xe0],
            &[0xc3],
            &[0xff, 0xd0, 0x90],
            &[0xe8, 0, 0, 0],
        ];
        for other in others {
            assert!(!site(other, &[]).is_after_call, "{other:x?}");
        }
        assert_eq!(
            site(&[0xe8, 0xff, 0xff, 0xff, 0xff], &[]).callee,
            Some(0x1000)
        );
    }

    #[test]
    fn ends_of_goroutines_and_of_signal_handlers() {
        assert!(site(&[0x90], &[0xe8, 1, 2, 3, 4, 0x90]).is_go_entry);
        assert!(!site(&[0xc3], &[0xe8, 1, 2, 3, 4, 0x90]).is_go_entry);
        assert!(site(&[0x41, 0xff, 0xd4], &[0x58, 0xe9, 1, 2, 3, 4]).is_go_entry);
        assert!(site(&[0x41, 0xff, 0xd4], &[0x90, 0x58, 0xe9]).is_go_entry);
        assert!(!site(&[0x41, 0xff, 0xd4], &[0x90, 0xe9]).is_go_entry);
        assert!(site(&[], &[0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05]).is_signal_return);
        assert!(site(&[], &[0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05]).is_signal_return);
        assert!(!site(&[], &[0xb8, 0x0e, 0, 0, 0, 0x0f, 0x05]).is_signal_return);
    }
}
