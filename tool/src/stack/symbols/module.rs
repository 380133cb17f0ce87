//! One file that code was mapped from.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::Call;
use super::debug_file::DebugDirectories;
use super::elf::Tables;
use super::go::Program;
use super::image::Image;
use super::process::ProcessFiles;
use crate::model::Language;

/// A file, and its tables while they are loaded.
#[derive(Debug)]
pub(super) struct Module {
    file: Arc<File>,
    name: Arc<str>,
    process: Option<Arc<ProcessFiles>>,
    loaded: Option<Loaded>,
    /// When its tables were last wanted.
    turn: u64,
}

/// The tables of a file, as far as it has any.
#[derive(Debug)]
struct Loaded {
    go: Option<Program>,
    other: Option<Tables>,
}

impl Module {
    pub(super) fn new(file: Arc<File>, name: Arc<str>, process: Option<Arc<ProcessFiles>>) -> Self {
        Self {
            file,
            name,
            process,
            loaded: None,
            turn: 0,
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn turn(&self) -> u64 {
        self.turn
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.loaded.is_some()
    }

    pub(super) fn unload(&mut self) {
        self.loaded = None;
    }

    /// Loads the tables unless they are; whether they were not.
    pub(super) fn load(&mut self, directories: &DebugDirectories, turn: u64) -> bool {
        self.turn = turn;
        if self.is_loaded() {
            return false;
        }
        let image = Image::read(&self.file);
        let go = image
            .as_ref()
            .and_then(|image| Program::read(&self.file, image));
        let other = image.map(|image| {
            let (path, process) = (Path::new(&*self.name), self.process.as_deref());
            let debug = directories.find(&self.file, &image, path, process);
            Tables::new(&self.file, image, debug, directories)
        });
        self.loaded = Some(Loaded { go, other });
        true
    }

    /// The calls that an address is in; one without a name if none is known.
    pub(super) fn calls(&mut self, address: u64) -> (Vec<Call>, Language) {
        let loaded = self.loaded.as_mut();
        let found = loaded.and_then(|Loaded { go, other }| {
            let in_go = go.as_mut().and_then(|go| go.calls(address));
            in_go.map(|calls| (calls, Language::Go)).or_else(|| {
                let calls = other.as_mut()?.calls(address)?;
                Some((calls, Language::Native))
            })
        });
        found.unwrap_or_else(|| {
            let unknown = Call {
                function: None,
                file: None,
                line: None,
                is_inlined: false,
            };
            (vec![unknown], Language::Native)
        })
    }
}
