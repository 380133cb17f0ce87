//! Functions that were compiled at run time, by the names of perf maps.

use super::Role;

/// What V8 calls code of its own: `src/logging/code-events.h` and `src/logging/log.cc`, V8 12.
const V8_OWN: &[&str] = &[
    "Builtin:",
    "BytecodeHandler:",
    "Handler:",
    "RegExp:",
    "Stub:",
];

/// What HotSpot calls code of its own: `CodeCache::write_perf_map`, JDK 21.
const HOTSPOT_OWN: &[&str] = &[
    "I2C/C2I",
    "Interpreter",
    "StubRoutines",
    "call_stub",
    "itable stub",
    "vtable stub",
];

/// Packages of the JDK.
const JDK: &[&str] = &["java", "javax", "jdk", "sun"];

pub(super) fn role(function: &str, file: Option<&str>) -> Role {
    if let Some(file) = file {
        return script(file);
    }
    let is_own = |own: &[&str]| own.iter().any(|prefix| function.starts_with(prefix));
    if is_own(V8_OWN) || is_own(HOTSPOT_OWN) || function.contains(" node:") || is_of_jdk(function) {
        return Role::Runtime;
    }
    if function.contains("/node_modules/") {
        return Role::Library;
    }
    Role::Application
}

/// By the source of a function of Python or JavaScript: the names of other languages have none.
fn script(file: &str) -> Role {
    let of_libraries = ["/site-packages/", "/dist-packages/", "/node_modules/"];
    if of_libraries.iter().any(|folder| file.contains(folder)) {
        Role::Library
    } else if file.contains("/lib/python") || file.starts_with('<') || file.starts_with("node:") {
        Role::Runtime
    } else {
        Role::Application
    }
}

/// HotSpot writes `int java.lang.String.hashCode()`, agents write `Ljava/lang/String;::hashCode`.
fn is_of_jdk(function: &str) -> bool {
    let name = function.split('(').next().unwrap_or(function);
    let name = name.rsplit(' ').next().unwrap_or(name);
    let mut parts = name.split(['.', '/']);
    let first = parts.next().unwrap_or(name);
    let first = match first.strip_prefix('L') {
        Some(first) if name.contains(';') => first,
        _ => first,
    };
    JDK.contains(&first) && parts.next().is_some()
}
