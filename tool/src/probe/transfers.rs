//! Sizes of transfers, read from the kernel half's maps.

use std::collections::{BTreeMap, HashSet};

use aya::Ebpf;
use aya::maps::{Array, MapData, PerCpuHashMap, PerCpuValues};
use copytax_common::{
    Call, Class, EndpointKind, FlowKey, OpenTransfers, Sharing, TransferCounters, TransferKey,
};

use crate::model::{ProcessId, TransferCount};
use crate::probe::ended::matching;
use crate::probe::maps::{Raw, failed, map, map_mut};
use crate::probe::{ProbeError, Session};

type Sizes<T> = PerCpuHashMap<T, Raw<TransferKey>, Raw<TransferCounters>>;

impl Session {
    /// Sizes of all transfers; those that have not ended, as large as they are by now.
    ///
    /// # Errors
    ///
    /// Where a kernel's map cannot be read.
    pub fn transfers(&self) -> Result<Vec<TransferCount>, ProbeError> {
        let mut sums = ended(&self.ebpf)?;
        add_open(&self.ebpf, &mut sums)?;
        sums.into_iter()
            .map(|(key, sum)| transfer_count(key, sum))
            .collect()
    }
}

/// Transfers that have ended, summed over the CPUs.
fn ended(ebpf: &Ebpf) -> Result<BTreeMap<TransferKey, TransferCounters>, ProbeError> {
    let name = "TRANSFERS";
    let sizes: Sizes<&MapData> = map(ebpf, name)?;
    let elements = sizes.iter().map(|element| {
        let (Raw(key), per_cpu) = element.map_err(|error| failed(name, &error))?;
        Ok((key, sum(&per_cpu)))
    });
    elements.collect()
}

/// Adds transfers that have not ended. A set that a CPU changes meanwhile is read as it is.
fn add_open(
    ebpf: &Ebpf,
    sums: &mut BTreeMap<TransferKey, TransferCounters>,
) -> Result<(), ProbeError> {
    let name = "OPEN_TRANSFERS";
    let sets: Array<&MapData, Raw<OpenTransfers>> = map(ebpf, name)?;
    for element in sets.iter() {
        let Raw(set) = element.map_err(|error| failed(name, &error))?;
        for (&flow, &bytes) in set
            .flow
            .iter()
            .zip(&set.bytes)
            .filter(|(_, bytes)| **bytes > 0)
        {
            let key = TransferKey {
                flow,
                bucket: bytes.ilog2(),
                padding: 0,
            };
            let sum = sums.entry(key).or_default();
            sum.count += 1;
            sum.bytes += bytes;
        }
    }
    Ok(())
}

/// Takes the ended transfers of `ended` processes out of the kernel's map.
pub(super) fn take(
    ebpf: &mut Ebpf,
    ended: &HashSet<ProcessId>,
) -> Result<Vec<TransferCount>, ProbeError> {
    let name = "TRANSFERS";
    let mut sizes: Sizes<&mut MapData> = map_mut(ebpf, name)?;
    let keys = matching(name, sizes.keys(), |Raw(key)| {
        ended.contains(&key.flow.process().into())
    })?;
    let mut taken = Vec::with_capacity(keys.len());
    for key in keys {
        let per_cpu = sizes.get(&key, 0).map_err(|error| failed(name, &error))?;
        taken.push(transfer_count(key.0, sum(&per_cpu))?);
        sizes.remove(&key).map_err(|error| failed(name, &error))?;
    }
    Ok(taken)
}

/// The sum over the CPUs.
fn sum(per_cpu: &PerCpuValues<Raw<TransferCounters>>) -> TransferCounters {
    let mut sum = TransferCounters::default();
    for Raw(counters) in per_cpu.iter() {
        sum.count += counters.count;
        sum.bytes += counters.bytes;
    }
    sum
}

/// Transfers of one size class, in the words of the model.
pub(super) fn transfer_count(
    key: TransferKey,
    sum: TransferCounters,
) -> Result<TransferCount, ProbeError> {
    let FlowKey {
        call,
        source,
        sink,
        class,
        sharing,
        ..
    } = key.flow;
    Ok(TransferCount {
        process: key.flow.process().into(),
        call: Call::try_from(call)?,
        source: EndpointKind::try_from(source)?,
        sink: EndpointKind::try_from(sink)?,
        class: Class::try_from(class)?,
        sharing: Sharing::try_from(sharing)?,
        bucket: (key.bucket & 63) as u8,
        count: sum.count,
        bytes: sum.bytes,
    })
}
