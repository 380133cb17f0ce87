//! Loading the kernel half: with all that is wanted first, then without what the kernel refuses.

use std::borrow::Cow;
use std::thread;
use std::time::Instant;

use aya::programs::{BtfTracePoint, TracePoint};
use aya::{Btf, EbpfLoader};
use copytax_common::{Filter, KernelLayout, SampleLayout};

use super::{LIFECYCLE_TRACEPOINTS, LoadTimes, RAW_PROGRAMS, Session};
use crate::model::Engine;
use crate::probe::btf::Btf as KernelBtf;
use crate::probe::cause::cause;
use crate::probe::program::{Programs, refused};
use crate::probe::samples::SampleReader;
use crate::probe::sampling::Sampling;
use crate::probe::uring::Uring;
use crate::probe::{ProbeError, clock, layout, maps, object, tracefs};

/// Loads it. Nothing is attached yet.
pub(super) fn load(
    engine: Engine,
    filter: &Filter,
    sampling: &Sampling,
) -> Result<Session, ProbeError> {
    let begin = Instant::now();
    let (loading, rdonly_cast) = Loading::of_kernel(engine, filter, begin)?;
    let mut objects = Vec::new();
    if let Some(id) = rdonly_cast {
        objects.push((Cow::Owned(object::with_rdonly_cast(id)?), 1));
    }
    objects.push((Cow::Borrowed(object::OBJECT), 0));
    let mut refused = ProbeError::Object("there is none".to_owned());
    for (object, has_rdonly_cast) in objects {
        match loading.load(&object, has_rdonly_cast, sampling) {
            Ok(session) => return Ok(session),
            Err(error) => {
                tracing::debug!("bpf_rdonly_cast {has_rdonly_cast}: {error}");
                refused = error;
            }
        }
    }
    Err(refused)
}

/// What is loaded, in each attempt.
struct Loading<'a> {
    begin: Instant,
    filter: &'a Filter,
    layout: KernelLayout,
    /// For the raw engine: there is no other that wants them.
    types: Option<Btf>,
    /// As in [`Session`].
    uring: Result<Option<Uring>, String>,
    /// What samples need to know of the kernel, or what it lacks.
    sample: Result<SampleLayout, String>,
}

impl<'a> Loading<'a> {
    /// Looks at the running kernel; also gives the BTF id of `bpf_rdonly_cast`, where it has that.
    fn of_kernel(
        engine: Engine,
        filter: &'a Filter,
        begin: Instant,
    ) -> Result<(Self, Option<u32>), ProbeError> {
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
        let loading = Self {
            begin,
            filter,
            layout: kernel.layout,
            types,
            uring,
            sample: layout::sample::of_kernel(&btf).map_err(|error| error.to_string()),
        };
        Ok((loading, kernel.rdonly_cast))
    }

    /// Loads an object, without samples where the kernel refuses them.
    fn load(
        &self,
        object: &[u8],
        has_rdonly_cast: u32,
        sampling: &Sampling,
    ) -> Result<Session, ProbeError> {
        let mut layout = KernelLayout {
            has_rdonly_cast,
            ..self.layout
        };
        if !sampling.is_on() {
            return self.load_object(object, &layout, &Sampling::OFF);
        }
        let sampled = self.sample.clone().and_then(|sample| {
            layout.sample = sample;
            self.load_object(object, &layout, sampling)
                .map_err(|error| error.to_string())
        });
        let refused = match sampled {
            Ok(session) if session.uring.is_ok() || self.uring.is_err() => return Ok(session),
            other => other,
        };
        let mut without = self.load_object(object, &layout, &Sampling::OFF)?;
        let reason = match refused {
            Ok(sampled) if without.uring.is_err() => return Ok(sampled),
            Ok(_) => "the programs of io_uring were refused with them".to_owned(),
            Err(error) => error,
        };
        if sampling.cpu {
            without.clock = Err(reason.clone());
        }
        without.sampling_refused = Some(reason);
        Ok(without)
    }

    fn load_object(
        &self,
        bytes: &[u8],
        layout: &KernelLayout,
        sampling: &Sampling,
    ) -> Result<Session, ProbeError> {
        let begin = Instant::now();
        let mut loader = EbpfLoader::new();
        loader
            // The object has no relocations against the kernel's types.
            .btf(None)
            .override_global("LAYOUT", maps::bytes_of(layout), true)
            .override_global("FILTER", maps::bytes_of(self.filter), true);
        sampling.tell(&mut loader);
        let mut ebpf = loader
            .load(bytes)
            .map_err(|error| ProbeError::Load(cause(&error)))?;
        let maps_done = Instant::now();
        let (uring, clock) = self.load_programs(Programs::of(&mut ebpf), sampling)?;
        let samples = sampling.is_on().then(|| SampleReader::take(&mut ebpf));
        let times = LoadTimes {
            types: begin - self.begin,
            maps: maps_done - begin,
            programs: maps_done.elapsed(),
        };
        tracing::debug!("loaded: {times:?}");
        Ok(Session {
            ebpf,
            engine: self
                .types
                .as_ref()
                .map_or(Engine::Tracepoint, |_| Engine::Raw),
            links: Vec::new(),
            times,
            has_rdonly_cast: layout.has_rdonly_cast != 0,
            uring,
            samples: samples.transpose()?,
            sampling_refused: None,
            clock,
        })
    }

    /// Loads all programs; gives what became of those that there need not be: of io_uring, and of the
    /// clock.
    #[expect(clippy::type_complexity, reason = "they are fields of the session")]
    fn load_programs(
        &self,
        mut programs: Programs<'_>,
        sampling: &Sampling,
    ) -> Result<(Result<Option<Uring>, String>, Result<bool, String>), ProbeError> {
        let types = self.types.as_ref();
        thread::scope(|scope| {
            // The verifier takes as long for io_uring as for all else.
            let uring = self.uring.clone().map(|found| {
                found.map(|uring| {
                    let mut programs = programs.split_off(&uring.names());
                    scope.spawn(move || uring.load(&mut programs, types).map(|()| uring))
                })
            });
            load_own(&mut programs, types)?;
            let has_clock = sampling.is_on() && sampling.cpu;
            let clock = if has_clock {
                clock::load(&mut programs)
            } else {
                Ok(())
            };
            let loaded = uring.and_then(|thread| {
                let result = thread.map(|thread| thread.join()).transpose();
                let result = result.map_err(|_| "its thread panicked".to_owned())?;
                result.transpose().map_err(|error| error.to_string())
            });
            let clock = clock.map(|()| has_clock).map_err(|error| error.to_string());
            Ok((loaded, clock))
        })
    }
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
