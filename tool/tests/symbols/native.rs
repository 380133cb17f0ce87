//! Programs in C, C++ and Rust: frames are what addr2line says of the program before it was stripped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use copytax::model::{Frame, Language};
use copytax::stack::symbols::{ProcessFiles, Symbolizer};
use object::{Object, ObjectSection, ObjectSymbol};
use tempfile::TempDir;

use crate::support::prerequisites;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/symbols/native");

#[test]
fn frames_are_those_of_addr2line() -> Result<()> {
    let built = Built::new("inlined.c", &[])?;
    built.frames_agree(&mut Symbols::of(&built.program)?)
}

#[test]
fn compressed_debug_information_is_read() -> Result<()> {
    let built = Built::new("inlined.c", &["-gz=zlib"])?;
    built.frames_agree(&mut Symbols::of(&built.program)?)
}

#[test]
fn a_debug_file_is_found_by_its_build_id() -> Result<()> {
    let built = Built::new("inlined.c", &["-Wl,--build-id=0x0123456789abcdef"])?;
    let stripped = built.stripped()?;
    let debug = built.folder.path().join("debug");
    let folder = debug.join(".build-id/01");
    fs::create_dir_all(&folder)?;
    built.only_debug_information(&folder.join("23456789abcdef.debug"))?;
    let mut symbols = Symbols {
        symbolizer: Symbolizer::with_debug_directories(vec![debug]),
        ..Symbols::of(&stripped)?
    };
    built.frames_agree(&mut symbols)
}

#[test]
fn a_debug_file_is_found_by_its_link() -> Result<()> {
    for folder in ["", ".debug"] {
        let built = Built::new("inlined.c", &["-Wl,--build-id=none"])?;
        let linked = built.linked(folder)?;
        built.frames_agree(&mut Symbols::of(&linked)?)?;
    }
    Ok(())
}

#[test]
fn a_debug_file_of_another_build_is_not_used() -> Result<()> {
    let built = Built::new("inlined.c", &["-Wl,--build-id=none"])?;
    let linked = built.linked("")?;
    let other = Built::new("inlined.c", &["-Wl,--build-id=none", "-DOTHER", "-O1"])?;
    other.only_debug_information(&built.folder.path().join(LINK))?;
    let hidden = built.address("hidden")?;
    let frames = Symbols::of(&linked)?.frames(hidden)?;
    assert_eq!(frames[0].function, None, "{frames:#?}");
    Ok(())
}

#[test]
fn a_link_to_a_pipe_is_not_waited_for() -> Result<()> {
    let options = ["-Wl,--build-id=none", "-Wl,--export-dynamic"];
    let built = Built::new("inlined.c", &options)?;
    let linked = built.linked("")?;
    let link = built.folder.path().join(LINK);
    fs::remove_file(&link)?;
    let made = Command::new("mkfifo").arg(&link).status()?;
    ensure!(made.success(), "no pipe");
    let frames = Symbols::of(&linked)?.frames(built.address("exported")?)?;
    assert_eq!(frames[0].function.as_deref(), Some("exported"));
    Ok(())
}

#[test]
fn what_is_stripped_has_no_name_of_its_neighbour() -> Result<()> {
    let built = Built::new("inlined.c", &["-Wl,--export-dynamic"])?;
    let stripped = built.stripped()?;
    let mut symbols = Symbols::of(&stripped)?;
    let mut named = 0;
    for (address, expected) in built.addr2line()? {
        let frames = symbols.frames(address)?;
        ensure!(frames.len() == 1, "{frames:#?}");
        if let Some(function) = &frames[0].function {
            let (outermost, _) = expected.last().context("no frame")?;
            assert_eq!(**function, **outermost, "{address:x}");
            named += 1;
        }
    }
    assert!(named > 10, "{named}");
    let hidden = symbols.frames(built.address("hidden")?)?;
    assert_eq!(hidden[0].function, None);
    assert_eq!(hidden[0].module.as_deref(), stripped.to_str());
    Ok(())
}

#[test]
fn a_function_without_a_size_ends_with_its_section() -> Result<()> {
    let built = Built::new("inlined.c", &[])?;
    let file = fs::read(&built.program)?;
    let object = object::File::parse(&*file)?;
    let finish = object.section_by_name(".fini").context("no .fini")?;
    let mut symbols = Symbols::of(&built.program)?;
    let named = |frames: &[Frame]| frames[0].function.as_deref().map(str::to_owned);
    let begin = symbols.frames(built.address("sizeless")? + 1)?;
    assert_eq!(named(&begin).as_deref(), Some("sizeless"));
    for section in [".plt", ".rodata", ".eh_frame"] {
        let section = object.section_by_name(section).context("no section")?;
        let frames = symbols.frames(section.address() + 1)?;
        assert_eq!(named(&frames), None, "{frames:#?}");
    }
    let last = symbols.frames(finish.address() + finish.size())?;
    assert_eq!(named(&last), None);
    Ok(())
}

#[test]
fn a_deleted_program_is_read() -> Result<()> {
    let built = Built::new("inlined.c", &[])?;
    let mut symbols = Symbols::of(&built.program)?;
    let hidden = built.address("hidden")?;
    fs::remove_file(&built.program)?;
    fs::write(&built.program, "another one")?;
    let frames = symbols.frames(hidden)?;
    let outermost = frames.last().context("no frame")?;
    assert_eq!(outermost.function.as_deref(), Some("hidden"));
    assert!(outermost.line.is_some());
    Ok(())
}

#[test]
fn names_of_cpp_are_demangled() -> Result<()> {
    let built = Built::new("names.cc", &["-lstdc++"])?;
    let mut symbols = Symbols::of(&built.program)?;
    for (mangled, name) in [
        (
            "_ZN7serving5relayERKNS_6ReaderIiEEPKc",
            "serving::relay(serving::Reader<int> const&, char const*)",
        ),
        (
            "_ZNK7serving6ReaderIiE4readEl",
            "serving::Reader<int>::read(long) const",
        ),
    ] {
        let frames = symbols.frames(built.address(mangled)?)?;
        let outermost = frames.last().context("no frame")?;
        assert_eq!(outermost.function.as_deref(), Some(name));
        assert!(
            outermost
                .file
                .as_deref()
                .is_some_and(|it| it.ends_with("native/names.cc"))
        );
    }
    Ok(())
}

#[test]
fn names_of_rust_are_demangled() -> Result<()> {
    for options in [&[][..], &["-Csymbol-mangling-version=v0"]] {
        let built = Built::rust(options)?;
        let mut symbols = Symbols::of(&built.program)?;
        let mut found = Vec::new();
        for (symbol, address, _) in built.functions()? {
            if symbol.contains("serving") {
                let frames = symbols.frames(address)?;
                let outermost = frames.last().context("no frame")?;
                found.push(outermost.function.as_deref().unwrap_or_default().to_owned());
                assert!(outermost.line.is_some(), "{outermost:?}");
            }
        }
        let relay = found
            .iter()
            .find(|name| name.starts_with("names::serving::relay"));
        assert!(relay.is_some_and(|name| !name.contains("17h")), "{found:?}");
        let read = "<names::serving::Wrapped<u32> as names::serving::Read>::read";
        assert!(found.iter().any(|name| name == read), "{found:?}");
    }
    Ok(())
}

/// Name of the debug file in a link.
const LINK: &str = "program.debug";

/// Function and place, `file.c:23`.
type Said = (String, String);

/// A program that was built from one file.
pub(crate) struct Built {
    folder: TempDir,
    pub(crate) program: PathBuf,
}

/// A file of which addresses are asked.
struct Symbols {
    symbolizer: Symbolizer,
    file: Arc<File>,
    path: String,
    process: Arc<ProcessFiles>,
}

impl Symbols {
    fn of(path: &Path) -> Result<Self> {
        Ok(Self {
            symbolizer: Symbolizer::with_debug_directories(Vec::new()),
            file: Arc::new(File::open(path)?),
            path: path
                .to_str()
                .context("a path that is not UTF-8")?
                .to_owned(),
            process: Arc::new(ProcessFiles::of(std::process::id())?),
        })
    }

    fn frames(&mut self, address: u64) -> Result<Arc<[Frame]>> {
        let module = self
            .symbolizer
            .module(&self.file, &self.path, Some(&self.process));
        let frames = self.symbolizer.frames(module, address);
        ensure!(!frames.is_empty(), "no frame of {address:x}");
        assert!(frames.iter().all(|it| it.language == Language::Native));
        Ok(frames)
    }
}

impl Built {
    pub(crate) fn new(source: &str, options: &[&str]) -> Result<Self> {
        let compiler = if source.ends_with(".cc") { "c++" } else { "cc" };
        Self::by(
            Command::new(prerequisites::program(compiler)?)
                .args(["-O2", "-g", "-Wall", "-Werror"])
                .arg(format!("{FOLDER}/{source}"))
                .args(options),
        )
    }

    fn rust(options: &[&str]) -> Result<Self> {
        Self::by(
            Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
                .args(["--edition", "2024", "-O", "-g"])
                .args(options)
                .arg(format!("{FOLDER}/names.rs")),
        )
    }

    fn by(compiler: &mut Command) -> Result<Self> {
        let folder = TempDir::new()?;
        let program = folder.path().join("program");
        said_by(compiler.arg("-o").arg(&program))?;
        Ok(Self { folder, program })
    }

    /// The program without its symbols.
    fn stripped(&self) -> Result<PathBuf> {
        let stripped = self.folder.path().join("stripped");
        said_by(
            Command::new("strip")
                .arg("-o")
                .arg(&stripped)
                .arg(&self.program),
        )?;
        Ok(stripped)
    }

    /// The stripped program with a link to its debug file, which is in a folder beside it.
    fn linked(&self, folder: &str) -> Result<PathBuf> {
        let (stripped, linked) = (self.stripped()?, self.folder.path().join("linked"));
        let folder = self.folder.path().join(folder);
        fs::create_dir_all(&folder)?;
        let debug = folder.join(LINK);
        self.only_debug_information(&debug)?;
        said_by(
            Command::new("objcopy")
                .arg(format!("--add-gnu-debuglink={}", debug.display()))
                .args([&stripped, &linked]),
        )?;
        Ok(linked)
    }

    fn only_debug_information(&self, to: &Path) -> Result<()> {
        said_by(
            Command::new("objcopy")
                .arg("--only-keep-debug")
                .arg(&self.program)
                .arg(to),
        )?;
        Ok(())
    }

    /// Functions: name, address, size.
    fn functions(&self) -> Result<Vec<(String, u64, u64)>> {
        let file = fs::read(&self.program)?;
        let object = object::File::parse(&*file)?;
        let functions = object
            .symbols()
            .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.is_definition());
        functions
            .map(|symbol| Ok((symbol.name()?.to_owned(), symbol.address(), symbol.size())))
            .collect()
    }

    fn address(&self, function: &str) -> Result<u64> {
        let functions = self.functions()?;
        let found = functions.into_iter().find(|(name, ..)| name == function);
        found
            .map(|(_, address, _)| address)
            .context("no such function")
    }

    /// What addr2line says of the code of the program, innermost first.
    fn addr2line(&self) -> Result<Vec<(u64, Vec<Said>)>> {
        let file = fs::read(&self.program)?;
        let object = object::File::parse(&*file)?;
        let text = object.section_by_name(".text").context("no text")?;
        let addresses = text.address()..text.address() + text.size();
        let said = said_by(
            Command::new("addr2line")
                .args(["-a", "-i", "-f", "-e"])
                .arg(&self.program)
                .args(addresses.map(|address| format!("{address:#x}"))),
        )?;
        let mut found: Vec<(u64, Vec<Said>)> = Vec::new();
        let mut lines = said.lines();
        while let Some(line) = lines.next() {
            if let Some(address) = line.strip_prefix("0x") {
                found.push((u64::from_str_radix(address, 16)?, Vec::new()));
                continue;
            }
            let place = lines.next().context("no place")?;
            let place = place.split(" (discriminator").next().unwrap_or(place);
            let place = place.rsplit('/').next().unwrap_or(place);
            let (_, frames) = found.last_mut().context("no address")?;
            frames.push((line.to_owned(), place.to_owned()));
        }
        Ok(found)
    }

    /// Compares all frames of all code that was compiled from C.
    fn frames_agree(&self, symbols: &mut Symbols) -> Result<()> {
        let (mut inlined, mut all) = (0, 0);
        let functions = self.functions()?;
        for (address, expected) in self.addr2line()? {
            let frames = symbols.frames(address)?;
            let is_in_function = functions
                .iter()
                .any(|(_, start, size)| (*start..start + size).contains(&address));
            let is_from_c = expected
                .iter()
                .all(|(_, place)| place.starts_with("inlined.c:"));
            if is_in_function && is_from_c {
                let found: Vec<Said> = frames.iter().map(said).collect();
                assert_eq!(found, expected, "{address:x}");
                all += 1;
                inlined += usize::from(frames.len() > 2);
            } else if let Some(name) = &frames[0].function {
                // It gives the space between functions to the one in front, too.
                assert_eq!(**name, *expected[0].0, "{address:x}: {expected:?}");
            }
        }
        assert!(all > 100 && inlined > 20, "{all} {inlined}");
        Ok(())
    }
}

fn said(frame: &Frame) -> Said {
    let file = frame.file.as_deref().unwrap_or("??");
    let name = file.rsplit('/').next().unwrap_or(file);
    let line = frame.line.map_or("?".to_owned(), |line| line.to_string());
    (
        frame.function.as_deref().unwrap_or("??").to_owned(),
        format!("{name}:{line}"),
    )
}

fn said_by(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}
