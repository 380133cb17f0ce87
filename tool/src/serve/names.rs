//! Names of the containers that are counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::host::cri::RuntimeSocket;
use crate::model::{ContainerName, Snapshot};

/// Names by container id.
pub(crate) type Names = BTreeMap<String, ContainerName>;

/// Asks the container runtime about containers that are new.
pub(crate) struct Namer {
    socket: RuntimeSocket,
    /// Those that were asked about; `None` where the runtime does not know them.
    known: HashMap<String, Option<ContainerName>>,
    has_failed: bool,
}

impl Namer {
    /// Knows nothing yet.
    pub(crate) fn new(socket: RuntimeSocket) -> Self {
        Self {
            socket,
            known: HashMap::new(),
            has_failed: false,
        }
    }

    /// Names of the containers of a snapshot, as far as they are known: a runtime that is away is asked
    /// again with the next one.
    pub(super) fn names(&mut self, snapshot: &Snapshot) -> Names {
        let processes = snapshot.processes.values();
        let ids: BTreeSet<_> = processes
            .filter_map(|facts| facts.container_id.as_ref())
            .collect();
        self.known.retain(|id, _| ids.contains(id));
        if ids.iter().any(|id| !self.known.contains_key(*id)) {
            self.ask(&ids);
        }
        let known = self.known.iter();
        known
            .filter_map(|(id, name)| Some((id.clone(), name.clone()?)))
            .collect()
    }

    fn ask(&mut self, ids: &BTreeSet<&String>) {
        match self.socket.containers() {
            Ok(mut names) => {
                self.has_failed = false;
                for id in ids {
                    let known = self.known.entry((*id).clone());
                    known.or_insert_with(|| names.remove(*id));
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::warn!("the container runtime cannot be asked for names: {error}");
                }
            }
        }
    }
}
