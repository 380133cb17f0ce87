//! Files that are what they should be in part only.

use std::io::{Seek as _, Write as _};

use proptest::prelude::{any, prop, proptest};

use super::*;

/// A file that holds `bytes`.
fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("it can be written");
    file.rewind().expect("it is a file");
    file
}

/// The header of a file with nothing in it.
fn header() -> Vec<u8> {
    let mut header = vec![0; size_of::<FileHeader64<LittleEndian>>()];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    header
}

/// A file that has `bytes` directly after its header, and where that is.
pub(in crate::host::runtime) fn with_bytes_after_header(bytes: &[u8]) -> (Elf, u64) {
    let header = header();
    let elf = Elf::read(file(&[&header, bytes].concat())).expect("it has a header");
    (elf, header.len() as u64)
}

/// Everything that can be asked of a file.
fn ask(elf: &Elf) {
    elf.interpreter();
    elf.has_abi_note();
    elf.section(b".comment");
    elf.constants();
    elf.variables();
    elf.exported("main");
    elf.needed().for_each(drop);
}

fn own() -> Vec<u8> {
    std::fs::read("/proc/self/exe").expect("this program")
}

#[test]
fn no_elf() {
    let mut other_order = header();
    other_order[5] = 2;
    let mut narrow = header();
    narrow[4] = 1;
    for bytes in [
        b"".as_slice(),
        b"#!/bin/sh\n",
        b"\x7fELF",
        &other_order,
        &narrow,
    ] {
        assert!(Elf::read(file(bytes)).is_none(), "{bytes:?}");
    }
}

#[test]
fn a_directory_is_none() {
    assert!(Elf::read(File::open("/").expect("there is a root")).is_none());
}

#[test]
fn this_program() {
    let elf = Elf::read(File::open("/proc/self/exe").expect("this program")).expect("an ELF file");
    assert!(elf.section(b".comment").is_some());
    assert_eq!(elf.section(b".nothing"), None);
    assert!(elf.needed().any(|library| library == b"libc.so.6"));
    assert!(
        elf.interpreter()
            .is_some_and(|path| path.starts_with(b"/lib"))
    );
    assert!(elf.exported("no_such_symbol").is_none());
    let maps = std::fs::read_to_string("/proc/self/maps").expect("mappings");
    let libc = maps.lines().find(|line| line.ends_with("/libc.so.6"));
    let libc = libc
        .and_then(|line| line.split(' ').next_back())
        .expect("it is mapped");
    let libc = Elf::read(File::open(libc).expect("a file")).expect("an ELF file");
    let symbol = libc
        .exported("program_invocation_name")
        .expect("it is exported");
    assert_eq!(symbol.size, 8);
    assert!(libc.exported("gnu_get_libc_version").is_some());
}

#[test]
fn a_file_that_is_cut_off() {
    let whole = own();
    for length in [64, 65, 200, 1000, 5000, whole.len() / 2, whole.len() - 100] {
        ask(&Elf::read(file(&whole[..length])).expect("it has a header"));
    }
}

proptest! {
    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let (elf, _) = with_bytes_after_header(&bytes);
        ask(&elf);
        if let Some(elf) = Elf::read(file(&bytes)) {
            ask(&elf);
        }
    }

    /// Headers of a real program, each with a few bytes that are not its own.
    #[test]
    fn wrong_bytes_do_not_panic(
        changes in prop::collection::vec((0..16_384_usize, any::<u8>()), 1..32),
    ) {
        static OWN: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            // Its beginning has the program headers, names and symbols.
            let mut bytes = own();
            bytes.truncate(1 << 20);
            bytes
        });
        let mut bytes = OWN.clone();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        if let Some(elf) = Elf::read(file(&bytes)) {
            ask(&elf);
        }
    }

    #[test]
    fn random_notes_do_not_panic(
        notes in prop::collection::vec(any::<u8>(), 0..256),
        align in any::<u64>(),
    ) {
        has_abi_note(&notes, align);
    }
}
