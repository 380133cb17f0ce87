//! Whether what findings say that a fix saves is what it saves: servers that bounce a file, and the same
//! ones mended, under the same load. `cargo xtask bench savings` runs it; `docs/lab.md` keeps the figures.

#[path = "../support/document.rs"]
mod document;
#[path = "../support/quiet.rs"]
mod quiet;
#[path = "../support/statistics.rs"]
#[expect(dead_code, reason = "shared with other benchmarks")]
mod statistics;
#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, reason = "shared with tests")]
mod support;

/// The programs of the gallery.
macro_rules! gallery {
    ($($name:ident at $path:literal),*) => {
        $(
            #[path = $path]
            #[allow(
                dead_code,
                unused_imports,
                clippy::allow_attributes,
                reason = "shared with tests; some need all of it"
            )]
            mod $name;
        )*
    };
}
gallery!(
    apache at "../../tests/gallery/apache.rs",
    content at "../../tests/gallery/content.rs",
    form at "../../tests/gallery/form.rs",
    go at "../../tests/gallery/go.rs",
    lighttpd at "../../tests/gallery/lighttpd.rs",
    load at "../../tests/gallery/load.rs",
    nginx at "../../tests/gallery/nginx.rs",
    python at "../../tests/gallery/python.rs",
    rust at "../../tests/gallery/rust.rs",
    server at "../../tests/gallery/server.rs",
    upstream at "../../tests/gallery/upstream.rs"
);

mod pair;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::content::Content;
use crate::pair::Pair;
use crate::support::prerequisites;

/// Where the sources of the programs are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gallery");

/// Predictions that have to be near, of so many pairs.
const WANTED: (usize, usize) = (6, 8);

/// Whether fixes save what is said.
#[derive(Debug, Parser)]
struct Args {
    /// Turns of each form, of a second, and of the audit, of four.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(3..))]
    rounds: u32,
    /// Those pairs only whose names have this in them.
    #[arg(long, default_value = "")]
    only: String,
    /// Write the figures to docs/lab.md.
    #[arg(long)]
    write: bool,
    /// Cargo says this to benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    prerequisites::root()?;
    let _awake = quiet::machine()?;
    let mut rows = Vec::new();
    for (name, start) in PAIRS.iter().filter(|(name, _)| name.contains(&args.only)) {
        let content = Content::new()?;
        let Some(pair) = start(&content)? else {
            continue;
        };
        let row = pair.compare(name, args.rounds)?;
        println!("{}", row.line());
        rows.push(row);
    }
    let (near, all) = (rows.iter().filter(|row| row.is_near()).count(), rows.len());
    let wrong = rows.iter().filter(|row| !row.has_direction()).count();
    let is_kept = near * WANTED.1 >= all * WANTED.0 && wrong == 0;
    let text = table::text(&rows, args.rounds, near, wrong, is_kept);
    println!("{text}");
    if args.write {
        document::replace_part("lab.md", "savings", &text)?;
    }
    Ok(if is_kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A name, and what starts the server in both forms; `None` where it is not there.
type Start = (&'static str, fn(&Content) -> Result<Option<Pair>>);

const PAIRS: &[Start] = &[
    ("Go 1.22, wrapped reader", |content| {
        Pair::of(
            go::forms_1_22(content)?,
            "go 1.22.10 wrapped",
            "go 1.22.10 plain",
        )
    }),
    ("Go 1.27, io.SectionReader", |content| {
        Pair::of(
            go::forms_1_27(content)?,
            "go 1.27.3 section",
            "go 1.27.3 limited",
        )
    }),
    ("Go 1.27, wrapped ResponseWriter", |content| {
        Pair::of(
            go::forms_1_27(content)?,
            "go 1.27.3 files-wrapped",
            "go 1.27.3 files",
        )
    }),
    ("nginx, sendfile off", |content| {
        Pair::of(nginx::forms(content)?, "nginx read", "nginx sendfile")
    }),
    ("Apache, EnableSendfile Off", |content| {
        Pair::of(apache::forms(content)?, "apache read", "apache sendfile")
    }),
    ("lighttpd, writev", |content| {
        Pair::of(
            lighttpd::forms(content)?,
            "lighttpd writev",
            "lighttpd sendfile",
        )
    }),
    ("Python, asyncio", |content| {
        Pair::of(
            python::forms(content, python::python(), &[], python::STANDARD)?,
            "standard.py asyncio-wrapped",
            "standard.py asyncio",
        )
    }),
    ("Python, aiohttp", |content| {
        let python = python::python_with_packages();
        Pair::of(
            python::forms(content, python, &[], python::AIOHTTP)?,
            "files.py without-sendfile",
            "files.py plain",
        )
    }),
    ("Rust, a loop", |content| {
        Pair::of(rust::forms(content)?, "rust loop", "rust sendfile")
    }),
];
