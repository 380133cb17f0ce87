//! x86-64.

use core::sync::atomic::{Ordering, compiler_fence};

use copytax_common::Call;

use crate::{kernel::Task, layout::layout};

/// `TS_COMPAT` of `arch/x86/include/asm/thread_info.h`: the task is in a 32-bit system call.
const TS_COMPAT: u32 = 0x0002;

/// `__USER32_CS` of `arch/x86/include/asm/segment.h`.
const USER32_CS: u64 = 0x23;

/// `include/uapi/asm-generic/fcntl.h`; other architectures have a bit of their own.
pub(crate) const O_DIRECT: u32 = 0o40_000;

/// Numbers below this are looked up; all calls of the family are.
const NUMBERS: usize = 512;

/// `arch/x86/entry/syscalls/syscall_64.tbl`
static CALLS: [u8; NUMBERS] = {
    let mut calls = [0; NUMBERS];
    calls[0] = Call::Read as u8;
    calls[1] = Call::Write as u8;
    calls[17] = Call::Pread as u8;
    calls[18] = Call::Pwrite as u8;
    calls[19] = Call::Readv as u8;
    calls[20] = Call::Writev as u8;
    calls[40] = Call::Sendfile as u8;
    calls[44] = Call::Sendto as u8;
    calls[45] = Call::Recvfrom as u8;
    calls[46] = Call::Sendmsg as u8;
    calls[47] = Call::Recvmsg as u8;
    calls[275] = Call::Splice as u8;
    calls[276] = Call::Tee as u8;
    calls[278] = Call::Vmsplice as u8;
    calls[295] = Call::Preadv as u8;
    calls[296] = Call::Pwritev as u8;
    calls[299] = Call::Recvmmsg as u8;
    calls[307] = Call::Sendmmsg as u8;
    calls[326] = Call::CopyFileRange as u8;
    calls[327] = Call::Preadv2 as u8;
    calls[328] = Call::Pwritev2 as u8;
    calls
};

/// The [`Call`] with system call number `number`, 0 where it is not accounted.
#[inline(always)]
pub(crate) fn call_of(number: u64) -> u8 {
    if number >= NUMBERS as u64 {
        return 0;
    }
    // SAFETY: the index was checked; a volatile read keeps the table in .rodata, where the load is
    // one instruction, instead of a chain of compares.
    unsafe {
        (&raw const CALLS)
            .cast::<u8>()
            .add(number as usize)
            .read_volatile()
    }
}

/// `arch/x86/entry/syscalls/syscall_32.tbl`: the accounted family and `socketcall`.
static COMPAT_FAMILY: [u8; NUMBERS] = {
    const NUMBERS_OF_FAMILY: [usize; 24] = [
        3, 4, 102, 145, 146, 180, 181, 187, 239, 313, 315, 316, 333, 334, 337, 345, 369, 370, 371,
        372, 377, 378, 379, 417,
    ];
    let mut family = [0; NUMBERS];
    let mut i = 0;
    while i < NUMBERS_OF_FAMILY.len() {
        family[NUMBERS_OF_FAMILY[i]] = 1;
        i += 1;
    }
    family
};

/// Whether the task is in a system call of another ABI, whose numbers mean other calls.
#[inline(always)]
pub(crate) fn is_compat(task: Task) -> bool {
    task.u32(layout!(task_status)) & TS_COMPAT != 0
}

/// Whether `number`, of the 32-bit table, belongs to the accounted family.
#[inline(always)]
pub(crate) fn is_compat_family(number: u64) -> bool {
    number < NUMBERS as u64
        // SAFETY: the index was checked.
        && unsafe {
            (&raw const COMPAT_FAMILY)
                .cast::<u8>()
                .add(number as usize)
                .read_volatile()
        } != 0
}

/// Writes `value`, after everything that was written before: a plain store on this architecture.
#[inline(always)]
pub(crate) fn store_release(word: *mut u64, value: u64) {
    compiler_fence(Ordering::Release);
    // SAFETY: the caller's word lives in a map value.
    unsafe { word.write_volatile(value) };
}

impl Registers {
    /// Whether these are registers of 32-bit code. Cheaper than [`is_compat`], since it is asked of
    /// every call on the machine; it does not see a 64-bit program that uses `int 0x80`.
    #[inline(always)]
    pub(crate) fn is_compat_code(registers: *const Self) -> bool {
        // SAFETY: the kernel made the pointer.
        let segment = unsafe { (&raw const (*registers).code_segment).read_volatile() };
        segment == USER32_CS
    }

    /// Whether these are registers of code in user mode: the lower bits of its segment say so.
    #[inline(always)]
    pub(crate) fn is_user_mode(registers: *const Self) -> bool {
        // SAFETY: the kernel made the pointer.
        unsafe { (&raw const (*registers).code_segment).read_volatile() & 3 != 0 }
    }

    /// Where the thread is in user mode.
    #[inline(always)]
    pub(crate) fn instruction_pointer(registers: *const Self) -> u64 {
        // SAFETY: the kernel made the pointer.
        unsafe { (&raw const (*registers).instruction_pointer).read_volatile() }
    }

    /// The top of its stack there.
    #[inline(always)]
    pub(crate) fn stack_pointer(registers: *const Self) -> u64 {
        // SAFETY: the kernel made the pointer.
        unsafe { (&raw const (*registers).stack_pointer).read_volatile() }
    }

    /// What code that keeps frame pointers has there as one.
    #[inline(always)]
    pub(crate) fn frame_pointer(registers: *const Self) -> u64 {
        // SAFETY: the kernel made the pointer.
        unsafe { (&raw const (*registers).frame_pointer).read_volatile() }
    }

    /// The system call number.
    #[inline(always)]
    pub(crate) fn number(registers: *const Self) -> u64 {
        // SAFETY: the kernel made the pointer.
        unsafe { (&raw const (*registers).number).read_volatile() }
    }

    /// Argument `N` of the system call, 0 to 5, as userspace passed it.
    #[inline(always)]
    pub(crate) fn argument<const N: usize>(registers: *const Self) -> u64 {
        // SAFETY: the kernel made the pointer.
        unsafe {
            match N {
                0 => (&raw const (*registers).argument0).read_volatile(),
                1 => (&raw const (*registers).argument1).read_volatile(),
                2 => (&raw const (*registers).argument2).read_volatile(),
                3 => (&raw const (*registers).argument3).read_volatile(),
                4 => (&raw const (*registers).argument4).read_volatile(),
                _ => (&raw const (*registers).argument5).read_volatile(),
            }
        }
    }
}

/// `struct pt_regs` (`arch/x86/include/asm/ptrace.h`), with the names of the arguments of a
/// system call. A pointer to one is only ever made by the kernel.
#[repr(C)]
pub(crate) struct Registers {
    unused: [u64; 4],
    frame_pointer: u64,
    bx: u64,
    r11: u64,
    argument3: u64,
    argument5: u64,
    argument4: u64,
    ax: u64,
    cx: u64,
    argument2: u64,
    argument1: u64,
    argument0: u64,
    number: u64,
    instruction_pointer: u64,
    code_segment: u64,
    flags: u64,
    stack_pointer: u64,
}

const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Registers, argument3) == 56);
    assert!(offset_of!(Registers, argument5) == 64);
    assert!(offset_of!(Registers, argument4) == 72);
    assert!(offset_of!(Registers, argument2) == 96);
    assert!(offset_of!(Registers, argument1) == 104);
    assert!(offset_of!(Registers, argument0) == 112);
    assert!(offset_of!(Registers, number) == 120);
    assert!(offset_of!(Registers, frame_pointer) == 32);
    assert!(offset_of!(Registers, instruction_pointer) == 128);
    assert!(offset_of!(Registers, stack_pointer) == 152);
};
