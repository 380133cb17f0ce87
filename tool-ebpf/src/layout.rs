//! The read-only globals that userspace fills in before it loads the programs.
//!
//! They are read with volatile loads, so that the compiler does not fold the zeroes they are
//! built with; the verifier, which sees the final values, treats them as constants and removes
//! the branches they rule out.

use copytax_common::{Filter, KernelLayout, SamplingConfig};

#[unsafe(no_mangle)]
pub(crate) static LAYOUT: KernelLayout = KernelLayout::UNKNOWN;

#[unsafe(no_mangle)]
pub(crate) static FILTER: Filter = Filter::all(0);

#[unsafe(no_mangle)]
pub(crate) static SAMPLING: SamplingConfig = SamplingConfig::OFF;

/// A field of [`LAYOUT`].
macro_rules! layout {
    ($($field:tt)+) => {
        // SAFETY: a static is always readable.
        unsafe { (&raw const $crate::layout::LAYOUT.$($field)+).read_volatile() }
    };
}
pub(crate) use layout;

/// A field of [`FILTER`].
macro_rules! filter {
    ($($field:tt)+) => {
        // SAFETY: a static is always readable.
        unsafe { (&raw const $crate::layout::FILTER.$($field)+).read_volatile() }
    };
}
pub(crate) use filter;

/// A field of [`SAMPLING`].
macro_rules! sampling {
    ($($field:tt)+) => {
        // SAFETY: a static is always readable.
        unsafe { (&raw const $crate::layout::SAMPLING.$($field)+).read_volatile() }
    };
}
pub(crate) use sampling;
