//! Keys and looks in, screens out.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, UNIX_EPOCH};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use super::detail::restricted;
use super::{Action, Colors, Detail, Kept, State, Step, terminal, view};
use crate::analysis;
use crate::model::{Audit, ProcessId, Profile, Snapshot};

/// How long a look may wait for its turn behind the keys.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a session is told.
#[derive(Debug)]
pub enum Message {
    /// Everything that was counted so far.
    Look(Arc<Snapshot>),
    /// The process is asked to stop.
    Suspend,
    /// It goes on, and the screen may not be its own any more.
    Resume,
    /// No more looks come.
    End,
}

/// Adds findings to an audit, from what was sampled.
pub type Diagnose = dyn Fn(&mut Audit, &Profile) + Send;

/// A live view at work.
pub struct Session {
    /// What it is told.
    pub messages: Receiver<Message>,
    /// The length of a step.
    pub interval: Duration,
    /// What the terminal can show.
    pub colors: Colors,
    /// Where recordings are written.
    pub folder: PathBuf,
    /// Adds findings to an audit.
    pub diagnose: Box<Diagnose>,
}

/// Shows what comes until it is told to end, by a key or by a message.
///
/// # Errors
///
/// Those of the terminal.
pub fn run(session: &Session) -> io::Result<()> {
    // Nothing is taken over before there is something to show: attaching may fail.
    let first = loop {
        match session.messages.recv() {
            Ok(Message::Look(snapshot)) => break snapshot,
            Ok(Message::End) | Err(_) => return Ok(()),
            Ok(Message::Suspend | Message::Resume) => {}
        }
    };
    terminal::enter()?;
    let shown = show(session, first);
    terminal::leave();
    shown
}

/// What a session has seen.
struct Seen<'a> {
    session: &'a Session,
    state: State,
    kept: Kept,
}

fn show(session: &Session, first: Arc<Snapshot>) -> io::Result<()> {
    let mut screen = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let mut seen = Seen {
        session,
        state: State::default(),
        kept: Kept::default(),
    };
    seen.look(first);
    loop {
        screen.draw(|frame| {
            let area = frame.area();
            view::draw(&mut seen.state, session.colors, area, frame.buffer_mut());
        })?;
        let columns = screen.size()?.width;
        match seen.next(columns)? {
            Action::Draw | Action::Freeze => {}
            Action::Quit => return Ok(()),
            Action::Suspend => {
                terminal::suspend()?;
                screen = Terminal::new(CrosstermBackend::new(io::stdout()))?;
            }
            Action::Restore => {
                terminal::enter()?;
                screen = Terminal::new(CrosstermBackend::new(io::stdout()))?;
            }
        }
    }
}

impl Seen<'_> {
    /// Waits for what makes another screen.
    fn next(&mut self, columns: u16) -> io::Result<Action> {
        loop {
            match self.session.messages.try_recv() {
                Ok(Message::Look(snapshot)) => {
                    self.look(snapshot);
                    return Ok(Action::Draw);
                }
                Ok(Message::Resume) => return Ok(Action::Restore),
                Ok(Message::Suspend) => return Ok(Action::Suspend),
                Ok(Message::End) | Err(TryRecvError::Disconnected) => return Ok(Action::Quit),
                Err(TryRecvError::Empty) => {}
            }
            if event::poll(PATIENCE)? {
                return Ok(self.act(&event::read()?, columns));
            }
        }
    }

    fn act(&mut self, event: &Event, columns: u16) -> Action {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let action = self.state.key(*key);
                if action == Action::Freeze {
                    let said = self.freeze();
                    self.state.say(said);
                }
                self.refresh_detail();
                action
            }
            Event::Mouse(mouse) => {
                self.state.mouse(*mouse, columns);
                self.refresh_detail();
                Action::Draw
            }
            _ => Action::Draw,
        }
    }

    /// Takes over a look.
    fn look(&mut self, snapshot: Arc<Snapshot>) {
        let step = Step::between(&snapshot, self.kept.last().map(|last| &**last));
        self.state.step(step);
        self.kept.push(snapshot);
        if let Some(process) = self.state.wants_detail() {
            self.detail(process);
        }
    }

    /// Looks closer where that was asked for since the last look.
    fn refresh_detail(&mut self) {
        if let Some(process) = self.state.wants_detail()
            && self.state.lacks_detail()
        {
            self.detail(process);
        }
    }

    fn detail(&mut self, process: ProcessId) {
        let Some(last) = self.kept.last() else {
            return;
        };
        let mut snapshot = restricted(last, process);
        analysis::calibrate(&mut snapshot);
        let profile = std::mem::take(&mut snapshot.profile);
        let mut audit = analysis::audit(snapshot);
        (self.session.diagnose)(&mut audit, &profile);
        let detail = Detail::of(process, &audit, &profile);
        self.state.set_detail(Some(detail));
    }

    /// Writes what is kept; what to say of it.
    fn freeze(&self) -> String {
        let Some(last) = self.kept.last() else {
            return "there is nothing to write yet".to_owned();
        };
        let time = last.window.start + last.window.duration;
        let seconds = time
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let path = self.session.folder.join(format!("copytax-{seconds}.ctx"));
        match self.kept.freeze(&path, self.session.interval) {
            Ok(duration) => format!(
                "{} has the last {}",
                path.display(),
                crate::report::duration(duration)
            ),
            Err(error) => error.to_string(),
        }
    }
}
