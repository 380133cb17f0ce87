//! Builds of the files that code was in.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::model::Build;

/// Builds that are in the file.
#[derive(Default)]
pub(super) struct Builds(BTreeSet<Build>);

impl Builds {
    /// Writes those that are new.
    pub(super) fn write(
        &mut self,
        file: &Connection,
        builds: &BTreeSet<Build>,
    ) -> rusqlite::Result<()> {
        // None ever goes away.
        if builds.len() == self.0.len() {
            return Ok(());
        }
        for build in builds {
            if self.0.insert(build.clone()) {
                file.prepare_cached("INSERT INTO build VALUES (?1, ?2)")?
                    .execute([&*build.module, &*build.id])?;
            }
        }
        Ok(())
    }
}
