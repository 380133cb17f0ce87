//! `--samples` and `--no-stacks`, of commands that show call sites.

use crate::capture::Profiling;

/// The argument.
#[derive(Debug, clap::Args)]
pub(crate) struct SamplesArgs {
    /// Call sites to look at in a second, at most, on each CPU; more take more of what is watched
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = Profiling::default().samples_per_second,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        help_heading = "Count"
    )]
    samples: u32,
}

impl SamplesArgs {
    /// What is sampled, with or without the kernel's part of stacks.
    pub(crate) fn profiling(&self, kernel_stacks: bool) -> Profiling {
        Profiling {
            samples_per_second: self.samples,
            kernel_stacks,
            ..Profiling::default()
        }
    }
}

/// The argument, of commands that may also only count.
#[derive(Debug, clap::Args)]
pub(crate) struct StacksArgs {
    #[command(flatten)]
    samples: SamplesArgs,
    /// Only count: do not look at who calls, which is sampled
    #[arg(long, help_heading = "Count")]
    no_stacks: bool,
}

impl StacksArgs {
    /// What is sampled, if anything, with or without the kernel's part of stacks.
    pub(crate) fn profiling(&self, kernel_stacks: bool) -> Option<Profiling> {
        (!self.no_stacks).then(|| self.samples.profiling(kernel_stacks))
    }
}
