//! The schema in docs/recording.md is that of the code.

use copytax::recording::{APPLICATION_ID, SCHEMA, VERSION};

use rusqlite::Connection;

use crate::{check_in, read};

const DOCUMENT: &str = "recording.md";

#[test]
fn schema_is_as_the_code_has_it() {
    check_in(DOCUMENT, "schema", &format!("```sql\n{SCHEMA}```\n"));
    let document = read(DOCUMENT);
    assert!(document.contains(&format!("`PRAGMA application_id` is {APPLICATION_ID:#x}")));
    assert!(document.contains(&format!("the version of the schema, {VERSION}.")));
}

#[test]
fn queries_are_good() -> rusqlite::Result<()> {
    let file = Connection::open_in_memory()?;
    file.execute_batch(SCHEMA)?;
    let document = read(DOCUMENT);
    let blocks = document.split("```sql\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let queries: Vec<&str> = blocks.filter(|block| block.starts_with("SELECT")).collect();
    assert_eq!(queries.len(), 2);
    for query in queries {
        file.prepare(query)?;
    }
    Ok(())
}
