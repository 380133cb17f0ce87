//! Annotations of GitHub: lines on standard output that its runner picks out.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::io;

use crate::analysis::policy::Check;
use crate::report::check::message::{cause, said, source};

/// Writes a line for each cause of each check that does not hold. Files below `root` are named from there.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut impl io::Write, checks: &[Check<'_>], root: &str) -> io::Result<()> {
    for check in checks.iter().filter(|check| !check.holds) {
        let said = said(check);
        if check.because.is_empty() {
            writeln!(out, "::error title=copytax::{}", data(&said))?;
        }
        for finding in &check.because {
            let place = source(finding, root).map_or_else(String::new, |(file, line)| {
                format!("file={},line={line},", property(file))
            });
            let text = format!("{said}\n{}", cause(finding).join("\n"));
            writeln!(out, "::error {place}title=copytax::{}", data(&text))?;
        }
    }
    Ok(())
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
