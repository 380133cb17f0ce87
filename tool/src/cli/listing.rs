//! `--top` and `--sort`, of commands that list processes.

use std::num::NonZeroUsize;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use crate::report::SortKey;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct ListingArgs {
    /// Print the first N processes; the sums are always of all
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Output")]
    top: NonZeroUsize,
    /// What to order processes by
    #[arg(
        long,
        value_name = "KEY",
        default_value = "lost",
        help_heading = "Output"
    )]
    #[arg(value_parser = PossibleValuesParser::new(SortKey::ALL.iter().map(|key| key.name())).try_map(|key| key.parse::<SortKey>()))]
    sort: SortKey,
}

impl ListingArgs {
    /// How many processes are printed.
    pub(crate) const fn top(&self) -> usize {
        self.top.get()
    }

    /// What they are ordered by.
    pub(crate) const fn sort(&self) -> SortKey {
        self.sort
    }
}
