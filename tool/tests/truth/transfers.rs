//! Each byte that went from one file to another is in one transfer.

use std::collections::BTreeMap;

use copytax::model::{Call, CallGroup, Class, EndpointKind, ProcessId, Sharing, Snapshot};

/// What transfers are summed by: write-like calls are all one.
type Kind = (Option<Call>, EndpointKind, EndpointKind, Class, Sharing);

fn kind(call: Call, ends: (EndpointKind, EndpointKind), class: Class, sharing: Sharing) -> Kind {
    let call = (call.group() == CallGroup::ZeroCopy).then_some(call);
    (call, ends.0, ends.1, class, sharing)
}

/// How transfers of a process are not what its flows say.
pub(crate) fn check(process: ProcessId, snapshot: &Snapshot) -> Vec<String> {
    let mut bytes: BTreeMap<Kind, u64> = BTreeMap::new();
    for flow in snapshot.flows.iter().filter(|flow| flow.process == process) {
        let is_transferred = matches!(
            flow.class,
            Class::ZeroCopy | Class::SameBuffer | Class::SameContent | Class::Mapped
        );
        if is_transferred && flow.bytes > 0 {
            let kind = kind(
                flow.call,
                (flow.source, flow.sink),
                flow.class,
                flow.sharing,
            );
            *bytes.entry(kind).or_default() += flow.bytes;
        }
    }
    let mut transferred: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for sizes in snapshot
        .transfers
        .iter()
        .filter(|sizes| sizes.process == process)
    {
        let kind = kind(
            sizes.call,
            (sizes.source, sizes.sink),
            sizes.class,
            sizes.sharing,
        );
        *transferred.entry(kind).or_default() += sizes.bytes;
        let (least, most) = (1u64 << sizes.bucket, (2u64 << sizes.bucket) - 1);
        if !(sizes.count * least..=sizes.count * most).contains(&sizes.bytes) {
            wrong.push(format!("transfers of an impossible size: {sizes:?}"));
        }
    }
    if bytes != transferred {
        wrong.push(format!("flows {bytes:?}, but transfers {transferred:?}"));
    }
    wrong
}
