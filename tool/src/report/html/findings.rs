//! Who pays, why, and what to do about it.

use maud::{Markup, html};

use super::Report;
use super::page::Part;
use crate::analysis::route;
use crate::model::{Finding, Frame, MatchedBy, Stack, StackEnd, Verdict};
use crate::report::escape::escape;
use crate::report::text::findings::{Group, egress, groups, how_much, place, saved};
use crate::report::{names, units};

/// Findings that are open from the beginning.
const OPEN: usize = 3;
/// Findings that a page has: what comes after is little.
const MOST: usize = 200;
/// Functions of a stack that are shown at once, and at most.
const FRAMES: usize = 10;
const MOST_FRAMES: usize = 128;

/// The part, where there are findings.
pub(super) fn part(report: &Report<'_>) -> Option<Part> {
    let groups = groups(report.audit);
    if groups.is_empty() {
        return None;
    }
    let (shown, hidden) = groups.split_at(groups.len().min(MOST));
    Some(Part {
        id: "findings".into(),
        title: "Findings".into(),
        body: html! {
            @for (index, group) in shown.iter().enumerate() { (finding(group, index < OPEN)) }
            @if !hidden.is_empty() {
                p { "And " (units::counted(hidden.len() as u64, "smaller one", "smaller ones")) ", in the JSON report." }
            }
        },
    })
}

fn finding(group: &Group<'_>, is_open: bool) -> Markup {
    let finding = group.first;
    html! {
        details.finding open[is_open] {
            summary {
                (verdict(finding.verdict))
                span.title { (escape(&names::title(finding))) }
                span.size { (units::bytes(group.bytes.value)) }
            }
            p.where { (how_much(group)) }
            dl {
                @if let Some(cause) = &finding.cause { dt { "Cause" } dd { (escape(cause)) } }
                @if let Some(frame) = &finding.culprit { dt { "In" } dd { code { (place(frame)) } } }
                (advice(finding))
                @if let Some(saving) = &group.saving { dt { "Worth it" } dd { (saved(saving)) } }
                @if let Some(egress) = egress(finding) { dt { "But" } dd { (egress) } }
                @if !finding.references.is_empty() {
                    dt { "See" }
                    dd { ul { @for reference in &finding.references { li { (link(reference)) } } } }
                }
                @if let Some(rule) = &finding.rule {
                    dt { "Rule" }
                    dd {
                        code { "copytax explain " (escape(rule)) }
                        @if finding.matched_by == Some(MatchedBy::Flow) {
                            ", by the flow alone, not by its functions"
                        }
                    }
                }
            }
            div.stacks {
                (stack("Read by", finding.read.as_deref()))
                (stack("Written by", finding.write.as_deref()))
            }
        }
    }
}

fn verdict(verdict: Verdict) -> Markup {
    let name = match verdict {
        Verdict::Unknown => "cause unknown".to_owned(),
        verdict => verdict.name().replace('_', " "),
    };
    html! { span.verdict.fixable[verdict == Verdict::Fixable] { (name) } }
}

/// What to do.
fn advice(finding: &Finding) -> Markup {
    let path = route(finding.source, finding.sink).kernel_path.ok();
    html! {
        @if let Some(small) = finding.small {
            dt { "Leave it" }
            dd {
                "Transfers of " (units::bytes(small.typical)) " are typical, and zero-copy calls pay from "
                (units::bytes(small.break_even)) " on."
            }
        } @else if let Some(fix) = &finding.fix {
            dt { "Fix" }
            dd.fix { (escape(fix)) }
        } @else if let Some(path) = path {
            dt { "Kernel path" }
            dd { (path.words()) }
        }
    }
}

/// A link, where it can only be one to a page.
fn link(reference: &str) -> Markup {
    let text = escape(reference);
    html! {
        @if reference.starts_with("https://") {
            a href=(reference) rel="noreferrer noopener" { (text) }
        } @else { (text) }
    }
}

/// The functions, innermost first.
fn stack(title: &str, stack: Option<&Stack>) -> Markup {
    let Some(stack) = stack.filter(|stack| !stack.frames.is_empty()) else {
        return html! {};
    };
    let frames = &stack.frames[..stack.frames.len().min(MOST_FRAMES)];
    let (first, rest) = frames.split_at(frames.len().min(FRAMES));
    let is_cut = frames.len() < stack.frames.len() || stack.end != StackEnd::Entry;
    html! {
        div {
            h3 { (title) }
            (functions(first, is_cut && rest.is_empty()))
            @if !rest.is_empty() {
                details {
                    summary { (units::counted(rest.len() as u64, "more function", "more functions")) }
                    (functions(rest, is_cut))
                }
            }
        }
    }
}

fn functions(frames: &[Frame], is_cut: bool) -> Markup {
    html! {
        ol {
            @for frame in frames { li { code { (place(frame)) } } }
            @if is_cut { li.none { "…" } }
        }
    }
}
