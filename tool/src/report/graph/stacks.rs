//! Call sites and CPU sites as stacks with a weight.

use super::{GraphOptions, Only, Side, Weight};
use crate::analysis::cpu_estimate;
use crate::model::{
    CallSite, CpuSite, Estimate, Frame, ProcessId, Profile, SiteKind, Stack, StackEnd,
};

/// A stack with a weight.
pub(in crate::report) struct Weighted<'a> {
    pub(in crate::report) process: ProcessId,
    /// `None` of CPU time.
    pub(in crate::report) kind: Option<SiteKind>,
    /// Outermost first.
    pub(in crate::report) steps: Vec<Step<'a>>,
    pub(in crate::report) weight: Estimate,
    pub(in crate::report) samples: u64,
    /// What it stands for; `None` of CPU time.
    pub(in crate::report) site: Option<&'a CallSite>,
}

/// One step from the entry of a thread to where it was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum Step<'a> {
    /// A function.
    Frame(&'a Frame),
    /// Callers that are not recorded.
    Cut,
    /// Callers that could not be found.
    Broken,
    /// From here on the write of what was read before.
    WrittenBy,
}

impl Step<'_> {
    /// What stands for a step that is no function; of a function it is nothing.
    pub(in crate::report) const fn text(&self) -> &'static str {
        match self {
            Self::Frame(_) => "",
            Self::Cut => "[more callers]",
            Self::Broken => "[callers not found]",
            Self::WrittenBy => "[then written by]",
        }
    }
}

/// The stacks that `options` ask for.
pub(in crate::report) fn weighted<'a>(
    profile: &'a Profile,
    options: &GraphOptions,
) -> Vec<Weighted<'a>> {
    if options.weight == Weight::Cpu {
        return profile.cpu.iter().map(of_cpu).collect();
    }
    let sites = profile.call_sites.iter();
    sites
        .filter(|site| is_asked_for(site.kind, options.only))
        .map(|site| Weighted {
            process: site.process,
            kind: Some(site.kind),
            steps: steps(site, options.side),
            weight: match options.weight {
                Weight::Calls => site.calls,
                Weight::Bytes | Weight::Cpu => site.bytes,
            },
            samples: site.samples,
            site: Some(site),
        })
        .collect()
}

const fn is_asked_for(kind: SiteKind, only: Only) -> bool {
    match only {
        Only::Bounced => matches!(kind, SiteKind::Bounced),
        Only::ZeroCopy => matches!(kind, SiteKind::ZeroCopy),
        Only::All => true,
    }
}

fn of_cpu(site: &CpuSite) -> Weighted<'_> {
    let mut steps = Vec::new();
    for stack in [&site.user, &site.kernel].into_iter().flatten() {
        steps.extend(outermost_first(stack));
    }
    Weighted {
        process: site.process,
        kind: None,
        steps,
        weight: cpu_estimate(site),
        samples: site.samples,
        site: None,
    }
}

fn steps(site: &CallSite, side: Side) -> Vec<Step<'_>> {
    let read = site.read.as_deref().filter(|_| side != Side::Write);
    let mut steps: Vec<Step<'_>> =
        read.map_or_else(Vec::new, |read| outermost_first(read).collect());
    if read.is_some() && side == Side::Read {
        return steps;
    }
    let write: Vec<Step<'_>> = outermost_first(&site.write).collect();
    if read.is_none() {
        steps = write;
    } else {
        let shared = shared(&steps, &write);
        steps.push(Step::WrittenBy);
        steps.extend(write.into_iter().skip(shared));
    }
    steps.extend(
        site.kernel
            .iter()
            .flat_map(|kernel| outermost_first(kernel)),
    );
    steps
}

fn outermost_first(stack: &Stack) -> impl Iterator<Item = Step<'_>> {
    let end = match stack.end {
        StackEnd::Entry => None,
        StackEnd::Cut => Some(Step::Cut),
        StackEnd::Broken => Some(Step::Broken),
    };
    end.into_iter()
        .chain(stack.frames.iter().rev().map(Step::Frame))
}

/// How many steps two stacks share from the outside. A function of both is one step, whatever it
/// calls from where.
fn shared(a: &[Step<'_>], b: &[Step<'_>]) -> usize {
    let is_same = |(a, b): &(&Step<'_>, &Step<'_>)| match (a, b) {
        (Step::Frame(a), Step::Frame(b)) => {
            (&a.function, &a.module) == (&b.function, &b.module)
                && (a.function.is_some() || a.address == b.address)
        }
        // What is not recorded may be anything.
        _ => false,
    };
    a.iter().zip(b).take_while(is_same).count()
}

#[cfg(test)]
mod tests {
    use super::{Step, steps};
    use crate::analysis::fixture::profile::{go_wrapper, nginx, nobody};
    use crate::analysis::frame_name;
    use crate::model::{CallSite, Estimate, StackEnd};
    use crate::report::graph::Side;
    use std::sync::Arc;

    fn names(site: &CallSite, side: Side) -> Vec<String> {
        let steps = steps(site, side).into_iter();
        steps
            .map(|step| match step {
                Step::Frame(frame) => frame_name(frame).into_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    const SOME: Estimate = Estimate {
        value: 1e6,
        variance: 1e9,
    };

    #[test]
    fn both_sides_are_joined_where_they_part() {
        let both = names(&go_wrapper(SOME), Side::Both);
        let tail: Vec<&str> = both.iter().map(String::as_str).skip(9).collect();
        assert_eq!(
            tail,
            [
                "io.copyBuffer",
                "main.justReader.Read",
                "os.(*File).Read",
                "os.(*File).read",
                "internal/poll.(*FD).Read",
                "internal/poll.ignoringEINTRIO",
                "syscall.Read",
                "syscall.read",
                "syscall.Syscall",
                "syscall.RawSyscall6",
                "internal/runtime/syscall.Syscall6",
                "WrittenBy",
                "net.tcpConnWithoutReadFrom.Write",
                "net.(*conn).Write",
                "net.(*netFD).Write",
                "internal/poll.(*FD).Write",
                "syscall.Write",
                "syscall.write",
                "internal/runtime/syscall.Syscall6",
            ]
        );
    }

    #[test]
    fn one_side_is_one_stack() {
        let site = nginx(SOME);
        assert_eq!(
            names(&site, Side::Read).last().map(String::as_str),
            Some("pread64")
        );
        assert_eq!(
            names(&site, Side::Write).last().map(String::as_str),
            Some("writev")
        );
        assert_eq!(names(&nobody(SOME), Side::Read), ["[0x7f31c0de0000]"]);
    }

    #[test]
    fn what_is_missing_outside_is_said_and_not_taken_for_shared() {
        let mut site = nginx(SOME);
        for stack in [Some(&mut site.write), site.read.as_mut()]
            .into_iter()
            .flatten()
        {
            Arc::make_mut(stack).end = StackEnd::Cut;
        }
        let both = names(&site, Side::Both);
        assert_eq!(both.iter().filter(|name| *name == "Cut").count(), 2);
        assert_eq!(both.iter().filter(|name| *name == "main").count(), 2);
    }
}
