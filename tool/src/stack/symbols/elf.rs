//! Code of programs in C, C++, Rust and the like, named by blazesym from the tables of their files.

use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use blazesym::symbolize::source::{Elf as ElfSource, Source};
use blazesym::symbolize::{CodeInfo, Input, Sym, Symbolized, Symbolizer};

use super::Call;
use super::copy::Copy;
use super::debug_file::{DebugDirectories, DebugFile};
use super::image::Image;
use super::process::path_of;

/// The tables of one file and of its debug file.
#[derive(Debug)]
pub(super) struct Tables {
    /// Best first.
    files: Vec<TableFile>,
    symbolizer: Symbolizer,
}

/// A file with tables.
#[derive(Debug)]
struct TableFile {
    /// Kept open for `path`.
    _file: File,
    /// A path of this process' descriptor, which no other file can come to have.
    path: PathBuf,
    image: Image,
    has_debug_information: bool,
}

impl Tables {
    /// Of a file, and of a debug file of it.
    pub(super) fn new(
        file: &File,
        image: Image,
        debug: Option<DebugFile>,
        directories: &DebugDirectories,
    ) -> Self {
        let debug = debug.and_then(|DebugFile { file, is_of_host }| {
            let image = Image::read(&file)?;
            if is_of_host {
                return Some(TableFile::new(file, image, true));
            }
            TableFile::copied(&file, image)
        });
        let builder = Symbolizer::builder()
            .enable_auto_reload(false)
            .set_debug_dirs(Some(directories.of_host()));
        Self {
            files: debug
                .into_iter()
                .chain(TableFile::copied(file, image))
                .collect(),
            symbolizer: builder.build(),
        }
    }

    /// The calls that an address is in, innermost first.
    pub(super) fn calls(&mut self, address: u64) -> Option<Vec<Call>> {
        let find = || self.files.iter().find_map(|file| file.calls(&self.symbolizer, address));
        // Files that no compiler made may come upon mistakes in its reading of them.
        let found = panic::catch_unwind(AssertUnwindSafe(find));
        found.unwrap_or_else(|_| {
            tracing::warn!("the symbols of a file cannot be read");
            self.files.clear();
            None
        })
    }
}

impl TableFile {
    fn new(file: File, image: Image, has_debug_information: bool) -> Self {
        Self {
            path: path_of(&file),
            _file: file,
            image,
            has_debug_information,
        }
    }

    fn copied(file: &File, image: Image) -> Option<Self> {
        let copy = Copy::of(file, &image)
            .inspect_err(|error| tracing::debug!("symbols cannot be copied: {error}"))
            .ok()?;
        Some(Self::new(copy.file, image, copy.has_debug_information))
    }

    /// With lines if it has any, else by its symbols alone: these have some names that debug
    /// information refers to another file for.
    fn calls(&self, symbolizer: &Symbolizer, address: u64) -> Option<Vec<Call>> {
        let with_lines = self.has_debug_information.then_some(true);
        with_lines
            .into_iter()
            .chain([false])
            .find_map(|has_lines| self.calls_by(symbolizer, address, has_lines))
    }

    fn calls_by(
        &self,
        symbolizer: &Symbolizer,
        address: u64,
        has_lines: bool,
    ) -> Option<Vec<Call>> {
        let mut source = ElfSource::new(&self.path);
        source.debug_syms = has_lines;
        let source = Source::Elf(source);
        match symbolizer.symbolize_single(&source, Input::VirtOffset(address)) {
            Ok(Symbolized::Sym(symbol)) if self.is_of(&symbol, address) => Some(calls_of(&symbol)),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!("an address cannot be named: {error}");
                None
            }
        }
    }

    /// Whether a symbol is that of an address, and not of something else in front of it: one without a
    /// size goes no further than its section. Code that the linker left out is at address 0 in debug
    /// information, and goes up to where other code is.
    fn is_of(&self, symbol: &Sym<'_>, address: u64) -> bool {
        let is_in_section = self.image.in_one_section(symbol.addr, address);
        !symbol.name.is_empty() && is_in_section.unwrap_or(symbol.size.is_some())
    }
}

fn calls_of(symbol: &Sym<'_>) -> Vec<Call> {
    let inlined = symbol.inlined.iter().rev().map(|call| {
        let name = (!call.name.is_empty()).then(|| call.name.to_string());
        call_at(name, call.code_info.as_ref(), true)
    });
    let outermost = call_at(
        Some(symbol.name.to_string()),
        symbol.code_info.as_deref(),
        false,
    );
    inlined.chain([outermost]).collect()
}

fn call_at(function: Option<String>, place: Option<&CodeInfo<'_>>, is_inlined: bool) -> Call {
    let file = place.map(|place| place.to_path());
    let file = file.filter(|path| **path != *Path::new(""));
    Call {
        function,
        file: file.map(|path| path.to_string_lossy().into_owned()),
        // Line 0 stands for code that has none.
        line: place.and_then(|place| place.line).filter(|line| *line != 0),
        is_inlined,
    }
}
