//! Headlines of audits in which little is counted, or the fast path is not all that it seems.

use expect_test::expect;

use super::{OPTIONS, check, narrow, text};
use crate::analysis::fixture::{failure, flow};
use crate::analysis::{self, audit};
use crate::model::EndpointKind::{File, None as NoEnd, Pipe, Tcp};
use crate::model::{Call, Class, Engine, FlowCount, Sharing};
use crate::report::fixture;

#[test]
fn nothing_moved() {
    check(
        &fixture::nothing_moved(),
        &OPTIONS,
        &expect![[r#"
        No bytes were moved in 10 s: 1 process made read or write calls, but nothing was
        written.

        loss: none
        window: 10 s from 2026-11-21T07:30:00.250Z, engine raw
        host: web1, Linux 6.12.57+deb13-amd64 x86_64, 8 CPUs
        command: true (5) exited with status 0
    "#]],
    );
}

#[test]
fn nobody_called() {
    check(
        &audit(analysis::fixture::snapshot()),
        &narrow(),
        &expect![[r#"
            No bytes were moved in 10 s: no watched
            process was seen to make a read or write
            call.

            loss: none
            window: 10 s from
              2026-11-21T07:30:00.250Z, engine raw
            host: web1, Linux 6.12.57+deb13-amd64
              x86_64, 8 CPUs
        "#]],
    );
}

#[test]
fn only_calls_that_are_not_counted() {
    let mut snapshot = analysis::fixture::snapshot();
    snapshot.loss.unsupported_abi_calls = Some(12);
    check(
        &audit(snapshot),
        &OPTIONS,
        &expect![[r#"
            No bytes were counted in 10 s. 12 calls of 32-bit tasks were made, and not
            counted.

            loss: unsupported_abi_calls 12 (calls of 32-bit tasks, not counted)
            window: 10 s from 2026-11-21T07:30:00.250Z, engine raw
            host: web1, Linux 6.12.57+deb13-amd64 x86_64, 8 CPUs
        "#]],
    );
}

#[test]
fn a_process_whose_writes_are_empty_is_not_shown() {
    let empty = |pid| flow(pid, Call::Write, (NoEnd, Pipe), Class::Generated, 0, 1);
    let moved = flow(9, Call::Sendfile, (File, Tcp), Class::ZeroCopy, 4096, 2);
    let snapshot =
        analysis::fixture::snapshot()
            .named(8, "sh", &["sh"])
            .named(9, "server", &["server"]);
    check(
        &audit(snapshot.with([empty(8), moved])),
        &OPTIONS,
        &expect![[r#"
            server (9) is on the fast path. All 4.0 KiB that the kernel could move went by
            zero-copy calls: hit rate 100.0%.

            PID  COMMAND  HIT RATE  ZERO-COPY  LOST  TRANSFORMED  GENERATED
              9  server     100.0%    4.0 KiB     -            -          -

            server (9)  server
              zero-copy    4.0 KiB  file -> tcp  sendfile (2 calls)

            1 more process made calls but wrote nothing.
            hit rate: zero-copy / (zero-copy + lost)
            lost: read, then written unmodified, though the kernel has a path
            transformed: changed between read and write
            generated: made by the process, not read before

            loss: none
            window: 10 s from 2026-11-21T07:30:00.250Z, engine raw
            host: web1, Linux 6.12.57+deb13-amd64 x86_64, 8 CPUs
        "#]],
    );
    let snapshot = analysis::fixture::snapshot().named(8, "sh", &["sh"]);
    let text = text(&audit(snapshot.with([empty(8)])), &OPTIONS);
    expect![[r#"
        No bytes were moved in 10 s: 1 process made read or write calls, but nothing was
        written."#]]
    .assert_eq(text.split("\n\n").next().unwrap_or(""));
}

#[test]
fn the_fast_path_where_the_kernel_copies() {
    let served = |pid, sharing, bytes| FlowCount {
        sharing,
        ..flow(pid, Call::Sendfile, (File, Tcp), Class::ZeroCopy, bytes, 9)
    };
    let copied = |pid, bytes| served(pid, Sharing::DirectIo, bytes);
    let shared = |pid, bytes| served(pid, Sharing::Pages, bytes);
    let mut headlines = String::new();
    for flows in [
        vec![copied(7, 97 << 20), shared(7, 3 << 20)],
        vec![copied(7, 5 << 20)],
        vec![copied(7, 1 << 10), shared(7, 3 << 20)],
        vec![copied(7, 5 << 20), shared(8, 5 << 20)],
    ] {
        let snapshot = analysis::fixture::snapshot()
            .named(7, "httpd", &[])
            .with(flows);
        let text = text(&audit(snapshot), &OPTIONS);
        headlines += text.split("PID").next().unwrap_or("").trim_end();
        headlines += "\n\n";
    }
    expect![[r#"
        httpd (7) is on the fast path, but the kernel copied 97.0 MiB (97.0%) of it. All
        100.0 MiB that the kernel could move went by zero-copy calls: hit rate 100.0%.

        httpd (7) is on the fast path, but the kernel copied all of it. All 5.0 MiB that
        the kernel could move went by zero-copy calls: hit rate 100.0%.

        httpd (7) is on the fast path. All 3.0 MiB that the kernel could move went by
        zero-copy calls: hit rate 100.0%.

        All 10.0 MiB that the kernel could move went by zero-copy calls: hit rate
        100.0%. But the kernel copied 5.0 MiB (50.0%) of that.

    "#]]
    .assert_eq(&headlines);
}

#[test]
fn calls_that_all_failed_and_an_incomplete_count() {
    let mut snapshot = analysis::fixture::snapshot()
        .named(7, "cp", &["cp", "a", "b"])
        .with_errors([
            failure(7, Call::CopyFileRange, (File, File), 18, 1),
            failure(7, Call::Sendfile, (File, File), 4, 2),
        ]);
    snapshot.loss.map_full = 1;
    check(
        &audit(snapshot),
        &OPTIONS,
        &expect![[r#"
            No bytes were counted in 10 s: zero-copy calls were made, but all failed. Not
            all calls were counted: see loss below.

            PID  COMMAND  HIT RATE  ZERO-COPY  LOST  TRANSFORMED  GENERATED
              7  cp              -          -     -            -          -

            cp (7)  cp a b
              sendfile file -> file failed: EINTR x2 (interrupted by a signal)
              copy_file_range file -> file failed: EXDEV x1

            loss: map_full 1 (calls not counted: a kernel map was full)
            window: 10 s from 2026-11-21T07:30:00.250Z, engine raw
            host: web1, Linux 6.12.57+deb13-amd64 x86_64, 8 CPUs
        "#]],
    );
}

#[test]
fn bytes_that_stay_in_pipes() {
    let staged = [flow(7, Call::Splice, (File, Pipe), Class::Staged, 4096, 1)];
    let audit = audit(analysis::fixture::snapshot().with(staged));
    let text = text(&audit, &narrow());
    expect![[r#"
        4.0 KiB went into pipes; no zero-copy
        call delivered them: there is no hit
        rate."#]]
    .assert_eq(text.split("\n\n").next().unwrap_or(""));
}

#[test]
fn an_engine_that_does_not_see_every_call() {
    let mut snapshot = analysis::fixture::snapshot();
    snapshot.engine = Engine::Tracepoint;
    snapshot.loss.unsupported_abi_calls = None;
    let text = text(&audit(snapshot), &OPTIONS);
    expect![[r#"
        No bytes were counted in 10 s: no watched process was seen to make a read or
        write call."#]]
    .assert_eq(text.split("\n\n").next().unwrap_or(""));
}
