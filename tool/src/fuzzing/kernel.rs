//! What the kernel half gives: records of its ring buffer, keys and values of its maps.

use copytax_common::{
    Abi, ErrorKey, FlowKey, ProcessRecord, SampleHeader, SampleKind, TransferKey,
};

use crate::capture;
use crate::probe::decoding;

/// Bytes of a stack.
const MEMORY: u32 = 64;

/// Reads a record of the ring buffer.
pub(super) fn sample(data: &[u8]) {
    // Most are refused, and that is all.
    let _ = decoding::sample(data);
}

/// A sample of each kind, with stacks.
pub(super) fn samples() -> Vec<Vec<u8>> {
    let kinds = (0..=u8::MAX).filter(|kind| SampleKind::try_from(*kind).is_ok());
    kinds.map(of_kind).collect()
}

fn of_kind(kind: u8) -> Vec<u8> {
    let mut header: SampleHeader = zeros();
    header.kind = kind;
    (header.call, header.source, header.sink) = (1, 1, 2);
    (header.class, header.sharing) = (1, 1);
    (header.source_file.kind, header.source_file.path_len) = (1, 4);
    header.source_file.path[..4].copy_from_slice(b"b\0a\0");
    (header.user_frames, header.kernel_frames, header.stack_len) = (2, 1, MEMORY);
    let mut record = decoding::bytes_of(&header).to_vec();
    record.resize(record.len() + 3 * size_of::<u64>() + MEMORY as usize, 0x41);
    record
}

/// Reads an entry of a map: of which one the first byte says.
pub(super) fn entry(data: &[u8]) {
    let Some((which, entry)) = data.split_first() else {
        return;
    };
    // As with samples.
    match which {
        0 => drop(decoding::flow(entry)),
        1 => drop(decoding::error(entry)),
        2 => drop(decoding::transfer(entry)),
        _ => {
            if let Ok(record) = ProcessRecord::decode(entry) {
                let _ = capture::named(&record);
            }
        }
    }
}

/// An entry of each map.
pub(super) fn entries() -> Vec<Vec<u8>> {
    let flow = FlowKey {
        call: 1,
        source: 1,
        sink: 2,
        class: 1,
        sharing: 1,
        ..zeros()
    };
    let error = ErrorKey {
        call: 1,
        source: 1,
        sink: 2,
        errno: 22,
        ..zeros()
    };
    let transfer = TransferKey {
        flow,
        bucket: 9,
        ..zeros()
    };
    let mut process: ProcessRecord = zeros();
    process.comm[..3].copy_from_slice(b"srv");
    process.cmdline[..8].copy_from_slice(b"srv\0-x\0\xff");
    process.cmdline_len = 8;
    vec![
        [&[0], decoding::bytes_of(&flow)].concat(),
        [&[1], decoding::bytes_of(&error)].concat(),
        [&[2], decoding::bytes_of(&transfer)].concat(),
        [&[3], decoding::bytes_of(&process)].concat(),
    ]
}

fn zeros<T: Abi>() -> T {
    T::decode(&vec![0; size_of::<T>()]).expect("it is as long as the type")
}
