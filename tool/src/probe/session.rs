//! One loaded and attached kernel half.

use std::borrow::Cow;
use std::thread;
use std::time::{Duration, Instant};

use aya::programs::perf_event::PerfEventLink;
use aya::programs::tp_btf::BtfTracePointLink;
use aya::programs::trace_point::TracePointLink;
use aya::programs::{BtfTracePoint, ProgramError, TracePoint};
use aya::{Btf, Ebpf, EbpfLoader};
use copytax_common::{Call, Filter, KernelLayout, LossCounter, ProcessRecord};

use crate::model::{Engine, ErrorCount, FlowCount, Loss, ProcessId};
use crate::probe::btf::Btf as KernelBtf;
use crate::probe::cause::cause;
use crate::probe::clock;
use crate::probe::layout::uring::CATEGORY as URING;
use crate::probe::program::{Programs, not_attached, program, refused};
use crate::probe::samples::SampleReader;
use crate::probe::sampling::Sampling;
use crate::probe::uring::Uring;
use crate::probe::{ProbeError, layout, maps, object, symbols, tracefs};

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
    times: LoadTimes,
    has_rdonly_cast: bool,
    /// `None` where the kernel has no io_uring, an error where it cannot be accounted.
    uring: Result<Option<Uring>, String>,
    /// `None` once it was taken, or where nothing is sampled.
    samples: Option<SampleReader>,
    /// Why nothing is sampled although it was asked for.
    sampling_refused: Option<String>,
    /// Whether CPU time is sampled, or why not although it was asked for.
    clock: Result<bool, String>,
}

/// What the parts of [`Session::load`] took.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadTimes {
    /// Looking up the kernel's structures in its BTF.
    pub types: Duration,
    /// Relocating the object and creating its maps.
    pub maps: Duration,
    /// The verifier and the compiler to machine code, over all programs.
    pub programs: Duration,
}

/// Loads the programs that there must be; `types` are for the raw engine.
fn load_own(programs: &mut Programs<'_>, types: Option<&Btf>) -> Result<(), ProbeError> {
    if let Some(types) = types {
        for (name, tracepoint) in RAW_PROGRAMS {
            let program: &mut BtfTracePoint = programs.take(name)?;
            program
                .load(tracepoint, types)
                .map_err(|error| refused(name, &error))?;
        }
        return Ok(());
    }
    let names = LIFECYCLE_TRACEPOINTS.map(|(name, _)| name);
    for name in names.into_iter().chain(["sys_exit_tracepoint"]) {
        let program: &mut TracePoint = programs.take(name)?;
        program.load().map_err(|error| refused(name, &error))?;
    }
    Ok(())
}

/// An attachment; dropping it detaches.
#[expect(dead_code, reason = "held for its destructor")]
enum Link {
    Raw(BtfTracePointLink),
    Tracepoint(TracePointLink),
    Clock(PerfEventLink),
}

impl Drop for Session {
    fn drop(&mut self) {
        self.detach();
    }
}

impl Session {
    /// Loads the kernel half for `engine`, with `filter` applied in the kernel. Nothing is attached
    /// yet. Where the kernel refuses to sample it goes without.
    ///
    /// # Errors
    ///
    /// Whatever the kernel refuses, in its own words.
    pub fn load(engine: Engine, filter: &Filter, sampling: &Sampling) -> Result<Self, ProbeError> {
        thread::scope(|scope| {
            // The kernel takes as long to print its symbols as to load the programs.
            let implementations = scope.spawn(symbols::splice_reads);
            let mut session = Self::load_programs(engine, filter, sampling)?;
            let implementations = implementations.join().unwrap_or_default();
            maps::set_splice_reads(&mut session.ebpf, &implementations)?;
            Ok(session)
        })
    }

    fn load_programs(
        engine: Engine,
        filter: &Filter,
        sampling: &Sampling,
    ) -> Result<Self, ProbeError> {
        let begin = Instant::now();
        let bytes = layout::read_btf()?;
        let btf = KernelBtf::parse(&bytes)?;
        let mut kernel = layout::of_kernel(&btf)?;
        if engine == Engine::Tracepoint {
            let at = |name, field| tracefs::field_offset("sched", name, field);
            kernel.layout.fork_child_pid = at("sched_process_fork", "child_pid")?;
            kernel.layout.exec_filename = at("sched_process_exec", "filename")?;
        }
        let uring = Uring::of_kernel(&btf, engine).map_err(|error| error.to_string());
        if let Ok(Some(uring)) = &uring {
            kernel.layout.uring = uring.layout;
        }
        let types = match engine {
            Engine::Raw => {
                let optional = uring.iter().flatten().flat_map(|uring| uring.programs);
                let programs = RAW_PROGRAMS.into_iter().chain(optional);
                let tracepoints: Vec<_> = programs.map(|(_, tracepoint)| tracepoint).collect();
                Some(layout::for_tracepoints(&btf, &tracepoints)?)
            }
            Engine::Tracepoint => None,
        };
        let sample = layout::sample::of_kernel(&btf).map_err(|error| error.to_string());
        drop(btf);
        drop(bytes);
        let load = |object: &[u8], layout: &KernelLayout, sampling: &Sampling| {
            let uring = uring.clone();
            let mut session =
                Self::load_object(object, types.as_ref(), layout, filter, (uring, sampling))?;
            session.load_clock(sampling);
            session.times.types = begin.elapsed() - session.times.maps - session.times.programs;
            tracing::debug!("loaded: {:?}", session.times);
            Ok::<_, ProbeError>(session)
        };
        // With all of it first, then without what the kernel may refuse.
        let mut objects = Vec::new();
        if let Some(id) = kernel.rdonly_cast {
            objects.push((Cow::Owned(object::with_rdonly_cast(id)?), 1));
        }
        objects.push((Cow::Borrowed(object::OBJECT), 0));
        let mut refused = None;
        for (object, has_rdonly_cast) in objects {
            let mut layout = KernelLayout {
                has_rdonly_cast,
                ..kernel.layout
            };
            let mut sampling_refused = None;
            if sampling.is_on() {
                let sampled = sample.clone().and_then(|sample| {
                    layout.sample = sample;
                    load(&object, &layout, sampling).map_err(|error| error.to_string())
                });
                match sampled {
                    Ok(session) => return Ok(session),
                    Err(error) => sampling_refused = Some(error),
                }
            }
            match load(&object, &layout, &Sampling::OFF) {
                Ok(mut session) => {
                    if let (true, Some(reason)) = (sampling.cpu, &sampling_refused) {
                        session.clock = Err(reason.clone());
                    }
                    session.sampling_refused = sampling_refused;
                    return Ok(session);
                }
                Err(error) => {
                    tracing::debug!("bpf_rdonly_cast {has_rdonly_cast}: {error}");
                    refused = Some(error);
                }
            }
        }
        Err(refused.unwrap_or_else(|| ProbeError::Object("there is none".to_owned())))
    }

    /// `types` are for the raw engine, and there is no other that wants them.
    fn load_object(
        bytes: &[u8],
        types: Option<&Btf>,
        layout: &KernelLayout,
        filter: &Filter,
        (uring, sampling): (Result<Option<Uring>, String>, &Sampling),
    ) -> Result<Self, ProbeError> {
        let begin = Instant::now();
        let mut loader = EbpfLoader::new();
        loader
            // The object has no relocations against the kernel's types.
            .btf(None)
            .override_global("LAYOUT", maps::bytes_of(layout), true)
            .override_global("FILTER", maps::bytes_of(filter), true);
        sampling.tell(&mut loader);
        let mut ebpf = loader
            .load(bytes)
            .map_err(|error| ProbeError::Load(cause(&error)))?;
        let maps_done = Instant::now();
        let mut programs = Programs::of(&mut ebpf);
        let uring = thread::scope(|scope| {
            // The verifier takes as long for io_uring as for all else.
            let optional = uring.map(|found| {
                found.map(|uring| {
                    let mut programs = programs.split_off(&uring.names());
                    scope.spawn(move || uring.load(&mut programs, types).map(|()| uring))
                })
            });
            load_own(&mut programs, types)?;
            let loaded = optional.and_then(|thread| {
                let result = thread.map(|thread| thread.join()).transpose();
                let result = result.map_err(|_| "its thread panicked".to_owned())?;
                result.transpose().map_err(|error| error.to_string())
            });
            Ok::<_, ProbeError>(loaded)
        })?;
        let samples = sampling.is_on().then(|| SampleReader::take(&mut ebpf));
        Ok(Self {
            ebpf,
            engine: types.map_or(Engine::Tracepoint, |_| Engine::Raw),
            samples: samples.transpose()?,
            sampling_refused: None,
            clock: Ok(false),
            links: Vec::new(),
            has_rdonly_cast: layout.has_rdonly_cast != 0,
            uring,
            times: LoadTimes {
                types: Duration::ZERO,
                maps: maps_done - begin,
                programs: maps_done.elapsed(),
            },
        })
    }

    /// Loads what samples CPU time, if the kernel takes it.
    fn load_clock(&mut self, sampling: &Sampling) {
        if sampling.is_on() && sampling.cpu {
            let begin = Instant::now();
            self.clock = clock::load(&mut self.ebpf)
                .map(|()| true)
                .map_err(|error| error.to_string());
            self.times.programs += begin.elapsed();
        }
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
                    let Some(tracepoint) = call.exit_tracepoint() else {
                        continue;
                    };
                    self.attach_tracepoint("sys_exit_tracepoint", "syscalls", tracepoint)?;
                }
            }
        }
        if let Err(reason) = self.attach_uring() {
            tracing::debug!("io_uring is not accounted: {reason}");
            self.uring = Err(reason);
        }
        if self.clock == Ok(true) {
            match clock::attach(&mut self.ebpf) {
                Ok(links) => self.links.extend(links.into_iter().map(Link::Clock)),
                Err(error) => self.clock = Err(error.to_string()),
            }
        }
        Ok(())
    }

    fn attach_uring(&mut self) -> Result<(), String> {
        for (name, tracepoint) in self.uring.clone()?.into_iter().flat_map(|u| u.programs) {
            match self.engine {
                Engine::Raw => self.attach_raw(name),
                Engine::Tracepoint => self.attach_tracepoint(name, URING, tracepoint),
            }
            .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Why io_uring is not accounted, if it is not.
    #[must_use]
    pub fn without_uring(&self) -> Option<&str> {
        self.uring.as_ref().err().map(String::as_str)
    }

    /// Why nothing is sampled although it was asked for, if so.
    #[must_use]
    pub fn without_sampling(&self) -> Option<&str> {
        self.sampling_refused.as_deref()
    }

    /// Why CPU time is not sampled although it was asked for, if so.
    #[must_use]
    pub fn without_cpu_sampling(&self) -> Option<&str> {
        self.clock.as_ref().err().map(String::as_str)
    }

    /// What reads the samples; `None` where nothing is sampled, or where it was taken before.
    pub fn take_samples(&mut self) -> Option<SampleReader> {
        self.samples.take()
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

    /// What loading took.
    #[must_use]
    pub fn load_times(&self) -> LoadTimes {
        self.times
    }

    /// Whether the kernel half was loaded with `bpf_rdonly_cast`: it works without, but slower.
    #[must_use]
    pub fn has_rdonly_cast(&self) -> bool {
        self.has_rdonly_cast
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
        let uring_unseen = count(LossCounter::UringUnseen)?;
        Ok(Loss {
            samples_dropped: count(LossCounter::SamplesDropped)?
                + count(LossCounter::CpuSamplesDropped)?,
            relay_evictions: count(LossCounter::RelayEvictions)?,
            relay_contention: count(LossCounter::RelayContention)?,
            content_unreadable: count(LossCounter::ContentUnreadable)?,
            pieces_truncated: count(LossCounter::PiecesTruncated)?,
            map_full: count(LossCounter::MapFull)?,
            // 32-bit calls do not fire the per-call tracepoints at all.
            unsupported_abi_calls: (self.engine == Engine::Raw).then_some(unsupported),
            endpoint_unknown: count(LossCounter::EndpointUnknown)?,
            transfers_split: count(LossCounter::TransfersSplit)?,
            mapping_contention: count(LossCounter::MappingContention)?,
            uring_unseen: self.uring.is_ok().then_some(uring_unseen),
        })
    }
}
