//! What samples refer to by number: strings, functions, modules and places in code.

use std::collections::{BTreeSet, HashMap};

use super::proto::{Function, Line, Location, Mapping, Profile};
use crate::analysis::frame_name;
use crate::model::{Build, Frame};
use crate::report::graph::Step;

/// Collects each thing once.
#[derive(Default)]
pub(super) struct Tables {
    strings: Vec<String>,
    string_numbers: HashMap<String, i64>,
    functions: Vec<Function>,
    function_numbers: HashMap<(i64, i64), u64>,
    mappings: Vec<Mapping>,
    mapping_numbers: HashMap<i64, u64>,
    locations: Vec<Location>,
    location_numbers: HashMap<(u64, u64, Vec<Line>), u64>,
}

impl Tables {
    /// With the empty string, which has to be the first.
    pub(super) fn new() -> Self {
        let mut tables = Self::default();
        tables.string("");
        tables
    }

    /// The number of a string.
    pub(super) fn string(&mut self, text: &str) -> i64 {
        if let Some(&number) = self.string_numbers.get(text) {
            return number;
        }
        let number = i64::try_from(self.strings.len()).unwrap_or(i64::MAX);
        self.strings.push(text.to_owned());
        self.string_numbers.insert(text.to_owned(), number);
        number
    }

    /// The places of a stack whose steps are given outermost first; innermost first.
    pub(super) fn locations(&mut self, steps: &[Step<'_>]) -> Vec<u64> {
        let mut numbers = Vec::new();
        let mut lines = Vec::new();
        for step in steps.iter().rev() {
            match step {
                Step::Frame(frame) => {
                    lines.push(self.line(frame));
                    if !frame.is_inlined {
                        numbers.push(self.location(Some(frame), &mut lines));
                    }
                }
                marker => {
                    // A stack that is joined here may leave out what its inlined functions are in.
                    if !lines.is_empty() {
                        numbers.push(self.location(None, &mut lines));
                    }
                    lines.push(self.marker(marker));
                    numbers.push(self.location(None, &mut lines));
                }
            }
        }
        if !lines.is_empty() {
            numbers.push(self.location(None, &mut lines));
        }
        numbers
    }

    fn line(&mut self, frame: &Frame) -> Line {
        let name = frame_name(frame);
        let file = frame.file.as_deref().unwrap_or_default();
        Line {
            function_id: self.function(&name, file),
            line: frame.line.unwrap_or_default().into(),
        }
    }

    fn marker(&mut self, marker: &Step<'_>) -> Line {
        Line {
            function_id: self.function(marker.text(), ""),
            line: 0,
        }
    }

    fn function(&mut self, name: &str, file: &str) -> u64 {
        let (name, filename) = (self.string(name), self.string(file));
        let next = self.functions.len() as u64 + 1;
        let id = *self
            .function_numbers
            .entry((name, filename))
            .or_insert(next);
        if id == next {
            self.functions.push(Function {
                id,
                name,
                system_name: name,
                filename,
            });
        }
        id
    }

    /// The place that `lines` are at, which are taken.
    fn location(&mut self, frame: Option<&Frame>, lines: &mut Vec<Line>) -> u64 {
        let module = frame.and_then(|frame| frame.module.as_deref());
        let mapping_id = module.map_or(0, |module| self.mapping(module));
        let address = frame.map_or(0, |frame| frame.address);
        let line = std::mem::take(lines);
        let next = self.locations.len() as u64 + 1;
        let key = (mapping_id, address, line.clone());
        let id = *self.location_numbers.entry(key).or_insert(next);
        if id == next {
            self.locations.push(Location {
                id,
                mapping_id,
                address,
                line,
            });
        }
        id
    }

    fn mapping(&mut self, module: &str) -> u64 {
        let filename = self.string(module);
        let next = self.mappings.len() as u64 + 1;
        let id = *self.mapping_numbers.entry(filename).or_insert(next);
        if id == next {
            self.mappings.push(Mapping {
                id,
                memory_start: 0,
                memory_limit: u64::MAX,
                filename,
                build_id: 0,
                has_functions: true,
                has_filenames: true,
                has_line_numbers: true,
                has_inline_frames: true,
            });
        }
        id
    }

    /// Says which builds the modules are, where a name stands for one only.
    pub(super) fn set_builds(&mut self, builds: &BTreeSet<Build>) {
        let mut ids: HashMap<&str, Option<&str>> = HashMap::new();
        for Build { module, id } in builds {
            ids.entry(&**module)
                .and_modify(|known| *known = None)
                .or_insert(Some(&**id));
        }
        for index in 0..self.mappings.len() {
            let name = usize::try_from(self.mappings[index].filename);
            let name = name.ok().and_then(|name| self.strings.get(name));
            if let Some(id) = name.and_then(|name| ids.get(name.as_str()).copied().flatten()) {
                self.mappings[index].build_id = self.string(id);
            }
        }
    }

    /// Puts everything where samples look for it.
    pub(super) fn store(self, profile: &mut Profile) {
        profile.string_table = self.strings;
        profile.function = self.functions;
        profile.mapping = self.mappings;
        profile.location = self.locations;
    }
}
