//! What compilers and linkers say about their versions.

use std::fmt;

/// A release number, compared part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: u32,
    pub(super) patch: u32,
}

impl Version {
    pub(super) const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads `1.97.0-nightly`, `22.1.8` or `22.1`; what follows the numbers is dropped.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let numbers = text.trim().split(|c: char| c != '.' && !c.is_ascii_digit());
        // A full stop may end the numbers, as in `17.so.1`.
        let mut parts = numbers.into_iter().next()?.trim_end_matches('.').split('.');
        let major = parts.next()?.parse().ok()?;
        let mut next = || parts.next().map_or(Some(0), |part| part.parse().ok());
        Some(Self::new(major, next()?, next()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A compiler's release and the release of its LLVM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compiler {
    pub(super) release: Version,
    pub(super) llvm: Version,
}

impl Compiler {
    /// Reads the output of `rustc -vV`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(Version::parse)
        };
        Some(Self {
            release: field("release: ")?,
            llvm: field("LLVM version: ")?,
        })
    }
}

/// The LLVM that a program links dynamically, from the output of `ldd`; `None` if it links none,
/// or carries its own inside.
pub(super) fn linked_llvm(ldd: &str) -> Option<Version> {
    ldd.lines().find_map(|line| {
        let library = line.trim().strip_prefix("libLLVM")?;
        // libLLVM.so.22.1 since release 18, libLLVM-17.so.1 before.
        Version::parse(library.strip_prefix(".so.").or(library.strip_prefix('-'))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let parse = |text| Version::parse(text).expect(text);
        assert!(parse("1.100.0") > parse("1.97.0-nightly"));
        assert!(parse("22.1.8") > parse("22.1"));
        assert_eq!(parse("22"), Version::new(22, 0, 0));
        assert_eq!(parse("0.13.0\n").to_string(), "0.13.0");
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in ["", ".", "nightly", ".1", "1..2", "99999999999.0"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_compiler_says_its_release_and_llvm() {
        let nightly = "rustc 1.97.0-nightly (e50aa6fba 2026-05-19)\nbinary: rustc\n\
                       host: x86_64-unknown-linux-gnu\nrelease: 1.97.0-nightly\n\
                       LLVM version: 22.1.4\n";
        assert_eq!(
            Compiler::parse(nightly),
            Some(Compiler {
                release: Version::new(1, 97, 0),
                llvm: Version::new(22, 1, 4),
            })
        );
        assert_eq!(Compiler::parse("release: 1.97.0\n"), None);
    }

    #[test]
    fn the_linked_llvm_is_found() {
        let ldd = |library: &str| format!("\tlinux-vdso.so.1 (0x1)\n\t{library} => /lib/x (0x2)\n");
        assert_eq!(
            linked_llvm(&ldd("libLLVM.so.22.1")),
            Some(Version::new(22, 1, 0))
        );
        assert_eq!(
            linked_llvm(&ldd("libLLVM-17.so.1")),
            Some(Version::new(17, 0, 0))
        );
        assert_eq!(linked_llvm(&ldd("libc.so.6")), None);
        assert_eq!(linked_llvm("\tstatically linked\n"), None);
    }
}
