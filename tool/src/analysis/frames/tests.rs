//! Frames of real programs.

use super::{Role, frame_name, role};
use crate::analysis::fixture::profile::frame;
use crate::model::Language::{Go, Jit, Kernel, Native};
use crate::model::{Frame, Language};

const LIBC: &str = "/usr/lib/x86_64-linux-gnu/libc.so.6";

fn check(language: Language, module: &str, roles: &[(&str, Role)]) {
    for &(function, expected) in roles {
        let frame = frame(language, module, function);
        assert_eq!(role(&frame), expected, "{function} of {module}");
    }
}

#[test]
fn of_go() {
    check(
        Go,
        "/srv/filesrv",
        &[
            ("runtime.goexit", Role::Runtime),
            ("runtime.memmove", Role::Copy),
            ("os.(*File).Read", Role::Runtime),
            ("internal/poll.(*FD).Read", Role::Runtime),
            ("net/http.(*conn).serve", Role::Runtime),
            (
                "slices.SortFunc[go.shape.[]main.T,go.shape.struct { main.a int }]",
                Role::Runtime,
            ),
            ("vendor/golang.org/x/net/http2/hpack.Encode", Role::Runtime),
            ("gogo", Role::Runtime),
            ("type:.eq.main.T", Role::Runtime),
            ("main.justReader.Read", Role::Application),
            ("main.main.func1", Role::Application),
            (
                "main.copyAll[go.shape.struct { net/http.x int }]",
                Role::Application,
            ),
            ("filesrv/serve.(*Handler).ServeHTTP", Role::Application),
            ("github.com/acme/filesrv/serve.Run", Role::Application),
            ("gopkg.in/yaml%2ev3.Unmarshal", Role::Application),
        ],
    );
    for (file, expected) in [
        (
            "/root/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/response_writer.go",
            Role::Library,
        ),
        (
            "github.com/gin-gonic/gin@v1.9.1/response_writer.go",
            Role::Library,
        ),
        (
            "/src/app/vendor/github.com/gin-gonic/gin/response_writer.go",
            Role::Library,
        ),
        ("github.com/acme/filesrv/serve.go", Role::Application),
    ] {
        let frame = frame(
            Go,
            "/srv/filesrv",
            "github.com/gin-gonic/gin.(*responseWriter).Write",
        );
        assert_eq!(role(&frame.at(file, 83)), expected, "{file}");
    }
}

#[test]
fn of_pythons_extensions() {
    let path = "/usr/lib/python3.12/lib-dynload/_socket.cpython-312-x86_64-linux-gnu.so";
    check(Native, path, &[("sock_send_impl", Role::Runtime)]);
}

#[test]
fn of_rust_by_source() {
    for (function, file, expected) in [
        ("send", "/src/server/src/shapes.rs", Role::Application),
        (
            "write",
            "/root/.cargo/registry/src/index/rustix-1.1.6/src/io/read_write.rs",
            Role::Runtime,
        ),
        (
            "write",
            "/root/.cargo/registry/src/index/hyper-1.6.0/src/body.rs",
            Role::Library,
        ),
    ] {
        let frame = frame(Native, "/srv/server", function).at(file, 60);
        assert_eq!(role(&frame), expected, "{file}");
    }
}

#[test]
fn of_the_kernel() {
    check(
        Kernel,
        "[kernel]",
        &[
            ("rep_movs_alternative", Role::Copy),
            ("copy_user_enhanced_fast_string", Role::Copy),
            ("copy_user_generic_unrolled", Role::Copy),
            ("_copy_to_iter", Role::Copy),
            ("_copy_from_iter", Role::Copy),
            ("copyout.part.0", Role::Copy),
            ("copy_page_to_iter", Role::Copy),
            ("skb_copy_datagram_iter", Role::Copy),
            ("__arch_copy_from_user", Role::Copy),
            ("memcpy_orig", Role::Copy),
            ("copy_splice_read", Role::Kernel),
            ("do_sys_openat2", Role::Kernel),
            ("tcp_sendmsg_locked", Role::Kernel),
        ],
    );
}

#[test]
fn of_machine_code() {
    check(
        Native,
        LIBC,
        &[
            ("__memmove_avx_unaligned_erms", Role::Copy),
            ("__memcpy_sve", Role::Copy),
            ("memcpy@GLIBC_2.2.5", Role::Copy),
            ("__mempcpy_evex_unaligned", Role::Copy),
            ("pread64", Role::Runtime),
            ("memchr", Role::Runtime),
        ],
    );
    check(
        Native,
        "/usr/sbin/nginx",
        &[
            ("ngx_read_file", Role::Application),
            ("main", Role::Application),
            ("memcpy_to_chain", Role::Application),
            ("_start", Role::Runtime),
        ],
    );
    check(
        Native,
        "/srv/rusty (deleted)",
        &[
            ("std::io::copy::generic_copy", Role::Runtime),
            ("<std::fs::File as std::io::Read>::read", Role::Runtime),
            ("<&mut std::fs::File as std::io::Read>::read", Role::Runtime),
            (
                "<rusty::JustReader as std::io::Read>::read",
                Role::Application,
            ),
            ("core::ptr::copy_nonoverlapping<u8>", Role::Copy),
            ("rusty::main", Role::Application),
        ],
    );
    let by_file = |file| role(&frame(Native, "/srv/rusty", "<T as f::G>::h").at(file, 1));
    assert_eq!(
        by_file("/rustc/0a1b2c/library/std/src/io/mod.rs"),
        Role::Runtime
    );
    assert_eq!(
        by_file("/home/ada/.cargo/registry/src/index-0/hyper-1.6.0/src/lib.rs"),
        Role::Library
    );
    assert_eq!(
        by_file("/home/ada/.cargo/registry/src/index-0/tokio-1.40.0/src/lib.rs"),
        Role::Runtime
    );
    assert_eq!(by_file("src/main.rs"), Role::Application);
    check(
        Native,
        "/usr/lib/x86_64-linux-gnu/libssl.so.3",
        &[("SSL_write", Role::Library)],
    );
    check(
        Native,
        "/usr/lib/libpython3.11.so.1.0",
        &[("PyObject_Vectorcall", Role::Runtime)],
    );
    check(
        Native,
        "/usr/bin/python3.11",
        &[("_PyEval_EvalFrameDefault", Role::Runtime)],
    );
    check(Native, "/usr/bin/node", &[("uv__fs_read", Role::Runtime)]);
    check(
        Native,
        "/usr/sbin/php-fpm8.2",
        &[("execute_ex", Role::Runtime)],
    );
    check(Native, "[vdso]", &[("__vdso_clock_gettime", Role::Runtime)]);
}

#[test]
fn of_code_made_at_run_time() {
    check(
        Jit,
        "[jit]",
        &[
            ("JS:*send file:///srv/app.js:12:5", Role::Application),
            (
                "LazyCompile:~onread node:internal/stream_base_commons:167:20",
                Role::Runtime,
            ),
            (
                "JS:*pipe /srv/node_modules/send/index.js:3:1",
                Role::Library,
            ),
            ("Builtin:ArgumentsAdaptorTrampoline", Role::Runtime),
            ("void com.acme.Files.send(java.io.File)", Role::Application),
            (
                "int sun.nio.ch.FileChannelImpl.transferTo(long)",
                Role::Runtime,
            ),
            ("Ljava/io/InputStream;::read", Role::Runtime),
            ("Lcom/acme/Files;::send", Role::Application),
            ("Interpreter", Role::Runtime),
            ("StubRoutines::jbyte_disjoint_arraycopy", Role::Copy),
        ],
    );
}

#[test]
fn of_scripts() {
    for (function, file, expected) in [
        ("do_GET", "/srv/app.py", Role::Application),
        (
            "copyfileobj",
            "/usr/lib/python3.12/shutil.py",
            Role::Runtime,
        ),
        (
            "_handle_fromlist",
            "<frozen importlib._bootstrap>",
            Role::Runtime,
        ),
        (
            "write",
            "/srv/venv/lib/python3.12/site-packages/aiohttp/web.py",
            Role::Library,
        ),
        ("send", "/srv/app.js", Role::Application),
        ("onread", "node:internal/stream_base_commons", Role::Runtime),
        ("pipe", "/srv/node_modules/send/index.js", Role::Library),
    ] {
        let frame = frame(Jit, "[jit]", function).at(file, 1);
        assert_eq!(role(&frame), expected, "{function} of {file}");
    }
}

#[test]
fn without_a_name() {
    let nowhere = Frame {
        module: None,
        address: 0x7f00_1234,
        ..frame(Native, "", "").unnamed()
    };
    for (frame, name, expected) in [
        (
            frame(Native, "/usr/sbin/nginx", "").unnamed(),
            "[nginx+0x1000]",
            Role::Application,
        ),
        (
            frame(Native, LIBC, "").unnamed(),
            "[libc.so.6+0x1000]",
            Role::Runtime,
        ),
        (
            frame(Native, "[vdso]", "").unnamed(),
            "[vdso+0x1000]",
            Role::Runtime,
        ),
        (
            frame(Jit, "[jit]", "").unnamed(),
            "[jit+0x1000]",
            Role::Unknown,
        ),
        (
            frame(Go, "/srv/filesrv", "").unnamed(),
            "[filesrv+0x1000]",
            Role::Unknown,
        ),
        (nowhere, "[0x7f001234]", Role::Unknown),
    ] {
        assert_eq!(frame_name(&frame), name);
        assert_eq!(role(&frame), expected, "{name}");
    }
    assert_eq!(
        frame_name(&frame(Kernel, "[kernel]", "ksys_read")),
        "ksys_read"
    );
}
