//! What differs between architectures: system call numbers and register layout.

#[cfg(bpf_target_arch = "x86_64")]
mod x86_64;
#[cfg(bpf_target_arch = "x86_64")]
pub(crate) use x86_64::{O_DIRECT, Registers, call_of, is_compat, is_compat_family, store_release};
