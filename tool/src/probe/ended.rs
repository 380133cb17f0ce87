//! Taking what ended processes left in the kernel's maps, to make room.

use std::collections::HashSet;

use aya::Ebpf;
use aya::maps::{HashMap, Map, MapData, MapError, PerCpuHashMap};
use copytax_common::{ErrorKey, FlowCounters, FlowKey, ProcessKey, ProcessRecord};

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

    /// Takes the sums of processes out of the kernel's maps, and forgets the processes. These must
    /// have ended: what one of them would still do is lost.
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
    let errors: PerCpuHashMap<&MapData, Raw<ErrorKey>, u64> = map(ebpf, "ERRORS")?;
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
    let mut errors: PerCpuHashMap<&mut MapData, Raw<ErrorKey>, u64> = map_mut(ebpf, name)?;
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
