//! What a program runs on.

/// The runtime of a process, as it was recognised from the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// Which one.
    pub name: RuntimeName,
    /// Its version, as it writes it itself, without what a distribution appends; of Rust that of the
    /// compiler. A program can lie about it, but it is always letters, digits and dots.
    pub version: Option<String>,
    /// The C library; `None` where there is none, or none is known.
    pub libc: Option<Libc>,
    /// How it is known.
    pub evidence: RuntimeEvidence,
}

macro_rules! names {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$doc])* $variant,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in reports, which stays.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

names! {
    /// Language runtimes, and servers that move bytes in ways of their own.
    RuntimeName {
        /// Go
        Go = "go",
        /// A Java virtual machine with HotSpot's interface.
        Jvm = "jvm",
        /// Node.js
        Node = "node",
        /// `CPython`
        Cpython = "cpython",
        /// Ruby
        Ruby = "ruby",
        /// PHP
        Php = "php",
        /// .NET with `CoreCLR`
        Dotnet = "dotnet",
        /// nginx, and servers that are made of it
        Nginx = "nginx",
        /// `HAProxy`
        Haproxy = "haproxy",
        /// Apache HTTP Server
        Apache = "apache",
        /// lighttpd
        Lighttpd = "lighttpd",
        /// Envoy
        Envoy = "envoy",
        /// Rust
        Rust = "rust",
        /// Native code that no sign of another language is in.
        C = "c",
        /// Native code with the runtime of C++.
        Cpp = "c++",
    }
}

names! {
    /// C libraries.
    Libc {
        /// GNU
        Glibc = "glibc",
        /// musl
        Musl = "musl",
    }
}

names! {
    /// How a runtime is known.
    RuntimeEvidence {
        /// The build information that Go writes into each program.
        BuildInfo = "build_info",
        /// A symbol that the program exports.
        Symbol = "symbol",
        /// A string constant of the program.
        Constant = "constant",
        /// A library that the process has mapped.
        MappedLibrary = "mapped_library",
        /// A library that the program asks for.
        NeededLibrary = "needed_library",
        /// What compilers note in the program.
        CompilerNote = "compiler_note",
    }
}
