//! The frame of the page: head, navigation, parts.

use std::borrow::Cow;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    Report, csp, findings, flame, flows, method, parts, processes, sankey, summary, timeline,
};
use crate::report::escape::escape;
use crate::report::{names, units};

/// Of every page.
pub(super) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// One part of the page.
pub(super) struct Part {
    /// What links to it have.
    pub(super) id: Cow<'static, str>,
    pub(super) title: Cow<'static, str>,
    pub(super) body: Markup,
}

/// What every page has, whatever it is about.
pub(super) struct Frame<'a> {
    /// The machine.
    pub(super) host: &'a str,
    pub(super) style: &'a str,
    /// May be nothing.
    pub(super) script: &'a str,
    pub(super) header: Markup,
    /// The section `summary`.
    pub(super) summary: Markup,
    pub(super) parts: Vec<Part>,
}

/// The whole page.
pub(super) fn page(report: &Report<'_>) -> Markup {
    let parts = [
        timeline::part(report),
        findings::part(report),
        sankey::part(report),
        processes::part(report),
        flows::part(report),
        flame::part(report),
        Some(method::part(report)),
    ];
    frame(&Frame {
        host: &report.audit.host.hostname,
        style: STYLE,
        script: SCRIPT,
        header: header(report),
        summary: summary::section(report),
        parts: parts.into_iter().flatten().collect(),
    })
}

/// A page with these parts.
pub(super) fn frame(frame: &Frame<'_>) -> Markup {
    let host = escape(frame.host);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                // Before anything that it is about.
                meta http-equiv="Content-Security-Policy" content=(csp::policy(frame.style, frame.script));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(concat!("copytax ", env!("CARGO_PKG_VERSION")));
                title { "copytax: " (host) }
                style { (PreEscaped(frame.style)) }
            }
            body {
                a.skip href="#summary" { "Skip to the summary" }
                (frame.header)
                nav aria-label="Parts of the report" {
                    ul {
                        li { a href="#summary" { "Summary" } }
                        @for part in &frame.parts {
                            li { a href={ "#" (part.id) } { (part.title) } }
                        }
                    }
                }
                main {
                    (frame.summary)
                    @for part in &frame.parts {
                        section id=(part.id) aria-labelledby={ "h-" (part.id) } {
                            h2 id={ "h-" (part.id) } { (part.title) }
                            (part.body)
                        }
                    }
                }
                (parts::definitions())
                @if !frame.script.is_empty() { script { (PreEscaped(frame.script)) } }
            }
        }
    }
}

fn header(report: &Report<'_>) -> Markup {
    let audit = report.audit;
    html! {
        header {
            h1 { "copytax" span.host { (escape(&audit.host.hostname)) } }
            p {
                (units::duration(audit.window.duration)) " from "
                time datetime=(names::rfc3339(audit.window.start)) {
                    (names::rfc3339(audit.window.start))
                }
                @if audit.is_incomplete { " · incomplete: it was cut short, or still goes on" }
            }
        }
    }
}
