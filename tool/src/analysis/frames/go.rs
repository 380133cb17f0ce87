//! Functions of Go programs, by the names of Go's own tables.

use super::Role;

/// First elements of the import paths of Go's standard library, of Go 1.18 to 1.27 (`go list std`).
/// The path of another module begins with a domain, or with a name that should be none of these.
const STANDARD: &[&str] = &[
    "archive",
    "arena",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "vendor",
    "weak",
];

pub(super) fn role(function: &str, file: Option<&str>) -> Role {
    let Some(package) = package(function) else {
        // Assembly, such as `gogo` and `_rt0_amd64_linux`, and what the compiler makes, such as
        // `type:.eq.main.T`.
        return Role::Runtime;
    };
    let first = package.split('/').next().unwrap_or(package);
    if STANDARD.contains(&first) {
        return Role::Runtime;
    }
    if file.is_some_and(is_of_other_module) {
        return Role::Library;
    }
    Role::Application
}

/// The import path of a function: what is in front of the first dot after the last slash, type
/// arguments apart. `None` where it has none.
fn package(function: &str) -> Option<&str> {
    let name = function.split('[').next().unwrap_or(function);
    if name.starts_with("type:") || name.starts_with("type..") || name.starts_with("go:") {
        return None;
    }
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name.get(last..)?.find('.')?;
    name.get(..last + dot).filter(|package| !package.is_empty())
}

/// Files of a dependency lie below a folder with its version, `module@v1.2.3`, also with `-trimpath`,
/// or below `vendor`.
fn is_of_other_module(file: &str) -> bool {
    file.contains("@v") || file.contains("/vendor/")
}
