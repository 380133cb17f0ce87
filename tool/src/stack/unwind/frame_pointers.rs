//! Steps through code that has no call frame information: by frame pointers, in the copied memory or
//! in the list that the kernel made.

use std::ops::ControlFlow;
use std::sync::Arc;

use copytax_common::SAMPLE_FRAMES;

use super::Walk;
use super::arch::{FRAME_POINTER, STACK_POINTER};
use super::rule::{Failure, Frame, Rule};
use crate::model::StackEnd;
use crate::stack::module::{Module, ModuleKind};

/// Bytes of a function without frame at most: `runtime.memmove` of Go has some 2,000.
const LEAF_LIMIT: u64 = 8 << 10;

impl Walk<'_> {
    pub(super) fn step_by_frame_pointer(
        &mut self,
        module: &Arc<Module>,
        address: u64,
    ) -> ControlFlow<StackEnd> {
        let frame_pointer = self.registers.get(FRAME_POINTER);
        let frame = if self.is_leaf(module, address) {
            Frame::just_called()
        } else if frame_pointer == Some(0) {
            // Go begins each stack with a frame pointer of zero; others may use the register for
            // anything.
            return ControlFlow::Break(if module.is_go() {
                StackEnd::Entry
            } else {
                self.broken()
            });
        } else {
            Frame::by_frame_pointer()
        };
        match frame.caller(&self.registers, self.memory) {
            Ok(caller) => {
                self.registers = caller;
                self.is_return_address = true;
                self.is_guess = true;
                ControlFlow::Continue(())
            }
            // Go changes to another stack for work of its own. The frame pointer leads back.
            Err(failure) => {
                let rest = frame_pointer.and_then(|pointer| self.listed_from(pointer));
                self.follow_list(rest, failure)
            }
        }
    }

    /// Whether the frame pointer leads to code that has just called something, as far as that can be
    /// told, or out of what was copied.
    pub(super) fn has_frame_pointer(&mut self) -> bool {
        match Frame::by_frame_pointer().caller(&self.registers, self.memory) {
            Ok(caller) => self.is_after_call(&caller),
            Err(Failure::NotCopied(address)) => self.memory.ends_before(address),
            Err(Failure::Senseless) => false,
        }
    }

    /// Whether the innermost frame is in an assembly function that has no frame, such as the one of Go
    /// that makes system calls, or `clone3` of glibc. Then the frame pointer is still that of its
    /// caller, and its return address is on top of the stack. It is told by what it was called by:
    /// a call of this very function, or of one shortly in front of it.
    fn is_leaf(&mut self, module: &Module, address: u64) -> bool {
        if self.is_return_address || module.kind() == ModuleKind::Jit {
            return false;
        }
        let top = self.registers.get(STACK_POINTER);
        let Some(caller) = top.and_then(|top| self.memory.read(top)) else {
            return false;
        };
        let Some((calling, inside)) = self.visit.locate(caller.wrapping_sub(1)) else {
            return false;
        };
        let site = self.code.site(&calling, inside.wrapping_add(1));
        *calling == *module
            && site
                .callee
                .and_then(|callee| address.checked_sub(callee))
                .is_some_and(|distance| distance < LEAF_LIMIT)
    }

    /// Where in the kernel's list the return address is that a frame pointer leads to; `None` where
    /// the chain that the kernel followed does not come by there.
    fn listed_from(&self, frame_pointer: u64) -> Option<usize> {
        let mut next = self.stack.frame_pointer;
        for place in 1..self.stack.by_frame_pointers.len() {
            if next == frame_pointer {
                return Some(place);
            }
            next = self.memory.read(next)?;
        }
        None
    }

    /// Takes frames from the kernel's list, from a place in it on, as long as their code keeps frame
    /// pointers.
    fn follow_list(&mut self, place: Option<usize>, failure: Failure) -> ControlFlow<StackEnd> {
        let stack = self.stack;
        let Some(rest) = place.and_then(|place| stack.by_frame_pointers.get(place..)) else {
            return ControlFlow::Break(self.end(failure));
        };
        self.is_return_address = true;
        for &address in rest {
            let Some((module, address)) = self.locate(address) else {
                return ControlFlow::Break(self.broken());
            };
            let site = self.code.site(&module, address);
            if module.is_go() && !site.is_plausible() {
                return ControlFlow::Break(self.broken());
            }
            self.push(&module, address)?;
            if module.is_go() && site.is_go_entry {
                return ControlFlow::Break(StackEnd::Entry);
            }
            if module.kind() != ModuleKind::Jit
                && self.code.rule(&module, address.wrapping_sub(1)) != Rule::Unknown
            {
                return ControlFlow::Break(StackEnd::Cut);
            }
        }
        ControlFlow::Break(if stack.by_frame_pointers.len() >= SAMPLE_FRAMES {
            StackEnd::Cut
        } else {
            self.end(failure)
        })
    }
}
