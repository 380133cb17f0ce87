//! What the analysis yields: the audit that reports print.

use std::collections::BTreeMap;

use copytax_common::{Call, Class, EndpointKind, Sharing};

use crate::model::{CommandOutcome, Engine, Finding, Host, Loss, ProcessFacts, ProcessId, Window};

/// How bytes moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// `sendfile`
    Sendfile,
    /// `splice`
    Splice,
    /// `tee`
    Tee,
    /// `vmsplice`
    Vmsplice,
    /// `copy_file_range`
    CopyFileRange,
    /// A write-like call with `MSG_ZEROCOPY`.
    MsgZerocopy,
    /// `IORING_OP_SEND_ZC` and `IORING_OP_SENDMSG_ZC`
    UringSendZc,
    /// `IORING_OP_SPLICE`
    UringSplice,
    /// `IORING_OP_TEE`
    UringTee,
    /// A write-like call, of bytes read before by a read-like call or made by the process.
    ReadWrite,
    /// A write-like call, of the memory of a mapped file.
    MmapWrite,
}

impl Mechanism {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Sendfile,
        Self::Splice,
        Self::Tee,
        Self::Vmsplice,
        Self::CopyFileRange,
        Self::MsgZerocopy,
        Self::UringSendZc,
        Self::UringSplice,
        Self::UringTee,
        Self::ReadWrite,
        Self::MmapWrite,
    ];
}

/// The audit of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The machine.
    pub host: Host,
    /// When and how long.
    pub window: Window,
    /// How the kernel half was attached.
    pub engine: Engine,
    /// What was lost.
    pub loss: Loss,
    /// Zero-copy bytes / (zero-copy + lost bytes); `None` where both are 0.
    pub hit_rate: Option<f64>,
    /// Sums over all processes.
    pub bytes: ByteClasses,
    /// All processes that made an accounted call.
    pub processes: Vec<ProcessAudit>,
    /// What the diagnosis found, dearest first; empty before it.
    pub findings: Vec<Finding>,
    /// The command that the tool ran, if it ran one.
    pub command: Option<CommandOutcome>,
    /// As in [`crate::model::Snapshot::is_incomplete`].
    pub is_incomplete: bool,
}

impl Audit {
    /// What is known of its processes, by process.
    #[must_use]
    pub fn facts(&self) -> BTreeMap<ProcessId, ProcessFacts> {
        let processes = self.processes.iter();
        processes
            .map(|process| (process.id, process.facts.clone()))
            .collect()
    }
}

/// Bytes by class. Written bytes are in exactly one of `zero_copy`, `staged`, `bounced`, `mapped`,
/// `transformed`, `generated` and `unknown`; `lost` is the part of `bounced` whose endpoint pair
/// has a kernel path, `kernel_copied` the part of `zero_copy` that the kernel copied all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByteClasses {
    /// Delivered by a zero-copy mechanism.
    pub zero_copy: u64,
    /// Moved into a pipe by reference. Delivered from there the bytes count again, as
    /// `zero_copy`, so `staged` is no part of the hit rate.
    pub staged: u64,
    /// The part of `zero_copy` that is known to have been copied by the kernel.
    pub kernel_copied: u64,
    /// Relayed by read and write.
    pub bounced: u64,
    /// The part of `bounced` that the kernel could have moved.
    pub lost: u64,
    /// Written from the mapping of a file: one copy left.
    pub mapped: u64,
    /// Derived from what was read.
    pub transformed: u64,
    /// Made by the process.
    pub generated: u64,
    /// Could not be looked at.
    pub unknown: u64,
}

impl ByteClasses {
    /// All bytes that were written or moved: the sum of the classes.
    #[must_use]
    pub fn written(&self) -> u64 {
        [
            self.zero_copy,
            self.staged,
            self.bounced,
            self.mapped,
            self.transformed,
            self.generated,
            self.unknown,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// What is more than in `before`, class by class; 0 where there is less.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            zero_copy: self.zero_copy.saturating_sub(before.zero_copy),
            staged: self.staged.saturating_sub(before.staged),
            kernel_copied: self.kernel_copied.saturating_sub(before.kernel_copied),
            bounced: self.bounced.saturating_sub(before.bounced),
            lost: self.lost.saturating_sub(before.lost),
            mapped: self.mapped.saturating_sub(before.mapped),
            transformed: self.transformed.saturating_sub(before.transformed),
            generated: self.generated.saturating_sub(before.generated),
            unknown: self.unknown.saturating_sub(before.unknown),
        }
    }

    /// Adds `other`, class by class.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.zero_copy, other.zero_copy),
            (&mut self.staged, other.staged),
            (&mut self.kernel_copied, other.kernel_copied),
            (&mut self.bounced, other.bounced),
            (&mut self.lost, other.lost),
            (&mut self.mapped, other.mapped),
            (&mut self.transformed, other.transformed),
            (&mut self.generated, other.generated),
            (&mut self.unknown, other.unknown),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// One process.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessAudit {
    /// Which one.
    pub id: ProcessId,
    /// What is known of it.
    pub facts: ProcessFacts,
    /// As in [`Audit::hit_rate`].
    pub hit_rate: Option<f64>,
    /// Its bytes.
    pub bytes: ByteClasses,
    /// Its flows of written bytes, largest first.
    pub flows: Vec<Flow>,
    /// Its calls.
    pub syscalls: BTreeMap<Call, Syscall>,
    /// Bounces that began after a zero-copy call had been refused, in the order of the refusals.
    pub fallbacks: Vec<Fallback>,
    /// That it read more from files than it sent, where that looks like compression.
    pub compression_like: Option<CompressionLike>,
}

/// Bytes that one process moved in one way between two kinds of endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// How they moved.
    pub mechanism: Mechanism,
    /// Where they came from; [`EndpointKind::None`] for generated bytes.
    pub source: EndpointKind,
    /// Where they went.
    pub sink: EndpointKind,
    /// What happened to them.
    pub class: Class,
    /// Whether the kernel shared or copied what a zero-copy call moved, and why that is thought.
    pub sharing: Sharing,
    /// Whether the kernel could have moved them: a bounce whose endpoint pair has a kernel path.
    pub lost: bool,
    /// Bytes.
    pub bytes: u64,
    /// Calls that contributed bytes.
    pub calls: u64,
    /// When the first of it was counted, nanoseconds after the window's start; `None` where
    /// nothing was.
    pub first_ns: Option<u64>,
    /// Failed calls by errno.
    pub errors: BTreeMap<u16, Failures>,
    /// Sizes of the transfers, smallest first.
    pub transfers: Vec<TransferSizes>,
}

/// Calls that failed with one errno.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// How often.
    pub count: u64,
    /// When the first of them failed, nanoseconds after the window's start.
    pub first_ns: u64,
}

/// A bounce that began after the kernel had refused a zero-copy call between the same ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// The call that was refused.
    pub mechanism: Mechanism,
    /// Where its bytes were to come from.
    pub source: EndpointKind,
    /// Where they were to go.
    pub sink: EndpointKind,
    /// Why.
    pub errno: u16,
    /// How often, and when first.
    pub failures: Failures,
    /// What began next.
    pub then: FallbackFlow,
}

/// The flow that came after a refused call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FallbackFlow {
    /// How the bytes moved.
    pub mechanism: Mechanism,
    /// Where they came from.
    pub source: EndpointKind,
    /// Where they went.
    pub sink: EndpointKind,
    /// How it is known that they bounced.
    pub class: Class,
    /// Bytes.
    pub bytes: u64,
    /// When it began, nanoseconds after the window's start.
    pub first_ns: u64,
}

/// Bytes of a process that reads from files and sends less, which no evidence connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressionLike {
    /// Read from files, and not written again.
    pub read: u64,
    /// Made by the process and sent to sockets.
    pub written: u64,
}

/// Transfers of one size class: runs of consecutive bytes between the same two files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransferSizes {
    /// Transfers of `2^bucket` bytes and more, but less than `2^(bucket + 1)`.
    pub bucket: u8,
    /// How many.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// Calls of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Syscall {
    /// Exits, failed ones included.
    pub calls: u64,
    /// Bytes, from return values.
    pub bytes: u64,
    /// Exits that failed.
    pub errors: u64,
}
