//! Cycles of the processor, where it counts them: few virtual machines do.

use perf_event::events::Hardware;
use perf_event::{Builder, Counter};

/// Counts those of this thread.
pub(super) struct Cycles(Counter);

impl Cycles {
    /// Begins; `None` where the processor does not count, or nobody may ask.
    pub(super) fn start() -> Option<Self> {
        let mut builder = Builder::new(Hardware::CPU_CYCLES);
        let mut counter = builder.include_kernel().build().ok()?;
        counter.enable().ok()?;
        Some(Self(counter))
    }

    /// How many there were.
    pub(super) fn stop(mut self) -> Option<u64> {
        self.0.disable().ok()?;
        self.0.read().ok()
    }
}
