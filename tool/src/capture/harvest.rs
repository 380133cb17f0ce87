//! Long windows: what ended processes left in the kernel's maps is taken out before these are full.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use copytax_common::{PROCESS_EXITED, ProcessRecord};
use tokio::time::Instant;

use crate::capture::CaptureError;
use crate::capture::names::Names;
use crate::model::{
    Call, Class, EndpointKind, ErrorCount, FlowCount, ProcessFacts, ProcessId, Sharing,
    TransferCount,
};
use crate::probe::{Occupancy, Session, Taken};

/// When to harvest. Defaults are right; tests harvest more eagerly.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Harvesting {
    /// How often to look.
    pub every: Duration,
    /// How often to look while the maps are filling.
    pub while_filling: Duration,
    /// Maps are filling when more than this share of their free room is used.
    pub percent: usize,
    /// Ended processes that are told apart; further ones join one with the same name.
    pub kept: usize,
}

impl Default for Harvesting {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(1),
            while_filling: Duration::from_millis(250),
            percent: 25,
            kept: 50_000,
        }
    }
}

/// What processes are told apart by when they are too many: name, executable, cgroup.
type Kind = (String, Option<String>, Option<String>);

/// What transfers are told apart by: those of flows, and the size.
type TransferKey = (
    ProcessId,
    Call,
    EndpointKind,
    EndpointKind,
    Class,
    Sharing,
    u8,
);

/// What was taken out of the kernel's maps.
pub(super) struct Harvest {
    settings: Harvesting,
    capacity: Occupancy,
    /// What the last harvest left in the maps: not worth looking for again.
    left: Occupancy,
    filling: bool,
    looked: Instant,
    /// Processes that had ended when last looked. A process that has ended makes no more calls,
    /// but the handler of its end may still be about to touch its record: one is taken at the
    /// look after, when that is long over.
    ended: HashSet<ProcessId>,
    flows: HashMap<(ProcessId, Call, EndpointKind, EndpointKind, Class, Sharing), FlowCount>,
    errors: HashMap<(ProcessId, Call, EndpointKind, EndpointKind, u16), ErrorCount>,
    transfers: HashMap<TransferKey, TransferCount>,
    facts: BTreeMap<ProcessId, ProcessFacts>,
    /// For each kind the process that others of the kind join, once there are too many.
    representatives: HashMap<Kind, ProcessId>,
}

impl Harvest {
    /// Nothing taken yet.
    pub(super) fn new(settings: Harvesting, session: &Session) -> Result<Self, CaptureError> {
        Ok(Self {
            settings,
            capacity: session.capacity()?,
            left: Occupancy::default(),
            filling: false,
            looked: Instant::now(),
            ended: HashSet::new(),
            flows: HashMap::new(),
            errors: HashMap::new(),
            transfers: HashMap::new(),
            facts: BTreeMap::new(),
            representatives: HashMap::new(),
        })
    }

    /// Waits until it is time to look again.
    pub(super) async fn due(&self) {
        let pause = if self.filling {
            self.settings.while_filling
        } else {
            self.settings.every
        };
        tokio::time::sleep_until(self.looked + pause).await;
    }

    /// Looks whether the maps are filling, and takes out what has ended since the last look.
    pub(super) fn look(
        &mut self,
        session: &mut Session,
        names: &Names,
    ) -> Result<(), CaptureError> {
        self.looked = Instant::now();
        let limit = self.limit();
        let now = session.occupancy(limit)?;
        self.filling = now.processes >= limit.processes
            || now.flows >= limit.flows
            || now.errors >= limit.errors
            || now.transfers >= limit.transfers;
        if !self.filling {
            return Ok(());
        }
        let records: HashMap<_, _> = session.processes()?.into_iter().collect();
        let mut ended: HashSet<_> = records
            .iter()
            .filter(|(_, record)| record.flags & PROCESS_EXITED != 0)
            .map(|(id, _)| *id)
            .collect();
        let pending = session.pending()?;
        let ripe: HashSet<_> = ended
            .extract_if(|id| self.ended.contains(id) && !pending.contains(id))
            .collect();
        self.ended = ended;
        if ripe.is_empty() && !self.ended.is_empty() {
            return Ok(());
        }
        self.take(&ripe, &records, session, names)?;
        self.left = session.occupancy(self.capacity)?;
        self.filling = false;
        Ok(())
    }

    /// The number of elements from which on a map is filling.
    fn limit(&self) -> Occupancy {
        let limit = |capacity: usize, left: usize| {
            left + capacity.saturating_sub(left) * self.settings.percent / 100 + 1
        };
        Occupancy {
            processes: limit(self.capacity.processes, self.left.processes),
            flows: limit(self.capacity.flows, self.left.flows),
            errors: limit(self.capacity.errors, self.left.errors),
            transfers: limit(self.capacity.transfers, self.left.transfers),
        }
    }

    fn take(
        &mut self,
        ripe: &HashSet<ProcessId>,
        records: &HashMap<ProcessId, ProcessRecord>,
        session: &mut Session,
        names: &Names,
    ) -> Result<(), CaptureError> {
        let Taken {
            flows,
            errors,
            transfers,
        } = session.take_ended(ripe)?;
        let counted: BTreeSet<_> = flows
            .iter()
            .map(|flow| flow.process)
            .chain(errors.iter().map(|error| error.process))
            .collect();
        tracing::debug!(
            "took {} ended processes out of the kernel's maps",
            ripe.len()
        );
        let stands_for: HashMap<_, _> = names
            .resolve(&counted, records, &self.facts)
            .into_iter()
            .map(|(id, facts)| (id, self.keep(id, facts)))
            .collect();
        for mut flow in flows {
            flow.process = stands_for[&flow.process];
            self.add_flow(flow);
        }
        for mut error in errors {
            error.process = stands_for[&error.process];
            self.add_error(error);
        }
        // A transfer has a flow, and so a process that was counted.
        for mut transfer in transfers {
            if let Some(process) = stands_for.get(&transfer.process) {
                transfer.process = *process;
                self.add_transfer(transfer);
            }
        }
        Ok(())
    }

    /// Keeps the facts of a process, unless too many are kept: then it joins one of its kind.
    fn keep(&mut self, id: ProcessId, facts: ProcessFacts) -> ProcessId {
        if self.facts.len() >= self.settings.kept {
            if self.representatives.is_empty() {
                tracing::warn!(
                    "more than {} processes have ended; further ones are counted with an earlier \
                     one of the same name, executable and cgroup",
                    self.settings.kept
                );
                self.representatives = self
                    .facts
                    .iter()
                    .map(|(id, facts)| (kind(facts), *id))
                    .collect();
            }
            if let Some(representative) = self.representatives.get(&kind(&facts)) {
                return *representative;
            }
            self.representatives.insert(kind(&facts), id);
        }
        self.facts.insert(id, facts);
        id
    }

    fn add_flow(&mut self, flow: FlowCount) {
        let key = (
            flow.process,
            flow.call,
            flow.source,
            flow.sink,
            flow.class,
            flow.sharing,
        );
        self.flows
            .entry(key)
            .and_modify(|sum| {
                sum.bytes += flow.bytes;
                sum.calls += flow.calls;
                sum.first_pieces += flow.first_pieces;
                sum.first_ns = sum.first_ns.min(flow.first_ns);
            })
            .or_insert(flow);
    }

    fn add_error(&mut self, error: ErrorCount) {
        let key = (
            error.process,
            error.call,
            error.source,
            error.sink,
            error.errno,
        );
        self.errors
            .entry(key)
            .and_modify(|sum| {
                sum.count += error.count;
                sum.first_ns = sum.first_ns.min(error.first_ns);
            })
            .or_insert(error);
    }

    fn add_transfer(&mut self, transfer: TransferCount) {
        let key = (
            transfer.process,
            transfer.call,
            transfer.source,
            transfer.sink,
            transfer.class,
            transfer.sharing,
            transfer.bucket,
        );
        self.transfers
            .entry(key)
            .and_modify(|sum| {
                sum.count += transfer.count;
                sum.bytes += transfer.bytes;
            })
            .or_insert(transfer);
    }

    /// Facts of the processes that were taken.
    pub(super) fn facts(&self) -> &BTreeMap<ProcessId, ProcessFacts> {
        &self.facts
    }

    /// Everything that was taken.
    pub(super) fn taken(&self) -> Taken {
        Taken {
            flows: self.flows.values().copied().collect(),
            errors: self.errors.values().copied().collect(),
            transfers: self.transfers.values().copied().collect(),
        }
    }
}

fn kind(facts: &ProcessFacts) -> Kind {
    (facts.comm.clone(), facts.exe.clone(), facts.cgroup.clone())
}
