//! The catalog for people.

use std::io;

use crate::analysis::catalog::{Rule, describe};
use crate::report::escape::is_unsafe;
use crate::report::text::layout::Page;

/// Columns of what a text is, in front of it.
const LABEL: usize = 10;
/// Columns in front of a line of an example.
const EXAMPLE: usize = 4;
const TAB: &str = "    ";

/// Writes all that `rule` says.
///
/// # Errors
///
/// Those of `out`.
pub fn write_rule(
    out: &mut impl io::Write,
    rule: &Rule,
    width: usize,
    color: bool,
) -> io::Result<()> {
    let page = Page::new(width, color);
    let title = page.hanging(&plain(&format!("{}  {}", rule.id, rule.title)), 0);
    writeln!(out, "{}\n", page.bold(&title))?;
    let verdict = format!("{}: {}", rule.verdict.name(), rule.verdict.words());
    write_text(out, &page, "verdict", &verdict)?;
    write_text(out, &page, "runtime", &about(rule))?;
    write_text(out, &page, "symptom", &rule.symptom)?;
    write_text(out, &page, "cause", &rule.cause)?;
    write_text(out, &page, "fix", &rule.fix)?;
    if let Some(example) = &rule.example {
        writeln!(out)?;
        for line in example.lines() {
            let line = format!("{:EXAMPLE$}{}", "", plain(line));
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out)?;
    }
    for (label, text) in [("mended", &rule.healthy), ("caution", &rule.caution)] {
        if let Some(text) = text {
            write_text(out, &page, label, text)?;
        }
    }
    let conditions = rule.conditions.iter().map(describe);
    let matches: Vec<String> = conditions
        .map(|facts| facts.join("; ").replace('`', ""))
        .collect();
    write_texts(out, &page, "matches", &matches)?;
    write_texts(out, &page, "proved by", &rule.proved_by)?;
    if let Some(reason) = &rule.unproved {
        write_text(out, &page, "unproved", reason)?;
    }
    write_texts(out, &page, "see", &rule.references)
}

/// Writes a line or two of each rule, those of a runtime together.
///
/// # Errors
///
/// Those of `out`.
pub fn write_rules(
    out: &mut impl io::Write,
    rules: &[&Rule],
    width: usize,
    color: bool,
) -> io::Result<()> {
    let page = Page::new(width, color);
    let mut runtimes: Vec<&str> = Vec::new();
    for rule in rules {
        let runtime = runtime(rule);
        if !runtimes.contains(&runtime) {
            runtimes.push(runtime);
        }
    }
    for runtime_name in runtimes {
        writeln!(out, "{}", page.bold(runtime_name))?;
        for rule in rules.iter().filter(|rule| runtime(rule) == runtime_name) {
            let start = format!("  {:<5}{:<15}", rule.id, rule.verdict.name());
            let indent = start.len();
            let text = format!("{start}{}", plain(&rule.title));
            writeln!(out, "{}", page.hanging(&text, indent))?;
        }
    }
    Ok(())
}

fn runtime(rule: &Rule) -> &str {
    rule.runtime.as_deref().unwrap_or("any program")
}

fn about(rule: &Rule) -> String {
    let versions = rule.versions.as_ref();
    let versions = versions.map_or_else(String::new, |range| format!(" {range}"));
    format!("{}{versions}", runtime(rule))
}

fn write_text(out: &mut impl io::Write, page: &Page, label: &str, text: &str) -> io::Result<()> {
    let text = format!("{label:<LABEL$}{}", plain(text));
    writeln!(out, "{}", page.hanging(&text, LABEL))
}

fn write_texts(
    out: &mut impl io::Write,
    page: &Page,
    label: &str,
    texts: &[impl AsRef<str>],
) -> io::Result<()> {
    for (index, text) in texts.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        write_text(out, page, label, text.as_ref())?;
    }
    Ok(())
}

/// `text` without anything that would steer a terminal: rules may be anybody's.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => plain.push_str(TAB),
            _ if is_unsafe(c) => plain.extend(c.escape_unicode()),
            _ => plain.push(c),
        }
    }
    plain
}
