//! The cases: what is moved from where to where, and what has to become of it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use copytax::host::kernel::Version;
use serde::{Deserialize, Serialize};

use crate::pairs::{
    LENGTH, Sink, Source, from_memory, from_socket, teed, through_pipe, unwitnessed, witnessed,
};
use crate::veth::Veth;
use crate::{fuse, mounts};

/// Bytes that moved in one way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Route {
    call: String,
    source: String,
    sink: String,
    /// The reason that the audit has to give.
    pub(crate) sharing: String,
    pub(crate) bytes: u64,
    /// What a witness saw, where there was one.
    pub(crate) witness: Option<String>,
}

impl Route {
    /// Bytes that a call moved from a kind of source to a kind of sink.
    pub(crate) fn new(
        (call, source, sink): (&str, &str, &str),
        sharing: &str,
        bytes: usize,
    ) -> Self {
        Self {
            call: call.to_owned(),
            source: source.to_owned(),
            sink: sink.to_owned(),
            sharing: sharing.to_owned(),
            bytes: bytes as u64,
            witness: None,
        }
    }

    /// With what a witness saw.
    pub(crate) fn seen(mut self, witness: &str) -> Self {
        self.witness = Some(witness.to_owned());
        self
    }

    /// The rule that has to be found, where the kernel copied.
    pub(crate) fn rule(&self) -> Option<&'static str> {
        Some(match self.sharing.as_str() {
            "direct_io" => "K1",
            "copy_splice_read" => "K2",
            "fuse_direct_io" => "K3",
            "page_cache_write" => "K4",
            "no_scatter_gather" => "K5",
            _ => return None,
        })
    }

    /// The flow it belongs to.
    pub(crate) fn key(&self) -> String {
        key(&self.call, &self.source, &self.sink, &self.sharing)
    }
}

/// A flow, in one line.
pub(crate) fn key(call: &str, source: &str, sink: &str, sharing: &str) -> String {
    format!("{call} {source}->{sink} ({sharing})")
}

/// What a worker leaves.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// What it did.
    Done(Vec<Route>),
    /// What this kernel does not have.
    Unavailable(String),
    /// What setup would have installed.
    Missing(String),
}

/// Why a worker did not do it.
pub(crate) enum Stop {
    Unavailable(String),
    Missing(String),
    Failed(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

type Case = fn(&Path) -> Result<Vec<Route>, Stop>;

/// All of them, by name.
pub(crate) const CASES: [(&str, Case); 9] = [
    ("tmpfs", |folder| copying(&mounts::tmpfs(folder)?)),
    ("ext4", |folder| copying(&mounts::on_loop("ext4", folder)?)),
    ("xfs", |folder| cloning(&mounts::on_loop("xfs", folder)?)),
    ("btrfs", |folder| {
        cloning(&mounts::on_loop("btrfs", folder)?)
    }),
    ("overlay", overlay),
    ("block", block),
    ("streams", streams),
    ("veth", veth),
    ("fuse", on_fuse),
];

/// Since then `splice_read` of what has no page cache is `copy_splice_read`.
fn has_copy_splice_read() -> bool {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    Version::of_release(&release) >= Some(Version::new(6, 5))
}

/// What a source without page cache gives away.
fn without_page_cache() -> &'static str {
    if has_copy_splice_read() {
        "copy_splice_read"
    } else {
        "unknown_source"
    }
}

/// A file system with a page cache that has no own way of copying.
fn copying(point: &Path) -> Result<Vec<Route>, Stop> {
    let mut routes = cached(point)?;
    routes.push(copied_range(point, "page_cache_write")?);
    Ok(routes)
}

/// A file system with a page cache that can share extents.
fn cloning(point: &Path) -> Result<Vec<Route>, Stop> {
    let mut routes = cached(point)?;
    routes.push(copied_range(point, "maybe_reflink")?);
    Ok(routes)
}

fn copied_range(point: &Path, sharing: &'static str) -> io::Result<Route> {
    let source = Source::file(&point.join("source"), 0)?;
    let mut sink = Sink::file(&point.join("copy"), 0)?;
    witnessed("copy_file_range", &source, &mut sink, sharing)
}

/// The ways of every file system with a page cache.
fn cached(point: &Path) -> Result<Vec<Route>, Stop> {
    let (path, copy) = (point.join("source"), point.join("sink"));
    let source = Source::file(&path, 0)?;
    let mut routes = vec![
        witnessed("sendfile", &source, &mut Sink::tcp()?, "pages")?,
        witnessed("sendfile", &source, &mut Sink::unix()?, "pages")?,
        witnessed("sendfile", &source, &mut Sink::pipe()?, "pages")?,
        witnessed("splice", &source, &mut Sink::pipe()?, "pages")?,
    ];
    routes.extend(through_pipe(&source, &mut Sink::tcp()?, ["pages"; 2])?);
    routes.extend(teed(&source, "pages")?);
    let sink = &mut Sink::file(&copy, 0)?;
    let written = "page_cache_write";
    routes.push(witnessed("sendfile", &source, sink, written)?);
    routes.extend(through_pipe(&source, sink, ["pages", written])?);
    let sink = &mut Sink::file(&copy, libc::O_DIRECT);
    if let Ok(sink) = sink {
        routes.push(witnessed("sendfile", &source, sink, "unknown_sink")?);
    }
    // A tmpfs before 6.6 has no such files.
    if let Ok(source) = Source::file(&path, libc::O_DIRECT) {
        let direct = "direct_io";
        routes.push(witnessed("sendfile", &source, &mut Sink::tcp()?, direct)?);
        routes.extend(through_pipe(&source, &mut Sink::unix()?, [direct; 2])?);
        routes.extend(teed(&source, direct)?);
    }
    Ok(routes)
}

/// Files of an overlay: those below it are what is read.
fn overlay(folder: &Path) -> Result<Vec<Route>, Stop> {
    let (merged, lower) = mounts::overlay(folder)?;
    for name in ["source", "other"] {
        std::fs::write(lower.join(name), [0; LENGTH])?;
    }
    let below = OpenOptions::new().write(true).open(lower.join("source"))?;
    let source = Source::changed_through(&merged.join("source"), 0, below.try_clone()?)?;
    let mut routes = vec![witnessed("sendfile", &source, &mut Sink::tcp()?, "pages")?];
    let direct = Source::changed_through(&merged.join("source"), libc::O_DIRECT, below);
    if let Ok(source) = direct {
        routes.push(witnessed(
            "sendfile",
            &source,
            &mut Sink::unix()?,
            "direct_io",
        )?);
    }
    // Opened before a write copies it up: read from a file that may be either.
    let early = File::open(merged.join("other"))?;
    std::fs::write(merged.join("other"), [1; LENGTH])?;
    let early = ("file", &early);
    routes.push(unwitnessed(
        "sendfile",
        early,
        &Sink::tcp()?,
        after_copy_up(),
    )?);
    routes.push(copied_range(&merged, "maybe_reflink")?);
    Ok(routes)
}

/// Kernels without `struct ovl_file` (before 6.13) open the upper file for each call.
fn after_copy_up() -> &'static str {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    if Version::of_release(&release) >= Some(Version::new(6, 13)) {
        "unknown_source"
    } else {
        "pages"
    }
}

/// A block device, both ways.
fn block(folder: &Path) -> Result<Vec<Route>, Stop> {
    let image = folder.join("image");
    std::fs::write(&image, [0; LENGTH])?;
    let device = mounts::loop_device(&image)?;
    let path = Path::new(&device.0);
    let mut source = Source::file(path, 0)?;
    source.kind = "block";
    let mut routes = vec![witnessed("sendfile", &source, &mut Sink::tcp()?, "pages")?];
    let file = Source::file(&mounts::tmpfs(folder)?.join("source"), 0)?;
    let mut sink = Sink::device("block", path)?;
    routes.push(witnessed("sendfile", &file, &mut sink, "page_cache_write")?);
    Ok(routes)
}

/// What is no file with a page cache.
fn streams(folder: &Path) -> Result<Vec<Route>, Stop> {
    let file = Source::file(&mounts::tmpfs(folder)?.join("source"), 0)?;
    let mut routes = Vec::new();
    routes.extend(from_memory(&mut Sink::tcp()?)?);
    routes.extend(from_memory(&mut Sink::unix()?)?);
    routes.extend(from_socket(&mut Sink::tcp()?, "socket_source")?);
    let zero = File::open("/dev/zero")?;
    let pipe = Sink::pipe()?;
    routes.push(unwitnessed(
        "splice",
        ("char", &zero),
        &pipe,
        without_page_cache(),
    )?);
    let version = File::open("/proc/version")?;
    let unix = Sink::unix()?;
    routes.push(unwitnessed(
        "sendfile",
        ("file", &version),
        &unix,
        without_page_cache(),
    )?);
    let null = Sink::device("char", Path::new("/dev/null"))?;
    routes.push(unwitnessed(
        "sendfile",
        ("file", &file.read),
        &null,
        "unknown_sink",
    )?);
    Ok(routes)
}

/// A device between two namespaces, as it is and without scatter-gather.
fn veth(folder: &Path) -> Result<Vec<Route>, Stop> {
    let source = Source::file(&mounts::tmpfs(folder)?.join("source"), 0)?;
    let veth = Veth::new()?;
    let mut sink = veth.connect()?;
    let mut routes = vec![witnessed("sendfile", &source, &mut sink, "pages")?];
    veth.without_scatter_gather()?;
    let mut sink = veth.connect()?;
    let copied = "no_scatter_gather";
    routes.push(witnessed("sendfile", &source, &mut sink, copied)?);
    routes.extend(through_pipe(&source, &mut sink, ["pages", copied])?);
    Ok(routes)
}

/// Files of FUSE.
fn on_fuse(folder: &Path) -> Result<Vec<Route>, Stop> {
    let point = fuse::serve(folder)?;
    let cached = Source::file(&point.join("cached"), 0)?;
    let mut routes = vec![witnessed("sendfile", &cached, &mut Sink::tcp()?, "pages")?];
    let past = Source::file(&point.join("cached"), libc::O_DIRECT)?;
    routes.push(witnessed(
        "sendfile",
        &past,
        &mut Sink::unix()?,
        "direct_io",
    )?);
    let direct = Source::file(&point.join("direct"), 0)?;
    let sharing = if has_copy_splice_read() {
        "unknown_source"
    } else {
        "fuse_direct_io"
    };
    routes.push(witnessed("sendfile", &direct, &mut Sink::tcp()?, sharing)?);
    drop((cached, past, direct));
    mounts::unmount(&point)?;
    Ok(routes)
}
