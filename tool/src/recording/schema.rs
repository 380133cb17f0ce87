//! The schema of recordings, which `docs/recording.md` documents.

/// What the tables are made with. Each statement ends in `;` at the end of its last line.
pub const SCHEMA: &str = include_str!("schema.sql");

/// `PRAGMA application_id` of all recordings: "CTAX".
pub const APPLICATION_ID: u32 = 0x4354_4158;

/// `PRAGMA user_version`: the version of the schema. Readers read this one and older ones.
pub const VERSION: u32 = 1;

/// The statements of [`SCHEMA`], as `sqlite_schema` has them.
pub(super) fn statements() -> impl Iterator<Item = &'static str> {
    let statements = SCHEMA.split(";\n").map(str::trim);
    statements.filter(|statement| !statement.is_empty())
}
