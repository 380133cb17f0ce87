//! Builds the kernel half for its own target and leaves the object at `OUT_DIR/copytax-ebpf`.
//!
//! `cargo xtask setup` provides what this needs. Without it the build ends with one sentence that
//! says so.

use std::path::Path;
use std::process::{Command, Output};

use aya_build::{Package, Toolchain};

/// The one rustup name of the toolchain that builds the kernel half; `xtask` links it.
const TOOLCHAIN: &str = "copytax-ebpf";

fn main() {
    // What is fuzzed never loads it.
    if std::env::var_os("CARGO_CFG_FUZZING").is_some() {
        nothing();
        return;
    }
    if let Err(sentence) = preflight().and_then(|()| build()) {
        // Fails the build without cargo's dump of this script's output.
        println!("cargo::error={sentence}");
    }
}

/// Leaves an empty object.
fn nothing() {
    println!("cargo::rerun-if-changed=build.rs");
    let object = std::env::var_os("OUT_DIR").map(|folder| Path::new(&folder).join("copytax-ebpf"));
    let written = object.map(|object| std::fs::write(object, b""));
    if !matches!(written, Some(Ok(()))) {
        println!("cargo::error=an empty object cannot be written");
    }
}

/// Looks for what the kernel half's build needs, before anything is printed or started.
fn preflight() -> Result<(), String> {
    let setup = |what: &str| {
        format!("the kernel half of copytax cannot be built: {what}; run `cargo xtask setup`")
    };
    let sysroot =
        output(Command::new("rustup").args(["run", TOOLCHAIN, "rustc", "--print=sysroot"]))
            .ok_or_else(|| {
                setup(&format!(
                    "rustup has no toolchain named `{TOOLCHAIN}` that runs"
                ))
            })?;
    let sysroot = String::from_utf8_lossy(&sysroot.stdout);
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    if !library.join("core").is_dir() {
        return Err(setup(&format!(
            "the toolchain `{TOOLCHAIN}` lacks the sources of `core` (rust-src)"
        )));
    }
    output(Command::new("bpf-linker").arg("--version"))
        .ok_or_else(|| setup("there is no bpf-linker that runs"))?;
    Ok(())
}

/// Hands over to aya-build, which runs cargo once more for the BPF target.
fn build() -> Result<(), String> {
    // aya-build watches root_dir; these are the kernel half's other inputs.
    for input in [
        "../tool-common/src",
        "../tool-common/Cargo.toml",
        "../Cargo.toml",
        "../Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={input}");
    }
    // SAFETY: this process has one thread until aya-build starts the inner cargo, which inherits
    // the variables; nothing reads or writes the environment at the same time.
    unsafe {
        // Debian's compiler is a stable release, and `-Z build-std` is wanted of it all the same.
        std::env::set_var("RUSTC_BOOTSTRAP", "1");
        // aya-build turns each line of the inner cargo into a warning, its progress too.
        std::env::remove_var("CARGO_TERM_VERBOSE");
        std::env::set_var("CARGO_TERM_QUIET", "true");
    }
    let package = Package {
        name: "copytax-ebpf",
        root_dir: "../tool-ebpf",
        ..Package::default()
    };
    aya_build::build_ebpf([package], Toolchain::Custom(TOOLCHAIN)).map_err(|error| {
        // For `cargo build -vv`: what one sentence cannot hold.
        println!("{error:#}");
        "the kernel half of copytax did not build: its compiler's messages are the warnings of \
         this build"
            .to_owned()
    })
}

/// What a command printed, or `None` if it could not be run or failed.
fn output(command: &mut Command) -> Option<Output> {
    command
        .output()
        .ok()
        .filter(|output| output.status.success())
}
