//! Names that many frames share.

use std::collections::HashSet;
use std::sync::Arc;

/// Names that are remembered; when there are more, later frames no longer share with earlier ones.
const MOST: usize = 1 << 18;

/// Gives equal names the same memory.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashSet<Arc<str>>,
}

impl Names {
    pub(super) fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.get(name) {
            return Arc::clone(known);
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let name = Arc::from(name);
        self.known.insert(Arc::clone(&name));
        name
    }
}
