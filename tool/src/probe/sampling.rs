//! What is sampled, as the kernel half is told.

use aya::EbpfLoader;
use aya::util::nr_cpus;
use copytax_common::SamplingConfig;

use crate::probe::maps;

/// Records that a CPU may be making at once: its call's, and that of the clock that interrupts it.
const RECORDS_PER_CPU: u32 = 2;

/// The least that a ring buffer may have: a page, whatever its size.
const SMALLEST_RING: u32 = 1 << 16;

/// What is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Call sites, by bytes.
    pub calls: SamplingConfig,
    /// Whether CPU time is sampled, too.
    pub cpu: bool,
}

impl Sampling {
    /// Nothing.
    pub const OFF: Self = Self {
        calls: SamplingConfig::OFF,
        cpu: false,
    };

    /// Whether there is anything to be sampled.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.calls.samples_per_second != 0
    }

    /// Tells the loader; makes maps large enough, or small where nothing is sampled.
    pub(super) fn tell<'a>(&'a self, loader: &mut EbpfLoader<'a>) {
        loader.override_global("SAMPLING", maps::bytes_of(&self.calls), true);
        if self.is_on() {
            let cpus = nr_cpus().map_or(1, |cpus| cpus as u32);
            loader.map_max_entries("RECORDS", cpus * RECORDS_PER_CPU);
        } else {
            loader.map_max_entries("RECORDS", 1);
            loader.map_max_entries("CHOSEN", 1);
            loader.map_max_entries("SAMPLES", SMALLEST_RING);
        }
    }
}
