//! The tables in docs/export.md are those of the code.

use copytax::report::parquet;

use crate::{check_in, code, markdown};

#[test]
fn tables_are_as_the_code_has_them() {
    let mut text = String::new();
    let mut common: Vec<[&str; 3]> = Vec::new();
    for table in parquet::tables() {
        let new = table.columns.iter();
        let new: Vec<_> = new.filter(|column| !common.contains(column)).collect();
        let known = table.columns.len() - new.len();
        text += &format!("### `{}.parquet`\n\nA row is {}.", table.name, table.about);
        if let ([first, ..], Some(last)) = (&*table.columns, table.columns[..known].last()) {
            text += &format!(
                " First come {} to {}, as above.",
                code(first[0]),
                code(last[0])
            );
        }
        let rows = new
            .iter()
            .map(|[name, sql_type, about]| [code(name), code(sql_type), (*about).to_owned()]);
        text += &format!("\n\n{}\n", markdown(["column", "type", "says"], rows));
        let is_common = |column: &&[&str; 3]| COMMON.contains(&column[0]);
        common.extend(new.into_iter().filter(is_common));
    }
    check_in("export.md", "tables", &format!("{}\n", text.trim_end()));
}

/// Columns that several tables begin with.
const COMMON: [&str; 9] = [
    "recording",
    "host",
    "service",
    "pid",
    "process_start_ns",
    "comm",
    "exe",
    "cgroup",
    "container_id",
];
