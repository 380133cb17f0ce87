//! The table of flows.

use std::cmp::Reverse;

use maud::html;

use super::Report;
use super::page::Part;
use super::parts::{Fate, bytes_cell, swatch, wide};
use crate::model::{Flow, ProcessAudit};
use crate::report::text::command_name;
use crate::report::text::flows::{endpoints, how};
use crate::report::{names, units};

/// Flows that a page has, the largest.
const MOST: usize = 200;
const LONGEST_COMMAND: usize = 24;

/// The part, where there are flows.
pub(super) fn part(report: &Report<'_>) -> Option<Part> {
    let processes = report.audit.processes.iter();
    let mut flows: Vec<(&ProcessAudit, &Flow)> = processes
        .flat_map(|process| process.flows.iter().map(move |flow| (process, flow)))
        .filter(|(_, flow)| flow.bytes > 0 || !flow.errors.is_empty())
        .collect();
    if flows.is_empty() {
        return None;
    }
    // Stable, so that equal ones stay in the order of the analysis.
    flows.sort_by_key(|(_, flow)| Reverse(flow.bytes));
    let hidden = flows.split_off(flows.len().min(MOST));
    let table = html! {
        table.sortable id="flow-table" {
            caption.hidden { "Flows; the buttons of the header sort" }
            thead { tr {
                th scope="col" { "process" } th scope="col" { "from, to" } th scope="col" { "class" }
                th scope="col" { "how" } th.n scope="col" { "bytes" } th.n scope="col" { "calls" }
                th scope="col" { "failed" }
            } }
            tbody {
                @for (process, flow) in &flows {
                    tr {
                        th scope="row" { (command_name(process, LONGEST_COMMAND)) " (" (process.id.pid) ")" }
                        td { (endpoints(flow.source, flow.sink)) }
                        td {
                            @match Fate::of(flow) {
                                Some(fate) => { (swatch(fate)) (fate.name()) }
                                None => "staged: counts on delivery",
                            }
                        }
                        td { (how(flow)) }
                        (bytes_cell(flow.bytes))
                        td.n data-v=(flow.calls) { (units::count(flow.calls)) }
                        td { (failed(flow)) }
                    }
                }
            }
        }
    };
    Some(Part {
        id: "flows".into(),
        title: "Flows".into(),
        body: html! {
            (wide("Table of flows", &table))
            @if !hidden.is_empty() {
                p { "And " (units::counted(hidden.len() as u64, "smaller flow", "smaller flows")) ", in the JSON report." }
            }
        },
    })
}

fn failed(flow: &Flow) -> String {
    let errors = flow.errors.iter();
    let errors: Vec<String> = errors
        .map(|(errno, failures)| {
            format!("{} {}", names::errno(*errno), units::count(failures.count))
        })
        .collect();
    errors.join(", ")
}
