//! What the kernel half can yield: the classes of bytes by call, source and sink.

use crate::model::{Call, CallGroup, Class, EndpointKind};

/// The classes that bytes of `call` from `source` to `sink` can have; empty where the kernel half
/// yields no such flow, or the kernel refuses every such call.
///
/// Not bound by what one kernel allows in one case: a splice into a socket that takes no pages
/// fails, and moves no bytes that could have a class.
#[must_use]
pub fn possible_classes(call: Call, source: EndpointKind, sink: EndpointKind) -> Vec<Class> {
    match call.group() {
        CallGroup::Ingest => ingest(call, source, sink),
        CallGroup::Egress => egress(call, source, sink),
        CallGroup::ZeroCopy if call == Call::Vmsplice => vmsplice(source, sink),
        CallGroup::ZeroCopy => {
            let is_possible = takes_source(call, source) && takes_sink(call, sink);
            let class = if sink == EndpointKind::Pipe {
                Class::Staged
            } else {
                Class::ZeroCopy
            };
            is_possible.then_some(class).into_iter().collect()
        }
    }
}

/// Whether a descriptor can lead there, or could before it was closed.
const fn is_descriptor(kind: EndpointKind) -> bool {
    use EndpointKind::{GiftedMemory, Memory, None};
    !matches!(kind, None | Memory | GiftedMemory)
}

/// Whether the call works on this kind of descriptor; what it was before it was closed is not known.
const fn works_on(call: Call, kind: EndpointKind) -> bool {
    let wants_socket = matches!(
        call,
        Call::Recvfrom | Call::Recvmsg | Call::Recvmmsg | Call::UringRecv | Call::UringRecvmsg
    ) || is_send(call);
    let is_unknown = matches!(kind, EndpointKind::Unknown);
    is_descriptor(kind) && (!wants_socket || kind.is_socket() || is_unknown)
}

fn ingest(call: Call, source: EndpointKind, sink: EndpointKind) -> Vec<Class> {
    if works_on(call, source) && sink == EndpointKind::None {
        vec![Class::Ingest]
    } else {
        Vec::new()
    }
}

fn egress(call: Call, source: EndpointKind, sink: EndpointKind) -> Vec<Class> {
    use EndpointKind::{File, Memory, None, Tcp, Unix, Unknown, Vsock};
    let mut classes = Vec::new();
    if !works_on(call, sink) {
        return classes;
    }
    let was_read = is_descriptor(source);
    if is_send(call) && (was_read || source == Memory) {
        classes.push(Class::ByReference);
    }
    // Whatever these send, they send by reference.
    if matches!(call, Call::UringSendZc | Call::UringSendmsgZc) {
        return classes;
    }
    if source == Unknown {
        classes.push(Class::Unknown);
    }
    if source == None {
        classes.push(Class::Generated);
        // Records are looked for on their way to streams.
        if matches!(sink, Tcp | Unix | Vsock) {
            classes.push(Class::TlsRecord);
        }
    }
    if was_read {
        classes.extend([Class::SameBuffer, Class::SameContent, Class::SameSize]);
    }
    if source == File {
        classes.push(Class::Mapped);
    }
    classes
}

/// Whether the call sends on a socket; all of these can send memory by reference.
const fn is_send(call: Call) -> bool {
    matches!(
        call,
        Call::Sendto
            | Call::Sendmsg
            | Call::Sendmmsg
            | Call::UringSend
            | Call::UringSendmsg
            | Call::UringSendZc
            | Call::UringSendmsgZc
    )
}

/// Into a pipe by reference, or out of a pipe as a read.
fn vmsplice(source: EndpointKind, sink: EndpointKind) -> Vec<Class> {
    use EndpointKind::{GiftedMemory, Memory, None, Pipe, Unknown};
    match (source, sink) {
        (Memory | GiftedMemory, Pipe) => vec![Class::Staged],
        (Pipe | Unknown, None) => vec![Class::Ingest],
        _ => Vec::new(),
    }
}

fn takes_source(call: Call, source: EndpointKind) -> bool {
    use EndpointKind::{Block, Char, File, None, Unknown};
    match call {
        Call::CopyFileRange => matches!(source, File | Unknown),
        // `splice_direct_to_actor` wants a source that can seek (fs/splice.c, 6.18).
        Call::Sendfile => matches!(source, File | Block | Char | Unknown),
        // What comes out of a pipe has the source that filled it, memory among them.
        _ => source != None,
    }
}

fn takes_sink(call: Call, sink: EndpointKind) -> bool {
    use EndpointKind::{File, Pipe, Unknown};
    match call {
        Call::CopyFileRange => matches!(sink, File | Unknown),
        Call::Tee => matches!(sink, Pipe | Unknown),
        // A request keeps its file, whatever becomes of the descriptor.
        Call::UringTee => sink == Pipe,
        _ => is_descriptor(sink),
    }
}

#[cfg(test)]
mod tests {
    use super::possible_classes;
    use crate::model::{Call, Class, EndpointKind};

    #[test]
    fn every_call_can_do_something_and_every_class_can_come_up() {
        let mut classes = Vec::new();
        for &call in Call::ALL {
            let before = classes.len();
            for &source in EndpointKind::ALL {
                for &sink in EndpointKind::ALL {
                    classes.extend(possible_classes(call, source, sink));
                }
            }
            assert!(classes.len() > before, "{}", call.name());
        }
        for class in Class::ALL {
            assert!(classes.contains(class), "{}", class.name());
        }
    }

    #[test]
    fn a_call_that_moves_bytes_without_a_copy_has_one_class() {
        use EndpointKind::{File, GiftedMemory, Memory, None, Pipe, Tcp, Unknown};
        for (call, source, sink, classes) in [
            (Call::Sendfile, File, Tcp, &[Class::ZeroCopy][..]),
            (Call::Sendfile, File, Pipe, &[Class::Staged]),
            (Call::Sendfile, Tcp, Tcp, &[]),
            (Call::Splice, GiftedMemory, Tcp, &[Class::ZeroCopy]),
            (Call::Tee, Tcp, Pipe, &[Class::Staged]),
            (Call::Tee, Pipe, Tcp, &[]),
            (Call::Tee, Pipe, Unknown, &[Class::ZeroCopy]),
            (Call::UringTee, Pipe, Unknown, &[]),
            (Call::Vmsplice, Memory, Pipe, &[Class::Staged]),
            (Call::Vmsplice, Pipe, None, &[Class::Ingest]),
            (Call::CopyFileRange, File, Pipe, &[]),
            (Call::UringSendZc, File, Tcp, &[Class::ByReference]),
            (Call::UringSendmsgZc, Memory, Tcp, &[Class::ByReference]),
            (Call::UringSendmsgZc, Unknown, Tcp, &[Class::ByReference]),
        ] {
            assert_eq!(possible_classes(call, source, sink), classes);
        }
    }
}
