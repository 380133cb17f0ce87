//! A checksum of all that a recording says. SQLite notices where its own structure is damaged, and not
//! where a number has become another one.
//!
//! It is a sum over rows, which the writer keeps up to date as rows come and go: it is right after each
//! step, and not only at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crc32fast::Hasher;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

use crate::recording::schema::tables;

/// The column that has it, which is left out.
const COLUMN: &str = "checksum";

/// The version of the schema since which it is a sum over rows.
pub(super) const SUMS: u32 = 2;

/// What triggers call: with the sign, the table, and the values of a row.
const FUNCTION: &str = "copytax_row";

/// The checksum of a file that is being written.
#[derive(Debug)]
pub(super) struct Checksum(Arc<AtomicU32>);

impl Checksum {
    /// Begins with a file without rows. Its connection, and no other, keeps it up to date from here on.
    pub(super) fn of_empty(file: &Connection) -> rusqlite::Result<Self> {
        let sum = Arc::new(AtomicU32::new(0));
        let changed = Arc::clone(&sum);
        file.create_scalar_function(FUNCTION, -1, FunctionFlags::SQLITE_UTF8, move |call| {
            let values = 2..call.len();
            let row = row(
                call.get_raw(1).as_str()?,
                values.map(|index| call.get_raw(index)),
            );
            if call.get::<bool>(0)? {
                changed.fetch_add(row, Ordering::Relaxed);
            } else {
                changed.fetch_sub(row, Ordering::Relaxed);
            }
            Ok(true)
        })?;
        for table in tables(u32::MAX) {
            let columns = columns(file, table)?;
            let values = |row: &str| -> String {
                let values = columns.iter().map(|column| format!(", {row}.{column}"));
                values.collect()
            };
            let added = format!("SELECT {FUNCTION}(1, '{table}'{});", values("NEW"));
            let gone = format!("SELECT {FUNCTION}(0, '{table}'{});", values("OLD"));
            // They are of this connection, and not in the file.
            file.execute_batch(&format!(
                "CREATE TEMP TRIGGER {table}_in AFTER INSERT ON main.{table} BEGIN {added} END;
                 CREATE TEMP TRIGGER {table}_out AFTER DELETE ON main.{table} BEGIN {gone} END;
                 CREATE TEMP TRIGGER {table}_new AFTER UPDATE ON main.{table} BEGIN {gone} {added} END;"
            ))?;
        }
        Ok(Self(sum))
    }

    /// Writes it to the file.
    pub(super) fn write(&self, file: &Connection) -> rusqlite::Result<()> {
        file.prepare_cached("UPDATE recording SET checksum = ?1")?
            .execute([self.0.load(Ordering::Relaxed)])
            .map(drop)
    }
}

/// The checksum of a file whose schema has this version: the sum of the CRC-32 of each row, with the name
/// of its table in front; before version 2 the CRC-32 of all rows, in the order of the schema and of
/// their keys.
///
/// Of each value there is its type (0 NULL, 1 integer, 2 real, 3 text, 4 blob), then numbers in 8
/// little-endian bytes, or the length in as many and the bytes.
pub(super) fn of(file: &Connection, version: u32) -> rusqlite::Result<u32> {
    let (mut sum, mut chain) = (0_u32, Hasher::new());
    for table in tables(version) {
        // Without a rowid, the key is the order; with one, the rowid is.
        let columns = columns(file, table)?;
        let mut query = file.prepare(&format!("SELECT {} FROM {table}", columns.join(", ")))?;
        let mut rows = query.query([])?;
        while let Some(found) = rows.next()? {
            let values = (0..columns.len()).map(|column| found.get_ref_unwrap(column));
            if version < SUMS {
                values.for_each(|value| add(&mut chain, value));
            } else {
                sum = sum.wrapping_add(row(table, values));
            }
        }
    }
    Ok(if version < SUMS {
        chain.finalize()
    } else {
        sum
    })
}

/// The columns of a table that count.
fn columns(file: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let query = file.prepare(&format!("SELECT * FROM {table}"))?;
    let names = query.column_names().into_iter();
    Ok(names
        .filter(|name| *name != COLUMN)
        .map(str::to_owned)
        .collect())
}

fn row<'a>(table: &str, values: impl Iterator<Item = ValueRef<'a>>) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(table.as_bytes());
    values.for_each(|value| add(&mut hasher, value));
    hasher.finalize()
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

/// Writes the checksum of a file whose rows were changed by hand.
#[cfg(any(test, fuzzing))]
pub(crate) fn reseal(file: &Connection) -> rusqlite::Result<()> {
    let sum = of(file, crate::recording::VERSION)?;
    file.execute("UPDATE recording SET checksum = ?1", [sum])
        .map(drop)
}
