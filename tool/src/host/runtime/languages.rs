//! Language runtimes that are a library, or are linked into a program: by what they export.

use std::ops::Range;

use super::elf::Elf;
use super::{scan, version};
use crate::model::RuntimeName;

/// What the file name of a library begins with, and what is then exported, in the order in which they
/// count: a virtual machine of Java may have an interpreter of Python inside, but not the other way.
const RUNTIMES: [(&str, &str, RuntimeName); 6] = [
    ("libjvm.so", "JNI_CreateJavaVM", RuntimeName::Jvm),
    ("libcoreclr.so", "coreclr_initialize", RuntimeName::Dotnet),
    ("libnode.so", "node_module_register", RuntimeName::Node),
    ("libpython", "Py_Initialize", RuntimeName::Cpython),
    ("libruby", "ruby_version", RuntimeName::Ruby),
    ("libphp", "php_module_startup", RuntimeName::Php),
];

/// A program of one file has no `coreclr_initialize`, but this for debuggers.
const DOTNET_OF_ONE_FILE: &str = "DotNetRuntimeInfo";

/// The rank (lower counts more) and name of the runtime whose library has this file name.
pub(super) fn by_file_name(file_name: &[u8]) -> Option<(usize, RuntimeName)> {
    let launcher = |name: &[u8]| name.starts_with(b"libjli.so");
    RUNTIMES
        .iter()
        .enumerate()
        .find(|(_, (library, _, _))| file_name.starts_with(library.as_bytes()))
        .map(|(rank, (_, _, name))| (rank, *name))
        .or_else(|| launcher(file_name).then_some((0, RuntimeName::Jvm)))
}

/// The runtime that is in a program.
pub(super) fn linked_in(elf: &Elf) -> Option<RuntimeName> {
    let found = RUNTIMES
        .iter()
        .find(|(_, symbol, _)| elf.exported(symbol).is_some());
    found.map(|(_, _, name)| *name).or_else(|| {
        let dotnet = elf.exported(DOTNET_OF_ONE_FILE).is_some();
        dotnet.then_some(RuntimeName::Dotnet)
    })
}

/// The version of the runtime `name` that is in `elf`, a file at `path`.
pub(super) fn version_of(name: RuntimeName, elf: &Elf, path: &[u8]) -> Option<String> {
    let constants = elf.constants();
    match name {
        // `src/hotspot/share/runtime/vm_version.cpp`: "... for linux-amd64 JRE (17.0.15+6-..."
        RuntimeName::Jvm => scan::find(elf, &constants, b" JRE (", version::numbers),
        RuntimeName::Dotnet => dotnet(path),
        // `src/node_metadata.cc`
        RuntimeName::Node => scan::find(elf, &constants, b"node.js/v", version::numbers)
            .or_else(|| scan::find(elf, &constants, b"/download/release/v", version::numbers)),
        RuntimeName::Cpython => cpython(elf, &constants, path),
        // `version.c`: a text.
        RuntimeName::Ruby => {
            let text = elf.name(elf.exported("ruby_version")?.offset?);
            version::numbers(&text)
        }
        // `main/main.c`: "X-Powered-By: PHP/8.2.29"
        RuntimeName::Php => scan::find(elf, &constants, b"-By: PHP/", version::with_stage),
        _ => None,
    }
}

/// The folder above the library has the version as its name.
fn dotnet(path: &[u8]) -> Option<String> {
    let mut folders = path.rsplit(|byte| *byte == b'/').skip(1);
    version::numbers(folders.next()?)
}

/// `Py_Version` (`Include/cpython/pylifecycle.h`, 3.11): a byte each for major, minor, micro, and one
/// for the stage and its number. Before it only the series can be told: by the name of the library,
/// else by that of the folder of modules.
fn cpython(elf: &Elf, constants: &[Range<u64>], path: &[u8]) -> Option<String> {
    if let Some(symbol) = elf.exported("Py_Version")
        && symbol.size == 8
        && let [stage, micro, minor, major, ..] = *elf.bytes(symbol.offset?, 8)
    {
        let number = stage & 0xf;
        let stage = match stage >> 4 {
            0xa => format!("a{number}"),
            0xb => format!("b{number}"),
            0xc => format!("rc{number}"),
            _ => String::new(),
        };
        return Some(format!("{major}.{minor}.{micro}{stage}"));
    }
    let name = path.rsplit(|byte| *byte == b'/').next();
    name.and_then(|name| version::numbers(name.strip_prefix(b"libpython")?))
        .or_else(|| scan::find(elf, constants, b"lib/python", version::numbers))
        .or_else(|| scan::find(elf, constants, b"\0python", version::numbers))
}
