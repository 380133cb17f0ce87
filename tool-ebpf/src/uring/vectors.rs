//! The vectors of requests: the process may reuse their memory once a request is submitted, so they
//! are copied then.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user},
    macros::map,
    maps::{LruHashMap, PerCpuArray},
};

/// Elements that are kept of one vector.
pub(crate) const ELEMENTS: usize = 16;
/// Size of `struct iovec`.
const IOVEC_SIZE: u64 = 16;

/// The start of a vector.
#[repr(C)]
pub(crate) struct Vector {
    count: u64,
    /// Address and length.
    elements: [[u64; 2]; ELEMENTS],
}

/// By the address of the request.
#[map]
static VECTORS: LruHashMap<u64, Vector> = LruHashMap::with_max_entries(8_192, 0);

/// The vector of the request at hand, which is too large for the stack.
#[map]
static CURRENT: PerCpuArray<Vector> = PerCpuArray::with_max_entries(1, 0);

/// Where the vector of the request at hand is.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    /// In the memory of the kernel.
    pub(crate) address: u64,
    pub(crate) count: u64,
}

/// `BPF_ANY`
const ANY: u64 = 0;

/// Keeps `count` elements of the vector at `address` for a request that is being submitted.
#[inline(always)]
pub(crate) fn keep(request: u64, address: u64, count: u64) {
    let Some(vector) = CURRENT.get_ptr_mut(0) else {
        return;
    };
    let kept = if count < ELEMENTS as u64 {
        count
    } else {
        ELEMENTS as u64
    };
    let size = kept * IOVEC_SIZE;
    // SAFETY: the element belongs to this CPU; the size is within the elements; the helper handles
    // faults.
    let is_kept = unsafe {
        (*vector).count = kept;
        size != 0
            && size <= IOVEC_SIZE * ELEMENTS as u64
            && bpf_probe_read_user(
                (&raw mut (*vector).elements).cast(),
                size as u32,
                address as *const c_void,
            ) == 0
            && VECTORS.insert(request, &*vector, ANY).is_ok()
    };
    if !is_kept {
        // What an earlier request at this address has left must not be taken for it.
        let _ = VECTORS.remove(request);
    }
}

/// Sets an element of the vector at hand.
#[inline(always)]
pub(crate) fn set(index: u16, element: [u64; 2]) {
    if let Some(vector) = CURRENT.get_ptr_mut(0)
        && (index as usize) < ELEMENTS
    {
        // SAFETY: the element belongs to this CPU; the index is within it.
        unsafe { (*vector).elements[index as usize] = element };
    }
}

/// The vector at hand, of which `count` elements are set.
#[inline(always)]
pub(crate) fn current(count: u64) -> Kept {
    let address = CURRENT
        .get_ptr(0)
        // SAFETY: only the address is taken.
        .map_or(0, |vector| unsafe { &raw const (*vector).elements } as u64);
    Kept { address, count }
}

/// Takes the vector of a request that is complete.
#[inline(always)]
pub(crate) fn take(request: u64) -> Kept {
    let (Some(kept), Some(vector)) = (VECTORS.get_ptr(request), CURRENT.get_ptr_mut(0)) else {
        return Kept {
            address: 0,
            count: 0,
        };
    };
    // SAFETY: both are vectors; the copy belongs to this CPU.
    unsafe {
        bpf_probe_read_kernel(vector.cast(), size_of::<Vector>() as u32, kept.cast());
        let _ = VECTORS.remove(request);
        current((*vector).count)
    }
}
