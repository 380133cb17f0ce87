//! Programs of compiled languages.

use std::process::Command;

use anyhow::Result;
use copytax::model::RuntimeEvidence::{self, BuildInfo, CompilerNote, Constant, NeededLibrary};
use copytax::model::RuntimeName::{C, Cpp, Go, Rust};
use copytax::model::{Libc, RuntimeName};

use crate::built::Built;
use crate::recognised;
use crate::support::prerequisites;

/// What is expected: the name, the libc, and how it is known.
type Expected = (RuntimeName, Option<Libc>, RuntimeEvidence);

const GLIBC: Option<Libc> = Some(Libc::Glibc);
const MUSL: Option<Libc> = Some(Libc::Musl);

/// Gives back the first line of the program and the version that it is recognised as.
fn is(built: Result<Built>, expected: Expected) -> Result<Option<(String, Option<String>)>> {
    let Some(built) = prerequisites::or_skip(built)? else {
        return Ok(None);
    };
    let (line, runtime) = recognised(&mut Command::new(built.program()))?;
    let found = (runtime.name, runtime.libc, runtime.evidence);
    assert_eq!(found, expected, "{runtime:?}");
    Ok(Some((line, runtime.version)))
}

#[test]
fn go() -> Result<()> {
    for version in ["1.22.10", "1.27.3"] {
        for options in [&[][..], &["-ldflags=-s -w"]] {
            let built = Built::with_go(version, options);
            is_itself(is(built, (Go, None, BuildInfo))?);
        }
        let built = Built::with_go(version, &[]).and_then(Built::without_sections);
        is_itself(is(built, (Go, None, BuildInfo))?);
    }
    Ok(())
}

/// Of one version only: its library is built for it.
#[test]
fn position_independent_go() -> Result<()> {
    let built = Built::with_go("1.27.3", &["-buildmode=pie", "-ldflags=-s -w"]);
    is_itself(is(built, (Go, None, BuildInfo))?);
    Ok(())
}

fn is_itself(found: Option<(String, Option<String>)>) {
    if let Some((line, version)) = found {
        assert_eq!(version, Some(line));
    }
}

#[test]
fn rust() -> Result<()> {
    for options in [&[][..], &["-Cstrip=symbols"], &["-Cdebuginfo=2"]] {
        let built = Built::with("rustc", "hello.rs", options);
        let found = is(built, (Rust, GLIBC, CompilerNote))?;
        assert!(found.is_none_or(|(_, version)| version.is_some()));
    }
    let built = Built::with("rustc", "hello.rs", &[]).and_then(Built::without_sections);
    is(built, (Rust, GLIBC, Constant)).map(drop)
}

#[test]
fn c() -> Result<()> {
    for options in [&[][..], &["-s"], &["-static"], &["-static-pie", "-s"]] {
        is(
            Built::with("cc", "hello.c", options),
            (C, GLIBC, CompilerNote),
        )?;
    }
    Ok(())
}

#[test]
fn c_with_musl() -> Result<()> {
    for options in [&[][..], &["-static"], &["-static", "-s"]] {
        let built = Built::with("musl-gcc", "hello.c", options);
        is(built, (C, MUSL, CompilerNote))?;
    }
    Ok(())
}

#[test]
fn cpp() -> Result<()> {
    let built = |options: &[&str]| Built::with("c++", "hello.cc", options);
    is(built(&[]), (Cpp, GLIBC, NeededLibrary))?;
    is(built(&["-static", "-s"]), (Cpp, GLIBC, Constant))?;
    Ok(())
}

/// Without sections nothing tells of a compiler: it is not known, rather than guessed.
#[test]
fn c_without_sections_is_unknown() -> Result<()> {
    let built = Built::with("cc", "hello.c", &[]).and_then(Built::without_sections);
    let Some(built) = prerequisites::or_skip(built)? else {
        return Ok(());
    };
    assert!(recognised(&mut Command::new(built.program())).is_err());
    Ok(())
}
