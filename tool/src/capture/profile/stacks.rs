//! Stacks that were unwound, each kept once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{ProcessId, StackEnd};
use crate::stack::unwind::Location;

/// Different stacks that are kept; more are not told apart.
const MAX_STACKS: usize = 262_144;

/// A stack that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StackId(u32);

/// A stack before its frames are named: the same addresses mean other functions in another process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Unnamed {
    /// Whose; `None` of a stack in the kernel.
    pub(super) process: Option<ProcessId>,
    /// Innermost first.
    pub(super) locations: Vec<Location>,
    /// How far it goes.
    pub(super) end: StackEnd,
}

/// All stacks.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    ids: HashMap<Arc<Unnamed>, StackId>,
    all: Vec<Arc<Unnamed>>,
}

impl Stacks {
    /// The id of a stack; `None` where there are too many of them.
    pub(super) fn id(&mut self, stack: Unnamed) -> Option<StackId> {
        if let Some(id) = self.ids.get(&stack) {
            return Some(*id);
        }
        if self.all.len() >= MAX_STACKS {
            return None;
        }
        let id = StackId(u32::try_from(self.all.len()).ok()?);
        let stack = Arc::new(stack);
        self.ids.insert(Arc::clone(&stack), id);
        self.all.push(stack);
        Some(id)
    }

    /// The stacks behind the first `count`, in the order of their ids.
    pub(super) fn after(&self, count: usize) -> Vec<Arc<Unnamed>> {
        self.all.get(count..).unwrap_or_default().to_vec()
    }
}

impl StackId {
    /// Its place among all stacks.
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}
