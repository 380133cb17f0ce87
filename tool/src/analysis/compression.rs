//! Processes that read more from files than they sent: what compression looks like from outside.

use crate::model::{Class, CompressionLike, EndpointKind, FlowCount};

/// Less than this is read by every program that starts, and proves nothing.
const LEAST_READ: u64 = 64 << 10;
/// Codecs rarely do better on what servers send: who sent less than this part of what it read did
/// something else with it, or sent headers only.
const HIGHEST_RATIO: u64 = 64;

/// Sums of one process. They saturate.
#[derive(Debug, Default)]
pub(super) struct Unexplained {
    read: u64,
    explained: u64,
    generated: u64,
}

impl Unexplained {
    /// Adds a flow of the process.
    pub(super) fn add(&mut self, count: &FlowCount) {
        let is_from_file = count.source == EndpointKind::File;
        let sum = match count.class {
            Class::Ingest if is_from_file => &mut self.read,
            Class::SameBuffer | Class::SameContent | Class::SameSize if is_from_file => {
                &mut self.explained
            }
            // The source of a record is not known; a cipher makes it of as many bytes.
            Class::TlsRecord => &mut self.explained,
            Class::Generated if count.sink.is_socket() => &mut self.generated,
            _ => return,
        };
        *sum = sum.saturating_add(count.bytes);
    }

    /// The fact, where the sums look like it: at least 64 KiB were read from files and not written
    /// again, and the process made and sent at most 7/8 of that, but not less than 1/64.
    pub(super) fn compression_like(&self) -> Option<CompressionLike> {
        let read = self.read.saturating_sub(self.explained);
        let (least, most) = (read / HIGHEST_RATIO, read - read / 8);
        let is_like = read >= LEAST_READ && (least..=most).contains(&self.generated);
        is_like.then_some(CompressionLike {
            read,
            written: self.generated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit;
    use super::super::fixture::{flow, snapshot};
    use crate::model::EndpointKind::{File, None as NoEnd, Tcp, Unix};
    use crate::model::{Call, Class, CompressionLike, EndpointKind, FlowCount};

    const KIB: u64 = 1 << 10;

    fn read(source: EndpointKind, bytes: u64) -> FlowCount {
        flow(1, Call::Read, (source, NoEnd), Class::Ingest, bytes, 1)
    }

    fn written(source: EndpointKind, sink: EndpointKind, class: Class, bytes: u64) -> FlowCount {
        flow(1, Call::Write, (source, sink), class, bytes, 1)
    }

    fn fact(flows: &[FlowCount]) -> Option<CompressionLike> {
        let snapshot = snapshot().with(flows.iter().copied());
        audit(snapshot).processes.remove(0).compression_like
    }

    #[test]
    fn less_sent_than_read_from_files() {
        let flows = [
            read(File, 600 * KIB),
            read(File, 400 * KIB),
            written(NoEnd, Tcp, Class::Generated, 200 * KIB),
            written(NoEnd, Unix, Class::Generated, 50 * KIB),
        ];
        let expected = CompressionLike {
            read: 1000 * KIB,
            written: 250 * KIB,
        };
        assert_eq!(fact(&flows), Some(expected));
    }

    #[test]
    fn what_was_relayed_or_encrypted_is_explained() {
        for (source, class) in [
            (File, Class::SameBuffer),
            (File, Class::SameContent),
            (File, Class::SameSize),
            (NoEnd, Class::TlsRecord),
        ] {
            let flows = [
                read(File, 1000 * KIB),
                written(source, Tcp, class, 1000 * KIB),
                written(NoEnd, Tcp, Class::Generated, 10 * KIB),
            ];
            assert_eq!(fact(&flows), None, "{class:?}");
        }
    }

    #[test]
    fn the_bounds() {
        let sent = |read_bytes, bytes| {
            let generated = written(NoEnd, Tcp, Class::Generated, bytes);
            fact(&[read(File, read_bytes), generated]).is_some()
        };
        assert!(sent(64 * KIB, KIB) && !sent(64 * KIB - 1, KIB));
        assert!(sent(128 * KIB, 2 * KIB) && !sent(128 * KIB, 2 * KIB - 1));
        assert!(sent(128 * KIB, 112 * KIB) && !sent(128 * KIB, 112 * KIB + 1));
    }

    #[test]
    fn only_files_are_read_and_only_sockets_sent_to() {
        let sent = written(NoEnd, Tcp, Class::Generated, 100 * KIB);
        assert_eq!(fact(&[read(Tcp, 1000 * KIB), sent]), None);
        let stored = written(NoEnd, File, Class::Generated, 100 * KIB);
        assert_eq!(fact(&[read(File, 1000 * KIB), stored]), None);
    }
}
