//! JUnit's XML, as continuous integration reads it: a test case for each check.

use std::io;
use std::time::Duration;

use crate::analysis::policy::Check;
use crate::report::check::message::{cause, said, whose};

/// Writes it. `time` is how long was counted.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut impl io::Write, checks: &[Check<'_>], time: Duration) -> io::Result<()> {
    let failures = checks.iter().filter(|check| !check.holds).count();
    let seconds = time.as_secs_f64();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites><testsuite name="copytax" tests="{}" failures="{failures}" errors="0" skipped="0" time="{seconds:.3}">"#,
        checks.len()
    )?;
    for check in checks {
        let (class, name) = (xml(&whose(check)), check.condition.name());
        if check.holds {
            writeln!(
                out,
                r#"<testcase classname="copytax.{class}" name="{name}"/>"#
            )?;
            continue;
        }
        writeln!(
            out,
            r#"<testcase classname="copytax.{class}" name="{name}">"#
        )?;
        let causes: Vec<String> = check
            .because
            .iter()
            .flat_map(|finding| cause(finding))
            .collect();
        writeln!(
            out,
            r#"<failure message="{}">{}</failure>"#,
            xml(&said(check)),
            xml(&causes.join("\n"))
        )?;
        writeln!(out, "</testcase>")?;
    }
    writeln!(out, "</testsuite></testsuites>")
}

/// Text as XML has it. Control characters, which it cannot have, were escaped before.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
