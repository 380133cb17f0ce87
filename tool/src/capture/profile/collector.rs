//! Adds samples up: reads are joined with the writes of their bytes, and stacks are kept once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use copytax_common::SampleKind;

use super::file_names::FileNames;
use super::naming::Processes;
use super::reads::{Read, Reads};
use super::stacks::{StackId, Stacks, Unnamed};
use super::sums::{Names, Site, Sums, Tick, Unfinished};
use crate::model::{OpenFile, RawSample, Sampling, SiteKind, StackEnd};
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
    /// Sites, by site and names.
    site_count: usize,
    cpu: HashMap<Tick, Ordered<u64>>,
    sampling: Sampling,
}

/// Sums of a site by the names of source and sink.
type Named = HashMap<Names, Ordered<Sums>>;

/// Something, and how many others of its kind came before it.
struct Ordered<T> {
    place: usize,
    value: T,
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
            site_count: 0,
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
                let place = self.cpu.len();
                let ticks = self.cpu.entry(tick).or_insert(Ordered { place, value: 0 });
                ticks.value += 1;
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
        let sums = named.entry(names).or_insert_with(|| {
            let place = self.site_count;
            self.site_count += 1;
            Ordered {
                place,
                value: Sums::default(),
            }
        });
        sums.value.add(sample);
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

    /// What was added up so far, with the stacks that came after the first `named` ones.
    ///
    /// Sites and ticks are in the order in which they came: what is there later begins with what is
    /// there now.
    pub(super) fn look(&self, named: usize) -> Unfinished {
        let mut sites: Vec<_> = self
            .sites
            .iter()
            .flat_map(|(site, named)| {
                let sums = named.iter();
                sums.map(move |(names, sums)| (sums.place, *site, names.clone(), sums.value))
            })
            .collect();
        sites.sort_unstable_by_key(|(place, ..)| *place);
        let mut cpu: Vec<_> = self.cpu.iter().collect();
        cpu.sort_unstable_by_key(|(_, ticks)| ticks.place);
        Unfinished {
            sites: sites
                .into_iter()
                .map(|(_, site, names, sums)| (site, names, sums))
                .collect(),
            cpu: cpu
                .into_iter()
                .map(|(tick, ticks)| (*tick, ticks.value))
                .collect(),
            sampling: self.sampling,
            stacks: self.stacks.after(named),
            processes: self.processes.clone(),
        }
    }
}
