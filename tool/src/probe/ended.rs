//! Taking what ended processes left in the kernel's maps, to make room.

use std::collections::HashSet;

use aya::Ebpf;
use aya::maps::{HashMap, Map, MapData, MapError, PerCpuArray, PerCpuHashMap};
use copytax_common::{
    ErrorCounters, ErrorKey, FlowCounters, FlowKey, PendingFlow, ProcessKey, ProcessRecord,
};

use crate::model::{ErrorCount, FlowCount, ProcessId};
use crate::probe::maps::{Raw, error_count, failed, flow_count, map, map_mut, missing, sum};
use crate::probe::{ProbeError, Session};

/// The maps that fill up, by what they hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Process records.
    pub processes: usize,
    /// Flows.
    pub flows: usize,
    /// Errors.
    pub errors: usize,
}

impl Session {
    /// How many elements the maps can hold.
    ///
    /// # Errors
    ///
    /// Where the kernel does not tell.
    pub fn capacity(&self) -> Result<Occupancy, ProbeError> {
        capacity(&self.ebpf)
    }

    /// How many elements the maps hold, each counted up to `limit`.
    ///
    /// # Errors
    ///
    /// Where a kernel's map cannot be read.
    pub fn occupancy(&self, limit: Occupancy) -> Result<Occupancy, ProbeError> {
        occupancy(&self.ebpf, limit)
    }

    /// Processes with sums that are not in the map of flows yet: they cannot be taken out.
    ///
    /// # Errors
    ///
    /// Where the kernel's map cannot be read.
    pub fn pending(&self) -> Result<HashSet<ProcessId>, ProbeError> {
        pending(&self.ebpf)
    }

    /// Takes the sums of processes out of the kernel's maps, and forgets the processes. These must
    /// have ended, and not be [`Self::pending`]: what one of them still adds is lost.
    ///
    /// # Errors
    ///
    /// Where a kernel's map cannot be read.
    pub fn take_ended(
        &mut self,
        ended: &HashSet<ProcessId>,
    ) -> Result<(Vec<FlowCount>, Vec<ErrorCount>), ProbeError> {
        let flows = take_flows(&mut self.ebpf, ended)?;
        let errors = take_errors(&mut self.ebpf, ended)?;
        forget(&mut self.ebpf, ended)?;
        Ok((flows, errors))
    }
}

/// Processes with sums that a CPU has not added to the map of flows yet.
fn pending(ebpf: &Ebpf) -> Result<HashSet<ProcessId>, ProbeError> {
    let name = "PENDING";
    let pending: PerCpuArray<&MapData, Raw<PendingFlow>> = map(ebpf, name)?;
    let mut found = HashSet::new();
    for element in pending.iter() {
        let per_cpu = element.map_err(|error| failed(name, &error))?;
        found.extend(
            per_cpu
                .iter()
                .map(|Raw(slot)| ProcessId::from(slot.key.process())),
        );
    }
    Ok(found)
}

/// How many elements each map can hold.
fn capacity(ebpf: &Ebpf) -> Result<Occupancy, ProbeError> {
    let of = |name| {
        let Some(Map::HashMap(data) | Map::PerCpuHashMap(data)) = ebpf.map(name) else {
            return Err(missing(name));
        };
        let info = data.info().map_err(|error| failed(name, &error))?;
        Ok::<_, ProbeError>(info.max_entries() as usize)
    };
    Ok(Occupancy {
        processes: of("PROCESSES")?,
        flows: of("FLOWS")?,
        errors: of("ERRORS")?,
    })
}

/// How many elements each map holds, counted up to its `limit`: the kernel does not tell.
fn occupancy(ebpf: &Ebpf, limit: Occupancy) -> Result<Occupancy, ProbeError> {
    let processes: HashMap<&MapData, Raw<ProcessKey>, Raw<ProcessRecord>> = map(ebpf, "PROCESSES")?;
    let flows: PerCpuHashMap<&MapData, Raw<FlowKey>, Raw<FlowCounters>> = map(ebpf, "FLOWS")?;
    let errors: PerCpuHashMap<&MapData, Raw<ErrorKey>, Raw<ErrorCounters>> = map(ebpf, "ERRORS")?;
    Ok(Occupancy {
        processes: processes.keys().take(limit.processes).count(),
        flows: flows.keys().take(limit.flows).count(),
        errors: errors.keys().take(limit.errors).count(),
    })
}

/// Takes the flows of `ended` out of the kernel's map.
fn take_flows(ebpf: &mut Ebpf, ended: &HashSet<ProcessId>) -> Result<Vec<FlowCount>, ProbeError> {
    let name = "FLOWS";
    let mut flows: PerCpuHashMap<&mut MapData, Raw<FlowKey>, Raw<FlowCounters>> =
        map_mut(ebpf, name)?;
    let keys = matching(name, flows.keys(), |Raw(key)| {
        ended.contains(&key.process().into())
    })?;
    let mut taken = Vec::with_capacity(keys.len());
    for key in keys {
        let per_cpu = flows.get(&key, 0).map_err(|error| failed(name, &error))?;
        taken.push(flow_count(key.0, sum(&per_cpu))?);
        flows.remove(&key).map_err(|error| failed(name, &error))?;
    }
    Ok(taken)
}

/// Takes the errors of `ended` out of the kernel's map.
fn take_errors(ebpf: &mut Ebpf, ended: &HashSet<ProcessId>) -> Result<Vec<ErrorCount>, ProbeError> {
    let name = "ERRORS";
    let mut errors: PerCpuHashMap<&mut MapData, Raw<ErrorKey>, Raw<ErrorCounters>> =
        map_mut(ebpf, name)?;
    let keys = matching(name, errors.keys(), |Raw(key)| {
        ended.contains(&key.process().into())
    })?;
    let mut taken = Vec::with_capacity(keys.len());
    for key in keys {
        let per_cpu = errors.get(&key, 0).map_err(|error| failed(name, &error))?;
        taken.push(error_count(key, &per_cpu)?);
        errors.remove(&key).map_err(|error| failed(name, &error))?;
    }
    Ok(taken)
}

/// Removes the records of `ended`.
fn forget(ebpf: &mut Ebpf, ended: &HashSet<ProcessId>) -> Result<(), ProbeError> {
    let name = "PROCESSES";
    let mut records: HashMap<&mut MapData, Raw<ProcessKey>, Raw<ProcessRecord>> =
        map_mut(ebpf, name)?;
    for id in ended {
        records
            .remove(&Raw(ProcessKey::from(*id)))
            .map_err(|error| failed(name, &error))?;
    }
    Ok(())
}

/// The keys that `wanted` picks. All are read before any is removed: a walk whose key has gone
/// begins again.
fn matching<K>(
    name: &'static str,
    keys: impl Iterator<Item = Result<K, MapError>>,
    wanted: impl Fn(&K) -> bool,
) -> Result<Vec<K>, ProbeError> {
    keys.filter(|key| key.as_ref().map_or(true, &wanted))
        .map(|key| key.map_err(|error| failed(name, &error)))
        .collect()
}
