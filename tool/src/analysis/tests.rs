//! One test for each rule of the accounting.

use std::collections::BTreeMap;

use super::fixture::{failure, flow, process, snapshot};
use super::{audit, hit_rate};
use crate::model::EndpointKind::{Char, File, Memory, None as NoEnd, Pipe, Tcp, Udp, Unknown};
use crate::model::{
    Audit, ByteClasses, Call, Class, ErrorCount, Failures, Flow, FlowCount, Mechanism,
    ProcessAudit, Sharing, Syscall,
};

/// Failed calls by errno, all of them right at the window's start.
fn failures<const N: usize>(counts: [(u16, u64); N]) -> BTreeMap<u16, Failures> {
    counts
        .map(|(errno, count)| (errno, Failures { count, first_ns: 0 }))
        .into()
}

fn audit_of(flows: &[FlowCount], errors: &[ErrorCount]) -> Audit {
    audit(
        snapshot()
            .with(flows.iter().copied())
            .with_errors(errors.iter().copied()),
    )
}

fn only_process(flows: &[FlowCount], errors: &[ErrorCount]) -> ProcessAudit {
    let mut audit = audit_of(flows, errors);
    assert_eq!(audit.processes.len(), 1);
    audit.processes.remove(0)
}

fn pids(audit: &Audit) -> Vec<u32> {
    audit
        .processes
        .iter()
        .map(|process| process.id.pid)
        .collect()
}

#[test]
fn zero_copy_counts_under_its_mechanism() {
    for (call, mechanism) in [
        (Call::Sendfile, Mechanism::Sendfile),
        (Call::Splice, Mechanism::Splice),
        (Call::Tee, Mechanism::Tee),
        (Call::Vmsplice, Mechanism::Vmsplice),
        (Call::CopyFileRange, Mechanism::CopyFileRange),
    ] {
        let process = only_process(&[flow(1, call, (File, Tcp), Class::ZeroCopy, 100, 2)], &[]);
        let expected = Flow {
            mechanism,
            source: File,
            sink: Tcp,
            class: Class::ZeroCopy,
            sharing: Sharing::Pages,
            lost: false,
            bytes: 100,
            calls: 2,
            first_ns: Some(1),
            errors: BTreeMap::new(),
            transfers: Vec::new(),
        };
        assert_eq!(process.flows, [expected]);
        assert_eq!(process.bytes.zero_copy, 100);
        assert_eq!(process.hit_rate, Some(1.0));
    }
}

#[test]
fn an_unknown_end_does_not_hide_zero_copy_bytes() {
    let flows = [flow(
        1,
        Call::Sendfile,
        (Unknown, Unknown),
        Class::ZeroCopy,
        7,
        1,
    )];
    let process = only_process(&flows, &[]);
    assert_eq!((process.bytes.zero_copy, process.bytes.unknown), (7, 0));
}

#[test]
fn staged_bytes_are_no_part_of_the_hit_rate() {
    let flows = [
        flow(1, Call::Splice, (File, Pipe), Class::Staged, 100, 1),
        flow(1, Call::Splice, (File, Tcp), Class::ZeroCopy, 60, 1),
        flow(1, Call::Write, (File, Tcp), Class::SameBuffer, 20, 1),
    ];
    let process = only_process(&flows, &[]);
    assert_eq!(process.bytes.staged, 100);
    assert_eq!(process.bytes.zero_copy, 60);
    assert_eq!(process.hit_rate, Some(0.75));
    assert_eq!(process.flows[0].class, Class::Staged);

    let staged_only = only_process(&flows[..1], &[]);
    assert_eq!(staged_only.hit_rate, None);
}

#[test]
fn reads_are_calls_but_no_flow() {
    let process = only_process(
        &[
            flow(1, Call::Read, (File, NoEnd), Class::Ingest, 4096, 3),
            flow(1, Call::Pread, (File, NoEnd), Class::Unknown, 10, 1),
        ],
        &[],
    );
    assert_eq!(process.flows, []);
    assert_eq!(process.bytes, ByteClasses::default());
    assert_eq!(process.hit_rate, None);
    let read = Syscall {
        calls: 3,
        bytes: 4096,
        errors: 0,
    };
    assert_eq!(process.syscalls[&Call::Read], read);
}

#[test]
fn a_bounce_is_lost_only_where_the_kernel_has_a_path() {
    for class in [Class::SameBuffer, Class::SameContent] {
        let process = only_process(
            &[
                flow(1, Call::Write, (File, Tcp), class, 300, 3),
                flow(1, Call::Sendto, (File, Udp), class, 200, 2),
                flow(1, Call::Writev, (File, Char), class, 100, 1),
            ],
            &[],
        );
        assert_eq!((process.bytes.bounced, process.bytes.lost), (600, 300));
        assert_eq!(process.hit_rate, Some(0.0));
        let lost: Vec<bool> = process.flows.iter().map(|flow| flow.lost).collect();
        assert_eq!(lost, [true, false, false]);
        assert!(
            process
                .flows
                .iter()
                .all(|flow| flow.mechanism == Mechanism::ReadWrite)
        );
    }
}

#[test]
fn other_written_bytes_have_their_own_class_and_no_hit_rate() {
    let process = only_process(
        &[
            flow(1, Call::Write, (File, Tcp), Class::SameSize, 1, 1),
            flow(1, Call::Write, (NoEnd, Tcp), Class::Generated, 2, 1),
            flow(1, Call::Write, (Unknown, Tcp), Class::Unknown, 4, 1),
        ],
        &[],
    );
    let expected = ByteClasses {
        transformed: 1,
        generated: 2,
        unknown: 4,
        ..ByteClasses::default()
    };
    assert_eq!(process.bytes, expected);
    assert_eq!(process.hit_rate, None);
    assert!(process.flows.iter().all(|flow| !flow.lost));
}

#[test]
fn flows_sum_over_calls_and_are_sorted() {
    let process = only_process(
        &[
            flow(1, Call::Write, (File, Tcp), Class::SameBuffer, 10, 1),
            flow(1, Call::Sendfile, (File, Tcp), Class::ZeroCopy, 35, 1),
            flow(1, Call::Pwritev, (File, Tcp), Class::SameBuffer, 20, 2),
            flow(1, Call::Sendto, (File, Tcp), Class::SameContent, 5, 1),
            flow(1, Call::Sendmsg, (File, Pipe), Class::SameBuffer, 1, 1),
        ],
        &[],
    );
    let flows: Vec<_> = process
        .flows
        .iter()
        .map(|flow| {
            (
                flow.mechanism,
                flow.class,
                flow.sink,
                flow.bytes,
                flow.calls,
            )
        })
        .collect();
    assert_eq!(
        flows,
        [
            (Mechanism::Sendfile, Class::ZeroCopy, Tcp, 35, 1),
            (Mechanism::ReadWrite, Class::SameBuffer, Tcp, 30, 3),
            (Mechanism::ReadWrite, Class::SameContent, Tcp, 5, 1),
            (Mechanism::ReadWrite, Class::SameBuffer, Pipe, 1, 1),
        ]
    );
}

#[test]
fn a_call_of_several_pieces_is_one_call() {
    let header = flow(1, Call::Writev, (NoEnd, Tcp), Class::Generated, 200, 1);
    let mut body = flow(1, Call::Writev, (File, Tcp), Class::SameBuffer, 4096, 1);
    body.first_pieces = 0;
    let process = only_process(
        &[header, body],
        &[failure(1, Call::Writev, (NoEnd, Tcp), 11, 2)],
    );
    let writev = Syscall {
        calls: 3,
        bytes: 4296,
        errors: 2,
    };
    assert_eq!(process.syscalls[&Call::Writev], writev);
    assert_eq!(process.flows.iter().map(|flow| flow.calls).sum::<u64>(), 2);
}

#[test]
fn an_end_of_file_is_a_call_but_no_flow() {
    let mut end = flow(1, Call::Sendfile, (File, Tcp), Class::ZeroCopy, 0, 0);
    end.first_pieces = 1;
    let process = only_process(&[end], &[]);
    assert_eq!(process.flows, []);
    assert_eq!(process.syscalls[&Call::Sendfile].calls, 1);
}

#[test]
fn errors_of_zero_copy_calls_join_their_flow() {
    let flows = [
        flow(1, Call::Sendfile, (File, Tcp), Class::ZeroCopy, 10, 1),
        flow(1, Call::Sendfile, (File, Pipe), Class::ZeroCopy, 20, 1),
    ];
    let errors = [
        failure(1, Call::Sendfile, (File, Tcp), 11, 2),
        failure(1, Call::Sendfile, (File, Tcp), 32, 1),
    ];
    let process = only_process(&flows, &errors);
    assert_eq!(process.flows[0].errors, BTreeMap::new());
    assert_eq!(process.flows[1].errors, failures([(11, 2), (32, 1)]));
    let sendfile = Syscall {
        calls: 5,
        bytes: 30,
        errors: 3,
    };
    assert_eq!(process.syscalls[&Call::Sendfile], sendfile);
}

#[test]
fn errors_without_a_flow_make_one_without_bytes() {
    let errors = [
        failure(1, Call::CopyFileRange, (File, File), 18, 1),
        failure(1, Call::Splice, (File, Pipe), 22, 4),
        failure(1, Call::Vmsplice, (Pipe, Memory), 14, 1),
    ];
    let process = only_process(&[], &errors);
    let flows: Vec<_> = process
        .flows
        .iter()
        .map(|flow| {
            (
                flow.mechanism,
                flow.class,
                flow.bytes,
                flow.calls,
                flow.errors.clone(),
            )
        })
        .collect();
    assert_eq!(
        flows,
        [
            (Mechanism::Splice, Class::Staged, 0, 0, failures([(22, 4)])),
            (
                Mechanism::Vmsplice,
                Class::ZeroCopy,
                0,
                0,
                failures([(14, 1)])
            ),
            (
                Mechanism::CopyFileRange,
                Class::ZeroCopy,
                0,
                0,
                failures([(18, 1)])
            ),
        ]
    );
    assert_eq!(process.hit_rate, None);
}

#[test]
fn errors_of_reads_and_writes_are_calls_only() {
    let errors = [
        failure(1, Call::Read, (Tcp, NoEnd), 11, 5),
        failure(1, Call::Write, (NoEnd, Tcp), 32, 1),
    ];
    let process = only_process(&[], &errors);
    assert_eq!(process.flows, []);
    assert_eq!(process.syscalls[&Call::Read].errors, 5);
    assert_eq!(process.syscalls[&Call::Write].errors, 1);
}

#[test]
fn processes_are_sorted_by_what_they_could_win() {
    let audit = audit_of(
        &[
            flow(1, Call::Write, (NoEnd, Tcp), Class::Generated, 10, 1),
            flow(2, Call::Write, (NoEnd, Tcp), Class::Generated, 10, 1),
            flow(3, Call::Write, (NoEnd, Tcp), Class::Generated, 900, 1),
            flow(4, Call::Write, (File, Udp), Class::SameBuffer, 5, 1),
            flow(5, Call::Write, (File, Tcp), Class::SameBuffer, 1, 1),
        ],
        &[],
    );
    assert_eq!(pids(&audit), [5, 4, 3, 1, 2]);
    assert_eq!(
        (audit.bytes.generated, audit.bytes.bounced, audit.bytes.lost),
        (920, 6, 1)
    );
    assert_eq!(audit.hit_rate, Some(0.0));
}

#[test]
fn facts_follow_counts() {
    let mut snapshot = snapshot()
        .named(1, "busy", &[])
        .named(2, "idle", &[])
        .with([flow(3, Call::Read, (File, NoEnd), Class::Ingest, 1, 1)])
        .with([flow(1, Call::Read, (File, NoEnd), Class::Ingest, 1, 1)])
        .with([flow(2, Call::Read, (File, NoEnd), Class::Ingest, 0, 0)]);
    // The pid again, by a process that started later: another process.
    let mut heir = process(1);
    heir.start_time_ns += 1;
    let mut count = flow(1, Call::Read, (File, NoEnd), Class::Ingest, 1, 1);
    count.process = heir;
    snapshot.flows.push(count);

    let audit = audit(snapshot);
    let names: Vec<_> = audit
        .processes
        .iter()
        .map(|process| (process.id.pid, process.facts.comm.as_str()))
        .collect();
    assert_eq!(names, [(1, "busy"), (1, ""), (3, "")]);
}

#[test]
fn sums_saturate() {
    let flows = [flow(
        1,
        Call::Write,
        (File, Tcp),
        Class::SameBuffer,
        u64::MAX,
        u64::MAX,
    ); 2];
    let audit = audit_of(&flows, &[]);
    assert_eq!(audit.bytes.lost, u64::MAX);
}

#[test]
fn a_hit_rate_needs_bytes_that_could_hit() {
    assert_eq!(hit_rate(&ByteClasses::default()), None);
    let generated = ByteClasses {
        generated: 1,
        bounced: 1,
        ..ByteClasses::default()
    };
    assert_eq!(hit_rate(&generated), None);
}
