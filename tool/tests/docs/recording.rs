//! The schema in docs/recording.md is that of the code.

use copytax::recording::{APPLICATION_ID, SCHEMA, VERSION};

use crate::{check_in, read};

const DOCUMENT: &str = "recording.md";

#[test]
fn schema_is_as_the_code_has_it() {
    check_in(DOCUMENT, "schema", &format!("```sql\n{SCHEMA}```\n"));
    let document = read(DOCUMENT);
    assert!(document.contains(&format!("`PRAGMA application_id` is {APPLICATION_ID:#x}")));
    assert!(document.contains(&format!("the version of the schema, {VERSION}.")));
}
