//! A terminal of tmux with a shell in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::support::patience::until;
use crate::support::prerequisites;

/// What the shell says when it waits for a command.
const PROMPT: &str = "ready>";

pub(crate) struct Screen {
    tmux: PathBuf,
    socket: PathBuf,
}

impl Screen {
    /// Starts a server of its own, so that no setting of the user counts.
    pub(crate) fn start(folder: &Path, columns: u16, rows: u16) -> Result<Self> {
        let screen = Self {
            tmux: prerequisites::program("tmux")?,
            socket: folder.join("tmux"),
        };
        let shell = format!("env PS1='{PROMPT} ' TERM=screen-256color bash --norc --noprofile");
        let size = [columns.to_string(), rows.to_string()];
        let mut start = screen.tmux();
        start.args([
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &size[0],
            "-y",
            &size[1],
        ]);
        start.arg("-c").arg(folder).arg(shell);
        // Names of other characters than ASCII are shown by servers that know UTF-8 only.
        let status = start.env("LC_ALL", "C.UTF-8").env_remove("TMUX").status()?;
        ensure!(status.success(), "tmux: {status}");
        screen.shows("the shell", |text| text.contains(PROMPT))?;
        Ok(screen)
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new(&self.tmux);
        command.arg("-u").arg("-S").arg(&self.socket);
        command
    }

    fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = self.tmux().args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tmux {arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// What can be read on it.
    pub(crate) fn text(&self) -> Result<String> {
        self.ask(&["capture-pane", "-p"])
    }

    /// Presses keys, by the names of tmux.
    pub(crate) fn keys(&self, keys: &[&str]) -> Result<()> {
        self.ask(&[&["send-keys"], keys].concat()).map(drop)
    }

    /// Clears the screen, and has the shell run a command.
    pub(crate) fn type_line(&self, command: &str) -> Result<()> {
        self.ask(&["send-keys", "-l", &format!("clear; {command}")])?;
        self.keys(&["Enter"])
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.ask(&["resize-window", "-x", &columns, "-y", &rows])
            .map(drop)
    }

    /// Waits until it is as wanted.
    pub(crate) fn shows(&self, what: &str, is_wanted: impl Fn(&str) -> bool) -> Result<()> {
        let shown = until(what, || Ok(is_wanted(&self.text()?).then_some(())));
        shown.with_context(|| self.text().unwrap_or_default())
    }

    /// Sends a signal to what runs in the foreground of the shell.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let shell = self.ask(&["display-message", "-p", "#{pane_pid}"])?;
        let shell = shell.trim();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
        let child = children.split_whitespace().last().context("a child")?;
        let status = Command::new("kill").args(["-s", name, child]).status()?;
        ensure!(status.success(), "kill: {status}");
        Ok(())
    }

    /// Waits for the shell: the usual screen, the cursor, echo, no mouse.
    pub(crate) fn is_given_back(&self) -> Result<()> {
        let flags = "#{alternate_on} #{cursor_flag} #{mouse_any_flag}";
        until("the terminal to be given back", || {
            let is_clean = self.ask(&["display-message", "-p", flags])?.trim() == "0 1 0";
            let last = self.text()?;
            let prompt = last
                .trim_end()
                .lines()
                .last()
                .is_some_and(|line| line.starts_with(PROMPT));
            Ok((is_clean && prompt).then_some(()))
        })
        .with_context(|| self.text().unwrap_or_default())?;
        // What is typed is echoed, and lines are lines again.
        self.type_line("stty -a | tr ' ' '\\n' | grep -cx 'echo;*\\|icanon;*'")?;
        self.shows("echo", |text| text.lines().any(|line| line.trim() == "2"))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It fails only where the server has ended by itself.
        let _ = self.tmux().arg("kill-server").status();
    }
}
