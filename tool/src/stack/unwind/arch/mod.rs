//! What unwinding needs to know of an architecture; one file each.

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{
    CALLEE_SAVED, Epilogue, FRAME_POINTER, RETURN_ADDRESS, ReturnSite, STACK_POINTER, interrupted,
};
