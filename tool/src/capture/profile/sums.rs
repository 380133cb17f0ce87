//! What samples are added up by, and a profile of what was added up.

use std::sync::Arc;

use copytax_common::{Call, Class, EndpointKind, Sharing};

use super::naming::{Namer, Processes};
use super::stacks::{StackId, Unnamed};
use crate::model::{
    CallSite, CpuSite, Estimate, ProcessId, Profile, RawSample, Sampling, SiteKind, Stack, StackEnd,
};

/// What call sites are told apart by, besides names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Site {
    pub(super) process: ProcessId,
    pub(super) kind: SiteKind,
    pub(super) call: Call,
    pub(super) source: EndpointKind,
    pub(super) sink: EndpointKind,
    pub(super) class: Class,
    pub(super) sharing: Sharing,
    pub(super) write: Option<StackId>,
    pub(super) read: Option<StackId>,
    pub(super) kernel: Option<StackId>,
}

/// Names of source and sink.
pub(super) type Names = (Option<Arc<str>>, Option<Arc<str>>);

/// Sums of a site.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    samples: u64,
    bytes: Estimate,
    calls: Estimate,
}

/// What samples of CPUs are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tick {
    pub(super) process: ProcessId,
    pub(super) syscall: Option<u32>,
    pub(super) user: Option<StackId>,
    pub(super) kernel: Option<StackId>,
}

/// Everything that a profile is made of, once its stacks are named.
pub(super) struct Unfinished {
    pub(super) sites: Vec<(Site, Names, Sums)>,
    pub(super) cpu: Vec<(Tick, u64)>,
    pub(super) sampling: Sampling,
    /// Stacks that the namer does not have yet.
    pub(super) stacks: Vec<Arc<Unnamed>>,
    pub(super) processes: Processes,
}

impl Sums {
    /// Adds one sample.
    pub(super) fn add(&mut self, sample: &RawSample) {
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

impl Unfinished {
    /// The profile; `dropped` more samples were lost.
    pub(super) fn finish(self, namer: &mut Namer, dropped: u64) -> Profile {
        namer.name(&self.stacks, &self.processes);
        let stack = |id: Option<StackId>| namer.stack(id?);
        let unknown = Arc::new(Stack {
            frames: Vec::new(),
            end: StackEnd::Broken,
        });
        let tick = self.sampling.tick;
        Profile {
            call_sites: self
                .sites
                .into_iter()
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
                .map(|(site, samples)| CpuSite {
                    process: site.process,
                    syscall: site.syscall,
                    user: stack(site.user),
                    kernel: stack(site.kernel),
                    samples,
                    time: tick.saturating_mul(u32::try_from(samples).unwrap_or(u32::MAX)),
                })
                .collect(),
            builds: namer.builds().clone(),
            sampling: Sampling {
                dropped: self.sampling.dropped + dropped,
                ..self.sampling
            },
        }
    }
}
