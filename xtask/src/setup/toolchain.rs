//! The compiler of the kernel half, under one rustup name wherever it comes from.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::apt::Apt;
use super::linker;
use super::versions::{Compiler, Version};
use super::{State, Step};
use crate::shell::{self, say};

/// The name under which `tool/build.rs` asks rustup for the compiler.
pub(crate) const NAME: &str = "copytax-ebpf";

/// The nightly that is installed if none is there. A date, because the newest nightly's LLVM may
/// be newer than the linker's.
const NIGHTLY: &str = "nightly-2026-05-20";

/// The oldest compiler that aya's kernel half accepts.
const OLDEST: Version = Version::new(1, 87, 0);

/// Debian's compiler, for machines that do not reach rustup's server.
const DEBIAN: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// Time for rustup to fetch something, before the next way is tried.
const LIMIT: Duration = Duration::from_secs(120);

/// The step that provides the toolchain.
#[derive(Debug)]
pub(super) struct KernelToolchain;

/// A toolchain as rustup runs it.
struct Toolchain {
    sysroot: PathBuf,
    compiler: Compiler,
}

impl Toolchain {
    /// Looks at the toolchain of this name; the error says why there is none that runs.
    fn find(name: &str) -> Result<Self, String> {
        let rustc = |arg| shell::output("rustup", &["run", name, "rustc", arg]);
        let sysroot = rustc("--print=sysroot").ok_or("there is none that runs")?;
        let compiler = rustc("-vV").and_then(|said| Compiler::parse(&said));
        Ok(Self {
            sysroot: PathBuf::from(sysroot.trim()),
            compiler: compiler.ok_or("it does not say its version")?,
        })
    }

    /// Why its age keeps it from building the kernel half, if it does.
    fn wrong_age(&self, newest_llvm: u32) -> Option<String> {
        let Compiler { release, llvm } = self.compiler;
        if release < OLDEST {
            Some(format!("rustc {release} is older than {OLDEST}"))
        } else if llvm.major > newest_llvm {
            Some(format!(
                "its LLVM {llvm} is newer than bpf-linker's {newest_llvm}"
            ))
        } else {
            None
        }
    }

    fn has_sources(&self) -> bool {
        self.sysroot
            .join("lib/rustlib/src/rust/library/core")
            .is_dir()
    }

    /// Gives it the name that the build asks for.
    fn link(&self) -> Result<()> {
        shell::run(
            Command::new("rustup")
                .args(["toolchain", "link", NAME])
                .arg(&self.sysroot),
        )
    }
}

impl Step for KernelToolchain {
    fn name(&self) -> String {
        format!("toolchain {NAME} for the kernel half")
    }

    fn probe(&self) -> State {
        let toolchain = match Toolchain::find(NAME) {
            Ok(toolchain) => toolchain,
            Err(why) => return State::Missing(why),
        };
        if let Some(why) = toolchain.wrong_age(linker::newest_readable_llvm()) {
            return State::Missing(why);
        }
        if !toolchain.has_sources() {
            return State::Missing("it lacks rust-src".to_owned());
        }
        let Compiler { release, llvm } = toolchain.compiler;
        State::Have(format!("rustc {release}, LLVM {llvm}, with rust-src"))
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        if which::which("rustup").is_err() {
            bail!("rustup is not installed; see its site for how to");
        }
        if let Some(toolchain) = from_installed()? {
            return toolchain.link();
        }
        match from_server() {
            Ok(toolchain) => toolchain.link(),
            Err(error) => {
                say!("rustup cannot provide a nightly ({error:#}): Debian's compiler instead");
                from_debian(apt)
            }
        }
    }
}

/// A toolchain of this machine that does, if need be after rustup added the sources to it.
fn from_installed() -> Result<Option<Toolchain>> {
    let newest_llvm = linker::newest_readable_llvm();
    let list = shell::output("rustup", &["toolchain", "list", "--quiet"]).unwrap_or_default();
    let fitting: Vec<_> = candidates(&list)
        .into_iter()
        .filter_map(|name| Some((name, Toolchain::find(name).ok()?)))
        .filter(|(_, toolchain)| toolchain.wrong_age(newest_llvm).is_none())
        .collect();
    if let Some(ready) = fitting.iter().position(|(_, found)| found.has_sources()) {
        return Ok(fitting.into_iter().nth(ready).map(|(_, found)| found));
    }
    for (name, toolchain) in fitting {
        // Only a nightly is ours to change: the developer's own compilers stay as they are.
        if name.starts_with("nightly") && add_component(name, "rust-src").is_ok() {
            return Ok(Some(toolchain));
        }
    }
    Ok(None)
}

/// The pinned nightly, from rustup's server.
fn from_server() -> Result<Toolchain> {
    shell::run_bounded(
        Command::new("rustup")
            .args(["toolchain", "install", NIGHTLY, "--profile=minimal"])
            .args(["--component=rust-src", "--no-self-update"]),
        LIMIT,
    )?;
    Toolchain::find(NIGHTLY).map_err(|why| anyhow::anyhow!("{NIGHTLY}: {why}"))
}

/// Debian's packages, linked as a toolchain.
fn from_debian(apt: &mut Apt) -> Result<()> {
    apt.install(DEBIAN)?;
    shell::run(Command::new("rustup").args(["toolchain", "link", NAME, "/usr"]))
}

/// Has rustup add a component to one of its own toolchains.
pub(super) fn add_component(toolchain: &str, component: &str) -> Result<()> {
    shell::run_bounded(
        Command::new("rustup").args(["component", "add", component, "--toolchain", toolchain]),
        LIMIT,
    )
}

/// The rustup name of the toolchain that is linked, or `None` if it is Debian's.
pub(super) fn linked_name() -> Result<Option<String>> {
    let toolchain = Toolchain::find(NAME).map_err(|why| anyhow::anyhow!("{NAME}: {why}"))?;
    if toolchain.sysroot == Path::new("/usr") {
        return Ok(None);
    }
    let name = toolchain.sysroot.file_name().and_then(|name| name.to_str());
    Ok(Some(name.context("a toolchain without a name")?.to_owned()))
}

/// Names out of `rustup toolchain list`: nightlies first, ours left out.
fn candidates(list: &str) -> Vec<&str> {
    let mut names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != NAME)
        .collect();
    names.sort_by_key(|name| !name.starts_with("nightly"));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolchain(release: Version, llvm: u32) -> Toolchain {
        Toolchain {
            sysroot: PathBuf::new(),
            compiler: Compiler {
                release,
                llvm: Version::new(llvm, 1, 4),
            },
        }
    }

    #[test]
    fn the_linker_must_be_able_to_read_the_bitcode() {
        let nightly = Version::new(1, 97, 0);
        assert_eq!(toolchain(nightly, 22).wrong_age(22), None);
        assert_eq!(toolchain(nightly, 21).wrong_age(22), None);
        let why = toolchain(nightly, 23).wrong_age(22).expect("too new");
        assert_eq!(why, "its LLVM 23.1.4 is newer than bpf-linker's 22");
        assert!(
            toolchain(Version::new(1, 86, 0), 20)
                .wrong_age(22)
                .is_some()
        );
    }

    #[test]
    fn nightlies_are_tried_first() {
        let list = "stable-x (active, default)\nnightly-2026-05-20-x\ncopytax-ebpf\nnightly-x\n";
        assert_eq!(
            candidates(list),
            ["nightly-2026-05-20-x", "nightly-x", "stable-x"]
        );
        assert!(candidates("no installed toolchains\n").len() <= 1);
    }
}
