//! Programs that this test makes; those of the machine are in `tests/runtimes`.

use std::io::Write as _;
use std::path::PathBuf;

use super::*;
use crate::model::Libc;

fn own() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

#[test]
fn this_process() {
    let mut runtimes = Runtimes::default();
    let runtime = runtimes
        .of_process(std::process::id())
        .expect("it is known");
    assert_eq!(runtime.name, RuntimeName::Rust);
    assert_eq!(runtime.evidence, RuntimeEvidence::CompilerNote);
    assert!(
        runtime
            .version
            .is_some_and(|version| version.starts_with("1."))
    );
    assert_eq!(runtime.libc, Some(Libc::Glibc));
    assert_eq!(runtimes.known.len(), 1);
    assert!(runtimes.of_process(std::process::id()).is_some());
    assert_eq!(runtimes.known.len(), 1);
}

#[test]
fn a_program_that_was_there_all_the_time() {
    let mut runtimes = Runtimes::default();
    let found = runtimes.of_program(&own(), SystemTime::now());
    assert_eq!(found.map(|runtime| runtime.name), Some(RuntimeName::Rust));
}

#[test]
fn a_program_that_was_replaced() {
    let mut runtimes = Runtimes::default();
    assert_eq!(runtimes.of_program(&own(), SystemTime::UNIX_EPOCH), None);
    // Also where it is known from a living process by now.
    assert!(runtimes.of_process(std::process::id()).is_some());
    assert_eq!(runtimes.of_program(&own(), SystemTime::UNIX_EPOCH), None);
}

#[test]
fn a_link_to_a_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("link");
    let before = SystemTime::now();
    std::os::unix::fs::symlink(own(), &link).expect("a link");
    let mut runtimes = Runtimes::default();
    assert!(
        runtimes
            .of_program(&link, SystemTime::now() + Duration::from_secs(1))
            .is_some()
    );
    // It may have led to another program then.
    let before = before - Duration::from_secs(1);
    assert_eq!(runtimes.of_program(&link, before), None);
}

#[test]
fn no_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut runtimes = Runtimes::default();
    let mut of = |path: &Path| runtimes.of_program(path, SystemTime::now());
    let mut text = File::create(path("text")).expect("a file");
    text.write_all(b"#!/usr/bin/python3\n")
        .expect("it can be written");
    text.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    assert_eq!(of(&path("text")), None);
    assert_eq!(of(&path("nothing")), None);
    assert_eq!(of(folder.path()), None);
    assert_eq!(of(Path::new("/dev/zero")), None);
    assert_eq!(of(Path::new("text")), None);
    // Opening it to read would wait for a writer.
    rustix::fs::mkfifoat(CWD, path("fifo"), Mode::RWXU).expect("a pipe");
    assert_eq!(of(&path("fifo")), None);
    assert_eq!(runtimes.of_process(0), None);
    assert_eq!(runtimes.of_process(u32::MAX), None);
}

#[test]
fn a_hole_of_a_terabyte_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large");
    let mut bytes = std::fs::read(own()).expect("this program");
    // The size of the first segment that is mapped, and of all sections.
    bytes.truncate(4096);
    bytes[40..48].copy_from_slice(&(1_u64 << 39).to_le_bytes());
    let mut file = File::create(&path).expect("a file");
    file.write_all(&bytes).expect("it can be written");
    file.set_len(1 << 40).expect("a hole");
    let before = std::time::Instant::now();
    Runtimes::default().of_program(&path, SystemTime::now());
    assert!(before.elapsed() < Duration::from_secs(20));
}
