//! Stacks, frames and strings, each kept once.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};

use crate::model::{Frame, Stack};
use crate::recording::names;

/// Stacks that are in the file.
#[derive(Default)]
pub(super) struct Stacks {
    stacks: HashMap<Arc<Stack>, i64>,
    frames: HashMap<Frame, i64>,
    strings: HashMap<Arc<str>, i64>,
}

impl Stacks {
    /// The row of a stack.
    pub(super) fn stack(&mut self, file: &Connection, stack: &Arc<Stack>) -> rusqlite::Result<i64> {
        if let Some(row) = self.stacks.get(stack) {
            return Ok(*row);
        }
        file.prepare_cached("INSERT INTO stack (ending) VALUES (?1)")?
            .execute([names::end(stack.end)])?;
        let row = file.last_insert_rowid();
        for (depth, frame) in stack.frames.iter().enumerate() {
            let frame = self.frame(file, frame)?;
            file.prepare_cached("INSERT INTO stack_frame VALUES (?1, ?2, ?3)")?
                .execute(params![row, depth.cast_signed(), frame])?;
        }
        self.stacks.insert(Arc::clone(stack), row);
        Ok(row)
    }

    /// The row of a frame.
    pub(super) fn frame(&mut self, file: &Connection, frame: &Frame) -> rusqlite::Result<i64> {
        if let Some(row) = self.frames.get(frame) {
            return Ok(*row);
        }
        let function = self.optional(file, frame.function.as_ref())?;
        let source = self.optional(file, frame.file.as_ref())?;
        let module = self.optional(file, frame.module.as_ref())?;
        file.prepare_cached(
            "INSERT INTO frame (function, file, line, module, address, inlined, language)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            function,
            source,
            frame.line,
            module,
            frame.address.cast_signed(),
            frame.is_inlined,
            names::language(frame.language),
        ])?;
        let row = file.last_insert_rowid();
        self.frames.insert(frame.clone(), row);
        Ok(row)
    }

    /// The row of a string, if there is one.
    pub(super) fn optional(
        &mut self,
        file: &Connection,
        text: Option<&Arc<str>>,
    ) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.string(file, text)).transpose()
    }

    fn string(&mut self, file: &Connection, text: &Arc<str>) -> rusqlite::Result<i64> {
        if let Some(row) = self.strings.get(text) {
            return Ok(*row);
        }
        file.prepare_cached("INSERT INTO string (text) VALUES (?1)")?
            .execute([&**text])?;
        let row = file.last_insert_rowid();
        self.strings.insert(Arc::clone(text), row);
        Ok(row)
    }
}
