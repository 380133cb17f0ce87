//! Goldens. `UPDATE_EXPECT=1 cargo test -p copytax` writes them anew.

mod comparison;
mod findings;
mod fleet;
mod headline;

use std::collections::BTreeMap;

use expect_test::{Expect, expect, expect_file};
use proptest::prelude::{any, prop, proptest};
use proptest::prop_assert;

use super::{TextOptions, write};
use crate::analysis::fixture::flow;
use crate::analysis::{self, audit};
use crate::model::EndpointKind::{File, None as NoEnd, Pipe, Tcp, UnixDatagram};
use crate::model::{Audit, Call, Class, Profile, Snapshot};
use crate::report::escape::{is_unsafe, width};
use crate::report::{SortKey, fixture};

const OPTIONS: TextOptions = TextOptions {
    width: 80,
    color: false,
    top: 8,
    sort: SortKey::Lost,
};

fn text(audit: &Audit, options: &TextOptions) -> String {
    with_profile(audit, None, options)
}

fn with_profile(audit: &Audit, profile: Option<&Profile>, options: &TextOptions) -> String {
    let mut out = Vec::new();
    write(&mut out, audit, profile, options).expect("a vector takes everything");
    let text = String::from_utf8(out).expect("the report is UTF-8");
    if !options.color {
        for line in text.lines() {
            assert!(width(line) <= options.width, "{line:?} is too wide");
            assert!(!line.chars().any(is_unsafe), "{line:?} steers the terminal");
            assert_eq!(line.trim_end(), line);
        }
    }
    text
}

fn check(audit: &Audit, options: &TextOptions, expected: &Expect) {
    expected.assert_eq(&text(audit, options));
}

fn narrow() -> TextOptions {
    TextOptions {
        width: 40,
        ..OPTIONS
    }
}

#[test]
fn one_process_off_the_fast_path() {
    check(
        &fixture::nginx_off(),
        &OPTIONS,
        &expect![[r#"
            nginx (4711) sent 512.0 MiB through read and write that the kernel could have
            moved: hit rate 0.0%.

             PID  COMMAND  HIT RATE  ZERO-COPY       LOST  TRANSFORMED  GENERATED
            4711  nginx        0.0%          -  512.0 MiB            -      243 B

            nginx (4711)  nginx: worker process
              lost       512.0 MiB  file -> tcp     read+write, same buffer (16,384 calls)
                                    kernel path: sendfile
              generated      243 B  process -> tcp  write, not read before (1 call)

            hit rate: zero-copy / (zero-copy + lost)
            lost: read, then written unmodified, though the kernel has a path
            transformed: changed between read and write
            generated: made by the process, not read before

            loss: none
            window: 10 s from 2026-11-21T07:30:00.250Z, engine raw
            host: web1, Linux 6.12.57+deb13-amd64 x86_64, 8 CPUs
        "#]],
    );
}

#[test]
fn one_process_on_the_fast_path() {
    check(
        &fixture::nginx_on(),
        &OPTIONS,
        &expect![[r#"
            nginx (4711) is on the fast path. All 512.0 MiB that the kernel could move went
            by zero-copy calls: hit rate 100.0%.

             PID  COMMAND  HIT RATE  ZERO-COPY  LOST  TRANSFORMED  GENERATED
            4711  nginx      100.0%  512.0 MiB     -            -      334 B

            nginx (4711)  nginx: worker process
              zero-copy  512.0 MiB  file -> tcp      sendfile (260 calls)
              generated      243 B  process -> tcp   write, not read before (1 call)
              generated       91 B  process -> file  write, not read before (1 call)
              sendfile file -> tcp failed: EAGAIN x259 (not ready: normal)

            hit rate: zero-copy / (zero-copy + lost)
            lost: read, then written unmodified, though the kernel has a path
            transformed: changed between read and write
            generated: made by the process, not read before

            loss: none
            window: 10 s from 2026-11-21T07:30:00.250Z, engine raw
            host: web1, Linux 6.12.57+deb13-amd64 x86_64, 8 CPUs
        "#]],
    );
}

#[test]
fn a_machine() {
    expect_file!["../golden/machine-80.txt"].assert_eq(&text(&fixture::machine(), &OPTIONS));
}

#[test]
fn a_machine_on_a_narrow_terminal() {
    expect_file!["../golden/machine-40.txt"].assert_eq(&text(&fixture::machine(), &narrow()));
}

#[test]
fn every_way() {
    expect_file!["../golden/ways-80.txt"].assert_eq(&text(&fixture::ways(), &OPTIONS));
}

#[test]
fn every_way_on_a_narrow_terminal() {
    expect_file!["../golden/ways-40.txt"].assert_eq(&text(&fixture::ways(), &narrow()));
}

#[test]
fn bytes_that_were_encrypted_or_compressed() {
    let snapshot = analysis::fixture::snapshot().named(23, "httpd", &[]).with([
        flow(23, Call::Read, (File, NoEnd), Class::Ingest, 50 << 20, 800),
        flow(
            23,
            Call::Write,
            (NoEnd, Tcp),
            Class::TlsRecord,
            10 << 20,
            640,
        ),
        flow(
            23,
            Call::Writev,
            (NoEnd, Tcp),
            Class::Generated,
            9 << 20,
            700,
        ),
    ]);
    let text = text(&audit(snapshot), &OPTIONS);
    expect![[r#"
        httpd (23)  /usr/bin/httpd
          transformed   10.0 MiB  process -> tcp  write, TLS records (640 calls)
          generated      9.0 MiB  process -> tcp  write, not read before (700 calls)
          compression-like: 40.0 MiB read from files, 9.0 MiB made and sent to sockets"#]]
    .assert_eq(text.split("\n\n").nth(2).unwrap_or(""));
}

#[test]
fn hostile_names_and_every_loss() {
    expect_file!["../golden/hostile-80.txt"].assert_eq(&text(&fixture::hostile(), &OPTIONS));
}

#[test]
fn hostile_names_on_a_narrow_terminal() {
    expect_file!["../golden/hostile-40.txt"].assert_eq(&text(&fixture::hostile(), &narrow()));
}

#[test]
fn colour_marks_lost_and_zero_copy_bytes() {
    let options = TextOptions {
        color: true,
        top: 2,
        ..OPTIONS
    };
    let colored = text(&fixture::machine(), &options).replace('\x1b', "^");
    expect_file!["../golden/machine-color.txt"].assert_eq(&colored);

    let plain = TextOptions {
        color: false,
        ..options
    };
    let mut stripped = colored;
    for code in ["^[0m", "^[1m", "^[31m", "^[32m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, text(&fixture::machine(), &plain));
}

#[test]
fn lost_bytes_have_a_culprit() {
    let profile = fixture::profile::machine().profile;
    for (options, expected) in [
        (OPTIONS, expect_file!["../golden/call-sites-80.txt"]),
        (narrow(), expect_file!["../golden/call-sites-40.txt"]),
    ] {
        let text = with_profile(&fixture::machine(), Some(&profile), &options);
        expected.assert_eq(&text);
    }
    let hostile = fixture::profile::hostile().profile;
    with_profile(&fixture::hostile(), Some(&hostile), &narrow());
}

#[test]
fn bytes_without_a_kernel_path() {
    let snapshot = analysis::fixture::snapshot().named(9, "logger", &[]).with([
        flow(
            9,
            Call::Write,
            (File, UnixDatagram),
            Class::SameBuffer,
            5000,
            5,
        ),
        flow(9, Call::Splice, (File, Pipe), Class::Staged, 4000, 4),
        flow(9, Call::Write, (File, Tcp), Class::Unknown, 3000, 3),
        flow(9, Call::Write, (File, Tcp), Class::SameSize, 2000, 2),
        flow(9, Call::Write, (NoEnd, Tcp), Class::Generated, 1000, 1),
        flow(9, Call::Write, (NoEnd, Pipe), Class::Generated, 100, 1),
    ]);
    check(
        &audit(snapshot),
        &OPTIONS,
        &expect![[r#"
            The kernel could have moved none of the 10.8 KiB written, as far as they could
            be looked at: there is no hit rate.

            PID  COMMAND  HIT RATE  ZERO-COPY  LOST  TRANSFORMED  GENERATED
              9  logger          -          -     -      2.0 KiB    1.1 KiB

            logger (9)  /usr/bin/logger
              bounced        4.9 KiB  file -> unix_datagram
                                      read+write, same buffer (5 calls)
                                      no kernel path: message boundaries
              staged         3.9 KiB  file -> pipe           splice (4 calls)
                                      counts on delivery
              unknown        2.9 KiB  file -> tcp            write, not looked at (3 calls)
              transformed    2.0 KiB  file -> tcp            read+write, changed (2 calls)
              and 2 smaller flows (1.1 KiB)

            hit rate: zero-copy / (zero-copy + lost)
            lost: read, then written unmodified, though the kernel has a path
            transformed: changed between read and write
            generated: made by the process, not read before

            unknown: 2.9 KiB written could not be looked at (in no column above)
            loss: none
            window: 10 s from 2026-11-21T07:30:00.250Z, engine raw
            host: web1, Linux 6.12.57+deb13-amd64 x86_64, 8 CPUs
        "#]],
    );
}

#[test]
fn the_order_is_as_asked_for() {
    let first = |sort| {
        let options = TextOptions {
            sort,
            top: 1,
            ..OPTIONS
        };
        let text = text(&fixture::machine(), &options);
        let row = text.lines().skip_while(|line| !line.contains("PID")).nth(1);
        let command = row.and_then(|row| row.split_whitespace().nth(1));
        command.expect("a row").to_owned()
    };
    let commands: Vec<String> = SortKey::ALL.iter().map(|&sort| first(sort)).collect();
    assert_eq!(
        commands,
        [
            "filesrv", "nginx", "filesrv", "caddy", "caddy", "filesrv", "vector"
        ]
    );
}

proptest! {
    #[test]
    fn no_audit_breaks_a_line(
        snapshot in analysis::properties::snapshots(),
        names in prop::collection::vec(any::<String>(), 0..5),
        exited in any::<bool>(),
        width in 40..120usize,
        top in 0..6usize,
    ) {
        let mut snapshot: Snapshot = snapshot;
        for (pid, name) in (1..).zip(&names) {
            snapshot = snapshot.named(pid, name, &[name]);
        }
        for facts in snapshot.processes.values_mut() {
            facts.exited = exited;
            facts.container_id = Some(facts.comm.clone());
        }
        let options = TextOptions { width, top, ..OPTIONS };
        let audit = fixture::diagnosed(audit(snapshot), &Profile::default(), &BTreeMap::new());
        prop_assert!(text(&audit, &options).ends_with('\n'));
    }
}
