use copytax_common::{
    Call, Class, DecodeError, EndpointKind, FileFacts, SAMPLE_FRAMES, SAMPLE_PATH, SAMPLE_STACK,
    SAMPLE_STACK_CUT, SAMPLE_USER, SampleHeader, SampleKind, Sharing, UnknownTag,
};

use super::{SampleError, decode};
use crate::probe::maps::bytes_of;

fn no_file() -> FileFacts {
    FileFacts {
        inode: 0,
        device: 0,
        mount: 0,
        kind: 0,
        padding: 0,
        family: 0,
        local_port: 0,
        peer_port: 0,
        path_len: 0,
        path_cut: 0,
        padding_end: 0,
        local: [0; 16],
        peer: [0; 16],
        // What a record before has left there must not be taken for a path.
        path: [b'x'; SAMPLE_PATH],
    }
}

fn header() -> SampleHeader {
    SampleHeader {
        start_time_ns: 11,
        tgid: 42,
        tid: 43,
        time_ns: 12,
        id: 7 << 48 | 1,
        bytes: 65_536,
        spent: 4_096,
        call_bytes: 5_000,
        interval: 1 << 20,
        transfer: 0,
        instruction_pointer: 0x1000,
        stack_pointer: 0x7ff0,
        frame_pointer: 0x8000,
        syscall: -1,
        stack_len: 3,
        user_frames: 2,
        kernel_frames: 1,
        flags: SAMPLE_USER,
        kind: SampleKind::Bounce as u8,
        call: Call::Write as u8,
        source: EndpointKind::File as u8,
        sink: EndpointKind::Tcp as u8,
        class: Class::SameBuffer as u8,
        sharing: Sharing::None as u8,
        stands_for: 1,
        source_file: no_file(),
        sink_file: no_file(),
    }
}

/// The record of a header that has the tail of [`header`].
fn record(header: &SampleHeader) -> Vec<u8> {
    let mut bytes = bytes_of(header).to_vec();
    for address in [0x1000u64, 0x2000, 0xffff_ffff_8000_0000] {
        bytes.extend(address.to_ne_bytes());
    }
    bytes.extend(b"abc");
    bytes
}

#[test]
fn a_record_is_decoded() {
    let mut header = header();
    header.flags |= SAMPLE_STACK_CUT;
    header.sink_file = FileFacts {
        inode: 9,
        kind: EndpointKind::Tcp as u8,
        family: super::AF_INET,
        local_port: 80,
        peer_port: 40_000,
        local: [127, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
        peer: [10, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
        ..no_file()
    };
    let path = b"leaf\0folder\0";
    header.source_file = FileFacts {
        inode: 8,
        device: 254 << 20 | 3,
        mount: 27,
        kind: EndpointKind::File as u8,
        path_len: path.len() as u16,
        ..no_file()
    };
    header.source_file.path[..path.len()].copy_from_slice(path);
    let sample = decode(&record(&header)).expect("a sample");
    assert_eq!(sample.kind, SampleKind::Bounce);
    assert_eq!((sample.process.pid, sample.thread), (42, 43));
    assert_eq!((sample.bytes, sample.spent), (65_536, 4_096));
    assert_eq!((sample.transfer, sample.syscall), (None, None));
    assert_eq!(sample.class, Some(Class::SameBuffer));
    let user = sample.user.expect("a user stack");
    assert_eq!(user.by_frame_pointers, [0x1000, 0x2000]);
    assert_eq!((user.memory.as_slice(), user.is_cut), (&b"abc"[..], true));
    assert_eq!(sample.kernel, [0xffff_ffff_8000_0000]);
    let source = sample.source_file.expect("a file");
    assert_eq!(source.names, [&b"folder"[..], b"leaf"]);
    assert_eq!((source.device, source.mount), ((254, 3), Some(27)));
    let sink = sample.sink_file.expect("a socket");
    assert_eq!(sink.local, Some(([127, 0, 0, 1], 80).into()));
    assert_eq!(sink.peer, Some(([10, 0, 0, 2], 40_000).into()));
    assert_eq!((sink.names, sink.mount), (Vec::new(), None));
}

#[test]
fn addresses_of_version_6_are_those_of_version_4_where_they_stand_for_them() {
    let mut header = header();
    let mut mapped = [0; 16];
    mapped[10..].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 1]);
    header.sink_file = FileFacts {
        kind: EndpointKind::Tcp as u8,
        family: super::AF_INET6,
        local_port: 1,
        local: mapped,
        ..no_file()
    };
    let sample = decode(&record(&header)).expect("a sample");
    let sink = sample.sink_file.expect("a socket");
    assert_eq!(
        (sink.local, sink.peer),
        (Some(([192, 0, 2, 1], 1).into()), None)
    );
}

#[test]
fn truncated_and_oversized_records_are_refused() {
    let whole = record(&header());
    for length in (0..whole.len()).chain([whole.len() + 1]) {
        let mut bytes = whole.clone();
        bytes.resize(length, 0);
        let expected = if length < size_of::<SampleHeader>() {
            size_of::<SampleHeader>()
        } else {
            whole.len()
        };
        assert_eq!(
            decode(&bytes),
            Err(SampleError::Length(DecodeError {
                expected,
                found: length
            }))
        );
    }
}

#[test]
fn more_than_there_is_room_for_is_refused() {
    let oversize: [fn(&mut SampleHeader); 5] = [
        |header| header.user_frames = SAMPLE_FRAMES as u16 + 1,
        |header| header.kernel_frames = u16::MAX,
        |header| header.stack_len = SAMPLE_STACK as u32 + 1,
        |header| header.stack_len = u32::MAX,
        |header| {
            header.sink_file.kind = EndpointKind::File as u8;
            header.sink_file.path_len = SAMPLE_PATH as u16 + 1;
        },
    ];
    for change in oversize {
        let mut header = header();
        change(&mut header);
        let result = decode(&record(&header));
        assert!(
            matches!(result, Err(SampleError::Oversized(_))),
            "{result:?}"
        );
    }
}

#[test]
fn unknown_tags_are_refused() {
    let spoil: [fn(&mut SampleHeader); 7] = [
        |header| header.kind = 0,
        |header| header.call = 200,
        |header| header.source = 200,
        |header| header.sink = 200,
        |header| header.class = 200,
        |header| header.sharing = 200,
        |header| header.source_file.kind = 200,
    ];
    for change in spoil {
        let mut header = header();
        change(&mut header);
        let result = decode(&record(&header));
        assert!(
            matches!(result, Err(SampleError::Tag(UnknownTag { .. }))),
            "{result:?}"
        );
    }
}
