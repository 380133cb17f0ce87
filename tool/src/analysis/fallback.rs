//! A zero-copy call that the kernel refused, and the bounce that came after it.

use crate::model::{Class, EndpointKind, Fallback, FallbackFlow, Flow, Mechanism};

/// The flows that bounced after a zero-copy call between the same ends had failed for good, in the
/// order of the failures.
pub(super) fn fallbacks(flows: &[Flow]) -> Vec<Fallback> {
    let mut found: Vec<Fallback> = flows
        .iter()
        .flat_map(|failed| after(failed, flows))
        .collect();
    found.sort_by_key(|fallback| fallback.failures.first_ns);
    found
}

/// For each refusal of `failed` the bounce that began next.
fn after<'a>(failed: &'a Flow, flows: &'a [Flow]) -> impl Iterator<Item = Fallback> + 'a {
    let refusals = failed
        .errors
        .iter()
        .filter(|(errno, _)| is_refusal(**errno));
    refusals.filter_map(|(&errno, &failures)| {
        let then = flows
            .iter()
            .filter(|flow| is_bounce(flow.class) && connects(failed, flow))
            .filter_map(|flow| Some((flow.first_ns?, flow)))
            .filter(|(first_ns, _)| *first_ns > failures.first_ns)
            .min_by_key(|(first_ns, _)| *first_ns);
        let (first_ns, flow) = then?;
        Some(Fallback {
            mechanism: failed.mechanism,
            source: failed.source,
            sink: failed.sink,
            errno,
            failures,
            then: FallbackFlow {
                mechanism: flow.mechanism,
                source: flow.source,
                sink: flow.sink,
                class: flow.class,
                bytes: flow.bytes,
                first_ns,
            },
        })
    })
}

/// Whether bytes of the class were relayed through the process unmodified.
pub(super) const fn is_bounce(class: Class) -> bool {
    matches!(class, Class::SameBuffer | Class::SameContent)
}

/// Whether a bounce may have taken the place of a failed call: its ends are those of the call, as
/// far as the call's are known.
fn connects(failed: &Flow, bounce: &Flow) -> bool {
    let (source, sink) = ends(failed);
    source.is_none_or(|source| source == bounce.source || bounce.source == EndpointKind::Unknown)
        && sink.is_none_or(|sink| sink == bounce.sink || bounce.sink == EndpointKind::Unknown)
        && (source.is_some() || sink.is_some())
}

/// The ends that the bytes of a failed call would have had. A splice stops at a pipe that nobody
/// else sees: what the other end of it was to be is not known.
fn ends(failed: &Flow) -> (Option<EndpointKind>, Option<EndpointKind>) {
    let is_on_the_way = |kind: EndpointKind, other: EndpointKind| {
        let splices = matches!(failed.mechanism, Mechanism::Splice | Mechanism::UringSplice);
        splices && kind == EndpointKind::Pipe && other != EndpointKind::Pipe
    };
    let known = |kind: EndpointKind, other: EndpointKind| {
        let is_unknown = matches!(kind, EndpointKind::None | EndpointKind::Unknown);
        (!is_unknown && !is_on_the_way(kind, other)).then_some(kind)
    };
    (
        known(failed.source, failed.sink),
        known(failed.sink, failed.source),
    )
}

/// Whether an errno means that the call cannot work on these files, so that trying again is no use;
/// not that it was interrupted, that a socket was full or that the peer had gone.
fn is_refusal(errno: u16) -> bool {
    const ENOTSUPP: i32 = 524; // include/linux/errno.h (6.18)
    matches!(
        i32::from(errno),
        libc::EPERM
            | libc::EBADF
            | libc::EACCES
            | libc::EXDEV
            | libc::EINVAL
            | libc::ETXTBSY
            | libc::ESPIPE
            | libc::ENOSYS
            | libc::EOPNOTSUPP
            | ENOTSUPP
    )
}

#[cfg(test)]
mod tests {
    use super::super::audit;
    use super::super::fixture::{START_NS, failure, flow, snapshot};
    use crate::model::EndpointKind::{File, None as NoEnd, Pipe, Tcp, Udp, Unix};
    use crate::model::{Call, Class, EndpointKind, ErrorCount, Fallback, FlowCount, Mechanism};

    const EINVAL: u16 = libc::EINVAL as u16;

    fn failed_at(
        ns: u64,
        call: Call,
        ends: (EndpointKind, EndpointKind),
        errno: u16,
    ) -> ErrorCount {
        ErrorCount {
            first_ns: START_NS + ns,
            ..failure(1, call, ends, errno, 1)
        }
    }

    fn bounce_at(ns: u64, ends: (EndpointKind, EndpointKind)) -> FlowCount {
        FlowCount {
            first_ns: START_NS + ns,
            ..flow(1, Call::Write, ends, Class::SameBuffer, 4096, 1)
        }
    }

    fn fallbacks(errors: &[ErrorCount], flows: &[FlowCount]) -> Vec<Fallback> {
        let snapshot = snapshot()
            .with(flows.iter().copied())
            .with_errors(errors.iter().copied());
        audit(snapshot).processes.remove(0).fallbacks
    }

    #[test]
    fn a_bounce_after_a_refusal() {
        let found = fallbacks(
            &[failed_at(12, Call::Sendfile, (File, Tcp), EINVAL)],
            &[bounce_at(15, (File, Tcp))],
        );
        assert_eq!(found.len(), 1);
        let fallback = found[0];
        assert_eq!(fallback.mechanism, Mechanism::Sendfile);
        assert_eq!((fallback.source, fallback.sink), (File, Tcp));
        assert_eq!((fallback.errno, fallback.failures.count), (EINVAL, 1));
        assert_eq!(fallback.failures.first_ns, 12);
        assert_eq!(fallback.then.first_ns, 15);
        assert_eq!(fallback.then.mechanism, Mechanism::ReadWrite);
        assert_eq!(fallback.then.bytes, 4096);
    }

    #[test]
    fn a_failure_after_the_bounce_began_is_none() {
        for ns in [10, 9] {
            let errors = [failed_at(10, Call::Sendfile, (File, Tcp), EINVAL)];
            assert_eq!(fallbacks(&errors, &[bounce_at(ns, (File, Tcp))]), []);
        }
    }

    #[test]
    fn what_passes_or_ends_a_connection_is_none() {
        for errno in [
            libc::EAGAIN,
            libc::EINTR,
            libc::EPIPE,
            libc::ECONNRESET,
            512,
        ] {
            let errno = u16::try_from(errno).expect("small");
            let errors = [failed_at(1, Call::Sendfile, (File, Tcp), errno)];
            assert_eq!(fallbacks(&errors, &[bounce_at(2, (File, Tcp))]), []);
        }
    }

    #[test]
    fn other_ends_are_another_matter() {
        let errors = [failed_at(1, Call::Sendfile, (File, Tcp), EINVAL)];
        for ends in [(File, Unix), (Tcp, Tcp), (File, File)] {
            assert_eq!(fallbacks(&errors, &[bounce_at(2, ends)]), []);
        }
    }

    #[test]
    fn a_splice_may_fail_on_either_side_of_its_pipe() {
        for ends in [(Tcp, Pipe), (Pipe, Unix)] {
            let errors = [failed_at(1, Call::Splice, ends, EINVAL)];
            assert_eq!(fallbacks(&errors, &[bounce_at(2, (Tcp, Unix))]).len(), 1);
            assert_eq!(fallbacks(&errors, &[bounce_at(2, (File, Udp))]), []);
        }
        let tee = [failed_at(1, Call::Tee, (Pipe, Pipe), EINVAL)];
        assert_eq!(fallbacks(&tee, &[bounce_at(2, (Pipe, Tcp))]), []);
    }

    #[test]
    fn the_bounce_that_began_next_is_the_one() {
        let found = fallbacks(
            &[
                failed_at(20, Call::Splice, (Tcp, Pipe), EINVAL),
                failed_at(10, Call::UringSendZc, (NoEnd, Tcp), libc::EOPNOTSUPP as u16),
            ],
            &[
                bounce_at(30, (Tcp, Unix)),
                bounce_at(25, (Tcp, Tcp)),
                bounce_at(5, (Tcp, File)),
            ],
        );
        let order: Vec<_> = found
            .iter()
            .map(|fallback| (fallback.mechanism, fallback.then.first_ns))
            .collect();
        assert_eq!(
            order,
            [(Mechanism::UringSendZc, 25), (Mechanism::Splice, 25)]
        );
    }
}
