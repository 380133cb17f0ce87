//! Files that are not what a compiler made: they name something else or nothing, and that is all.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use copytax::stack::symbols::Symbolizer;
use object::{Object, ObjectSection};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use tempfile::NamedTempFile;

use crate::{go, native};

/// Times that a file is damaged.
const CASES: u32 = 300;
/// Addresses that are asked for each time.
const ADDRESSES: usize = 40;

#[test]
fn go_programs() -> Result<()> {
    for form in [go::NORMAL, go::STRIPPED_PIE] {
        for release in go::RELEASES {
            if let Some(program) = go::built(release, form)? {
                survives(&program)?;
            }
        }
    }
    Ok(())
}

#[test]
fn programs_in_c() -> Result<()> {
    for options in [&[][..], &["-gz=zlib"]] {
        survives(&native::Built::new("inlined.c", options)?.program)?;
    }
    Ok(())
}

#[test]
fn files_that_end_too_soon() -> Result<()> {
    let built = native::Built::new("inlined.c", &[])?;
    let whole = fs::read(&built.program)?;
    let addresses = addresses(&whole)?;
    for length in (0..whole.len()).step_by(97) {
        let part = NamedTempFile::new()?;
        fs::write(&part, &whole[..length])?;
        look_up(part.path(), &addresses)?;
    }
    Ok(())
}

/// Changes some bytes of a copy of a program, looks up some addresses, and changes them back.
fn survives(program: &Path) -> Result<()> {
    let whole = fs::read(program)?;
    let addresses = addresses(&whole)?;
    let copy = NamedTempFile::new()?;
    fs::write(&copy, &whole)?;
    let file = OpenOptions::new().write(true).open(copy.path())?;
    let change = |damage: &[(usize, u8)], original: bool| {
        for (at, byte) in damage {
            let byte = if original { whole[*at] } else { *byte };
            file.write_all_at(&[byte], *at as u64)
                .expect("it is writable");
        }
    };
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        // The file that failures are kept in is beside the library's own.
        failure_persistence: None,
        ..Config::default()
    });
    let damages = vec((position(&whole)?, byte()), 1..24);
    runner.run(&damages, |damage| {
        change(&damage, false);
        let found = look_up(copy.path(), &addresses);
        change(&damage, true);
        found.expect("a file that can be opened");
        Ok(())
    })?;
    Ok(())
}

/// Places to damage: headers and tables rather than code.
fn position(whole: &[u8]) -> Result<impl Strategy<Value = usize> + use<>> {
    let object = object::File::parse(whole)?;
    let tables: Vec<_> = object
        .sections()
        .filter(|section| section.kind() != object::SectionKind::Text)
        .filter_map(|section| section.file_range())
        .filter(|(_, size)| *size != 0)
        .collect();
    ensure!(!tables.is_empty(), "no tables");
    let in_table = proptest::sample::select(tables).prop_flat_map(|(start, size)| {
        let (start, end) = (start as usize, (start + size) as usize);
        // The heads of tables are the most delicate.
        prop_oneof![start..end, start..end.min(start + 96)]
    });
    let at_end = whole.len() - 4096..whole.len();
    Ok(prop_oneof![3 => in_table, 1 => 0..4096_usize, 1 => at_end])
}

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x7f), Just(0x80)]
}

fn addresses(whole: &[u8]) -> Result<Vec<u64>> {
    let object = object::File::parse(whole)?;
    let text = object.section_by_name(".text").context("no text")?;
    let step = text.size() as usize / ADDRESSES;
    let some = (text.address()..text.address() + text.size()).step_by(step);
    Ok(some.chain([0, u64::MAX, 1 << 63]).collect())
}

fn look_up(program: &Path, addresses: &[u64]) -> Result<()> {
    let mut symbolizer = Symbolizer::with_debug_directories(Vec::new());
    let module = symbolizer.module(&Arc::new(File::open(program)?), "/damaged", None);
    for address in addresses {
        for frame in symbolizer.frames(module, *address).iter() {
            assert_eq!(frame.address, *address);
        }
    }
    Ok(())
}
