//! Steps through code that has neither call frame information nor frame pointers, such as musl's and the
//! trampolines of Python's `-X perf`.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Walk;
use super::arch::STACK_POINTER;
use super::registers::Registers;
use crate::model::StackEnd;
use crate::stack::module::{Module, ModuleKind};

/// Words of the stack among which the return address of a function that never returns is looked for.
const WORD_LIMIT: u64 = 64;

impl Walk<'_> {
    /// Goes on to the caller by how the function takes down its frame. Else, a function that never
    /// returns may be called by the one that the thread began with. Else there may be frame pointers.
    pub(super) fn step_by_code(
        &mut self,
        module: &Arc<Module>,
        address: u64,
    ) -> ControlFlow<StackEnd> {
        let frame = self.code.epilogue(module, address);
        let caller = frame.and_then(|frame| frame.caller(&self.registers, self.memory).ok());
        if let Some(caller) = caller.filter(|caller| self.is_after_call(caller)) {
            self.registers = caller;
            self.is_return_address = true;
            self.is_guess = true;
            return ControlFlow::Continue(());
        }
        if self.is_return_address
            && let Some((module, address)) = self.entry_above()
        {
            self.push(&module, address)?;
            return ControlFlow::Break(StackEnd::Entry);
        }
        self.step_by_frame_pointer(module, address)
    }

    /// Whether a caller is code that has just called something.
    pub(super) fn is_after_call(&mut self, caller: &Registers) -> bool {
        let address = caller.instruction_pointer();
        let Some((module, inside)) = self.visit.locate(address.wrapping_sub(1)) else {
            return false;
        };
        let site = self.code.site(&module, inside.wrapping_add(1));
        module.kind() == ModuleKind::Jit || site.is_plausible()
    }

    /// A return address in what threads begin with, if there is one close to the top of the stack.
    fn entry_above(&mut self) -> Option<(Arc<Module>, u64)> {
        let top = self.registers.get(STACK_POINTER)?;
        (0..WORD_LIMIT)
            .map_while(|word| self.memory.read(top.checked_add(8 * word)?))
            .find_map(|word| {
                let (module, inside) = self.visit.locate_known(word.wrapping_sub(1))?;
                let address = inside.wrapping_add(1);
                let site = self.code.site(&module, address);
                let is_entry =
                    site.is_thread_start || site.is_after_call && module.is_entry(address);
                is_entry.then_some((module, address))
            })
    }
}
