//! The diagnosis for people.

use super::network;
use crate::analysis::doctor::{Check, Diagnosis, Status};
use crate::cli::failure::escape;
use crate::host::facts::Facts;

/// Columns of a mark, and of what stands below a check.
pub(super) const INDENT: usize = 6;

/// One line a check; what follows from it and what mends it below, where something is wrong.
pub(super) fn render(facts: &Facts, diagnosis: &Diagnosis, width: usize, color: bool) -> String {
    let host = &facts.host;
    let plural = if host.cpus == 1 { "" } else { "s" };
    let head = format!(
        "Linux {}, {}, {} processor{plural}",
        host.kernel, host.arch, host.cpus
    );
    let mut lines = wrap(&escape(&head), width);
    lines.push(String::new());
    let name_width = diagnosis
        .checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or(0);
    for check in &diagnosis.checks {
        add_check(&mut lines, check, name_width, width, color);
    }
    let devices = network::table(facts.devices.as_deref().unwrap_or_default(), width);
    if !devices.is_empty() {
        lines.push(String::new());
        lines.extend(devices);
    }
    lines.push(String::new());
    lines.extend(wrap(&diagnosis.summary, width));
    lines.push(String::new());
    lines.join("\n")
}

fn add_check(lines: &mut Vec<String>, check: &Check, name_width: usize, width: usize, color: bool) {
    let found_column = INDENT + name_width + 2;
    let mut found = wrap(&escape(&check.found), width.saturating_sub(found_column)).into_iter();
    let first = found.next().unwrap_or_default();
    let mark = mark(check.status, color);
    lines.push(
        format!("{mark}{:name_width$}  {first}", check.name)
            .trim_end()
            .to_owned(),
    );
    lines.extend(found.map(|line| format!("{:found_column$}{line}", "")));
    if check.status == Status::Works {
        return;
    }
    let mut add = |text: String| {
        let room = width.saturating_sub(INDENT);
        lines.extend(
            wrap(&text, room)
                .into_iter()
                .map(|line| format!("{:INDENT$}{line}", "")),
        );
    };
    if !check.consequence.is_empty() {
        add(escape(&check.consequence));
    }
    if !check.remedy.is_empty() {
        add(format!("to mend it: {}", escape(&check.remedy)));
    }
}

/// [`INDENT`] columns.
fn mark(status: Status, color: bool) -> String {
    let (text, code) = match status {
        Status::Works => ("ok    ", 32),
        Status::Degraded => ("less  ", 33),
        Status::Refused => ("NO    ", 31),
        Status::Unknown => ("?     ", 36),
    };
    if color {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Lines of at most `width` characters, broken between words; a word that is longer is cut.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(width) {
            if used > 0 && used + 1 + piece.len() > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.extend(piece);
            used += piece.len();
        }
    }
    if used > 0 {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::doctor::examine;

    #[test]
    fn words_are_wrapped_and_cut() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert!(wrap("  ", 3).is_empty());
    }

    #[test]
    fn fits_any_terminal() {
        let facts = Facts::collect(Vec::new());
        let mut diagnosis = examine(&facts);
        for check in &mut diagnosis.checks {
            check.status = Status::Refused;
            check.remedy = "\u{1b}[2J ".repeat(30);
        }
        for width in [40, 80, 200] {
            let text = render(&facts, &diagnosis, width, false);
            assert!(
                text.lines().all(|line| line.chars().count() <= width),
                "{text}"
            );
            assert!(!text.contains('\u{1b}'));
        }
        assert!(render(&facts, &diagnosis, 80, true).contains("\x1b[31mNO"));
    }
}
