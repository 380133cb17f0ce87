//! Lost fast paths, by the ids of the catalog.

use super::{Place, culprit};
use crate::analysis::fixture::profile::{
    frame, go, go_read, go_wrapper, go_write, native, nginx, nobody, site, stack,
};
use crate::model::Language::{Jit, Native};
use crate::model::{CallSite, Estimate, Frame};

const SOME: Estimate = Estimate {
    value: 1e6,
    variance: 1e9,
};

fn found(site: &CallSite) -> Option<(&str, Place, Option<&str>)> {
    let culprit = culprit(site)?;
    let through = culprit.through.and_then(|frame| frame.function.as_deref());
    Some((culprit.frame.function.as_deref()?, culprit.place, through))
}

/// `f in FILE` has its source there.
fn jit(functions: &[&str]) -> Vec<Frame> {
    let frames = functions.iter();
    frames
        .map(|text| match text.split_once(" in ") {
            Some((function, file)) => frame(Jit, "[jit]", function).at(file, 1),
            None => frame(Jit, "[jit]", text),
        })
        .collect()
}

fn runtime(module: &str, functions: &[&str]) -> Vec<Frame> {
    native(module, functions).frames.clone()
}

#[test]
fn a_reader_hides_the_file_g1() {
    let site = go_wrapper(SOME);
    assert_eq!(
        found(&site),
        Some(("main.justReader.Read", Place::ReadWrapper, None))
    );
    let culprit = culprit(&site).expect("a culprit");
    assert!(culprit.frame.is_inlined);
    assert_eq!(culprit.frame.line, Some(18));
    let caller = culprit
        .callers
        .first()
        .and_then(|frame| frame.function.as_deref());
    assert_eq!(caller, Some("io.copyBuffer"));
}

#[test]
fn of_two_readers_the_one_at_the_file_is_named() {
    let readers = [
        ("main.fromDisk.Read", "main.go", 5),
        ("bufio.(*Reader).Read", "bufio.go", 241),
        ("main.counting.Read", "main.go", 9),
    ];
    let site = site(1, (Some(go_read(&readers)), go_write(&[])), SOME);
    assert_eq!(
        found(&site),
        Some(("main.fromDisk.Read", Place::ReadWrapper, None))
    );
}

#[test]
fn a_reader_of_go_hides_the_file() {
    let section = ("io.(*SectionReader).Read", "io.go", 550);
    let site = site(1, (Some(go_read(&[section])), go_write(&[])), SOME);
    assert_eq!(
        found(&site),
        Some((
            "main.serve",
            Place::Caller,
            Some("io.(*SectionReader).Read")
        ))
    );
}

#[test]
fn a_writer_hides_the_socket_g2() {
    let writers = [
        ("net/http.(*response).Write", "server.go", 1652),
        ("main.gzipped.Write", "main.go", 70),
        ("main.(*logged).Write", "main.go", 60),
    ];
    let site = site(1, (Some(go_read(&[])), go_write(&writers)), SOME);
    assert_eq!(
        found(&site),
        Some(("main.(*logged).Write", Place::WriteWrapper, None))
    );
}

#[test]
fn nobody_hides_anything_g6() {
    let site = site(1, (Some(go_read(&[])), go_write(&[])), SOME);
    assert_eq!(found(&site), Some(("main.serve", Place::Caller, None)));
}

#[test]
fn servers_in_c_copy_themselves_n1() {
    assert_eq!(
        found(&nginx(SOME)),
        Some(("ngx_read_file", Place::Caller, None))
    );
    let of = |functions| native("/usr/sbin/haproxy", functions);
    let read = of(&[
        "recv",
        "raw_sock_to_buf",
        "sc_conn_recv",
        "run_poll_loop",
        "main",
    ]);
    let write = of(&[
        "send",
        "raw_sock_from_buf",
        "sc_conn_send",
        "run_poll_loop",
        "main",
    ]);
    let haproxy = site(1, (Some(read), write), SOME);
    assert_eq!(
        found(&haproxy),
        Some(("raw_sock_to_buf", Place::Caller, None))
    );
}

#[test]
fn python_p5() {
    let interpreter = &["read", "_io_FileIO_read_impl", "_PyEval_EvalFrameDefault"];
    let python = |inner: &[&str]| {
        let mut frames = runtime("/usr/bin/python3.12", interpreter);
        frames.extend(jit(inner));
        frames.extend(jit(&[
            "copyfileobj in /usr/lib/python3.12/shutil.py",
            "do_GET in /srv/app.py",
            "handle in /usr/lib/python3.12/http/server.py",
        ]));
        stack(frames)
    };
    let plain = site(1, (Some(python(&[])), python(&[])), SOME);
    assert_eq!(found(&plain), Some(("do_GET", Place::Caller, None)));
    let wrapped = python(&["Throttled.read in /srv/app.py"]);
    let wrapped = site(1, (Some(wrapped), python(&[])), SOME);
    assert_eq!(
        found(&wrapped),
        Some(("Throttled.read", Place::ReadWrapper, None))
    );
    // Without `-X perf` there is only the interpreter.
    let bare = native("/usr/bin/python3.12", interpreter);
    assert_eq!(found(&site(1, (Some(bare.clone()), bare), SOME)), None);
}

#[test]
fn node_reads_on_another_thread_s1() {
    let pool = native(
        "/usr/bin/node",
        &[
            "read",
            "uv__fs_read",
            "uv__fs_work",
            "worker",
            "start_thread",
        ],
    );
    let mut write = runtime("/usr/bin/node", &["write", "uv__try_write", "uv_write"]);
    write.extend(jit(&[
        "LazyCompile:*writeGeneric node:internal/stream_base_commons:147:22",
        "LazyCompile:*send /srv/app.js:12:5",
    ]));
    let site = site(1, (Some(pool), stack(write)), SOME);
    assert_eq!(
        found(&site),
        Some(("LazyCompile:*send /srv/app.js:12:5", Place::Writer, None))
    );
}

#[test]
fn rust_r1() {
    let of = |inner: &[&str]| {
        let mut functions = inner.to_vec();
        functions.extend([
            "std::io::copy::stack_buffer_copy<rusty::JustReader, std::net::tcp::TcpStream>",
            "std::io::copy::generic_copy<rusty::JustReader, std::net::tcp::TcpStream>",
            "rusty::serve",
            "main",
        ]);
        native("/srv/rusty", &functions)
    };
    let read = of(&[
        "read",
        "<std::fs::File as std::io::Read>::read",
        "<rusty::JustReader as std::io::Read>::read",
    ]);
    let write = of(&[
        "write",
        "<std::net::tcp::TcpStream as std::io::Write>::write",
    ]);
    assert_eq!(
        found(&site(1, (Some(read), write), SOME)),
        Some((
            "<rusty::JustReader as std::io::Read>::read",
            Place::ReadWrapper,
            None
        ))
    );
}

#[test]
fn what_is_not_known_is_not_guessed() {
    assert_eq!(found(&nobody(SOME)), None);
    let mut frames = go(&[("os.(*File).Read", "file.go", 118)]);
    frames.push(frame(Native, "[jit]", "").unnamed());
    frames.extend(go(&[("main.serve", "main.go", 40)]));
    let site = site(1, (Some(stack(frames)), go_write(&[])), SOME);
    assert_eq!(found(&site), None);
    assert_eq!(
        found(&CallSite {
            read: Some(stack([])),
            write: stack([]),
            ..nobody(SOME)
        }),
        None
    );
}

#[test]
fn a_stripped_program_has_a_place() {
    let frames = [
        frame(Native, "/usr/lib/libc.so.6", "read"),
        frame(Native, "/srv/stripped", "x").unnamed(),
    ];
    let bounced = site(
        1,
        (Some(stack(frames)), native("/srv/stripped", &["main"])),
        SOME,
    );
    let culprit = culprit(&bounced).expect("a culprit");
    assert_eq!(
        crate::analysis::frame_name(culprit.frame),
        "[stripped+0x1078]"
    );
}
