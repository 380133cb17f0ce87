//! The kernel half's maps, read into plain types.

use std::collections::BTreeMap;

use aya::maps::{HashMap, Map, MapData, MapError, PerCpuArray, PerCpuHashMap, PerCpuValues};
use aya::{Ebpf, Pod};
use copytax_common::{
    Abi, Call, Class, EndpointKind, ErrorCounters, ErrorKey, FlowCounters, FlowKey, LossCounter,
    PendingFlow, ProcessKey, ProcessRecord, Sharing, SpliceRead,
};

use crate::model::{ErrorCount, FlowCount, ProcessId};
use crate::probe::ProbeError;

/// A type of the kernel ABI, as aya wants it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Raw<T>(pub(super) T);

// SAFETY: any byte pattern is a value of an `Abi` type, and the wrapper is transparent.
unsafe impl<T: Abi + 'static> Pod for Raw<T> {}

/// The bytes of a global, as aya wants them.
pub(crate) fn bytes_of<T: Abi + 'static>(global: &T) -> &[u8] {
    // SAFETY: an `Abi` type has no padding, so that all of its bytes are initialized.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(global).cast(), size_of::<T>()) }
}

impl From<ProcessKey> for ProcessId {
    fn from(key: ProcessKey) -> Self {
        Self {
            pid: key.tgid,
            start_time_ns: key.start_time_ns,
        }
    }
}

impl From<ProcessId> for ProcessKey {
    fn from(id: ProcessId) -> Self {
        Self {
            start_time_ns: id.start_time_ns,
            tgid: id.pid,
            padding: 0,
        }
    }
}

pub(super) fn map<'a, T>(ebpf: &'a Ebpf, name: &'static str) -> Result<T, ProbeError>
where
    T: TryFrom<&'a Map, Error = MapError>,
{
    let found = ebpf.map(name).ok_or_else(|| missing(name))?;
    T::try_from(found).map_err(|error| failed(name, &error))
}

pub(super) fn map_mut<'a, T>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<T, ProbeError>
where
    T: TryFrom<&'a mut Map, Error = MapError>,
{
    let found = ebpf.map_mut(name).ok_or_else(|| missing(name))?;
    T::try_from(found).map_err(|error| failed(name, &error))
}

pub(super) fn missing(map: &'static str) -> ProbeError {
    ProbeError::Map {
        map,
        cause: "the object has no such map".to_owned(),
    }
}

pub(super) fn failed(map: &'static str, error: &MapError) -> ProbeError {
    ProbeError::Map {
        map,
        cause: error.to_string(),
    }
}

/// All flows, summed over the CPUs, with what these have not added to the map yet.
pub(crate) fn flows(ebpf: &Ebpf) -> Result<Vec<FlowCount>, ProbeError> {
    let flows: PerCpuHashMap<&MapData, Raw<FlowKey>, Raw<FlowCounters>> = map(ebpf, "FLOWS")?;
    let mut sums: BTreeMap<FlowKey, FlowCounters> = BTreeMap::new();
    for element in flows.iter() {
        let (Raw(key), per_cpu) = element.map_err(|error| failed("FLOWS", &error))?;
        sums.insert(key, sum(&per_cpu));
    }
    let pending: PerCpuArray<&MapData, Raw<PendingFlow>> = map(ebpf, "PENDING")?;
    for element in pending.iter() {
        let per_cpu = element.map_err(|error| failed("PENDING", &error))?;
        for Raw(slot) in per_cpu.iter().filter(|Raw(slot)| slot.key.call != 0) {
            add(sums.entry(slot.key).or_default(), slot.counters);
        }
    }
    let flows = sums.into_iter().filter(|(_, sum)| !is_empty(sum));
    flows.map(|(key, sum)| flow_count(key, sum)).collect()
}

fn add(sum: &mut FlowCounters, more: FlowCounters) {
    // What one CPU took from a flow that another has added to is less than 0 on its own.
    sum.bytes = sum.bytes.wrapping_add(more.bytes);
    sum.calls = sum.calls.wrapping_add(more.calls);
    sum.first_pieces = sum.first_pieces.wrapping_add(more.first_pieces);
    sum.first_ns = earlier(sum.first_ns, more.first_ns);
}

/// Whether nothing is left: it has all become another flow.
pub(super) fn is_empty(sum: &FlowCounters) -> bool {
    (sum.bytes, sum.calls, sum.first_pieces) == (0, 0, 0)
}

/// The earlier of two times, of which 0 is none.
fn earlier(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { a | b } else { a.min(b) }
}

/// The sum over the CPUs.
pub(super) fn sum(per_cpu: &PerCpuValues<Raw<FlowCounters>>) -> FlowCounters {
    let mut sum = FlowCounters::default();
    for Raw(counters) in per_cpu.iter() {
        add(&mut sum, *counters);
    }
    sum
}

/// One flow, in the words of the model.
pub(super) fn flow_count(key: FlowKey, sum: FlowCounters) -> Result<FlowCount, ProbeError> {
    Ok(FlowCount {
        process: key.process().into(),
        call: Call::try_from(key.call)?,
        source: EndpointKind::try_from(key.source)?,
        sink: EndpointKind::try_from(key.sink)?,
        class: Class::try_from(key.class)?,
        sharing: Sharing::try_from(key.sharing)?,
        bytes: sum.bytes,
        calls: sum.calls,
        first_pieces: sum.first_pieces,
        first_ns: sum.first_ns,
    })
}

/// All failed calls, summed over the CPUs.
pub(crate) fn errors(ebpf: &Ebpf) -> Result<Vec<ErrorCount>, ProbeError> {
    let errors: PerCpuHashMap<&MapData, Raw<ErrorKey>, Raw<ErrorCounters>> = map(ebpf, "ERRORS")?;
    errors
        .iter()
        .map(|element| {
            let (key, per_cpu) = element.map_err(|error| failed("ERRORS", &error))?;
            error_count(key, &per_cpu)
        })
        .collect()
}

/// One kind of failed calls, summed over the CPUs.
pub(super) fn error_count(
    Raw(key): Raw<ErrorKey>,
    per_cpu: &PerCpuValues<Raw<ErrorCounters>>,
) -> Result<ErrorCount, ProbeError> {
    let mut sum = ErrorCounters::default();
    for Raw(counters) in per_cpu.iter() {
        sum.count += counters.count;
        sum.first_ns = earlier(sum.first_ns, counters.first_ns);
    }
    error_of(key, sum)
}

/// The same, in the words of the model.
pub(super) fn error_of(key: ErrorKey, sum: ErrorCounters) -> Result<ErrorCount, ProbeError> {
    Ok(ErrorCount {
        process: key.process().into(),
        call: Call::try_from(key.call)?,
        source: EndpointKind::try_from(key.source)?,
        sink: EndpointKind::try_from(key.sink)?,
        errno: key.errno,
        count: sum.count,
        first_ns: sum.first_ns,
    })
}

/// What the kernel half remembers of processes.
pub(crate) fn processes(ebpf: &Ebpf) -> Result<Vec<(ProcessId, ProcessRecord)>, ProbeError> {
    let processes: HashMap<&MapData, Raw<ProcessKey>, Raw<ProcessRecord>> = map(ebpf, "PROCESSES")?;
    processes
        .iter()
        .map(|element| {
            let (Raw(key), Raw(record)) = element.map_err(|error| failed("PROCESSES", &error))?;
            Ok((key.into(), record))
        })
        .collect()
}

/// A loss counter, summed over the CPUs.
pub(crate) fn loss(ebpf: &Ebpf, counter: LossCounter) -> Result<u64, ProbeError> {
    let losses: PerCpuArray<&MapData, u64> = map(ebpf, "LOSS")?;
    let per_cpu = losses
        .get(&(counter as u32), 0)
        .map_err(|error| failed("LOSS", &error))?;
    Ok(per_cpu.iter().sum())
}

/// Sets the target flags of a process.
pub(crate) fn set_target(ebpf: &mut Ebpf, pid: u32, flags: u32) -> Result<(), ProbeError> {
    let name = "TARGETS";
    let mut targets: HashMap<&mut MapData, u32, u32> = map_mut(ebpf, name)?;
    targets
        .insert(pid, flags, 0)
        .map_err(|error| failed(name, &error))
}

/// Tells the kernel half of the implementations of `splice_read`, by address.
pub(crate) fn set_splice_reads(
    ebpf: &mut Ebpf,
    implementations: &[(u64, SpliceRead)],
) -> Result<(), ProbeError> {
    let name = "SPLICE_READ";
    let mut map: HashMap<&mut MapData, u64, u32> = map_mut(ebpf, name)?;
    for (address, what) in implementations {
        map.insert(address, *what as u32, 0)
            .map_err(|error| failed(name, &error))?;
    }
    Ok(())
}
