//! The schema of recordings, which `docs/recording.md` documents.

/// What the tables are made with. Each statement ends in `;` at the end of its last line.
pub const SCHEMA: &str = include_str!("schema.sql");

/// `PRAGMA application_id` of all recordings: "CTAX".
pub const APPLICATION_ID: u32 = 0x4354_4158;

/// `PRAGMA user_version`: the version of the schema. Readers read this one and older ones.
pub const VERSION: u32 = 2;

/// Tables that came after the first version, and with which.
const ADDED: [(&str, u32); 1] = [("build", 2)];

/// The statements of [`SCHEMA`] of a version, as `sqlite_schema` has them.
pub(super) fn statements(version: u32) -> impl Iterator<Item = &'static str> {
    let statements = SCHEMA.split(";\n").map(str::trim);
    let is_there = move |statement: &&str| {
        let table = table_of(statement);
        let mut added = ADDED.iter();
        !added.any(|(name, since)| table == Some(name) && version < *since)
    };
    statements
        .filter(|statement| !statement.is_empty())
        .filter(is_there)
}

/// All tables of a version, in the order of the schema.
pub(crate) fn tables(version: u32) -> impl Iterator<Item = &'static str> {
    statements(version).filter_map(table_of)
}

fn table_of(statement: &str) -> Option<&str> {
    let rest = statement.strip_prefix("CREATE TABLE ")?;
    rest.split(' ').next()
}
