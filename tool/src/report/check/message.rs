//! What is said of a check and of its causes.

use crate::analysis::frame_name;
use crate::analysis::policy::{Check, Condition, Demand, Found};
use crate::model::{Finding, Frame};
use crate::report::escape::escape;
use crate::report::{names, units};

/// What was checked, and what was found, in one line.
pub(super) fn said(check: &Check<'_>) -> String {
    let whose = whose(check);
    match (check.condition, check.demand, check.found) {
        (Condition::Process, ..) => format!("{whose}: there is no such process"),
        (Condition::Command, _, Found::Status(_, Some(signal))) => {
            format!("the command was ended by {}", names::signal(signal))
        }
        (Condition::Command, _, Found::Status(Some(code), _)) => {
            format!("the command ended with status {code}")
        }
        (Condition::Command, ..) => "the command still ran".to_owned(),
        (Condition::MinHitRate, Demand::Share(least), Found::Share(None)) => format!(
            "{whose}: no hit rate, since nothing moved that the kernel has a path for; at least {} is demanded",
            units::hit_rate(Some(least))
        ),
        (Condition::MinHitRate, Demand::Share(least), Found::Share(rate)) => {
            let is = if check.holds {
                "is at least"
            } else {
                "is below"
            };
            format!(
                "{whose}: hit rate {} {is} {}",
                units::hit_rate(rate),
                units::hit_rate(Some(least))
            )
        }
        (Condition::MaxLostBytes, Demand::Bytes(most), Found::Bytes(lost)) => {
            let is = if check.holds { "at most" } else { "more than" };
            format!(
                "{whose}: {} lost, {is} {}",
                units::bytes(lost),
                units::bytes(most)
            )
        }
        (Condition::MaxLostShare, Demand::Share(most), Found::Share(share)) => {
            let is = if check.holds { "at most" } else { "more than" };
            let share = units::percent(share.unwrap_or(0.0));
            format!(
                "{whose}: {share} lost of what was written, {is} {}",
                units::percent(most)
            )
        }
        (_, Demand::None(forbidden), Found::Count(count)) => {
            let found = match count {
                0 => "no finding".to_owned(),
                count => units::counted(count as u64, "finding", "findings"),
            };
            format!("{whose}: {found} of {}", escape(forbidden.name()))
        }
        _ => format!("{whose}: {}", check.condition.name()),
    }
}

/// Which processes, as the policy has it.
pub(super) fn whose(check: &Check<'_>) -> String {
    let process = check.process.map(|glob| escape(glob.as_str()));
    process.unwrap_or_else(|| "all processes".to_owned())
}

/// What the cause is, where, and what mends it: a line each.
pub(super) fn cause(finding: &Finding) -> Vec<String> {
    let bytes = units::bytes(finding.bytes.value);
    let rule = finding
        .rule
        .as_deref()
        .map_or_else(String::new, |rule| format!("{rule}: "));
    let verdict = finding.verdict.name().replace('_', " ");
    let mut lines = vec![format!(
        "{bytes} {verdict}: {rule}{} ({} -> {})",
        escape(&names::title(finding)),
        finding.source.name(),
        finding.sink.name()
    )];
    if let Some(culprit) = &finding.culprit {
        lines.push(format!("in {}", location(culprit)));
    }
    if let Some(fix) = &finding.fix {
        lines.push(format!("fix: {}", escape(fix)));
    }
    lines
}

/// Function, file and line.
fn location(frame: &Frame) -> String {
    let function = escape(&frame_name(frame));
    match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!("{function}, {}:{line}", escape(file)),
        (Some(file), None) => format!("{function}, {}", escape(file)),
        (None, _) => function,
    }
}

/// The file of a frame, from `root` on if it is below it, and its line.
pub(super) fn source<'a>(finding: &'a Finding, root: &str) -> Option<(&'a str, u32)> {
    let culprit = finding.culprit.as_ref()?;
    let file = culprit.file.as_deref()?;
    let below = file
        .strip_prefix(root)
        .and_then(|file| file.strip_prefix('/'));
    Some((below.unwrap_or(file), culprit.line?))
}
