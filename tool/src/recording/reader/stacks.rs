//! Stacks, frames and strings.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use crate::model::{Frame, Stack};
use crate::recording::names;
use crate::recording::reader::{named, unsigned, wrong};

/// All stacks and strings, by their rows.
pub(super) struct Stacks {
    stacks: HashMap<i64, Arc<Stack>>,
    strings: HashMap<i64, Arc<str>>,
}

impl Stacks {
    /// Reads them.
    pub(super) fn read(file: &Connection) -> rusqlite::Result<Self> {
        let strings = strings(file)?;
        let frames = frames(file, &strings)?;
        let mut query = file.prepare("SELECT id, ending FROM stack")?;
        let ends = query.query_map([], |row| {
            let end = named(row, 1, names::ENDS, names::end)?;
            let frames = Vec::new();
            Ok((row.get(0)?, Stack { frames, end }))
        })?;
        let mut stacks: HashMap<i64, Stack> = ends.collect::<rusqlite::Result<_>>()?;
        let mut query =
            file.prepare("SELECT stack, frame FROM stack_frame ORDER BY stack, depth")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (stack, frame): (i64, i64) = (row.get(0)?, row.get(1)?);
            let (Some(stack), Some(frame)) = (stacks.get_mut(&stack), frames.get(&frame)) else {
                return Err(wrong(
                    0,
                    format!("stack {stack} or frame {frame} is missing"),
                ));
            };
            stack.frames.push(frame.clone());
        }
        let stacks = stacks.into_iter();
        Ok(Self {
            stacks: stacks.map(|(row, stack)| (row, Arc::new(stack))).collect(),
            strings,
        })
    }

    /// A stack, if a column names one.
    pub(super) fn stack(
        &self,
        row: &rusqlite::Row<'_>,
        column: usize,
    ) -> rusqlite::Result<Option<Arc<Stack>>> {
        get(&self.stacks, row, column)
    }

    /// A string, if a column names one.
    pub(super) fn string(
        &self,
        row: &rusqlite::Row<'_>,
        column: usize,
    ) -> rusqlite::Result<Option<Arc<str>>> {
        get(&self.strings, row, column)
    }
}

fn get<T: ?Sized>(
    all: &HashMap<i64, Arc<T>>,
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<Arc<T>>> {
    let Some(id) = row.get::<_, Option<i64>>(column)? else {
        return Ok(None);
    };
    let found = all.get(&id).cloned();
    found
        .map(Some)
        .ok_or_else(|| wrong(column, format!("row {id} is missing")))
}

fn strings(file: &Connection) -> rusqlite::Result<HashMap<i64, Arc<str>>> {
    let mut query = file.prepare("SELECT id, text FROM string")?;
    let strings = query.query_map([], |row| {
        let text: String = row.get(1)?;
        Ok((row.get(0)?, Arc::from(text)))
    })?;
    strings.collect()
}

fn frames(
    file: &Connection,
    strings: &HashMap<i64, Arc<str>>,
) -> rusqlite::Result<HashMap<i64, Frame>> {
    let mut query = file.prepare(
        "SELECT id, function, file, line, module, address, inlined, language FROM frame",
    )?;
    let frames = query.query_map([], |row| {
        let frame = Frame {
            function: get(strings, row, 1)?,
            file: get(strings, row, 2)?,
            line: row.get(3)?,
            module: get(strings, row, 4)?,
            address: unsigned(row, 5)?,
            is_inlined: row.get(6)?,
            language: named(row, 7, names::LANGUAGES, names::language)?,
        };
        Ok((row.get(0)?, frame))
    })?;
    frames.collect()
}
