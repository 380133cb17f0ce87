//! One loaded and attached kernel half.

use std::thread;

use aya::programs::tp_btf::BtfTracePointLink;
use aya::programs::trace_point::TracePointLink;
use aya::programs::{BtfTracePoint, ProgramError, TracePoint};
use aya::{Btf, Ebpf, EbpfLoader};
use copytax_common::{Call, Filter, KernelLayout, LossCounter, ProcessRecord};

use crate::model::{Engine, ErrorCount, FlowCount, Loss, ProcessId};
use crate::probe::cause::cause;
use crate::probe::{ProbeError, layout, maps, object, tracefs};

/// Programs of the raw engine: name in the object, tracepoint.
const RAW_PROGRAMS: [(&str, &str); 4] = [
    ("fork_raw", "sched_process_fork"),
    ("exec_raw", "sched_process_exec"),
    ("exit_raw", "sched_process_exit"),
    ("sys_exit_raw", "sys_exit"),
];

/// Programs of the tracepoint engine besides those of the calls.
const LIFECYCLE_TRACEPOINTS: [(&str, &str); 3] = [
    ("fork_tracepoint", "sched_process_fork"),
    ("exec_tracepoint", "sched_process_exec"),
    ("exit_tracepoint", "sched_process_exit"),
];

/// A loaded kernel half. Dropping it detaches and unloads everything.
pub struct Session {
    pub(super) ebpf: Ebpf,
    engine: Engine,
    links: Vec<Link>,
}

/// An attachment; dropping it detaches.
#[expect(dead_code, reason = "held for its destructor")]
enum Link {
    Raw(BtfTracePointLink),
    Tracepoint(TracePointLink),
}

impl Drop for Session {
    fn drop(&mut self) {
        self.detach();
    }
}

impl Session {
    /// Loads the kernel half for `engine`, with `filter` applied in the kernel. Nothing is attached
    /// yet.
    ///
    /// # Errors
    ///
    /// Whatever the kernel refuses, in its own words.
    pub fn load(engine: Engine, filter: &Filter) -> Result<Self, ProbeError> {
        let mut kernel = layout::of_running_kernel()?;
        if engine == Engine::Tracepoint {
            let at = |name, field| tracefs::field_offset("sched", name, field);
            kernel.layout.fork_child_pid = at("sched_process_fork", "child_pid")?;
            kernel.layout.exec_filename = at("sched_process_exec", "filename")?;
        }
        if let Some(id) = kernel.rdonly_cast {
            let with_cast = KernelLayout {
                has_rdonly_cast: 1,
                ..kernel.layout
            };
            let bytes = object::with_rdonly_cast(id)?;
            match Self::load_object(engine, &bytes, &with_cast, filter) {
                Ok(session) => return Ok(session),
                Err(error) => tracing::debug!("without bpf_rdonly_cast: {error}"),
            }
        }
        Self::load_object(engine, object::OBJECT, &kernel.layout, filter)
    }

    fn load_object(
        engine: Engine,
        bytes: &[u8],
        layout: &KernelLayout,
        filter: &Filter,
    ) -> Result<Self, ProbeError> {
        let mut ebpf = EbpfLoader::new()
            .override_global("LAYOUT", maps::bytes_of(layout), true)
            .override_global("FILTER", maps::bytes_of(filter), true)
            .load(bytes)
            .map_err(|error| ProbeError::Load(cause(&error)))?;
        match engine {
            Engine::Raw => {
                let btf = Btf::from_sys_fs().map_err(|error| ProbeError::Btf(error.to_string()))?;
                for (name, tracepoint) in RAW_PROGRAMS {
                    let program: &mut BtfTracePoint = program(&mut ebpf, name)?;
                    program
                        .load(tracepoint, &btf)
                        .map_err(|error| refused(name, &error))?;
                }
            }
            Engine::Tracepoint => {
                let names = LIFECYCLE_TRACEPOINTS.map(|(name, _)| name);
                for name in names.into_iter().chain(["sys_exit_tracepoint"]) {
                    let program: &mut TracePoint = program(&mut ebpf, name)?;
                    program.load().map_err(|error| refused(name, &error))?;
                }
            }
        }
        Ok(Self {
            ebpf,
            engine,
            links: Vec::new(),
        })
    }

    /// Adds a process to the target set, with `TARGET_*` flags.
    ///
    /// # Errors
    ///
    /// Where the set is full.
    pub fn set_target(&mut self, pid: u32, flags: u32) -> Result<(), ProbeError> {
        maps::set_target(&mut self.ebpf, pid, flags)
    }

    /// Attaches everything; counting begins.
    ///
    /// # Errors
    ///
    /// Whatever the kernel refuses; what was attached by then goes with the session.
    pub fn attach(&mut self) -> Result<(), ProbeError> {
        match self.engine {
            Engine::Raw => {
                for (name, _) in RAW_PROGRAMS {
                    self.attach_raw(name)?;
                }
            }
            Engine::Tracepoint => {
                for (name, tracepoint) in LIFECYCLE_TRACEPOINTS {
                    self.attach_tracepoint(name, "sched", tracepoint)?;
                }
                for call in Call::ALL {
                    let tracepoint = call.exit_tracepoint();
                    self.attach_tracepoint("sys_exit_tracepoint", "syscalls", tracepoint)?;
                }
            }
        }
        Ok(())
    }

    fn attach_raw(&mut self, name: &str) -> Result<(), ProbeError> {
        let refused = |error: ProgramError| not_attached(name, &error);
        let program: &mut BtfTracePoint = program(&mut self.ebpf, name)?;
        let id = program.attach().map_err(refused)?;
        self.links
            .push(Link::Raw(program.take_link(id).map_err(refused)?));
        Ok(())
    }

    fn attach_tracepoint(
        &mut self,
        name: &str,
        category: &str,
        tracepoint: &str,
    ) -> Result<(), ProbeError> {
        let refused = |error: ProgramError| not_attached(tracepoint, &error);
        let program: &mut TracePoint = program(&mut self.ebpf, name)?;
        let id = program.attach(category, tracepoint).map_err(refused)?;
        let link = program.take_link(id).map_err(refused)?;
        self.links.push(Link::Tracepoint(link));
        Ok(())
    }

    /// Detaches everything; the counts stay readable.
    pub fn detach(&mut self) {
        // Each tracepoint's end waits until no CPU is in it any more: together that is one wait.
        thread::scope(|scope| {
            for link in self.links.drain(..) {
                scope.spawn(move || drop(link));
            }
        });
    }

    /// How the kernel half is attached.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Sums of calls that did not fail.
    ///
    /// # Errors
    ///
    /// Where the kernel's map cannot be read.
    pub fn flows(&self) -> Result<Vec<FlowCount>, ProbeError> {
        maps::flows(&self.ebpf)
    }

    /// Sums of calls that failed.
    ///
    /// # Errors
    ///
    /// Where the kernel's map cannot be read.
    pub fn errors(&self) -> Result<Vec<ErrorCount>, ProbeError> {
        maps::errors(&self.ebpf)
    }

    /// What the kernel half remembers of processes.
    ///
    /// # Errors
    ///
    /// Where the kernel's map cannot be read.
    pub fn processes(&self) -> Result<Vec<(ProcessId, ProcessRecord)>, ProbeError> {
        maps::processes(&self.ebpf)
    }

    /// What was lost.
    ///
    /// # Errors
    ///
    /// Where the kernel's map cannot be read.
    pub fn loss(&self) -> Result<Loss, ProbeError> {
        let count = |counter| maps::loss(&self.ebpf, counter);
        let unsupported = count(LossCounter::UnsupportedAbi)?;
        Ok(Loss {
            samples_dropped: 0,
            relay_evictions: count(LossCounter::RelayEvictions)?,
            relay_contention: count(LossCounter::RelayContention)?,
            content_unreadable: count(LossCounter::ContentUnreadable)?,
            pieces_truncated: count(LossCounter::PiecesTruncated)?,
            map_full: count(LossCounter::MapFull)?,
            // 32-bit calls do not fire the per-call tracepoints at all.
            unsupported_abi_calls: (self.engine == Engine::Raw).then_some(unsupported),
            endpoint_unknown: count(LossCounter::EndpointUnknown)?,
        })
    }
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut P, ProbeError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    let program = ebpf
        .program_mut(name)
        .ok_or_else(|| ProbeError::Object(format!("it has no program {name}")))?;
    program
        .try_into()
        .map_err(|error| ProbeError::Object(cause(&error)))
}

fn refused(program: &str, error: &ProgramError) -> ProbeError {
    ProbeError::Program {
        program: program.to_owned(),
        cause: cause(error),
    }
}

fn not_attached(program: &str, error: &ProgramError) -> ProbeError {
    ProbeError::Attach {
        program: program.to_owned(),
        cause: cause(error),
    }
}
