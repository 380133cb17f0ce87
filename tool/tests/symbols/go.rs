//! Go programs: every frame is what the program's own runtime says, however it was linked.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use copytax::model::{Frame, Language};
use copytax::stack::symbols::Symbolizer;
use object::{Object, ObjectSection, ObjectSegment};

use crate::support::prerequisites;

pub(crate) const RELEASES: [&str; 3] = ["1.19", "1.22.10", "1.27.3"];

/// Name, and what `go build` is told.
pub(crate) type Form = (&'static str, &'static [&'static str]);

pub(crate) const NORMAL: Form = ("normal", &[]);
const STRIPPED: Form = ("stripped", &["-ldflags=-s -w"]);
const PIE: Form = ("pie", &["-buildmode=pie"]);
pub(crate) const STRIPPED_PIE: Form = ("stripped-pie", &["-buildmode=pie", "-ldflags=-s -w"]);

const EXTERNAL: Form = ("external", &["-ldflags=-linkmode=external -s -w"]);
const EXTERNAL_PIE: Form = (
    "external-pie",
    &["-buildmode=pie", "-ldflags=-linkmode=external -s -w"],
);

#[test]
fn normal() -> Result<()> {
    agrees(NORMAL)
}

#[test]
fn stripped() -> Result<()> {
    agrees(STRIPPED)
}

#[test]
fn position_independent() -> Result<()> {
    agrees(PIE)
}

#[test]
fn stripped_and_position_independent() -> Result<()> {
    agrees(STRIPPED_PIE)
}

/// The linker of C leaves the section of Go's tables to others.
#[test]
fn linked_by_the_linker_of_c() -> Result<()> {
    agrees(EXTERNAL)?;
    agrees(EXTERNAL_PIE)
}

#[test]
fn without_sections() -> Result<()> {
    for release in RELEASES {
        let Some(program) = built(release, STRIPPED)? else {
            continue;
        };
        let bare = program.with_extension("bare");
        let mut bytes = std::fs::read(&program)?;
        // Offset and number of the headers of sections.
        bytes[40..48].fill(0);
        bytes[60..64].fill(0);
        std::fs::write(&bare, bytes)?;
        stack_agrees(&program, &bare)?;
    }
    Ok(())
}

fn agrees(form: Form) -> Result<()> {
    for release in RELEASES {
        let Some(program) = built(release, form)? else {
            continue;
        };
        stack_agrees(&program, &program).with_context(|| release.to_owned())?;
        instructions_agree(&program).with_context(|| release.to_owned())?;
    }
    Ok(())
}

/// Function, file and line.
type Place = (String, String, u32);

/// Functions of types that have no name in the source. How their own are cut short is not the same in
/// all releases.
const OF_TYPES: &str = "type:.";

/// All frames of a stack with calls that are inlined, generic, and through wrappers.
fn stack_agrees(program: &Path, symbols: &Path) -> Result<()> {
    let said = said_by(program, "stack", "")?;
    let (counters, frames) = said.split_once("\n\n").context("no stack")?;
    let expected = places(frames)?;
    ensure!(expected.len() > 30, "{said}");
    let mut symbolizer = Symbolizer::default();
    let module = symbolizer.module(&Arc::new(File::open(symbols)?), "/oracle", None);
    // The runtime has a counter for each call, inlined or not: what an instruction is a part of are
    // the calls from there on.
    for (index, counter) in counters.lines().enumerate() {
        let address = u64::from_str_radix(counter, 16)?;
        let frames = symbolizer.frames(module, address);
        ensure!(!frames.is_empty(), "{index}: {said}");
        let found: Vec<Place> = frames.iter().map(place).collect();
        assert_eq!(found, expected[index..][..found.len()], "{index} {said}");
        let (outermost, inlined) = frames.split_last().context("no frames")?;
        assert!(!outermost.is_inlined, "{outermost:?}");
        assert!(inlined.iter().all(|frame| frame.is_inlined), "{inlined:?}");
    }
    Ok(())
}

/// The innermost frame of instructions all over the program.
fn instructions_agree(program: &Path) -> Result<()> {
    let file = std::fs::read(program)?;
    let object = object::File::parse(&*file)?;
    let text = object.section_by_name(".text").context("no text")?;
    let addresses: Vec<u64> = (text.address()..text.address() + text.size())
        .step_by(37)
        // The runtime is given the address behind the instruction, and finds the function of that:
        // the next one if the instruction is the last.
        .filter(|address| address % 16 != 15)
        .collect();
    let list: String = addresses.iter().map(|it| format!("{it:x}\n")).collect();
    let said = said_by(program, "counters", &list)?;
    let expected = places(&said)?;
    assert_eq!(expected.len(), addresses.len());

    let mut symbolizer = Symbolizer::default();
    let module = symbolizer.module(&Arc::new(File::open(program)?), "/oracle", None);
    let (mut same, mut left_out) = (0, 0);
    for (address, expected) in addresses.iter().zip(expected) {
        let frames = symbolizer.frames(module, *address);
        match frames.first() {
            // Not of Go: code of C, and marks at the end of the code.
            Some(frame) if expected == Place::default() => {
                let is_mark = place(frame).0.starts_with("go:");
                assert!(frame.language == Language::Native || is_mark, "{frame:?}");
            }
            // The runtime takes the function whose name is first for one without a name.
            Some(frame) if place(frame) == expected || is_first_name(frame, &expected) => {
                assert_eq!(frame.language, Language::Go);
                same += 1;
            }
            // A wrapper, which the runtime leaves out of stacks, but not where it is asked for it.
            None => left_out += 1,
            _ if is_wrapper(&expected) => left_out += 1,
            _ => bail!("{address:x}: {expected:?}, but {frames:#?}"),
        }
    }
    assert!(same > 10_000 && left_out < same / 25, "{same} {left_out}");
    Ok(())
}

fn is_first_name(frame: &Frame, (function, file, line): &Place) -> bool {
    let found = place(frame);
    function.is_empty() && !found.0.is_empty() && (found.1, found.2) == (file.clone(), *line)
}

fn is_wrapper((function, file, _): &Place) -> bool {
    file == "<autogenerated>"
        || function == "runtime.deferreturn"
        || ["gowrap", "deferwrap", "-fm", "dwrap"]
            .iter()
            .any(|mark| function.contains(mark))
}

fn place(frame: &Frame) -> Place {
    (
        shortened(frame.function.as_deref().unwrap_or_default()),
        // What the runtime says for a file that it does not know.
        frame.file.as_deref().unwrap_or("?").to_owned(),
        frame.line.unwrap_or_default(),
    )
}

fn shortened(function: &str) -> String {
    match function.split_once('[') {
        Some((before, _)) if function.starts_with(OF_TYPES) => before.to_owned(),
        _ => function.to_owned(),
    }
}

fn places(lines: &str) -> Result<Vec<Place>> {
    lines
        .lines()
        .map(|line| {
            let mut parts = line.split('\t').map(str::to_owned);
            let mut part = || parts.next().context("a part of a frame is missing");
            Ok((shortened(&part()?), part()?, part()?.parse()?))
        })
        .collect()
}

/// What the oracle prints when it is given some input.
fn said_by(program: &Path, what: &str, input: &str) -> Result<String> {
    let bytes = std::fs::read(program)?;
    let object = object::File::parse(&*bytes)?;
    let lowest = object.segments().map(|segment| segment.address()).min();
    let mut child = Command::new(program)
        .arg(what)
        .arg(format!("{:x}", lowest.context("no segments")?))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no input")?;
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("no writer"))??;
    ensure!(output.status.success(), "it failed");
    Ok(String::from_utf8(output.stdout)?)
}

/// The oracle, built by a release; `None` where the test is to be skipped.
pub(crate) fn built(release: &str, (name, options): Form) -> Result<Option<PathBuf>> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let Some(go) = prerequisites::or_skip(prerequisites::go(release))? else {
        return Ok(None);
    };
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("go-{release}"));
    let program = folder.join(format!("oracle-{name}"));
    let status = Command::new(go)
        .arg("build")
        .args(options)
        .arg("-o")
        .arg(&program)
        .arg(".")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/symbols/go"))
        // Nothing of the machine's own Go, and nothing from the network.
        .env_remove("GOROOT")
        .env_remove("GOFLAGS")
        .env("GOENV", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .env("GOPATH", folder.join("path"))
        .env("GOCACHE", folder.join("cache"))
        .env(
            "CGO_ENABLED",
            if name.starts_with("external") {
                "1"
            } else {
                "0"
            },
        )
        .status()?;
    ensure!(status.success(), "go {release} cannot build the oracle");
    Ok(Some(program))
}
