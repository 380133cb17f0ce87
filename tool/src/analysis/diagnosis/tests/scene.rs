//! One process with one flow and one call site, told by what differs from a plain download.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::analysis::audit;
use crate::analysis::catalog::Catalog;
use crate::analysis::diagnosis::{Egress, Evidence, RuntimeFacts, diagnose};
use crate::analysis::fixture::{failure, flow, process, snapshot, transfers_of};
use crate::model::EndpointKind::{File, None as NoEnd, Tcp};
use crate::model::{
    Audit, Call, CallSite, Class, EndpointKind, Estimate, Finding, Frame, Language, ProcessId,
    Profile, Sharing, SiteKind, Stack, StackEnd, TransferCount,
};

pub(super) const MIB: u64 = 1 << 20;
const PID: u32 = 42;

/// What a process does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    /// Empty where it is not known.
    pub(super) runtime: &'static str,
    /// Empty where it is not known.
    pub(super) version: &'static str,
    pub(super) call: Call,
    pub(super) source: EndpointKind,
    pub(super) sink: EndpointKind,
    pub(super) class: Class,
    pub(super) sharing: Sharing,
    /// Bytes of each transfer; 0 where they were not followed.
    pub(super) transfer: u64,
    /// A zero-copy call that was refused before.
    pub(super) refused: Option<(Call, u16)>,
    /// Whether it read more than it sent.
    pub(super) compresses: bool,
    /// Functions, innermost first; `f in FILE` has its source there, `f of FILE` its code, `@FILE` is a
    /// nameless one in that file, `?` one nowhere. Empty where nothing was sampled.
    pub(super) write: &'static [&'static str],
    /// Likewise; empty where it is not known.
    pub(super) read: &'static [&'static str],
    pub(super) end: StackEnd,
}

/// A file that is sent by read and write, in transfers of a megabyte.
pub(super) const DOWNLOAD: Scene = Scene {
    runtime: "",
    version: "",
    call: Call::Write,
    source: File,
    sink: Tcp,
    class: Class::SameBuffer,
    sharing: Sharing::None,
    transfer: MIB,
    refused: None,
    compresses: false,
    write: &[],
    read: &[],
    end: StackEnd::Entry,
};

impl Scene {
    /// The id of the rule that a diagnosis finds; `None` where it finds none.
    pub(super) fn rule(&self) -> Option<String> {
        let findings = self.findings();
        assert!(findings.len() <= 1, "{findings:?}");
        findings.first()?.rule.as_deref().map(str::to_owned)
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        diagnose_all(&self.audit(), &self.profile(), &self.runtimes())
    }

    pub(super) fn audit(&self) -> Audit {
        let bytes = 64 * MIB;
        let mut moved = flow(
            PID,
            self.call,
            (self.source, self.sink),
            self.class,
            bytes,
            bytes / 32_768,
        );
        moved.sharing = self.sharing;
        let refused = self
            .refused
            .map(|(call, errno)| failure(PID, call, (self.source, self.sink), errno, 1));
        let read = self.compresses.then(|| {
            flow(
                PID,
                Call::Read,
                (File, NoEnd),
                Class::Ingest,
                4 * bytes,
                1000,
            )
        });
        let transfers: Option<TransferCount> =
            (self.transfer > 0).then(|| transfers_of(&moved, self.transfer, bytes / self.transfer));
        audit(
            snapshot()
                .named(PID, "program", &["program"])
                .with([moved])
                .with(read)
                .with_errors(refused)
                .with_transfers(transfers),
        )
    }

    pub(super) fn profile(&self) -> Profile {
        let stack = |functions| stack(functions, self.end);
        let read = (!self.read.is_empty()).then(|| stack(self.read));
        let site = (!self.write.is_empty() || read.is_some()).then(|| CallSite {
            process: process(PID),
            kind: SiteKind::Bounced,
            call: self.call,
            source: self.source,
            sink: self.sink,
            class: self.class,
            sharing: self.sharing,
            source_name: None,
            sink_name: None,
            write: stack(self.write),
            read,
            kernel: None,
            samples: 10,
            bytes: Estimate {
                value: 1e6,
                variance: 1e9,
            },
            calls: Estimate::default(),
        });
        Profile {
            call_sites: site.into_iter().collect(),
            ..Profile::default()
        }
    }

    fn runtimes(&self) -> BTreeMap<ProcessId, RuntimeFacts> {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let facts = RuntimeFacts {
            name: known(self.runtime),
            version: known(self.version),
        };
        BTreeMap::from([(process(PID), facts)])
    }
}

/// With the rules that the tool comes with; the culprit is the innermost function of `main`.
pub(super) fn diagnose_all(
    audit: &Audit,
    profile: &Profile,
    runtimes: &BTreeMap<ProcessId, RuntimeFacts>,
) -> Vec<Finding> {
    let is_own = |frame: &&Frame| {
        let name = frame.function.as_deref();
        name.is_some_and(|name| name.starts_with("main."))
    };
    diagnose(&Evidence {
        audit,
        profile,
        runtimes,
        catalog: Catalog::builtin(),
        calibration: None,
        egress: &Egress::new(),
        culprit: &|site: &CallSite| {
            let read = site.read.iter().flat_map(|stack| &stack.frames);
            read.chain(&site.write.frames).find(is_own).cloned()
        },
    })
}

pub(super) fn stack(functions: &[&str], end: StackEnd) -> Arc<Stack> {
    let frame = |text: &&str| {
        let (function, file) = text
            .split_once(" in ")
            .map_or((*text, None), |(function, file)| (function, Some(file)));
        let (function, module) = function
            .split_once(" of ")
            .map_or((function, None), |(function, module)| {
                (function, Some(module))
            });
        Frame {
            function: (!function.starts_with(['@', '?'])).then(|| function.into()),
            file: file.map(Into::into),
            line: None,
            module: function.strip_prefix('@').or(module).map(Into::into),
            address: 0x1000,
            is_inlined: false,
            language: Language::Native,
        }
    };
    Arc::new(Stack {
        frames: functions.iter().map(frame).collect(),
        end,
    })
}
