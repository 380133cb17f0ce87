//! What was lost, and how and where all this was counted.

use maud::html;

use super::Report;
use super::page::Part;
use crate::report::escape::escape;
use crate::report::text::footer::{command, legend, loss};
use crate::report::{names, units};

/// The last part of the page.
pub(super) fn part(report: &Report<'_>) -> Part {
    let audit = report.audit;
    let sampled = report.sampled;
    let has_sites = sampled.is_some_and(|sampled| !sampled.profile.call_sites.is_empty());
    Part {
        id: "method".into(),
        title: "Loss and method".into(),
        body: html! {
            ul {
                @for line in loss(&audit.loss, audit.engine) { li { (line) } }
                @if audit.bytes.unknown > 0 {
                    li { "unknown: " (units::bytes(audit.bytes.unknown)) " written could not be looked at" }
                }
            }
            dl {
                @for (word, meaning) in legend(audit, has_sites) { dt { (word) } dd { (meaning) } }
                dt { "window" }
                dd {
                    (units::duration(audit.window.duration)) " from " (names::rfc3339(audit.window.start))
                }
                dt { "host" }
                dd {
                    (escape(&audit.host.hostname)) ", Linux " (escape(&audit.host.kernel)) " "
                    (escape(&audit.host.arch)) ", "
                    (units::counted(u64::from(audit.host.cpus), "CPU", "CPUs"))
                }
                dt { "engine" }
                dd {
                    (audit.engine.name())
                    ": bytes are counted in the kernel, from the return value of each call; none is estimated"
                }
                @if let Some(sampled) = sampled {
                    dt { "samples" }
                    dd {
                        (units::counted(sampled.profile.sampling.samples, "sample", "samples"))
                        " of call sites and CPUs, " (units::count(sampled.profile.sampling.dropped)) " lost"
                    }
                }
                @if let Some(outcome) = &audit.command {
                    dt { "command" }
                    dd { (command(outcome)) }
                }
            }
        },
    }
}
