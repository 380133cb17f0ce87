//! `--engine`, of all commands that attach.

use clap::ValueEnum;

use crate::capture::EngineChoice;

/// The argument.
#[derive(Debug, clap::Args)]
pub(crate) struct EngineArgs {
    /// How to attach to the kernel
    #[arg(
        long,
        value_name = "ENGINE",
        default_value = "auto",
        help_heading = "Count"
    )]
    engine: Engine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Raw, or tracepoint where that is refused
    Auto,
    /// A program on the end of all system calls
    Raw,
    /// Programs on the calls that are counted
    Tracepoint,
}

impl EngineArgs {
    /// The choice that it stands for.
    pub(crate) fn choice(&self) -> EngineChoice {
        match self.engine {
            Engine::Auto => EngineChoice::Auto,
            Engine::Raw => EngineChoice::Raw,
            Engine::Tracepoint => EngineChoice::Tracepoint,
        }
    }
}
