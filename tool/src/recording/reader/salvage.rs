//! What is left of a damaged recording.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::model::{Call, Class, EndpointKind, Sharing, SiteKind};
use crate::recording::names;
use crate::recording::schema::{SCHEMA, tables};

/// What does not go together is removed: rows whose values are out of range, steps behind a gap, and what
/// refers to something that is not there.
const TIDY: &str = "
    DELETE FROM process WHERE pid NOT BETWEEN 0 AND 4294967295;
    UPDATE process SET cmdline = '[]' WHERE cmdline IS NULL OR NOT json_valid(cmdline);
    UPDATE recording SET command = NULL WHERE NOT json_valid(command);
    DELETE FROM step WHERE id < 1;
    DELETE FROM step WHERE id > (SELECT count(*) FROM step AS other WHERE other.id <= step.id);
    DELETE FROM step WHERE id >= (
        SELECT min(later.id) FROM step AS later JOIN step AS before ON before.id = later.id - 1
        WHERE later.end_ns < before.end_ns);
    DELETE FROM chunk WHERE first_step < 1 OR last_step < first_step
        OR last_step NOT IN (SELECT id FROM step);
    DELETE FROM counter WHERE process NOT IN (SELECT id FROM process)
        OR (kind = 'error') <> (class IS NULL OR sharing IS NULL)
        OR (kind = 'error') <> (class IS NULL AND sharing IS NULL)
        OR kind = 'error' AND (errno IS NULL OR errno NOT BETWEEN 0 AND 65535)
        OR kind = 'transfer' AND (bucket IS NULL OR bucket NOT BETWEEN 0 AND 63);
    DELETE FROM counter_step WHERE step NOT IN (SELECT id FROM step)
        OR counter NOT IN (SELECT id FROM counter);
    DELETE FROM counter_chunk WHERE chunk NOT IN (SELECT id FROM chunk)
        OR counter NOT IN (SELECT id FROM counter);
    UPDATE frame SET line = NULL WHERE line NOT BETWEEN 0 AND 4294967295;
    UPDATE frame SET function = NULL WHERE function NOT IN (SELECT id FROM string);
    UPDATE frame SET file = NULL WHERE file NOT IN (SELECT id FROM string);
    UPDATE frame SET module = NULL WHERE module NOT IN (SELECT id FROM string);
    DELETE FROM stack_frame WHERE frame NOT IN (SELECT id FROM frame)
        OR stack NOT IN (SELECT id FROM stack);
    DELETE FROM site WHERE process NOT IN (SELECT id FROM process)
        OR write_stack NOT IN (SELECT id FROM stack);
    UPDATE site SET read_stack = NULL WHERE read_stack NOT IN (SELECT id FROM stack);
    UPDATE site SET kernel_stack = NULL WHERE kernel_stack NOT IN (SELECT id FROM stack);
    UPDATE site SET source_name = NULL WHERE source_name NOT IN (SELECT id FROM string);
    UPDATE site SET sink_name = NULL WHERE sink_name NOT IN (SELECT id FROM string);
    DELETE FROM site_sum WHERE step NOT IN (SELECT id FROM step) OR site NOT IN (SELECT id FROM site);
    DELETE FROM cpu_site WHERE process NOT IN (SELECT id FROM process)
        OR syscall NOT BETWEEN 0 AND 4294967295;
    UPDATE cpu_site SET user_stack = NULL WHERE user_stack NOT IN (SELECT id FROM stack);
    UPDATE cpu_site SET kernel_stack = NULL WHERE kernel_stack NOT IN (SELECT id FROM stack);
    DELETE FROM cpu_sum WHERE step NOT IN (SELECT id FROM step)
        OR site NOT IN (SELECT id FROM cpu_site);
";

/// What can be read of the tables of a file of this version, and goes together, as a recording in memory.
///
/// # Errors
///
/// Where memory does not do. What the file does not yield is left out.
pub(super) fn salvage(file: &Connection, version: u32) -> rusqlite::Result<Connection> {
    let copy = Connection::open_in_memory()?;
    copy.execute_batch(SCHEMA)?;
    copy.execute_batch("PRAGMA foreign_keys = OFF; BEGIN")?;
    for table in tables(version) {
        // From both ends: what is damaged may lie between them.
        for order in ["ORDER BY 1, 2", "ORDER BY 1 DESC, 2 DESC"] {
            copy_rows(file, &copy, table, order)?;
        }
        remove_other_types(&copy, table)?;
    }
    remove_unknown_names(&copy)?;
    copy.execute_batch(TIDY)?;
    copy.execute_batch("COMMIT")?;
    Ok(copy)
}

/// Copies rows up to the first that cannot be read.
fn copy_rows(
    file: &Connection,
    copy: &Connection,
    table: &str,
    order: &str,
) -> rusqlite::Result<()> {
    // A table that cannot even be looked at has no rows.
    let Ok(mut query) = file.prepare(&format!("SELECT * FROM {table} {order}")) else {
        return Ok(());
    };
    let count = query.column_count();
    let places = vec!["?"; count].join(", ");
    let mut insert = copy.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({places})"))?;
    let Ok(mut rows) = query.query([]) else {
        return Ok(());
    };
    while let Ok(Some(row)) = rows.next() {
        let values = (0..count).map(|column| value(row.get_ref(column).ok()?));
        if let Some(values) = values.collect::<Option<Vec<Value>>>() {
            insert.execute(params_from_iter(values))?;
        }
    }
    Ok(())
}

/// The same; `None` of text that is none, which rusqlite's conversion panics at.
fn value(found: ValueRef<'_>) -> Option<Value> {
    Some(match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(bytes) => Value::Text(str::from_utf8(bytes).ok()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

/// Removes rows with values of other types than their columns have.
fn remove_other_types(copy: &Connection, table: &str) -> rusqlite::Result<()> {
    let mut query = copy.prepare(&format!("PRAGMA table_info({table})"))?;
    let columns = query.query_map([], |row| {
        let (name, kind): (String, String) = (row.get(1)?, row.get(2)?);
        Ok((name, kind.to_lowercase()))
    })?;
    for column in columns {
        let (name, kind) = column?;
        // Where NULL is not allowed, it was not copied.
        let sql = format!("DELETE FROM {table} WHERE typeof({name}) NOT IN (?1, 'null')");
        copy.execute(&sql, [kind])?;
    }
    Ok(())
}

/// Removes rows with names that stand for nothing.
fn remove_unknown_names(copy: &Connection) -> rusqlite::Result<()> {
    let calls = names_of(Call::ALL, Call::name);
    let ends = names_of(EndpointKind::ALL, EndpointKind::name);
    let classes = names_of(Class::ALL, Class::name);
    let sharings = names_of(Sharing::ALL, Sharing::name);
    for table in ["counter", "site"] {
        remove_but(copy, table, "call", &calls)?;
        remove_but(copy, table, "source", &ends)?;
        remove_but(copy, table, "sink", &ends)?;
        remove_but(copy, table, "class", &classes)?;
        remove_but(copy, table, "sharing", &sharings)?;
    }
    remove_but(copy, "counter", "kind", "'flow', 'error', 'transfer'")?;
    let kinds = names_of(SiteKind::ALL, names::site_kind);
    remove_but(copy, "site", "kind", &kinds)?;
    remove_but(copy, "stack", "ending", &names_of(names::ENDS, names::end))?;
    let languages = names_of(names::LANGUAGES, names::language);
    remove_but(copy, "frame", "language", &languages)
}

fn remove_but(copy: &Connection, table: &str, column: &str, names: &str) -> rusqlite::Result<()> {
    let sql = format!("DELETE FROM {table} WHERE {column} NOT IN ({names})");
    copy.execute(&sql, []).map(drop)
}

fn names_of<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> String {
    let quoted: Vec<String> = all
        .iter()
        .map(|value| format!("'{}'", name(*value)))
        .collect();
    quoted.join(", ")
}
