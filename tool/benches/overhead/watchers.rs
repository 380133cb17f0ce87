//! What watches the calls while they are measured.

use anyhow::{Context, Result, ensure};
use copytax::model::Engine;
use copytax::probe::{Floor, Sampling, Session};
use copytax_common::{Call, Filter, FilterMode, TARGET_ACTIVE};

use crate::bpftrace::Bpftrace;
use crate::strace::Strace;

/// Something that can be attached again and again.
pub(crate) trait Watcher {
    /// Begins to watch; everything is attached when it returns.
    fn attach(&mut self) -> Result<()>;

    /// Ends it. `calls` of `read` and of `write` were made meanwhile, at least: what counts calls
    /// fails where it has not counted those.
    fn detach(&mut self, calls: u64) -> Result<()>;
}

/// A row of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Configuration {
    /// Nothing attached.
    Nothing,
    /// The empty program.
    Floor,
    /// copytax with its default engine, on the whole machine.
    Machine,
    /// The same on the measured process only.
    Process,
    /// copytax with per-call tracepoints, on the whole machine.
    Tracepoint,
    /// bpftrace, bytes and calls per process.
    Bpftrace,
    /// `strace -c`.
    Strace,
}

impl Configuration {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Floor,
        Self::Machine,
        Self::Process,
        Self::Tracepoint,
        Self::Bpftrace,
        Self::Strace,
    ];

    /// For the first column of the tables.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Floor => "the floor: an empty program on `sys_exit`",
            Self::Machine => "copytax, whole machine (`-a`)",
            Self::Process => "copytax, one process (`-p`)",
            Self::Tracepoint => "copytax, `--engine tracepoint`, whole machine",
            Self::Bpftrace => "bpftrace, bytes and calls per process",
            Self::Strace => "`strace -c`",
        }
    }

    /// Whether it is so slow that few calls and one round must do.
    pub(crate) const fn is_slow(self) -> bool {
        matches!(self, Self::Strace)
    }

    /// Loads it, ready to watch the process `pid`.
    pub(crate) fn load(self, pid: u32) -> Result<Box<dyn Watcher>> {
        let all = Filter::all(std::process::id());
        let one = Filter {
            mode: FilterMode::Pids as u32,
            ..all
        };
        Ok(match self {
            Self::Nothing => Box::new(Nothing),
            Self::Floor => Box::new(Floor::load()?),
            Self::Machine => Box::new(Copytax::load(Engine::Raw, &all, pid)?),
            Self::Process => Box::new(Copytax::load(Engine::Raw, &one, pid)?),
            Self::Tracepoint => Box::new(Copytax::load(Engine::Tracepoint, &all, pid)?),
            Self::Bpftrace => Box::new(Bpftrace::new(pid)),
            Self::Strace => Box::new(Strace::new(pid)),
        })
    }
}

struct Nothing;

impl Watcher for Nothing {
    fn attach(&mut self) -> Result<()> {
        Ok(())
    }

    fn detach(&mut self, _calls: u64) -> Result<()> {
        Ok(())
    }
}

impl Watcher for Floor {
    fn attach(&mut self) -> Result<()> {
        Ok(Self::attach(self)?)
    }

    fn detach(&mut self, _calls: u64) -> Result<()> {
        Self::detach(self);
        Ok(())
    }
}

/// The kernel half, and the process that it is to have counted.
struct Copytax {
    session: Session,
    pid: u32,
    /// Calls of all rounds.
    expected: u64,
}

impl Copytax {
    fn load(engine: Engine, filter: &Filter, pid: u32) -> Result<Self> {
        let mut session = Session::load(engine, filter, &Sampling::OFF)?;
        if filter.mode == FilterMode::Pids as u32 {
            session.set_target(pid, TARGET_ACTIVE)?;
        }
        Ok(Self {
            session,
            pid,
            expected: 0,
        })
    }
}

impl Watcher for Copytax {
    fn attach(&mut self) -> Result<()> {
        self.session.attach().context("copytax")
    }

    fn detach(&mut self, calls: u64) -> Result<()> {
        self.session.detach();
        self.expected += calls;
        let flows = self.session.flows()?;
        for call in [Call::Read, Call::Write] {
            let counted: u64 = flows
                .iter()
                .filter(|flow| flow.process.pid == self.pid && flow.call == call)
                .map(|flow| flow.calls)
                .sum();
            ensure!(
                counted >= self.expected,
                "copytax counted {counted} of {} calls of {}",
                self.expected,
                call.name()
            );
        }
        Ok(())
    }
}
