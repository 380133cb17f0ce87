//! bpf-linker, which turns the kernel half's bitcode into one BPF object.

use std::process::Command;

use anyhow::Result;

use super::apt::Apt;
use super::versions::{Version, linked_llvm};
use super::{State, Step};
use crate::shell::{self, say};

/// The release that is installed, and the oldest that is accepted.
const RELEASE: Version = Version::new(0, 13, 0);

/// The LLVM that it is installed with. Debian packages it, and LLVM reads the bitcode of its own
/// and of older releases only, so this also says which compilers can build the kernel half.
const LLVM: u32 = 22;

/// The newest LLVM whose bitcode the installed linker reads.
pub(super) fn newest_readable_llvm() -> u32 {
    dynamic_llvm().map_or(LLVM, |llvm| llvm.major)
}

/// The LLVM of the installed linker, if it can be told: a static one keeps it to itself.
fn dynamic_llvm() -> Option<Version> {
    let path = which::which("bpf-linker").ok()?;
    linked_llvm(&shell::output("ldd", &[path.to_str()?])?)
}

/// The step that provides bpf-linker.
#[derive(Debug)]
pub(super) struct BpfLinker;

impl Step for BpfLinker {
    fn name(&self) -> String {
        format!("bpf-linker {RELEASE} or later, with LLVM {LLVM} or later")
    }

    fn probe(&self) -> State {
        let Some(said) = shell::output("bpf-linker", &["--version"]) else {
            return State::Missing("there is none that runs".to_owned());
        };
        let version = said.split_whitespace().last().and_then(Version::parse);
        let Some(version) = version.filter(|version| *version >= RELEASE) else {
            return State::Missing(format!("{} is too old", said.trim()));
        };
        match dynamic_llvm() {
            Some(llvm) if llvm.major < LLVM => State::Missing(format!("its LLVM is {llvm}")),
            Some(llvm) => State::Have(format!("{version}, LLVM {llvm}")),
            None => State::Have(format!("{version}, LLVM built in")),
        }
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        let prefix = format!("/usr/lib/llvm-{LLVM}");
        if !std::path::Path::new(&prefix)
            .join("include/llvm-c")
            .exists()
        {
            apt.install(&[&format!("llvm-{LLVM}-dev")])?;
        }
        say!("(compiling bpf-linker takes a few minutes)");
        shell::run(
            Command::new("cargo")
                .env("LLVM_PREFIX", prefix)
                .args(["install", "bpf-linker", "--force", "--locked", "--quiet"])
                .args(["--version", &RELEASE.to_string()])
                .args(["--no-default-features", "--features"])
                .arg(format!("llvm-{LLVM}")),
        )
    }
}
