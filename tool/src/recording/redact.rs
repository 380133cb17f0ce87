//! Leaves out of snapshots what tells of files, peers and arguments.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Build, CallSite, CpuSite, Frame, ProcessFacts, Snapshot, Stack};

/// Folders of the system, whose files are no secret and tell whose code a function is.
const SYSTEM: [&str; 4] = ["/usr/", "/lib/", "/lib64/", "/rustc/"];

/// What stands before the name of a published package, from which on a path is no secret either.
const PACKAGES: [&str; 4] = [
    "/pkg/mod/",
    "/registry/src/",
    "/site-packages/",
    "/node_modules/",
];

/// Redacts snapshots, those of one recording alike.
#[derive(Default)]
pub struct Redactor {
    stacks: HashMap<Arc<Stack>, Arc<Stack>>,
}

impl Redactor {
    /// Leaves out the folders of files (those of the system and of published packages stay), names of
    /// files and peers that bytes came from and went to, arguments, cgroups, containers, and the name of
    /// the host. Build ids stay: they say no more than that two files are the same.
    #[must_use]
    pub fn redacted(&mut self, mut snapshot: Snapshot) -> Snapshot {
        snapshot.host.hostname = String::new();
        for facts in snapshot.processes.values_mut() {
            redact_facts(facts);
        }
        if let Some(command) = &mut snapshot.command {
            command.command.truncate(1);
            for word in &mut command.command {
                *word = path(word);
            }
        }
        let builds = std::mem::take(&mut snapshot.profile.builds);
        snapshot.profile.builds = builds
            .into_iter()
            .map(|build| Build {
                module: Arc::from(path(&build.module)),
                ..build
            })
            .collect();
        for site in &mut snapshot.profile.call_sites {
            self.redact_call_site(site);
        }
        for site in &mut snapshot.profile.cpu {
            self.redact_cpu_site(site);
        }
        snapshot
    }

    fn redact_call_site(&mut self, site: &mut CallSite) {
        site.source_name = None;
        site.sink_name = None;
        site.write = self.stack(&site.write);
        site.read = site.read.as_ref().map(|stack| self.stack(stack));
        site.kernel = site.kernel.as_ref().map(|stack| self.stack(stack));
    }

    fn redact_cpu_site(&mut self, site: &mut CpuSite) {
        site.user = site.user.as_ref().map(|stack| self.stack(stack));
        site.kernel = site.kernel.as_ref().map(|stack| self.stack(stack));
    }

    fn stack(&mut self, stack: &Arc<Stack>) -> Arc<Stack> {
        if let Some(redacted) = self.stacks.get(stack) {
            return Arc::clone(redacted);
        }
        let redacted = Arc::new(Stack {
            frames: stack.frames.iter().map(frame).collect(),
            end: stack.end,
        });
        self.stacks.insert(Arc::clone(stack), Arc::clone(&redacted));
        redacted
    }
}

fn redact_facts(facts: &mut ProcessFacts) {
    // Taken apart, so that a new fact cannot be forgotten here.
    let ProcessFacts {
        comm: _,
        exe,
        cmdline,
        cgroup,
        container_id,
        exited: _,
        af_xdp: _,
        runtime: _,
    } = facts;
    *exe = exe.as_deref().map(path);
    cmdline.clear();
    *cgroup = None;
    *container_id = None;
}

fn frame(frame: &Frame) -> Frame {
    let redacted = |text: &Option<Arc<str>>| text.as_deref().map(|text| Arc::from(path(text)));
    Frame {
        file: redacted(&frame.file),
        module: redacted(&frame.module),
        ..frame.clone()
    }
}

/// A path without folders that are nobody's business.
fn path(path: &str) -> String {
    if SYSTEM.iter().any(|folder| path.starts_with(folder)) {
        return path.to_owned();
    }
    let package = PACKAGES.iter().filter_map(|mark| path.find(mark)).min();
    if let Some(package) = package {
        return path[package..].to_owned();
    }
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn paths() {
        for (whole, redacted) in [
            ("/home/ada/secret/main.go", "main.go"),
            ("main.go", "main.go"),
            ("/usr/lib/go/src/io/io.go", "/usr/lib/go/src/io/io.go"),
            ("[kernel]", "[kernel]"),
            (
                "/home/ada/go/pkg/mod/github.com/x/y@v1.2.3/z.go",
                "/pkg/mod/github.com/x/y@v1.2.3/z.go",
            ),
            ("", ""),
        ] {
            assert_eq!(path(whole), redacted);
        }
    }
}
