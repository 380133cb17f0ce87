//! What keys and the mouse do.

use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::{Column, State, view};

/// What is in front.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// The table.
    #[default]
    Table,
    /// The table, and the filter is being typed.
    Filter,
    /// One process.
    Detail,
    /// The keys.
    Help,
}

/// What a key asks of whoever has the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing but to draw again.
    Draw,
    /// To end.
    Quit,
    /// To stop, as Ctrl-Z asks for.
    Suspend,
    /// To take the terminal again, after a stop that nobody could see coming.
    Restore,
    /// To write what was counted lately to a file.
    Freeze,
}

impl State {
    /// A key was pressed.
    pub fn key(&mut self, key: KeyEvent) -> Action {
        self.message = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('c') => return Action::Quit,
                KeyCode::Char('z') => return Action::Suspend,
                _ => {}
            }
        }
        match self.mode {
            Mode::Filter => self.filter_key(key.code),
            Mode::Help => self.mode = Mode::Table,
            Mode::Table | Mode::Detail => return self.table_key(key.code),
        }
        Action::Draw
    }

    fn filter_key(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(c) if self.filter.len() < 64 => self.filter.push(c),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Esc => {
                self.filter.clear();
                self.mode = Mode::Table;
            }
            KeyCode::Enter => self.mode = Mode::Table,
            _ => {}
        }
    }

    fn table_key(&mut self, key: KeyCode) -> Action {
        match key {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Char('w') => return Action::Freeze,
            KeyCode::Char('?' | 'h') => self.mode = Mode::Help,
            KeyCode::Char('/') => self.mode = Mode::Filter,
            KeyCode::Char('p' | ' ') => self.paused = !self.paused,
            KeyCode::Char('t') => self.tree = !self.tree,
            KeyCode::Char('u') => self.units = self.units.next(),
            KeyCode::Char('r') => self.reversed = !self.reversed,
            KeyCode::Char('s' | '>') => self.sort_next(1),
            KeyCode::Char('<') => self.sort_next(Column::SORTABLE.len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.select_by(1),
            KeyCode::Up | KeyCode::Char('k') => self.select_by(-1),
            KeyCode::PageDown => self.select_by(20),
            KeyCode::PageUp => self.select_by(-20),
            KeyCode::Home => self.select_by(isize::MIN / 2),
            KeyCode::End => self.select_by(isize::MAX / 2),
            KeyCode::Enter if self.mode == Mode::Table && self.selected().is_some() => {
                self.mode = Mode::Detail;
            }
            KeyCode::Enter | KeyCode::Esc if self.mode == Mode::Detail => self.mode = Mode::Table,
            KeyCode::Esc => self.filter.clear(),
            _ => {}
        }
        Action::Draw
    }

    fn sort_next(&mut self, by: usize) {
        let at = Column::SORTABLE.iter().position(|one| *one == self.sort);
        let next = (at.unwrap_or(0) + by) % Column::SORTABLE.len();
        self.sort = Column::SORTABLE[next];
        self.reversed = false;
    }

    /// The mouse did something on a screen so wide.
    pub fn mouse(&mut self, mouse: MouseEvent, columns: u16) {
        match mouse.kind {
            MouseEventKind::ScrollDown => self.select_by(3),
            MouseEventKind::ScrollUp => self.select_by(-3),
            MouseEventKind::Down(MouseButton::Left) => self.click(mouse, columns),
            _ => {}
        }
    }

    fn click(&mut self, mouse: MouseEvent, columns: u16) {
        if self.mode == Mode::Help {
            self.mode = Mode::Table;
        } else if mouse.row == view::HEAD {
            let clicked = view::column_at(usize::from(mouse.column), usize::from(columns));
            if let Some(column) = clicked.filter(|one| Column::SORTABLE.contains(one)) {
                self.reversed = self.sort == column && !self.reversed;
                self.sort = column;
            }
        } else if let Some(row) = mouse.row.checked_sub(view::HEAD + 1) {
            let at = self.first + usize::from(row);
            // A second click looks closer.
            if self.select_at(at) && self.mode == Mode::Table {
                self.mode = Mode::Detail;
            }
        }
    }
}
