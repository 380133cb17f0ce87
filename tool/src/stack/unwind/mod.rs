//! From registers and a copy of the stack to the addresses of the code that called.
//!
//! Where a module has call frame information, that is followed. Code without it is taken to keep
//! frame pointers, as Go's does and that of most compilers at run time. Nothing of a sample is
//! believed: the number of frames is limited, and each step does a limited amount of work.
//!
//! The tables are read by gimli, not by framehop 0.16, because that does not limit the operations
//! of an expression (a loop in a watched process' file would hang the tool), cannot follow those that
//! read memory (signal frames, aligned stacks), and does not tell how it found a caller.

mod arch;
mod by_code;
mod cache;
mod code;
mod expression;
mod frame_pointers;
mod memory;
mod registers;
mod rule;
pub(super) mod tables;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use arch::interrupted;
use code::Code;
use memory::Memory;
use registers::Registers;
use rule::{Failure, Rule};

use super::module::{Module, ModuleKind};
use super::processes::{Processes, Visit};
use crate::model::{ProcessId, StackEnd, UserStack};

/// Frames of a stack at most.
pub const FRAME_LIMIT: usize = 256;

/// Unwinds stacks of any number of processes.
pub struct Unwinder {
    processes: Processes,
    code: Code,
}

/// A stack whose frames have no names yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unwound {
    /// Innermost first.
    pub locations: Vec<Location>,
    /// How far it goes.
    pub end: StackEnd,
}

/// Where the code of a frame is. It can be named when the process has ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// What is mapped there; `None` where nothing is.
    pub module: Option<Arc<Module>>,
    /// Virtual address in the module's ELF file; of other files the offset, and else the address in
    /// the process.
    pub address: u64,
    /// Whether it is where a call returns to, so that the call is in front of it.
    pub is_return_address: bool,
}

impl Location {
    /// An address in the instruction that the frame was in: that of the call, if it was one.
    #[must_use]
    pub const fn instruction(&self) -> u64 {
        self.address
            .saturating_sub(if self.is_return_address { 1 } else { 0 })
    }
}

impl Default for Unwinder {
    fn default() -> Self {
        Self::new()
    }
}

impl Unwinder {
    /// An unwinder that knows no process yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            processes: Processes::default(),
            code: Code::new(),
        }
    }

    /// Unwinds a stack of a process. What the process has mapped is read from `/proc` when it is
    /// first needed, so this should not be long after the stack was copied.
    pub fn unwind(&mut self, process: ProcessId, stack: &UserStack) -> Unwound {
        Walk {
            visit: self.processes.visit(process, Instant::now()),
            code: &mut self.code,
            stack,
            memory: Memory::new(stack.stack_pointer, &stack.memory),
            registers: Registers::new(
                stack.instruction_pointer,
                stack.stack_pointer,
                stack.frame_pointer,
            ),
            is_return_address: false,
            is_guess: false,
            has_switched: false,
            locations: Vec::new(),
        }
        .run()
    }

    /// Forgets a process that has ended.
    pub fn forget(&mut self, process: ProcessId) {
        self.processes.forget(process);
    }
}

/// A stack while it is unwound.
struct Walk<'walk> {
    visit: Visit<'walk>,
    code: &'walk mut Code,
    stack: &'walk UserStack,
    memory: Memory<'walk>,
    /// Of the frame that is looked at.
    registers: Registers,
    is_return_address: bool,
    /// Whether the frame was found by a frame pointer that may be none.
    is_guess: bool,
    /// Whether a signal handler had a stack of its own, so that the rest was not copied.
    has_switched: bool,
    locations: Vec<Location>,
}

impl Walk<'_> {
    fn run(mut self) -> Unwound {
        let end = loop {
            if let ControlFlow::Break(end) = self.step() {
                break end;
            }
        };
        Unwound {
            locations: self.locations,
            end,
        }
    }

    /// Notes where the frame is, and goes on to its caller.
    fn step(&mut self) -> ControlFlow<StackEnd> {
        let ip = self.registers.instruction_pointer();
        let Some((module, address)) = self.locate(ip) else {
            if self.locations.is_empty() {
                self.locations.push(self.location(None, ip));
            }
            return ControlFlow::Break(self.broken());
        };
        if self.is_guess
            && module.kind() != ModuleKind::Jit
            && module.file().is_some()
            && !self.code.site(&module, address).is_plausible()
        {
            return ControlFlow::Break(self.broken());
        }
        self.push(&module, address)?;
        let inside = address.wrapping_sub(u64::from(self.is_return_address));
        match self.code.rule(&module, inside) {
            Rule::Entry => ControlFlow::Break(StackEnd::Entry),
            Rule::Frame(frame) => {
                let caller = frame.caller(&self.registers, self.memory);
                self.go_on(caller.map(|caller| (caller, false)))
            }
            Rule::Expressions => {
                let caller =
                    self.code
                        .by_expressions(&module, inside, &self.registers, self.memory);
                self.go_on(caller)
            }
            Rule::Unknown => self.step_without_table(&module, address),
        }
    }

    /// Where the code of the current frame is, by its address in the process.
    fn locate(&mut self, ip: u64) -> Option<(Arc<Module>, u64)> {
        let back = u64::from(self.is_return_address);
        let (module, inside) = self.visit.locate(ip.wrapping_sub(back))?;
        Some((module, inside.wrapping_add(back)))
    }

    fn location(&self, module: Option<&Arc<Module>>, address: u64) -> Location {
        Location {
            module: module.cloned(),
            address,
            is_return_address: self.is_return_address,
        }
    }

    /// Notes a frame, if there may be one more.
    fn push(&mut self, module: &Arc<Module>, address: u64) -> ControlFlow<StackEnd> {
        if self.locations.len() == FRAME_LIMIT {
            return ControlFlow::Break(StackEnd::Cut);
        }
        let location = self.location(Some(module), address);
        self.locations.push(location);
        ControlFlow::Continue(())
    }

    /// Makes the caller the current frame. It was found by call frame information, together with
    /// whether it was interrupted rather than calling.
    fn go_on(&mut self, caller: Result<(Registers, bool), Failure>) -> ControlFlow<StackEnd> {
        match caller {
            // What starts a thread by hand leaves a zero where its return address would be.
            Ok((caller, _)) if caller.instruction_pointer() == 0 => {
                ControlFlow::Break(StackEnd::Entry)
            }
            Ok((caller, was_interrupted)) => {
                if was_interrupted && let Some(trampoline) = self.locations.last_mut() {
                    // The handler returns to its first instruction: no call is in front of it.
                    trampoline.is_return_address = false;
                }
                self.registers = caller;
                self.is_return_address = !was_interrupted;
                self.is_guess = false;
                self.has_switched |= was_interrupted && !self.memory.holds(caller.stack_pointer());
                ControlFlow::Continue(())
            }
            Err(failure) => ControlFlow::Break(self.end(failure)),
        }
    }

    fn step_without_table(&mut self, module: &Arc<Module>, address: u64) -> ControlFlow<StackEnd> {
        if self.is_return_address {
            let site = self.code.site(module, address);
            if site.is_signal_return {
                let caller = interrupted(&self.registers, self.memory).ok_or(Failure::Senseless);
                return self.go_on(caller.map(|caller| (caller, true)));
            }
            if (module.is_go() && site.is_go_entry)
                || site.is_thread_start
                || module.is_entry(address)
            {
                return ControlFlow::Break(StackEnd::Entry);
            }
        }
        if module.is_go() || module.kind() == ModuleKind::Jit && self.has_frame_pointer() {
            self.step_by_frame_pointer(module, address)
        } else {
            self.step_by_code(module, address)
        }
    }

    /// The end of a stack whose next step failed.
    fn end(&self, failure: Failure) -> StackEnd {
        match failure {
            Failure::NotCopied(address)
                if self.stack.is_cut && self.memory.ends_before(address) =>
            {
                StackEnd::Cut
            }
            _ => self.broken(),
        }
    }

    fn broken(&self) -> StackEnd {
        if self.has_switched {
            StackEnd::Cut
        } else {
            StackEnd::Broken
        }
    }
}

#[cfg(test)]
mod tests;
