//! What a database reads from the tables is what `merge` says.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::hosts::{CUT_SHORT, HOSTS, record_all};
use crate::support::prerequisites;
use crate::tool::{export, json, list, number, said};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fleet/query.py");
const DOCUMENT: &str = include_str!("../../../docs/export.md");
const TABLES: [&str; 8] = [
    "cpu",
    "findings",
    "flows",
    "intervals",
    "losses",
    "processes",
    "recordings",
    "samples",
];

/// The tables of all machines, in a folder `tables`, and the database that reads them.
struct Database {
    folder: TempDir,
    files: Vec<PathBuf>,
    python: PathBuf,
    packages: PathBuf,
}

impl Database {
    /// `None` where the machine has no such database.
    fn of_fleet() -> Result<Option<Self>> {
        let there = prerequisites::python().and_then(|python| {
            let packages = prerequisites::testbed("python")?;
            let found = packages.join("duckdb").is_dir();
            ensure!(found, "no duckdb; run `cargo xtask setup --tests`");
            Ok((python, packages))
        });
        let Some((python, packages)) = prerequisites::or_skip(there)? else {
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let files = record_all(folder.path())?;
        let output = export(&files, &folder.path().join("tables"), &[])?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(Some(Self {
            folder,
            files,
            python,
            packages,
        }))
    }

    /// The rows that each query gives.
    fn ask(&self, queries: &[&str]) -> Result<Vec<Vec<Value>>> {
        let mut child = Command::new(&self.python)
            .arg(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let task = json!({
            "packages": self.packages,
            "folder": self.folder.path(),
            "queries": queries,
        });
        let mut stdin = child.stdin.take().context("stdin is piped")?;
        stdin.write_all(task.to_string().as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "{}", output.status);
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The only row of a query.
    fn row(&self, query: &str) -> Result<Value> {
        let rows = self.ask(&[query])?.swap_remove(0);
        let [row] = rows.as_slice() else {
            anyhow::bail!("{query} has {} rows", rows.len());
        };
        Ok(row.clone())
    }

    fn merged(&self) -> Result<Value> {
        json("merge", &self.files, &[])
    }
}

#[test]
fn totals_are_those_of_merge() -> Result<()> {
    let Some(database) = Database::of_fleet()? else {
        return Ok(());
    };
    let merged = database.merged()?;
    let total = |class: &str| number(&merged, &format!("/totals/bytes/{class}"));
    for table in ["processes", "intervals"] {
        let row = database.row(&format!(
            "SELECT sum(zero_copy) AS zero_copy, sum(bounced) AS bounced, sum(lost) AS lost,
                    sum(generated) AS generated, sum(transformed) AS transformed,
                    count(DISTINCT host) AS hosts, count(DISTINCT recording) AS recordings
             FROM 'tables/{table}.parquet'"
        ))?;
        for class in ["zero_copy", "bounced", "lost", "generated", "transformed"] {
            assert_eq!(
                number(&row, &format!("/{class}"))?,
                total(class)?,
                "{table}: {row}"
            );
        }
        assert_eq!(number(&row, "/hosts")?, HOSTS);
        assert_eq!(number(&row, "/recordings")?, HOSTS + 1);
    }
    let flows = database.row(
        "SELECT sum(bytes) FILTER (WHERE lost) AS lost,
                sum(bytes) FILTER (WHERE class = 'zero_copy') AS zero_copy,
                sum(bytes) AS written
         FROM 'tables/flows.parquet'",
    )?;
    assert_eq!(number(&flows, "/lost")?, total("lost")?);
    assert_eq!(number(&flows, "/zero_copy")?, total("zero_copy")?);
    assert_eq!(
        number(&flows, "/written")?,
        number(&merged, "/totals/egress")?
    );
    Ok(())
}

#[test]
fn services_findings_and_losses_are_those_of_merge() -> Result<()> {
    let Some(database) = Database::of_fleet()? else {
        return Ok(());
    };
    let merged = database.merged()?;
    let answers = database.ask(&[
        "SELECT service, count(DISTINCT host) AS hosts, sum(lost) AS lost
         FROM 'tables/processes.parquet' GROUP BY service",
        "SELECT rule, culprit_function AS function, sum(bytes) AS bytes
         FROM 'tables/findings.parquet' GROUP BY ALL",
        "SELECT counter, sum(count) AS count, count(*) FILTER (WHERE count IS NULL) AS unknown_in
         FROM 'tables/losses.parquet' GROUP BY counter",
        "SELECT count(*) AS incomplete FROM 'tables/recordings.parquet' WHERE NOT complete",
    ])?;
    let services = list(&merged, "services")?.iter();
    let services = services.map(|service| {
        let lost = number(service, "/bytes/lost")?;
        Ok(json!({"service": service["name"], "hosts": service["hosts"], "lost": lost}))
    });
    assert_eq!(
        sorted(&answers[0]),
        sorted(&services.collect::<Result<Vec<_>>>()?)
    );
    let mut findings: BTreeMap<String, u64> = BTreeMap::new();
    for finding in list(&merged, "findings")? {
        let key = json!([finding["rule"], finding["culprit"]["function"]]);
        *findings.entry(key.to_string()).or_default() += number(finding, "/bytes")?;
    }
    let read = answers[1].iter().map(|row| {
        let key = json!([row["rule"], row["function"]]);
        Ok((key.to_string(), number(row, "/bytes")?))
    });
    assert_eq!(read.collect::<Result<BTreeMap<_, _>>>()?, findings);
    for row in &answers[2] {
        let counter = row["counter"].as_str().context("a name")?;
        let merged = &merged["loss"][counter];
        assert_eq!(
            (&row["count"], &row["unknown_in"]),
            (&merged["count"], &merged["unknown_in"])
        );
    }
    assert_eq!(
        answers[2].len(),
        merged["loss"].as_object().context("losses")?.len()
    );
    assert_eq!(number(&answers[3][0], "/incomplete")?, 1);
    assert_eq!(CUT_SHORT, 5, "whose it is");
    Ok(())
}

fn sorted(rows: &[Value]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    rows.sort();
    rows
}

#[test]
fn queries_of_the_documentation_work() -> Result<()> {
    let Some(database) = Database::of_fleet()? else {
        return Ok(());
    };
    let blocks = DOCUMENT.split("```sql\n").skip(1);
    let queries: Vec<&str> = blocks
        .filter_map(|rest| rest.split(";\n```").next())
        .collect();
    ensure!(queries.len() >= 8, "{} queries", queries.len());
    let answers = database.ask(&queries)?;
    for (query, rows) in queries.iter().zip(&answers) {
        assert!(!rows.is_empty(), "no rows: {query}");
    }
    // The first says which service pays most.
    let merged = database.merged()?;
    let (first, most) = (&answers[0][0], &list(&merged, "services")?[0]);
    assert_eq!(first["service"], most["name"]);
    assert_eq!(first["hosts"], most["hosts"]);
    assert_eq!(number(first, "/lost")?, number(most, "/bytes/lost")?);
    let rate = |value: &Value| value.as_f64().context("a number");
    for (of_query, of_merge) in [
        ("hit_rate", "hit_rate"),
        ("share", "share"),
        ("lost_per_second", "lost_per_second"),
    ] {
        let (read, merged) = (rate(&first[of_query])?, rate(&most[of_merge])?);
        assert!(
            (read - merged).abs() <= 1e-9 * merged.abs(),
            "{of_query}: {first} {most}"
        );
    }
    // The second names the function.
    assert_eq!(answers[1][0]["culprit_function"], "main.justReader.Read");
    Ok(())
}

#[test]
fn exports_of_single_machines_are_read_as_one() -> Result<()> {
    let Some(database) = Database::of_fleet()? else {
        return Ok(());
    };
    for file in &database.files {
        let name = file.file_stem().context("a name")?;
        let folder = database.folder.path().join("single").join(name);
        let output = export(std::slice::from_ref(file), &folder, &[])?;
        ensure!(output.status.success(), "{}", said(&output));
    }
    let sums = "SELECT sum(bytes) AS bytes, count(*) AS rows, count(DISTINCT host) AS hosts FROM";
    let one = database.row(&format!("{sums} 'tables/flows.parquet'"))?;
    let many = database.row(&format!("{sums} 'single/*/flows.parquet'"))?;
    assert_eq!(one, many);
    Ok(())
}

#[test]
fn tables_are_for_their_owner_and_are_not_overwritten() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = record_all(folder.path())?;
    let tables = folder.path().join("new/tables");
    let output = export(&files[..1], &tables, &[])?;
    ensure!(output.status.success(), "{}", said(&output));
    assert_eq!(
        names(&tables)?,
        TABLES.map(|name| format!("{name}.parquet"))
    );
    let mode = |path: &Path| fs::metadata(path).map(|facts| facts.permissions().mode() & 0o777);
    assert_eq!(mode(&tables)?, 0o700);
    for table in TABLES {
        assert_eq!(
            mode(&tables.join(format!("{table}.parquet")))?,
            0o600,
            "{table}"
        );
    }
    let flows = tables.join("flows.parquet");
    let before = fs::read(&flows)?;
    let output = export(&files[1..2], &tables, &[])?;
    assert_eq!(output.status.code(), Some(2));
    let refused = said(&output);
    assert!(
        refused.ends_with(".parquet exists; --force overwrites it\n"),
        "{refused}"
    );
    assert_eq!(fs::read(&flows)?, before);
    ensure!(
        export(&files[1..2], &tables, &["--force"])?
            .status
            .success()
    );
    assert_ne!(fs::read(&flows)?, before);
    // Nothing is left of what cannot be read.
    fs::write(&files[2], "no recording")?;
    let elsewhere = folder.path().join("elsewhere");
    let output = export(&files[1..3], &elsewhere, &[])?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(names(&elsewhere)?.is_empty());
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| {
        let name = entry?.file_name();
        Ok(name.to_string_lossy().into_owned())
    });
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
