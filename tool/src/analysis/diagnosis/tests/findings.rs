//! Sums, shares, sizes and the order of findings.

use std::collections::BTreeMap;

use super::scene::{DOWNLOAD, MIB, Scene, diagnose_all, stack};
use crate::analysis::audit;
use crate::analysis::fixture::{flow, process, snapshot, transfers_of};
use crate::model::EndpointKind::{File, None as NoEnd, Tcp};
use crate::model::{
    Audit, Call, CallSite, Class, Estimate, Finding, FindingBytes, MatchedBy, Profile, Sharing,
    SmallTransfers, StackEnd, Verdict,
};
use proptest::prelude::{any, prop, proptest};
use proptest::prop_assert;

const WRAPPED: Scene = Scene {
    runtime: "go",
    version: "1.27.3",
    write: &[
        "net.(*conn).Write",
        "io.copyBuffer",
        "net.(*TCPConn).readFrom",
        "main.serve",
    ],
    read: &["os.(*File).Read", "main.(*counter).Read", "io.copyBuffer"],
    ..DOWNLOAD
};

fn only(findings: &[Finding]) -> &Finding {
    assert_eq!(findings.len(), 1, "{findings:?}");
    &findings[0]
}

#[test]
fn a_whole_flow_is_exact() {
    let findings = WRAPPED.findings();
    let finding = only(&findings);
    assert_eq!(finding.verdict, Verdict::Fixable);
    assert_eq!(finding.matched_by, Some(MatchedBy::Stack));
    assert_eq!(
        finding.bytes,
        FindingBytes {
            value: 64 * MIB,
            margin: 0
        }
    );
    assert_eq!(finding.share, Some(1.0));
    assert_eq!(finding.samples, 10);
    let culprit = finding
        .culprit
        .as_ref()
        .and_then(|frame| frame.function.as_deref());
    assert_eq!(culprit, Some("main.(*counter).Read"));
    assert!(finding.write.is_some() && finding.read.is_some() && finding.lost);
    assert!(!finding.references.is_empty());
}

#[test]
fn without_a_rule_the_stacks_are_shown() {
    let scene = Scene {
        write: &["write", "main"],
        read: &["read", "main"],
        runtime: "c",
        ..DOWNLOAD
    };
    let findings = scene.findings();
    let finding = only(&findings);
    assert_eq!(
        (finding.rule.as_deref(), finding.verdict),
        (None, Verdict::Unknown)
    );
    assert_eq!(
        (&finding.cause, &finding.fix, finding.matched_by),
        (&None, &None, None)
    );
    assert!(finding.write.is_some() && finding.read.is_some());
}

#[test]
fn small_transfers_are_left_alone() {
    let small = Scene {
        transfer: 16 << 10,
        ..WRAPPED
    };
    let findings = small.findings();
    let finding = only(&findings);
    assert_eq!(finding.verdict, Verdict::TooSmall);
    assert_eq!(finding.rule.as_deref(), Some("G1"));
    let sizes = SmallTransfers {
        typical: 16 << 10,
        break_even: 32 << 10,
    };
    assert_eq!(finding.small, Some(sizes));

    let just_large_enough = Scene {
        transfer: 32 << 10,
        ..WRAPPED
    };
    assert_eq!(
        only(&just_large_enough.findings()).verdict,
        Verdict::Fixable
    );
    // The size is not what keeps bytes that are changed.
    let encrypted = Scene {
        transfer: 1 << 10,
        class: Class::TlsRecord,
        ..DOWNLOAD
    };
    assert_eq!(only(&encrypted.findings()).verdict, Verdict::Transforming);
    assert_eq!(only(&encrypted.findings()).small, None);
}

/// Two wrappers of one flow, and something that no rule knows.
fn divided() -> (Audit, Profile) {
    let scene = WRAPPED;
    let profile = scene.profile();
    let first = profile.call_sites[0].clone();
    let with = |read: &[&str], write: &[&str], value: f64| CallSite {
        read: Some(stack(read, StackEnd::Entry)),
        write: stack(write, StackEnd::Entry),
        bytes: Estimate {
            value,
            variance: value * 1e5,
        },
        ..first.clone()
    };
    let other = with(
        &["os.(*File).Read", "main.(*limiter).Read"],
        WRAPPED.write,
        3e6,
    );
    let unknown = with(
        &["os.(*File).Read", "main.loop"],
        &["net.(*conn).Write", "main.loop"],
        4e6,
    );
    let call_sites = vec![first, other, unknown];
    (
        scene.audit(),
        Profile {
            call_sites,
            ..Profile::default()
        },
    )
}

#[test]
fn a_flow_is_divided_among_its_causes() {
    let (audit, profile) = divided();
    let findings = diagnose_all(&audit, &profile, &BTreeMap::new());
    let told: Vec<(Option<&str>, u64)> = findings
        .iter()
        .map(|finding| (finding.rule.as_deref(), finding.bytes.value / MIB))
        .collect();
    assert_eq!(told, [(None, 32), (Some("G1"), 24), (Some("G1"), 8)]);
    for finding in &findings {
        let FindingBytes { value, margin } = finding.bytes;
        assert!(0 < margin && margin < value, "{margin} of {value}");
    }
}

#[test]
fn sites_of_other_flows_say_nothing() {
    let mut profile = WRAPPED.profile();
    profile.call_sites[0].sink = File;
    let findings = diagnose_all(&WRAPPED.audit(), &profile, &BTreeMap::new());
    assert_eq!(only(&findings).rule, None);
    let mut profile = WRAPPED.profile();
    profile.call_sites[0].process = process(7);
    let findings = diagnose_all(&WRAPPED.audit(), &profile, &BTreeMap::new());
    assert_eq!(only(&findings).rule, None);
}

#[test]
fn what_became_of_pages_may_be_known_late() {
    let scene = Scene {
        call: Call::Sendfile,
        class: Class::ZeroCopy,
        sharing: Sharing::NoScatterGather,
        write: &["sendfile64", "main"],
        ..DOWNLOAD
    };
    let mut profile = scene.profile();
    profile.call_sites[0].sharing = Sharing::UnknownSink;
    let findings = diagnose_all(&scene.audit(), &profile, &BTreeMap::new());
    let finding = only(&findings);
    assert_eq!(
        (finding.rule.as_deref(), finding.verdict),
        (Some("K5"), Verdict::KernelCopied)
    );
    assert!(finding.write.is_some());
}

#[test]
fn what_costs_most_comes_first() {
    let sent = |pid, class, source, bytes| flow(pid, Call::Write, (source, Tcp), class, bytes, 1);
    let audit = audit(snapshot().with([
        sent(1, Class::SameBuffer, File, 10 * MIB),
        sent(1, Class::Generated, NoEnd, 30 * MIB),
        sent(2, Class::SameBuffer, File, 20 * MIB),
        sent(3, Class::TlsRecord, NoEnd, 500 * MIB),
        sent(4, Class::TlsRecord, NoEnd, 600 * MIB),
    ]));
    let findings = diagnose_all(&audit, &Profile::default(), &BTreeMap::new());
    let pids: Vec<u32> = findings.iter().map(|finding| finding.process.pid).collect();
    // Lost bytes before those that could not have been moved.
    assert_eq!(pids, [2, 1, 4, 3]);
    assert_eq!(findings[1].share, Some(0.25));
}

#[test]
fn both_evidences_of_a_bounce_are_one_finding() {
    let sent = |class, bytes| flow(1, Call::Write, (File, Tcp), class, bytes, 1);
    let flows = [
        sent(Class::SameBuffer, 3 * MIB),
        sent(Class::SameContent, 5 * MIB),
    ];
    let sizes = flows.map(|flow| transfers_of(&flow, MIB, flow.bytes / MIB));
    let audit = audit(snapshot().with(flows).with_transfers(sizes));
    let findings = diagnose_all(&audit, &Profile::default(), &BTreeMap::new());
    let finding = only(&findings);
    assert_eq!(
        finding.bytes,
        FindingBytes {
            value: 8 * MIB,
            margin: 0
        }
    );
    assert_eq!(
        (finding.evidence, finding.share),
        (Class::SameContent, Some(1.0))
    );
}

proptest! {
    #[test]
    fn parts_make_up_the_whole(
        estimates in prop::collection::vec((any::<f64>(), any::<f64>(), 0..4usize), 0..12),
    ) {
        let first = WRAPPED.profile().call_sites[0].clone();
        let writes: [&[&str]; 4] = [
            &["a"],
            WRAPPED.write,
            &["crypto/tls.(*Conn).Write", "b"],
            &["net/http/httputil.(*ReverseProxy).copyBuffer"],
        ];
        let sites = estimates.iter().map(|&(value, variance, write)| CallSite {
            bytes: Estimate { value, variance },
            write: stack(writes[write], StackEnd::Cut),
            ..first.clone()
        });
        let profile = Profile { call_sites: sites.collect(), ..Profile::default() };
        let findings = diagnose_all(&WRAPPED.audit(), &profile, &BTreeMap::new());
        let sum: u64 = findings.iter().map(|finding| finding.bytes.value).sum();
        prop_assert!(sum.abs_diff(64 * MIB) <= 4, "{}", sum);
        prop_assert!(findings.iter().all(|finding| finding.share.is_some_and(|share| share <= 1.0)));
    }
}
