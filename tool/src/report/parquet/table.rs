//! One table, in a file of its own.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::report::parquet::TableFacts;
use crate::report::parquet::column::Column;

/// The name and version of the tables, in the metadata of each file.
const SCHEMA: &str = "copytax.export/1";

/// Rows that are held in memory.
const GROUP: usize = 64 << 10;

/// What a table is called, and what a row of it is.
pub(super) struct Name {
    name: &'static str,
    about: &'static str,
}

pub(super) const fn name(name: &'static str, about: &'static str) -> Name {
    Name { name, about }
}

impl Name {
    pub(super) fn facts<R>(&self, columns: &[Column<R>]) -> TableFacts {
        let facts = |column: &Column<R>| [column.name, column.sql_type(), column.about];
        TableFacts {
            name: self.name,
            about: self.about,
            columns: columns.iter().map(facts).collect(),
        }
    }
}

/// A table that is being written.
pub(super) struct Table<W: Write + Send> {
    name: &'static str,
    file: SerializedFileWriter<W>,
}

impl<W: Write + Send> Table<W> {
    /// Begins it, in what `open` gives for its name.
    pub(super) fn begin<R>(
        name: &Name,
        columns: &[Column<R>],
        open: &mut impl FnMut(&'static str) -> io::Result<W>,
    ) -> io::Result<Self> {
        let out = open(name.name)?;
        let begin = || {
            let fields: Result<Vec<_>> = columns.iter().map(Column::schema).collect();
            let schema = Type::group_type_builder(name.name).with_fields(fields?);
            SerializedFileWriter::new(out, Arc::new(schema.build()?), Arc::new(properties()))
        };
        Ok(Self {
            name: name.name,
            file: begin().map_err(failed)?,
        })
    }

    /// Writes rows.
    pub(super) fn write<R>(
        &mut self,
        columns: &[Column<R>],
        rows: impl IntoIterator<Item = R>,
    ) -> io::Result<()> {
        let mut rows = rows.into_iter();
        loop {
            let some: Vec<R> = rows.by_ref().take(GROUP).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.write_group(columns, &some).map_err(failed)?;
        }
    }

    fn write_group<R>(&mut self, columns: &[Column<R>], rows: &[R]) -> Result<()> {
        let mut group = self.file.next_row_group()?;
        for column in columns {
            column.write(rows, &mut group)?;
        }
        group.close().map(drop)
    }

    /// Ends it; gives back what it was written to.
    pub(super) fn finish(self) -> io::Result<(&'static str, W)> {
        let out = self.file.into_inner().map_err(failed)?;
        Ok((self.name, out))
    }
}

/// Snappy is what every reader of Parquet has.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("copytax ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "schema".to_owned(),
            SCHEMA.to_owned(),
        )]))
        .build()
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}
