//! What was written over time, by class.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::analysis::tally::{copied, is_lost, mechanism, of_class};
use crate::model::{ByteClasses, CellCounts, Class, FlowCount, Moment, ProcessId, Timeline};

/// What each cell of `timeline` has, as the audit would classify it.
#[must_use]
pub fn moments(timeline: &Timeline) -> Vec<Moment> {
    let mut moments = empty(timeline);
    for counts in &timeline.counters {
        add(&mut moments, counts);
    }
    moments
}

/// The same of each process that has counts.
#[must_use]
pub fn moments_by_process(timeline: &Timeline) -> BTreeMap<ProcessId, Vec<Moment>> {
    let mut processes = BTreeMap::new();
    for counts in &timeline.counters {
        let moments = processes.entry(counts.process);
        add(moments.or_insert_with(|| empty(timeline)), counts);
    }
    processes
}

fn empty(timeline: &Timeline) -> Vec<Moment> {
    let empty = |&length| Moment {
        length,
        bytes: ByteClasses::default(),
    };
    timeline.cells.iter().map(empty).collect()
}

fn add(moments: &mut [Moment], counts: &CellCounts) {
    if let Some((class, lost)) = written(counts) {
        for (moment, bytes) in moments.iter_mut().zip(&counts.bytes) {
            moment.bytes.add(&of_class(class, whole(*bytes), lost));
        }
    }
}

/// What was written until each of the looks at a count that goes on: never more than [`Self::MOST`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looks(Vec<(Duration, ByteClasses)>);

impl Looks {
    /// As many moments as a wide screen can tell apart, twice.
    pub const MOST: usize = 480;

    /// Adds what `flows`, which have all since the beginning, have written so long after it.
    pub fn add(&mut self, elapsed: Duration, flows: &[FlowCount]) {
        self.0.push((elapsed, written_by(flows)));
        if self.0.len() >= Self::MOST {
            // Sums: without every other one moments are twice as long. The last one stays.
            let mut is_dropped = false;
            self.0.retain(|_| {
                is_dropped = !is_dropped;
                !is_dropped
            });
        }
    }

    /// What was written between them.
    #[must_use]
    pub fn moments(&self) -> Vec<Moment> {
        let before = std::iter::once((Duration::ZERO, ByteClasses::default()));
        before
            .chain(self.0.iter().copied())
            .zip(&self.0)
            .map(|((begin, before), (end, now))| Moment {
                length: end.saturating_sub(begin),
                bytes: now.since(&before),
            })
            .collect()
    }
}

/// What `flows` have written, by class, as their audit would have it.
#[must_use]
pub fn written_by(flows: &[FlowCount]) -> ByteClasses {
    let mut sum = ByteClasses::default();
    for flow in flows {
        if flow.class != Class::Ingest && mechanism(flow.call, flow.class).is_some() {
            let lost = is_lost(flow.class, flow.source, flow.sink);
            let mut bytes = of_class(flow.class, flow.bytes, lost);
            bytes.kernel_copied = copied(flow.class, flow.sharing, flow.bytes);
            sum.add(&bytes);
        }
    }
    sum
}

/// As what the bytes of a counter count; `None` where none were written.
fn written(counts: &CellCounts) -> Option<(Class, bool)> {
    let class = counts.class.filter(|class| *class != Class::Ingest)?;
    mechanism(counts.call, class)?;
    Some((class, is_lost(class, counts.source, counts.sink)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates; less than 0 is nothing"
)]
fn whole(bytes: f64) -> u64 {
    bytes.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::process;
    use crate::model::{Call, EndpointKind};

    #[test]
    fn flows_are_written_as_the_audit_has_it() {
        use crate::analysis::fixture::{flow, snapshot};
        let ends = (EndpointKind::File, EndpointKind::Tcp);
        let reads = (EndpointKind::File, EndpointKind::None);
        let snapshot = snapshot().with([
            flow(1, Call::Read, reads, Class::Ingest, 9, 1),
            flow(1, Call::Write, ends, Class::SameBuffer, 8, 1),
            flow(2, Call::Sendfile, ends, Class::ZeroCopy, 4, 1),
        ]);
        let written = written_by(&snapshot.flows);
        assert_eq!(written, crate::analysis::audit(snapshot).bytes);
    }

    #[test]
    fn cells_are_classified_as_flows_are() {
        let counts = |call, source, sink, class, bytes: [f64; 2]| CellCounts {
            process: process(1),
            call,
            source,
            sink,
            class,
            bytes: bytes.to_vec(),
            calls: vec![1.0; 2],
        };
        let (none, file, tcp) = (EndpointKind::None, EndpointKind::File, EndpointKind::Tcp);
        let timeline = Timeline {
            cells: vec![Duration::from_secs(1), Duration::from_secs(2)],
            counters: vec![
                counts(Call::Read, file, none, Some(Class::Ingest), [9.0, 9.0]),
                counts(Call::Write, file, tcp, Some(Class::SameBuffer), [8.0, -1.0]),
                counts(Call::Sendfile, file, tcp, Some(Class::ZeroCopy), [4.0, 5.0]),
                counts(Call::Sendfile, file, tcp, None, [0.0, 0.0]),
            ],
            cpu: None,
        };
        let first = ByteClasses {
            zero_copy: 4,
            bounced: 8,
            lost: 8,
            ..ByteClasses::default()
        };
        let second = ByteClasses {
            zero_copy: 5,
            ..ByteClasses::default()
        };
        let expected = [(1, first), (2, second)].map(|(seconds, bytes)| Moment {
            length: Duration::from_secs(seconds),
            bytes,
        });
        assert_eq!(moments(&timeline), expected);
        let of_process = [(process(1), expected.to_vec())].into();
        assert_eq!(moments_by_process(&timeline), of_process);
    }

    #[test]
    fn a_long_count_has_few_moments_and_all_bytes() {
        use crate::analysis::fixture::flow;
        let mut looks = Looks::default();
        for second in 1..=1000 {
            let ends = (EndpointKind::None, EndpointKind::Tcp);
            let written = flow(1, Call::Write, ends, Class::Generated, 7 * second, second);
            looks.add(Duration::from_secs(second), &[written]);
        }
        let moments = looks.moments();
        assert!((Looks::MOST / 2..Looks::MOST).contains(&moments.len()));
        let sum: u64 = moments.iter().map(|moment| moment.bytes.generated).sum();
        let time: Duration = moments.iter().map(|moment| moment.length).sum();
        assert_eq!((sum, time), (7000, Duration::from_secs(1000)));
    }
}
