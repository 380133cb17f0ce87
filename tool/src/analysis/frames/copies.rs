//! Routines that copy memory, by name.

use crate::model::Language;

/// The kernel's, of Linux 5.10 to 6.18: `lib/iov_iter.c`, `net/core/datagram.c`,
/// `net/core/skbuff.c`, `arch/x86/lib/` and `arch/arm64/lib/`.
const KERNEL: &[&str] = &[
    "_copy_from_iter",
    "_copy_from_iter_flushcache",
    "_copy_from_iter_nocache",
    "_copy_from_user",
    "_copy_mc_to_iter",
    "_copy_to_iter",
    "_copy_to_user",
    "__arch_copy_from_user",
    "__arch_copy_to_user",
    "__copy_user_nocache",
    "__memcpy",
    "__memmove",
    "__skb_datagram_iter",
    "copy_folio_from_iter_atomic",
    "copy_from_user_iter",
    "copy_page_from_iter",
    "copy_page_from_iter_atomic",
    "copy_page_to_iter",
    "copy_page_to_iter_nofault",
    "copy_to_user_iter",
    "copyin",
    "copyout",
    "csum_and_copy_from_iter",
    "csum_and_copy_from_iter_full",
    "csum_and_copy_to_iter",
    "csum_partial_copy_generic",
    "iov_iter_copy_from_user_atomic",
    "memcpy",
    "memcpy_erms",
    "memcpy_from_iter",
    "memcpy_orig",
    "memcpy_to_iter",
    "memmove",
    "rep_movs_alternative",
    "simple_copy_to_iter",
    "skb_copy_and_csum_datagram",
    "skb_copy_bits",
    "skb_copy_datagram_from_iter",
    "skb_copy_datagram_iter",
    "skb_do_copy_data_nocache",
];

const KERNEL_PREFIXES: &[&str] = &[
    "copy_user_",
    "copy_mc_",
    "__copy_user_",
    "csum_partial_copy_",
];

/// libc's names; what implements them, such as `__memmove_avx_unaligned_erms` of glibc's
/// `sysdeps/x86_64/multiarch/`, has them at its beginning.
const LIBC: &[&str] = &["memcpy", "memmove", "mempcpy"];

/// Whether a function copies memory and does little else.
pub(super) fn is_copy_routine(function: &str, language: Language) -> bool {
    match language {
        Language::Kernel => is_of_kernel(function),
        Language::Go => function == "runtime.memmove",
        // The JVM's: `StubRoutines::jbyte_disjoint_arraycopy` and its relatives.
        Language::Jit => function.contains("_arraycopy"),
        Language::Native => is_of_libc(function) || is_of_rust(function),
    }
}

fn is_of_kernel(function: &str) -> bool {
    // The compiler's clones: `copyout.part.0`, `_copy_to_iter.cold`.
    let function = function.split('.').next().unwrap_or(function);
    KERNEL.contains(&function)
        || KERNEL_PREFIXES
            .iter()
            .any(|prefix| function.starts_with(prefix))
}

fn is_of_libc(function: &str) -> bool {
    // `memcpy@GLIBC_2.2.5`, and what stands for it in a procedure linkage table.
    let plain = function.split('@').next().unwrap_or(function);
    let name = plain.trim_start_matches('_');
    LIBC.iter().any(|&routine| {
        name.strip_prefix(routine).is_some_and(|rest| {
            rest.is_empty() || (rest.starts_with('_') && plain.starts_with('_'))
        })
    })
}

/// Inlined ones stand in front of the `memcpy` that they become.
fn is_of_rust(function: &str) -> bool {
    let function = function.split('<').next().unwrap_or(function);
    [
        "core::intrinsics::copy",
        "core::ptr::copy",
        "compiler_builtins::mem::mem",
    ]
    .iter()
    .any(|prefix| function.starts_with(prefix))
}
