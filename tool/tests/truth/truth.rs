//! What a process knows that it did.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Sums of one flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) bytes: u64,
    pub(crate) calls: u64,
}

/// All that one process did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Truth {
    /// Command name, unique in a run.
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) flows: BTreeMap<String, Counts>,
    /// Calls that did not fail.
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) errors: BTreeMap<String, u64>,
}

pub(crate) fn flow_key(call: &str, source: &str, sink: &str, class: &str) -> String {
    format!("{call} {source}->{sink} {class}")
}

/// As [`flow_key`], for bytes that moved inside the kernel: shared or copied, and why.
pub(crate) fn moved_key(
    call: &str,
    source: &str,
    sink: &str,
    class: &str,
    sharing: &str,
) -> String {
    format!("{} ({sharing})", flow_key(call, source, sink, class))
}

pub(crate) fn error_key(call: &str, source: &str, sink: &str, errno: u16) -> String {
    format!("{call} {source}->{sink} errno {errno}")
}

impl Truth {
    /// A call that did not fail, with what each flow got of it.
    pub(crate) fn call(&mut self, call: &str, flows: &BTreeMap<String, u64>) {
        *self.calls.entry(call.to_owned()).or_default() += 1;
        for (key, bytes) in flows {
            let counts = self.flows.entry(key.clone()).or_default();
            counts.bytes += bytes;
            counts.calls += 1;
        }
    }

    /// The completion of a send by reference, which had added this to flows.
    pub(crate) fn settle(&mut self, flows: &[(String, Counts)], sharing: &str) {
        for (key, sent) in flows {
            let unread = self.flows.get_mut(key).expect("it was added to");
            unread.bytes -= sent.bytes;
            unread.calls -= sent.calls;
            if *unread == Counts::default() {
                self.flows.remove(key);
            }
            let key = key.replace("completion_unread", sharing);
            let counts = self.flows.entry(key).or_default();
            counts.bytes += sent.bytes;
            counts.calls += sent.calls;
        }
    }

    /// A call whose bytes are one flow.
    pub(crate) fn simple_call(
        &mut self,
        call: &str,
        source: &str,
        sink: &str,
        class: &str,
        bytes: u64,
    ) {
        let key = flow_key(call, source, sink, class);
        self.call(call, &BTreeMap::from([(key, bytes)]));
    }

    /// A call that failed.
    pub(crate) fn error(&mut self, call: &str, source: &str, sink: &str, errno: i32) {
        let key = error_key(call, source, sink, errno as u16);
        *self.errors.entry(key).or_default() += 1;
    }
}
