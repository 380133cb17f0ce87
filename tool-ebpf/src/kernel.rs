//! Reading structures of the kernel.
//!
//! Pointers whose type the verifier knows are read with plain loads at offsets from BTF; a load
//! that would fault gives 0. Where the type is lost (arrays of pointers, `void *`) it is given back
//! by `bpf_rdonly_cast`, which costs nothing at run time; kernels before 6.2 lack it and copy the
//! field with a helper call instead.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::generated::{bpf_get_current_task_btf, bpf_probe_read_kernel},
    macros::map,
    maps::PerCpuArray,
};

use crate::layout::layout;

/// Stands for `bpf_rdonly_cast` in the object file. The loader turns a call of this helper number,
/// which no kernel has, into a call of the kernel function.
const RDONLY_CAST: usize = 0x00c0_de01;

/// The current task.
#[derive(Clone, Copy)]
pub(crate) struct Task(*const u8);

impl Task {
    /// The task that runs.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        // SAFETY: no preconditions.
        Self(
            unsafe { bpf_get_current_task_btf() }
                .cast::<u8>()
                .cast_const(),
        )
    }

    /// A task that the kernel passed to a BTF-typed program.
    #[inline(always)]
    pub(crate) const fn from_argument(task: *const c_void) -> Self {
        Self(task.cast())
    }

    /// Reads a `u32` field.
    #[inline(always)]
    pub(crate) fn u32(self, offset: u32) -> u32 {
        load(self.0, offset)
    }

    /// Reads a `u64` field.
    #[inline(always)]
    pub(crate) fn u64(self, offset: u32) -> u64 {
        load(self.0, offset)
    }

    /// Follows a pointer field whose type the verifier knows.
    #[inline(always)]
    pub(crate) fn pointer(self, offset: u32) -> *const u8 {
        load(self.0, offset)
    }

    /// The leader of its thread group.
    #[inline(always)]
    pub(crate) fn leader(self) -> Self {
        Self(self.pointer(layout!(task_group_leader)))
    }
}

/// Loads a field through a pointer whose type the verifier knows.
#[inline(always)]
pub(crate) fn load<T: Copy>(base: *const u8, offset: u32) -> T {
    // SAFETY: the verifier only accepts this load on a pointer of a kernel type, at an offset of a
    // field of size T; the kernel handles faults.
    unsafe { base.add(offset as usize).cast::<T>().read_volatile() }
}

/// Reads the field at `offset` of the structure with BTF id `type_id` at the untyped `address`.
#[inline(always)]
pub(crate) fn read<T: Copy + Default>(address: u64, type_id: u32, offset: u32) -> T {
    if layout!(has_rdonly_cast) != 0 {
        load(cast(address, type_id), offset)
    } else {
        copy(address.wrapping_add(u64::from(offset)))
    }
}

/// Reads the pointer at `address` as a number: with one the verifier lets calculate, and functions can
/// be given it.
#[inline(always)]
pub(crate) fn number(address: u64) -> u64 {
    read(address, layout!(id_number), 0)
}

/// Copies a value out of the memory of the kernel; 0 where there is none.
#[inline(always)]
pub(crate) fn copy<T: Copy + Default>(address: u64) -> T {
    let mut value = T::default();
    // SAFETY: the destination is a local of the given size; the helper handles faults.
    let failed = unsafe {
        bpf_probe_read_kernel(
            (&raw mut value).cast(),
            size_of::<T>() as u32,
            address as *const c_void,
        )
    };
    if failed == 0 { value } else { T::default() }
}

/// The number of a pointer: the verifier knows nothing of what comes out of a map.
#[inline(always)]
pub(crate) fn untyped(pointer: u64) -> u64 {
    let Some(slot) = UNTYPED.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    unsafe {
        slot.write_volatile(pointer);
        slot.read_volatile()
    }
}

#[map]
static UNTYPED: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn cast(address: u64, type_id: u32) -> *const u8 {
    // SAFETY: the loader replaces the number by the kernel function of this signature; the call is
    // only reached where it did (`has_rdonly_cast`).
    unsafe {
        let rdonly_cast: extern "C" fn(u64, u32) -> *const u8 =
            core::mem::transmute::<usize, _>(RDONLY_CAST);
        rdonly_cast(address, type_id)
    }
}
