//! Bytes that `tee` gives to a descriptor that is closed by then.

use std::io::{Write as _, pipe};
use std::os::fd::AsRawFd as _;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use copytax::model::{Call, Class, EndpointKind, Snapshot};

const BYTES: u64 = 1_009;

/// A `tee` that waits for bytes in its source, while another thread closes the descriptor of its sink.
pub(crate) fn tee_to_closed() {
    let (source, mut filling) = pipe().expect("a pipe");
    let (_open, sink) = pipe().expect("a pipe");
    let (from, to) = (source.as_raw_fd(), sink.as_raw_fd());
    let (tell, told) = channel();
    thread::scope(|scope| {
        let tee = scope.spawn(move || {
            // SAFETY: no preconditions.
            tell.send(unsafe { libc::gettid() }).expect("it listens");
            // SAFETY: a call on descriptors, which the kernel holds as long as it runs.
            unsafe { libc::tee(from, to, 1 << 16, 0) }
        });
        wait_until_it_waits(&told);
        drop(sink);
        filling.write_all(&[0x5a; BYTES as usize]).expect("room");
        let result = tee.join().expect("no panic");
        assert_eq!(result, BYTES as isize);
    });
}

/// Returns once the thread whose number comes sleeps in `tee`.
fn wait_until_it_waits(told: &Receiver<i32>) {
    let thread = told.recv().expect("it tells");
    let call = format!("/proc/self/task/{thread}/syscall");
    let wanted = format!("{} ", libc::SYS_tee);
    while !std::fs::read_to_string(&call)
        .expect("it runs")
        .starts_with(&wanted)
    {
        thread::yield_now();
    }
}

pub(crate) fn check(snapshot: &Snapshot) -> Result<(), String> {
    let flows = snapshot.flows.iter().filter(|flow| flow.call == Call::Tee);
    let [flow] = flows.collect::<Vec<_>>()[..] else {
        return Err(format!("not one flow: {:#?}", snapshot.flows));
    };
    let found = (flow.sink, flow.class, flow.bytes, flow.calls);
    if found != (EndpointKind::Unknown, Class::ZeroCopy, BYTES, 1) {
        return Err(format!("{flow:?}"));
    }
    match snapshot.loss.endpoint_unknown {
        1 => Ok(()),
        other => Err(format!("endpoint_unknown {other}")),
    }
}
