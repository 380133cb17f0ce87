//! A checksum of all that a recording says. SQLite notices where its own structure is damaged, and not
//! where a number has become another one.

use crc32fast::Hasher;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::recording::schema::statements;

/// The column that has it, which is left out.
const COLUMN: &str = "checksum";

/// The CRC-32 of all rows of all tables, in the order of the schema and of their keys: of each value its
/// type (0 NULL, 1 integer, 2 real, 3 text, 4 blob), then numbers in 8 little-endian bytes, or the length
/// in as many and the bytes.
pub(super) fn of(file: &Connection) -> rusqlite::Result<u32> {
    let mut hasher = Hasher::new();
    for table in tables() {
        // Without a rowid, the key is the order; with one, the rowid is.
        let mut query = file.prepare(&format!("SELECT * FROM {table}"))?;
        let columns: Vec<usize> = query
            .column_names()
            .iter()
            .enumerate()
            .filter(|(_, name)| **name != COLUMN)
            .map(|(column, _)| column)
            .collect();
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            for column in &columns {
                add(&mut hasher, row.get_ref(*column)?);
            }
        }
    }
    Ok(hasher.finalize())
}

fn tables() -> impl Iterator<Item = &'static str> {
    statements().filter_map(|statement| {
        let rest = statement.strip_prefix("CREATE TABLE ")?;
        rest.split(' ').next()
    })
}

fn add(hasher: &mut Hasher, value: ValueRef<'_>) {
    let mut number = |kind: u8, number: [u8; 8]| {
        hasher.update(&[kind]);
        hasher.update(&number);
    };
    match value {
        ValueRef::Null => hasher.update(&[0]),
        ValueRef::Integer(integer) => number(1, integer.to_le_bytes()),
        ValueRef::Real(real) => number(2, real.to_le_bytes()),
        ValueRef::Text(bytes) => {
            number(3, (bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        ValueRef::Blob(bytes) => {
            number(4, (bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
    }
}
