//! The tables of docs/accounting.md and docs/export.md, the pages of docs/catalog/ and the schema in
//! docs/recording.md, made from the code.
//! `UPDATE_EXPECT=1 cargo test -p copytax --test docs` writes them anew.

mod catalog;
mod coverage;
mod export;
mod kinds;
mod matrix;
mod paths;
mod recording;

use std::fs;
use std::path::Path;

use copytax::model::Sharing;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
const DOCUMENT: &str = "accounting.md";

/// What the document has between the marks of `table`, and where.
fn find<'a>(document: &'a str, table: &str) -> (usize, &'a str) {
    let begin = format!("<!-- begin {table}: made by tool/tests/docs -->\n");
    let end = format!("<!-- end {table} -->\n");
    let start = document.find(&begin).expect("the begin is marked") + begin.len();
    let length = document[start..].find(&end).expect("the end is marked");
    (start, &document[start..start + length])
}

/// Compares `table` of docs/accounting.md with `made`, or writes it anew.
fn check(table: &str, made: &str) {
    check_in(DOCUMENT, table, made);
}

/// A document.
fn read(name: &str) -> String {
    fs::read_to_string(Path::new(FOLDER).join(name)).expect("the document is there")
}

/// Compares `table` of a document with `made`, or writes it anew.
fn check_in(name: &str, table: &str, made: &str) {
    let document = read(name);
    let (start, found) = find(&document, table);
    if found == made {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_EXPECT").is_some(),
        "table {table:?} of docs/{name} is not what the code says; \
         UPDATE_EXPECT=1 writes it anew. It should be:\n{made}"
    );
    let rest = &document[start + found.len()..];
    let updated = [&document[..start], made, rest].concat();
    fs::write(Path::new(FOLDER).join(name), updated).expect("the document can be written");
}

/// Rows of a Markdown table.
fn markdown<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut text = format!("| {} |\n|{}\n", header.join(" | "), " --- |".repeat(N));
    for row in rows {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

/// A name as code.
fn code(name: &str) -> String {
    format!("`{name}`")
}

/// All of it in one test: each table is written into the same file.
#[test]
fn tables_are_as_the_code_has_them() {
    check("kernel paths", &paths::kernel_paths());
    check("reasons", &paths::reasons());
    check("directions", &paths::directions());
    check("sharing", &sharing());
    check("matrix", &matrix::matrix());
}

/// What each reason says of bytes of zero-copy calls.
fn sharing() -> String {
    let reasons = Sharing::ALL.iter().filter_map(|sharing| {
        let verdict = sharing.verdict()?;
        Some([code(verdict.name()), code(sharing.name())])
    });
    markdown(["sharing", "reason"], reasons)
}

#[test]
fn the_tests_that_the_matrix_names_exist() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for test in coverage::all() {
        let function = format!("fn {}(", test.function);
        let text = source_of(&folder.join(test.suite));
        assert!(text.contains(&function), "{test:?}");
    }
}

/// All files of a folder and those below it.
fn source_of(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let texts = entries.map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            source_of(&path)
        } else {
            fs::read_to_string(&path).expect("text")
        }
    });
    texts.collect()
}
