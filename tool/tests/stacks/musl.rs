//! The C program with musl, which has no call frame information.

use anyhow::Result;
use copytax::model::StackEnd;

use crate::calls::{Built, stopped_in};
use crate::symbols::Symbols;

#[test]
fn recursion() -> Result<()> {
    let Some(names) = names("recursion", &["-static"])? else {
        return Ok(());
    };
    let stop = names.iter().position(|name| name == "stop").expect("stop");
    let (system_call, callers) = names.split_at(stop);
    assert!(system_call.ends_with(&["pause".to_owned()]), "{names:?}");
    let depth = callers.iter().filter(|name| name.starts_with("recurse"));
    assert!(depth.count() > 10, "{names:?}");
    assert_eq!(names.last().map(String::as_str), Some("_start"));
    Ok(())
}

#[test]
fn thread() -> Result<()> {
    let Some(names) = names("thread", &["-static"])? else {
        return Ok(());
    };
    assert!(
        names.ends_with(&["pause", "stop", "thread", "start", "__clone"].map(str::to_owned)),
        "{names:?}"
    );
    Ok(())
}

#[test]
fn signal_handler() -> Result<()> {
    let Some(names) = names("signal", &["-static"])? else {
        return Ok(());
    };
    let handler = ["pause", "stop", "on_signal", "__restore_rt"].map(str::to_owned);
    assert!(
        names.starts_with(&handler) || names[1..].starts_with(&handler),
        "{names:?}"
    );
    let interrupted = ["raise", "handle", "signal_handler", "main"];
    let after: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(
        after
            .windows(interrupted.len())
            .any(|names| names == interrupted),
        "{names:?}"
    );
    Ok(())
}

/// In the library there are no symbols of functions that it keeps to itself.
#[test]
fn dynamically_linked() -> Result<()> {
    let Some(names) = names("callback", &[])? else {
        return Ok(());
    };
    let expected = ["stop", "compare", "callback", "main", "_start"];
    let own: Vec<_> = names
        .iter()
        .filter(|name| expected.contains(&name.as_str()))
        .collect();
    assert_eq!(own, expected, "{names:?}");
    Ok(())
}

/// The functions of the stack, innermost first; of other files than the program, their paths.
fn names(what: &str, options: &[&str]) -> Result<Option<Vec<String>>> {
    let options = [options, &["-DSILENT"]].concat();
    let Some(program) = Built::by_or_skip("musl-gcc", &options)? else {
        return Ok(None);
    };
    let (_, unwound) = stopped_in(&program, what)?;
    assert_eq!(unwound.end, StackEnd::Entry, "{unwound:#x?}");
    let symbols = Symbols::read(&program.path())?;
    let path = program.path();
    let names = unwound.locations.iter().map(|location| {
        let module = location.module.as_ref().map_or("", |module| module.name());
        if Some(module) == path.to_str() {
            symbols.name(location.instruction()).to_owned()
        } else {
            module.to_owned()
        }
    });
    Ok(Some(names.collect()))
}
