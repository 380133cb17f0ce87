//! What is known about addresses of code, of all modules.

use gimli::UnwindContext;

use super::arch::{Epilogue, ReturnSite};
use super::cache::Cache;
use super::expression;
use super::memory::Memory;
use super::registers::Registers;
use super::rule::{Failure, Frame, Rule};
use crate::stack::module::{Module, ModuleKind};

/// Looks addresses up, and remembers what it finds.
pub(super) struct Code {
    rules: Cache<Rule>,
    sites: Cache<ReturnSite>,
    epilogues: Cache<Option<Frame>>,
    context: UnwindContext<usize>,
}

impl Code {
    pub(super) fn new() -> Self {
        Self {
            rules: Cache::new(),
            sites: Cache::new(),
            epilogues: Cache::new(),
            context: UnwindContext::new(),
        }
    }

    /// How to get from the code at an address to its caller.
    pub(super) fn rule(&mut self, module: &Module, address: u64) -> Rule {
        if let Some(rule) = self.rules.get(module.id(), address) {
            return rule;
        }
        let mut rules = module.tables().iter().filter_map(|table| {
            table.with_row(address, &mut self.context, |row| Rule::of_row(&row))
        });
        let rule = rules.next().unwrap_or(Rule::Unknown);
        self.rules.put(module.id(), address, rule);
        rule
    }

    /// The caller's registers where [`Rule::Expressions`] tell them, and whether it was interrupted
    /// rather than calling.
    pub(super) fn by_expressions(
        &mut self,
        module: &Module,
        address: u64,
        registers: &Registers,
        memory: Memory<'_>,
    ) -> Result<(Registers, bool), Failure> {
        let mut callers = module.tables().iter().filter_map(|table| {
            table.with_row(address, &mut self.context, |row| {
                let caller = expression::caller(&row, registers, memory)?;
                Ok((caller, row.is_signal_frame))
            })
        });
        callers.next().unwrap_or(Err(Failure::Senseless))
    }

    /// The frame of code at an address, by how it is taken down.
    pub(super) fn epilogue(&mut self, module: &Module, address: u64) -> Option<Frame> {
        // Compiled at run time, it may be other code the next time.
        if module.kind() == ModuleKind::Jit {
            return find_epilogue(module, address);
        }
        if let Some(frame) = self.epilogues.get(module.id(), address) {
            return frame;
        }
        let frame = find_epilogue(module, address);
        self.epilogues.put(module.id(), address, frame);
        frame
    }

    /// What the code around a return address tells; of code that was compiled at run time, or cannot be
    /// read, nothing.
    pub(super) fn site(&mut self, module: &Module, address: u64) -> ReturnSite {
        if module.kind() == ModuleKind::Jit {
            return ReturnSite::default();
        }
        if let Some(site) = self.sites.get(module.id(), address) {
            return site;
        }
        let site = read_site(module, address).unwrap_or_default();
        self.sites.put(module.id(), address, site);
        site
    }
}

fn find_epilogue(module: &Module, address: u64) -> Option<Frame> {
    let read = |address, code: &mut [u8]| module.read_code_up_to(address, code);
    Frame::by_epilogue(&Epilogue::find(address, read)?)
}

fn read_site(module: &Module, address: u64) -> Option<ReturnSite> {
    let mut before = [0; ReturnSite::BEFORE];
    let mut after = [0; ReturnSite::AFTER];
    // At the edges of a segment one of them is missing.
    let start = address.checked_sub(ReturnSite::BEFORE as u64)?;
    let is_read = module.read_code(start, &mut before) | module.read_code(address, &mut after);
    is_read.then(|| ReturnSite::of_code(address, before, after))
}
