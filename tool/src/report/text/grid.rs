//! Tables: one column of names, others of numbers, as many as fit.

use std::io;

use crate::report::escape::width;
use crate::report::text::layout::Page;
use crate::report::units;

const GAP: usize = 2;
/// Names are cut before a column goes that is not empty, but not below this.
const SHORTEST_NAME: usize = 8;

/// How a table is laid out.
pub(super) struct Grid<const N: usize> {
    /// What is above the columns.
    pub(super) header: [&'static str; N],
    /// The column of names: to the left, and cut where there is no room.
    pub(super) name: usize,
    /// Columns that go where there is no room, the first of them first; before all others those that
    /// are empty.
    pub(super) dispensable: &'static [usize],
    /// Columns that are there only where they are not empty.
    pub(super) if_used: &'static [usize],
    /// How names are cut.
    pub(super) cut: fn(&str, usize) -> String,
}

impl<const N: usize> Grid<N> {
    /// Writes it; `paint` colours cells by their column.
    pub(super) fn write(
        &self,
        out: &mut impl io::Write,
        page: &Page,
        rows: &[[String; N]],
        paint: impl Fn(usize, String) -> String,
    ) -> io::Result<()> {
        let columns = self.fit(rows, page.width);
        let header = self.line(&self.header.map(str::to_owned), &columns, |_, text| text);
        writeln!(out, "{}", page.bold(header.trim_end()))?;
        for row in rows {
            let text = self.line(row, &columns, &paint);
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    }

    /// The columns that fit, with their widths.
    fn fit(&self, rows: &[[String; N]], room: usize) -> Vec<(usize, usize)> {
        let is_empty = |column: usize| rows.iter().all(|row| row[column] == "-");
        let mut columns: Vec<(usize, usize)> = self
            .header
            .iter()
            .enumerate()
            .filter(|(column, _)| !self.if_used.contains(column) || !is_empty(*column))
            .map(|(column, header)| {
                let cells = rows.iter().map(|row| width(&row[column]));
                (column, cells.fold(header.len(), usize::max))
            })
            .collect();
        let mut dispensable = self.dispensable.to_vec();
        // Stable: among the empty ones, and the others, the order stays.
        dispensable.sort_by_key(|&column| !is_empty(column));
        let mut dispensable = dispensable.into_iter().peekable();
        loop {
            let gaps = GAP * (columns.len() - 1);
            let too_wide =
                (gaps + columns.iter().map(|(_, width)| width).sum::<usize>()).saturating_sub(room);
            let name = &mut columns[self.name].1;
            if too_wide == 0 {
                return columns;
            }
            let has_spare = dispensable.peek().is_some_and(|&column| is_empty(column));
            if !has_spare && *name >= SHORTEST_NAME + too_wide {
                *name -= too_wide;
                return columns;
            }
            let Some(dropped) = dispensable.next() else {
                *name = SHORTEST_NAME;
                return columns;
            };
            columns.retain(|&(column, _)| column != dropped);
        }
    }

    fn line(
        &self,
        row: &[String; N],
        columns: &[(usize, usize)],
        paint: impl Fn(usize, String) -> String,
    ) -> String {
        let mut text = String::new();
        for &(column, columns) in columns {
            if column > 0 {
                text += &" ".repeat(GAP);
            }
            let cell = (self.cut)(&row[column], columns);
            let padding = " ".repeat(columns.saturating_sub(width(&cell)));
            if column == self.name {
                text += &paint(column, cell);
                text += &padding;
            } else {
                text += &padding;
                text += &paint(column, cell);
            }
        }
        text
    }
}

/// Bytes; what is not there is to be seen at a glance.
pub(super) fn size(bytes: u64) -> String {
    if bytes == 0 {
        return "-".to_owned();
    }
    units::bytes(bytes)
}
