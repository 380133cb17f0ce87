//! Adds samples up: reads are joined with the writes of their bytes, and stacks are kept once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use copytax_common::{Call, Class, EndpointKind, SampleKind, Sharing};

use super::file_names::FileNames;
use super::naming::{Processes, name_stacks};
use super::reads::{Read, Reads};
use super::stacks::{StackId, Stacks, Unnamed};
use crate::model::{
    CallSite, CpuSite, Estimate, OpenFile, ProcessId, Profile, RawSample, Sampling, SiteKind,
    Stack, StackEnd,
};
use crate::stack::unwind::{Location, Unwinder};

/// Names of sources and sinks that are told apart at one call site; more are one.
const MAX_NAMES_OF_SITE: usize = 16;

/// Bytes of one call that may be chosen: of the largest call, 2 GiB, one in each 64 KiB.
const MAX_CHOSEN_OF_CALL: u32 = 1 << 15;

/// What stands for names that are not told apart.
const MORE: &str = "(more)";

/// Samples of a window.
pub(super) struct Collector {
    unwinder: Unwinder,
    processes: Processes,
    files: FileNames,
    reads: Reads,
    stacks: Stacks,
    sites: HashMap<Site, Named>,
    cpu: HashMap<Tick, u64>,
    sampling: Sampling,
}

/// What call sites are told apart by, besides names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Site {
    process: ProcessId,
    kind: SiteKind,
    call: Call,
    source: EndpointKind,
    sink: EndpointKind,
    class: Class,
    sharing: Sharing,
    write: Option<StackId>,
    read: Option<StackId>,
    kernel: Option<StackId>,
}

/// Sums of a site by the names of source and sink.
type Named = HashMap<(Option<Arc<str>>, Option<Arc<str>>), Sums>;

#[derive(Debug, Default)]
struct Sums {
    samples: u64,
    bytes: Estimate,
    calls: Estimate,
}

/// What samples of CPUs are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Tick {
    process: ProcessId,
    syscall: Option<u32>,
    user: Option<StackId>,
    kernel: Option<StackId>,
}

impl Collector {
    /// Nothing yet. `first_interval` is what sampling begins with, by kind.
    pub(super) fn new(first_interval: [u64; SiteKind::ALL.len()]) -> Self {
        Self {
            unwinder: Unwinder::new(),
            processes: Processes::default(),
            files: FileNames::default(),
            reads: Reads::default(),
            stacks: Stacks::default(),
            sites: HashMap::new(),
            cpu: HashMap::new(),
            sampling: Sampling {
                first_interval,
                widest_interval: first_interval,
                ..Sampling::default()
            },
        }
    }

    /// Adds one sample.
    pub(super) fn add(&mut self, sample: RawSample) {
        self.sampling.samples += 1;
        let user = self.user_stack(&sample);
        let kernel = self.kernel_stack(&sample);
        match sample.kind {
            SampleKind::Read => {
                let source = self.name(&sample, sample.source_file.as_ref());
                self.widen(SiteKind::Bounced, sample.interval);
                let read = Read {
                    stack: user,
                    source,
                };
                // One record of a call stands for all of its chosen bytes, each with an id of its own.
                for byte in 0..u64::from(sample.stands_for.clamp(1, MAX_CHOSEN_OF_CALL)) {
                    self.reads
                        .insert(sample.id.wrapping_add(byte), read.clone());
                }
            }
            SampleKind::Bounce => self.add_site(&sample, SiteKind::Bounced, user, kernel),
            SampleKind::ZeroCopy => self.add_site(&sample, SiteKind::ZeroCopy, user, kernel),
            SampleKind::Other => self.add_site(&sample, SiteKind::Other, user, kernel),
            SampleKind::Cpu => {
                self.sampling.tick = Duration::from_nanos(sample.interval);
                let tick = Tick {
                    process: sample.process,
                    syscall: sample.syscall,
                    user,
                    kernel,
                };
                *self.cpu.entry(tick).or_default() += 1;
            }
        }
    }

    fn add_site(
        &mut self,
        sample: &RawSample,
        kind: SiteKind,
        write: Option<StackId>,
        kernel: Option<StackId>,
    ) {
        self.widen(kind, sample.interval);
        let (Some(call), Some(class)) = (sample.call, sample.class) else {
            return;
        };
        let read = self.reads.take(sample.id);
        let source = match &read {
            Some(read) => read.source.clone(),
            None => self.name(sample, sample.source_file.as_ref()),
        };
        let sink = self.name(sample, sample.sink_file.as_ref());
        let site = Site {
            process: sample.process,
            kind,
            call,
            source: sample.source,
            sink: sample.sink,
            class,
            sharing: sample.sharing,
            write,
            read: read.and_then(|read| read.stack),
            kernel,
        };
        let named = self.sites.entry(site).or_default();
        let mut names = (source, sink);
        if named.len() >= MAX_NAMES_OF_SITE && !named.contains_key(&names) {
            names = (Some(MORE.into()), Some(MORE.into()));
        }
        named.entry(names).or_default().add(sample);
    }

    /// Notes that bytes were chosen this far apart.
    fn widen(&mut self, kind: SiteKind, interval: u64) {
        let widest = &mut self.sampling.widest_interval[kind as usize];
        *widest = interval.max(*widest);
    }

    fn name(&mut self, sample: &RawSample, file: Option<&OpenFile>) -> Option<Arc<str>> {
        self.files.name(sample.process, file?)
    }

    fn user_stack(&mut self, sample: &RawSample) -> Option<StackId> {
        let user = sample.user.as_ref()?;
        self.processes.keep(sample.process);
        let unwound = self.unwinder.unwind(sample.process, user);
        self.stacks.id(Unnamed {
            process: Some(sample.process),
            locations: unwound.locations,
            end: unwound.end,
        })
    }

    fn kernel_stack(&mut self, sample: &RawSample) -> Option<StackId> {
        if sample.kernel.is_empty() {
            return None;
        }
        let locations = sample.kernel.iter().enumerate();
        self.stacks.id(Unnamed {
            process: None,
            locations: locations
                .map(|(index, &address)| Location {
                    module: None,
                    address,
                    is_return_address: index > 0,
                })
                .collect(),
            end: StackEnd::Entry,
        })
    }

    /// Notes that samples were lost.
    pub(super) fn lose(&mut self, samples: u64) {
        self.sampling.dropped += samples;
    }

    /// Names everything; `dropped` more samples were lost.
    pub(super) fn finish(self, dropped: u64) -> Profile {
        let stacks = name_stacks(&self.stacks.into_all(), &self.processes);
        let stack = |id: Option<StackId>| id.and_then(|id| stacks.get(id.index()).cloned());
        let unknown = Arc::new(Stack {
            frames: Vec::new(),
            end: StackEnd::Broken,
        });
        let sites = self.sites.into_iter().flat_map(|(site, named)| {
            named
                .into_iter()
                .map(move |(names, sums)| (site, names, sums))
        });
        Profile {
            call_sites: sites
                .map(|(site, (source_name, sink_name), sums)| CallSite {
                    process: site.process,
                    kind: site.kind,
                    call: site.call,
                    source: site.source,
                    sink: site.sink,
                    class: site.class,
                    sharing: site.sharing,
                    source_name,
                    sink_name,
                    write: stack(site.write).unwrap_or_else(|| Arc::clone(&unknown)),
                    read: stack(site.read),
                    kernel: stack(site.kernel),
                    samples: sums.samples,
                    bytes: sums.bytes,
                    calls: sums.calls,
                })
                .collect(),
            cpu: self
                .cpu
                .into_iter()
                .map(|(tick, samples)| CpuSite {
                    process: tick.process,
                    syscall: tick.syscall,
                    user: stack(tick.user),
                    kernel: stack(tick.kernel),
                    samples,
                    time: self
                        .sampling
                        .tick
                        .saturating_mul(u32::try_from(samples).unwrap_or(u32::MAX)),
                })
                .collect(),
            sampling: Sampling {
                dropped: self.sampling.dropped + dropped,
                ..self.sampling
            },
        }
    }
}

impl Sums {
    fn add(&mut self, sample: &RawSample) {
        self.samples += 1;
        self.bytes.add(Estimate::of_sample(sample, 1.0));
        if sample.call_bytes > 0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "an estimate; 53 bits of it are plenty"
            )]
            let of_call = 1.0 / sample.call_bytes as f64;
            self.calls.add(Estimate::of_sample(sample, of_call));
        }
    }
}
