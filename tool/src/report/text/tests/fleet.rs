//! Many machines as one, for people and for programs.

use std::time::Duration;

use expect_test::{Expect, expect};

use crate::analysis::MatchBy;
use crate::analysis::catalog::Catalog;
use crate::analysis::fixture::{flow, profile, snapshot};
use crate::analysis::fleet::merge;
use crate::fuzzing::reports::audited;
use crate::model::EndpointKind::{File, None as NoEnd, Tcp};
use crate::model::{Audit, Call, Class, Estimate, Profile};
use crate::report::escape::width;
use crate::report::fixture::schema::assert_valid;
use crate::report::text::write_fleet;
use crate::report::{Recorded, csv, json};

const MIB: u64 = 1 << 20;

/// A machine with a server in Go that loses so much, and an nginx that does so on one only.
fn host(name: &str, lost: u64, seconds: u64) -> (Audit, Profile) {
    let wrapper = profile::go_wrapper(Estimate {
        value: (lost * MIB) as f64,
        variance: 1e12,
    });
    let (go, nginx) = (wrapper.process.pid, 4711);
    let mut snapshot = snapshot()
        .named(go, "filesrv", &["filesrv"])
        .named(nginx, "nginx", &["nginx"])
        .with([
            flow(
                go,
                Call::Write,
                (File, Tcp),
                Class::SameBuffer,
                lost * MIB,
                100,
            ),
            flow(
                nginx,
                Call::Sendfile,
                (File, Tcp),
                Class::ZeroCopy,
                100 * MIB,
                9,
            ),
            flow(nginx, Call::Writev, (NoEnd, Tcp), Class::Generated, 243, 1),
        ]);
    if name == "web3" {
        let lost = flow(
            nginx,
            Call::Writev,
            (File, Tcp),
            Class::SameBuffer,
            40 * MIB,
            9,
        );
        snapshot = snapshot.with([lost]);
    }
    snapshot.host.hostname = name.into();
    snapshot.window.duration = Duration::from_secs(seconds);
    // Each has booted at a time of its own.
    let number = name.bytes().map(u64::from).sum::<u64>();
    snapshot.window.start += Duration::from_secs(number);
    snapshot.profile.call_sites = vec![wrapper];
    audited(snapshot, Catalog::builtin())
}

fn machines() -> Vec<(Audit, Profile)> {
    let mut hosts = vec![
        host("web1", 300, 10),
        host("web2\u{1b}[31m", 100, 20),
        host("web3", 1, 10),
        host("", 2, 10),
    ];
    hosts[1].0.loss.relay_evictions = 7;
    hosts[2].0.loss.uring_unseen = None;
    hosts[2].0.is_incomplete = true;
    // The same again, of the first half.
    let mut again = host("web1", 120, 4);
    again.0.processes.pop();
    hosts.push(again);
    hosts
}

fn with_recordings<T>(
    machines: &[(Audit, Profile)],
    make: impl FnOnce(&[&Audit], &[Recorded<'_>]) -> T,
) -> T {
    let files = ["a.ctx", "b\u{1b}.ctx", "c.ctx", "d.ctx", "a2.ctx"];
    let recordings: Vec<Recorded<'_>> = machines
        .iter()
        .zip(files)
        .map(|((audit, profile), file)| Recorded {
            file,
            audit,
            profile,
            damage: (file == "d.ctx").then_some("d.ctx is damaged: its checksum is another"),
        })
        .collect();
    let audits: Vec<&Audit> = machines.iter().map(|(audit, _)| audit).collect();
    make(&audits, &recordings)
}

fn text(machines: &[(Audit, Profile)], columns: usize, expected: &Expect) {
    let mut out = Vec::new();
    with_recordings(machines, |audits, recordings| {
        let fleet = merge(audits, MatchBy::Exe);
        write_fleet(&mut out, &fleet, recordings, (columns, false), 20)
    })
    .expect("a vector takes everything");
    let text = String::from_utf8(out).expect("text");
    for line in text.lines() {
        assert!(width(line) <= columns, "{line:?} is too wide");
        assert!(!line.contains('\u{1b}'), "{line:?} steers the terminal");
        assert_eq!(line.trim_end(), line);
    }
    expected.assert_eq(&text);
}

#[test]
fn machines_that_lose_bytes() {
    text(
        &machines(),
        80,
        &expect![[r#"
            2 services on 4 of 4 hosts lost 443.0 MiB to copies that the kernel could have
            spared. /usr/bin/filesrv pays most: 403.0 MiB on 4 hosts, 91.0% of it. 1 fix
            recovers 91.0% of what was lost. All processes together: hit rate 47.4%.

            SERVICE           HOSTS     EGRESS       LOST      LOST/S  HIT RATE   SHARE
            /usr/bin/filesrv      4  403.0 MiB  403.0 MiB  35.3 MiB/s      0.0%   91.0%
            /usr/bin/nginx        4  440.0 MiB   40.0 MiB   4.0 MiB/s     90.9%    9.0%
            all 2                 4  843.0 MiB  443.0 MiB  39.3 MiB/s     47.4%  100.0%

            findings
            1. fixable: Go: a reader around the file hides it from sendfile
               403.0 MiB on 4 hosts, 4 processes of /usr/bin/filesrv: file -> tcp
               in main.justReader.Read, /home/ada/filesrv/main.go:18
               fix: Hand the *os.File itself to io.Copy; bound it by io.LimitReader or
                 io.CopyN, not by io.SectionReader, and count what io.Copy returns.
               more: copytax explain G1
            2. cause unknown: file to tcp through read and write
               40.0 MiB on 1 host, 1 process of /usr/bin/nginx: file -> tcp
               kernel path: sendfile

            service: processes of one executable; --by has others
            egress: all bytes that were written
            lost: read, then written unmodified, though the kernel has a path
            lost/s: of each host by its own recorded time, added up
            hit rate: zero-copy / (zero-copy + lost)
            share: of all that was lost

            loss: relay_evictions 7 (reads forgotten for want of room: lost bytes may show
              as generated)
            loss: uring_unseen cannot be known in 1 of 5 recordings
            overlap: a2.ctx and a.ctx have a time in common: 1 process that both have counts
              from a.ctx alone; 120.0 MiB of a2.ctx is left out
            damaged: d.ctx is damaged: its checksum is another; this is what is left of it,
              in which numbers may be wrong
            incomplete: 1 recording was cut short, or still being recorded: c.ctx
            1 host has no name, as in redacted recordings: such recordings are of one host
              where they have a process in common
            recordings: 5 of 4 hosts, 10 s to 20 s each, from 2026-11-21T07:30:00.250Z to
              2026-11-21T07:41:55.250Z
        "#]],
    );
}

#[test]
fn on_a_narrow_terminal() {
    text(
        &machines()[..2],
        40,
        &expect![[r#"
            /usr/bin/filesrv on 2 of 2 hosts lost
            400.0 MiB to copies that the kernel
            could have spared. 1 fix recovers 100.0%
            of what was lost. All processes
            together: hit rate 33.3%.

            SERVICE       HOSTS       LOST  HIT RATE
            /usr/b…lesrv      2  400.0 MiB      0.0%
            /usr/b…nginx      2          -    100.0%
            all 2             2  400.0 MiB     33.3%

            findings
            1. fixable: Go: a reader around the file
               hides it from sendfile
               400.0 MiB on 2 hosts, 2 processes of
                 /usr/bin/filesrv: file -> tcp
               in main.justReader.Read,
                 /home/ada/filesrv/main.go:18
               fix: Hand the *os.File itself to
                 io.Copy; bound it by io.LimitReader
                 or io.CopyN, not by
                 io.SectionReader, and count what
                 io.Copy returns.
               more: copytax explain G1

            service: processes of one executable;
              --by has others
            egress: all bytes that were written
            lost: read, then written unmodified,
              though the kernel has a path
            lost/s: of each host by its own recorded
              time, added up
            hit rate: zero-copy / (zero-copy + lost)
            share: of all that was lost

            loss: relay_evictions 7 (reads forgotten
              for want of room: lost bytes may show
              as generated)
            recordings: 2 of 2 hosts, 10 s to 20 s
              each, from 2026-11-21T07:36:07.250Z to
              2026-11-21T07:41:55.250Z
        "#]],
    );
}

#[test]
fn machines_that_lose_nothing() {
    let mut healthy = host("web1", 1, 10);
    healthy.0.processes.remove(0);
    healthy.0.findings.clear();
    text(
        &[healthy],
        80,
        &expect![[r#"
        Nothing was lost on 1 host to copies that the kernel could have spared: hit rate
        100.0%.

        SERVICE         HOSTS     EGRESS  LOST  LOST/S  HIT RATE  SHARE
        /usr/bin/nginx      1  100.0 MiB     -       -    100.0%      -

        service: processes of one executable; --by has others
        egress: all bytes that were written
        lost: read, then written unmodified, though the kernel has a path
        lost/s: of each host by its own recorded time, added up
        hit rate: zero-copy / (zero-copy + lost)
        share: of all that was lost

        loss: none
        recordings: 1 of 1 host, 10 s, from 2026-11-21T07:36:07.250Z to
          2026-11-21T07:36:17.250Z
    "#]],
    );
}

#[test]
fn services_are_lines_of_csv() {
    let machines = machines();
    let mut out = Vec::new();
    with_recordings(&machines, |audits, _| {
        csv::write_fleet(&mut out, &merge(audits, MatchBy::Exe))
    })
    .expect("memory");
    expect![[r#"
        service,hosts,processes,egress,lost,lost_per_second,hit_rate,share,zero_copy,staged,bounced,mapped,transformed,generated,unknown,kernel_copied
        "/usr/bin/filesrv",4,4,422576128,422576128,37014732.800000004,0,0.909706546275395,0,0,422576128,0,0,0,0,0
        "/usr/bin/nginx",4,4,461374412,41943040,4194304,0.9090909090909091,0.09029345372460497,419430400,0,41943040,0,0,972,0,0
    "#]].assert_eq(&String::from_utf8(out).expect("text").replace('\r', ""));
}

#[test]
fn the_document_is_as_its_schema_says() {
    let machines = machines();
    for by in MatchBy::ALL {
        let mut out = Vec::new();
        with_recordings(&machines, |audits, recordings| {
            json::write_fleet(&mut out, &merge(audits, *by), recordings)
        })
        .expect("memory");
        assert!(!out.contains(&0x1b), "nothing steers a terminal");
        let document: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        let schema = include_str!("../../../../../docs/merge.schema.json");
        assert_valid(schema, &document);
    }
}
