//! Columns, and how their values are laid out in a file.

use std::io::Write;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::{Type, TypePtr};

/// A column of rows `R`.
pub(super) struct Column<R> {
    pub(super) name: &'static str,
    /// What it says, and in which unit.
    pub(super) about: &'static str,
    pub(super) values: Values<R>,
}

/// How its value is read from a row; without one it is null.
pub(super) enum Values<R> {
    Text(fn(&R) -> Option<String>),
    /// Whole numbers; those that a signed one cannot hold are the largest.
    Whole(fn(&R) -> Option<u64>),
    Real(fn(&R) -> Option<f64>),
    Flag(fn(&R) -> Option<bool>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Time(fn(&R) -> Option<i64>),
    /// A list, which is never null.
    Texts(fn(&R) -> Vec<String>),
}

pub(super) const fn column<R>(
    name: &'static str,
    about: &'static str,
    values: Values<R>,
) -> Column<R> {
    Column {
        name,
        about,
        values,
    }
}

impl<R> Column<R> {
    /// The type, as DuckDB calls it.
    pub(super) const fn sql_type(&self) -> &'static str {
        match self.values {
            Values::Text(_) => "VARCHAR",
            Values::Whole(_) => "BIGINT",
            Values::Real(_) => "DOUBLE",
            Values::Flag(_) => "BOOLEAN",
            Values::Time(_) => "TIMESTAMPTZ",
            Values::Texts(_) => "VARCHAR[]",
        }
    }

    /// The type, as the file has it.
    pub(super) fn schema(&self) -> Result<TypePtr> {
        let text = (Physical::BYTE_ARRAY, Some(LogicalType::String));
        let (physical, logical) = match self.values {
            Values::Text(_) => text,
            Values::Whole(_) => (Physical::INT64, None),
            Values::Real(_) => (Physical::DOUBLE, None),
            Values::Flag(_) => (Physical::BOOLEAN, None),
            Values::Time(_) => (
                Physical::INT64,
                Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
            ),
            Values::Texts(_) => {
                let element = primitive("element", Repetition::REQUIRED, text)?;
                let list = group("list", Repetition::REPEATED, None, element)?;
                let logical = Some(LogicalType::List);
                return group(self.name, Repetition::REQUIRED, logical, list);
            }
        };
        primitive(self.name, Repetition::OPTIONAL, (physical, logical))
    }

    /// Writes the values of some rows.
    pub(super) fn write<W: Write + Send>(
        &self,
        rows: &[R],
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        match self.values {
            Values::Text(read) => {
                optional::<ByteArrayType, _>(rows, group, |row| read(row).map(|text| bytes(&text)))
            }
            Values::Whole(read) => optional::<Int64Type, _>(rows, group, |row| {
                read(row).map(|number| i64::try_from(number).unwrap_or(i64::MAX))
            }),
            Values::Real(read) => optional::<DoubleType, _>(rows, group, read),
            Values::Flag(read) => optional::<BoolType, _>(rows, group, read),
            Values::Time(read) => optional::<Int64Type, _>(rows, group, read),
            Values::Texts(read) => lists(rows, group, read),
        }
    }
}

fn primitive(
    name: &str,
    repetition: Repetition,
    (physical, logical): (Physical, Option<LogicalType>),
) -> Result<TypePtr> {
    let built = Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .build();
    built.map(TypePtr::new)
}

fn group(
    name: &str,
    repetition: Repetition,
    logical: Option<LogicalType>,
    field: TypePtr,
) -> Result<TypePtr> {
    let built = Type::group_type_builder(name)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_fields(vec![field])
        .build();
    built.map(TypePtr::new)
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text)
}

/// Values that may be missing: those that are there, and for each row whether one is.
fn optional<T: DataType, R>(
    rows: &[R],
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    read: impl Fn(&R) -> Option<T::T>,
) -> Result<()> {
    let mut values = Vec::with_capacity(rows.len());
    let mut is_there = Vec::with_capacity(rows.len());
    for row in rows {
        let value = read(row);
        is_there.push(i16::from(value.is_some()));
        values.extend(value);
    }
    batch::<T>(group, &values, &is_there, None)
}

/// Lists: their elements, for each whether it is one (an empty list has one that is none), and whether it
/// goes on with the list of the one before.
fn lists<R>(
    rows: &[R],
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    read: impl Fn(&R) -> Vec<String>,
) -> Result<()> {
    let (mut values, mut is_there, mut goes_on) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let list = read(row);
        for place in 0..list.len().max(1) {
            is_there.push(i16::from(!list.is_empty()));
            goes_on.push(i16::from(place > 0));
        }
        values.extend(list.iter().map(|text| bytes(text)));
    }
    batch::<ByteArrayType>(group, &values, &is_there, Some(&goes_on))
}

fn batch<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
    definition: &[i16],
    repetition: Option<&[i16]>,
) -> Result<()> {
    if let Some(mut column) = group.next_column()? {
        let writer = column.typed::<T>();
        writer.write_batch(values, Some(definition), repetition)?;
        column.close()?;
    }
    Ok(())
}
