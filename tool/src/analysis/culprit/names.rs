//! Copy loops and readers of the runtimes, by name.

/// Loops that read and write, of Go's standard library (Go 1.18 to 1.27).
const GO: &[&str] = &[
    "io.Copy",
    "io.CopyBuffer",
    "io.CopyN",
    "io.copyBuffer",
    "net/http/httputil.(*ReverseProxy).copyBuffer",
];

/// Likewise of Rust's (`library/std/src/io/copy.rs`) and of tokio's.
const RUST: &[&str] = &[
    "std::io::copy::copy",
    "std::io::copy::generic_copy",
    "std::io::copy::stack_buffer_copy",
    "tokio::io::util::copy::CopyBuffer::poll_copy",
];

/// Readers of Go's standard library behind which `io.Copy` does not find an `*os.File`: all but
/// `io.LimitedReader`, which it looks through (`net.sendFile`, Go 1.22).
const GO_READERS: &[&str] = &[
    "bufio.(*Reader).Read",
    "bufio.(*Reader).WriteTo",
    "io.(*SectionReader).Read",
    "io.(*multiReader).Read",
    "io.(*multiReader).WriteTo",
    "io.(*teeReader).Read",
    "io.nopCloser.Read",
    "os.fileWithoutWriteTo.Read",
];

/// Whether a function of a runtime, with its source where that is known, reads from one thing and writes
/// to another until the end.
pub(super) fn is_copy_loop(function: &str, file: Option<&str>) -> bool {
    GO.contains(&function)
        || RUST.contains(&without_type_arguments(function))
        || is_of_python(function, file)
        || is_of_java(function)
}

/// Whether a reader of a runtime hides the file behind it.
pub(super) fn is_reader_of_runtime(function: &str) -> bool {
    GO_READERS.contains(&function)
}

/// `std::io::copy::generic_copy<R, W>`, also with `::` in front of the arguments.
fn without_type_arguments(function: &str) -> &str {
    let name = function.split('<').next().unwrap_or(function);
    name.trim_end_matches("::")
}

/// `shutil.copyfileobj`
fn is_of_python(function: &str, file: Option<&str>) -> bool {
    function == "copyfileobj" && file.is_some_and(|file| file.ends_with("/shutil.py"))
}

/// `InputStream.transferTo`, in either spelling of a perf map.
fn is_of_java(function: &str) -> bool {
    function.contains("java.io.InputStream.transferTo")
        || function.contains("java/io/InputStream;::transferTo")
}
