//! The clock that samples CPU time: a perf event on each CPU.

use aya::Ebpf;
use aya::programs::PerfEvent;
use aya::programs::ProgramError;
use aya::programs::perf_event::{
    HardwareEvent, PerfEventConfig, PerfEventLink, PerfEventScope, SamplePolicy, SoftwareEvent,
};
use aya::util::online_cpus;

use crate::probe::ProbeError;
use crate::probe::program::{Programs, not_attached, program, refused};

/// Name in the object.
const PROGRAM: &str = "cpu_tick";

/// Ticks a second of each CPU: not in step with what happens a hundred times a second.
pub const CPU_HERTZ: u32 = 99;

/// Cycles of the processor, and the timer of the kernel where those cannot be counted, as in most
/// virtual machines.
const CLOCKS: [PerfEventConfig; 2] = [
    PerfEventConfig::Hardware(HardwareEvent::CpuCycles),
    PerfEventConfig::Software(SoftwareEvent::CpuClock),
];

/// Loads the program.
pub(super) fn load(programs: &mut Programs<'_>) -> Result<(), ProbeError> {
    let tick: &mut PerfEvent = programs.take(PROGRAM)?;
    tick.load().map_err(|error| refused(PROGRAM, &error))
}

/// Starts the clock of each CPU that is there.
pub(super) fn attach(ebpf: &mut Ebpf) -> Result<Vec<PerfEventLink>, ProbeError> {
    let tick: &mut PerfEvent = program(ebpf, PROGRAM)?;
    let cpus = online_cpus().map_err(|(file, error)| ProbeError::Attach {
        program: PROGRAM.to_owned(),
        cause: format!("{file}: {error}"),
    })?;
    let mut result = Ok(Vec::new());
    for clock in CLOCKS {
        result = cpus.iter().map(|cpu| start(tick, clock, *cpu)).collect();
        if result.is_ok() {
            break;
        }
    }
    result.map_err(|error| not_attached(PROGRAM, &error))
}

fn start(
    tick: &mut PerfEvent,
    clock: PerfEventConfig,
    cpu: u32,
) -> Result<PerfEventLink, ProgramError> {
    let scope = PerfEventScope::AllProcessesOneCpu { cpu };
    let policy = SamplePolicy::Frequency(CPU_HERTZ.into());
    let id = tick.attach(clock, scope, policy, false)?;
    tick.take_link(id)
}
