//! Builds of the files that code was in.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::Connection;

use crate::model::Build;

/// Since which version of the schema there are any.
const SINCE: u32 = 2;

/// Reads them.
pub(super) fn read(file: &Connection, version: u32) -> rusqlite::Result<BTreeSet<Build>> {
    if version < SINCE {
        return Ok(BTreeSet::new());
    }
    let mut query = file.prepare("SELECT module, build_id FROM build")?;
    let builds = query.query_map([], |row| {
        Ok(Build {
            module: Arc::from(row.get::<_, String>(0)?),
            id: Arc::from(row.get::<_, String>(1)?),
        })
    })?;
    builds.collect()
}
