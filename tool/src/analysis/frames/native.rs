//! Machine code of ELF files, by module, source file and name.

use super::{Role, file_name};

/// Libraries of the languages, by what their file names begin with.
const RUNTIME_LIBRARIES: &[&str] = &[
    "ld-linux",
    "ld-musl",
    "ld.so",
    "libSystem.Native",
    "libc.",
    "libc-",
    "libclrjit",
    "libcoreclr",
    "libdl.",
    "libdl-",
    "libgcc_s",
    "libjava.",
    "libjvm.",
    "libm.",
    "libm-",
    "libmono",
    "libnet.",
    "libnio.",
    "libnode.",
    "libpthread",
    "libpython",
    "librt.",
    "librt-",
    "libruby",
    "libstdc++",
    "libuv.",
    "linux-vdso",
];

/// Interpreters: their own code is the runtime of the program that they run.
const INTERPRETERS: &[&str] = &[
    "bun", "deno", "dotnet", "java", "node", "nodejs", "perl", "php", "pypy", "python", "ruby",
];

/// Where CPython keeps the parts of its standard library that are in C.
const EXTENSIONS: &str = "/lib-dynload/";

/// Namespaces of the standard libraries of C++ and Rust, and of Rust's asynchronous runtimes.
const RUNTIME_NAMESPACES: &[&str] = &[
    "std::",
    "core::",
    "alloc::",
    "__gnu_cxx::",
    "tokio::",
    "mio::",
    "futures_util::",
    "futures_core::",
    "async_std::",
    "async_io::",
    "smol::",
];

/// Crates that are to Rust what a standard library is elsewhere: asynchronous runtimes, and system calls by
/// another name.
const CRATES: &[&str] = &[
    "/tokio-",
    "/mio-",
    "/futures-",
    "/rustix-",
    "/nix-",
    "/libc-",
];

/// Functions that a statically linked program has of libc.
const LIBC: &[&str] = &[
    "_start",
    "clone",
    "clone3",
    "fread",
    "fwrite",
    "pread",
    "pread64",
    "preadv",
    "pwrite",
    "pwrite64",
    "pwritev",
    "read",
    "readv",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "send",
    "sendfile",
    "sendfile64",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "splice",
    "start_thread",
    "syscall",
    "write",
    "writev",
];

pub(super) fn role(function: Option<&str>, file: Option<&str>, module: Option<&str>) -> Role {
    if let Some(role) = file.and_then(by_file) {
        return role;
    }
    let Some(module) = module else {
        return Role::Unknown;
    };
    match module {
        "[vdso]" => return Role::Runtime,
        "[jit]" => return Role::Unknown,
        _ => {}
    }
    let name = file_name(module.trim_end_matches(" (deleted)"));
    if RUNTIME_LIBRARIES
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || is_interpreter(name)
    {
        return Role::Runtime;
    }
    // Inlined functions of Rust have no path in front: `send` is a name as any other.
    let is_rust = file.is_some_and(|file| file.ends_with(".rs"));
    let is_of_runtime = |name| is_of_namespace(name) || !is_rust && is_of_libc(name);
    if module.contains(EXTENSIONS) || function.is_some_and(is_of_runtime) {
        return Role::Runtime;
    }
    if name.ends_with(".so") || name.contains(".so.") {
        return Role::Library;
    }
    Role::Application
}

/// Rust's sources: the standard library keeps `/rustc/HASH/library/`, cargo its registry.
fn by_file(file: &str) -> Option<Role> {
    if file.starts_with("/rustc/") || file.contains("/lib/rustlib/src/") {
        Some(Role::Runtime)
    } else if file.contains("/registry/src/") || file.contains("/git/checkouts/") {
        let is_runtime = CRATES.iter().any(|name| file.contains(name));
        Some(if is_runtime {
            Role::Runtime
        } else {
            Role::Library
        })
    } else {
        None
    }
}

/// With or without a version: `python3.11`, `php-fpm8.2`.
fn is_interpreter(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    INTERPRETERS.contains(&name) || name == "php-fpm" || name == "php-cgi"
}

fn is_of_namespace(function: &str) -> bool {
    // `<std::fs::File as std::io::Read>::read` is of the type, not of the trait.
    let owner = function.trim_start_matches(['<', '&']);
    let owner = owner.strip_prefix("mut ").unwrap_or(owner);
    RUNTIME_NAMESPACES
        .iter()
        .any(|space| owner.starts_with(space))
}

fn is_of_libc(function: &str) -> bool {
    let plain = function.split('@').next().unwrap_or(function);
    plain.starts_with("__libc_")
        || plain.starts_with("__GI_")
        || plain.starts_with("_IO_")
        || LIBC.contains(&plain.trim_start_matches("__"))
}
