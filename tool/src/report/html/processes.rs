//! The table of processes.

use maud::{Markup, html};

use super::Report;
use super::page::Part;
use super::parts::{bytes_cell, wide};
use crate::analysis::cpu_times;
use crate::model::{ProcessAudit, ProcessFacts};
use crate::report::escape::{escape, truncate};
use crate::report::text::{command_name, has_something_to_show};
use crate::report::units;

/// Processes that a page has: the others are summed up.
const MOST: usize = 500;
const LONGEST_COMMAND: usize = 32;
const LONGEST_GROUP: usize = 40;

/// The part, where a process wrote anything.
pub(super) fn part(report: &Report<'_>) -> Option<Part> {
    let audit = report.audit;
    let mut processes: Vec<&ProcessAudit> = audit
        .processes
        .iter()
        .filter(|process| has_something_to_show(process))
        .collect();
    if processes.is_empty() {
        return None;
    }
    let hidden = processes.split_off(processes.len().min(MOST));
    Some(Part {
        id: "processes".into(),
        title: "Processes".into(),
        body: html! {
            p.tools {
                label for="filter" { "Filter " }
                input id="filter" type="search" placeholder="command, pid, cgroup" autocomplete="off";
                output for="filter" {}
            }
            (wide("Table of processes", &table(report, &processes)))
            @if !hidden.is_empty() {
                p { "And " (units::counted(hidden.len() as u64, "more process", "more processes")) ", in the JSON report." }
            }
        },
    })
}

fn table(report: &Report<'_>, processes: &[&ProcessAudit]) -> Markup {
    let cpu = report
        .sampled
        .map(|sampled| cpu_times(&sampled.profile.cpu));
    let cpu = cpu.filter(|times| !times.is_empty());
    html! {
        table.sortable id="process-table" {
            caption.hidden { "Processes; the buttons of the header sort" }
            thead { tr {
                (column("PID", true)) (column("command", false)) (column("hit rate", true))
                (column("zero-copy", true)) (column("lost", true)) (column("mapped", true))
                (column("transformed", true)) (column("generated", true))
                @if cpu.is_some() { (column("CPU s", true)) }
                (column("runtime", false)) (column("cgroup", false))
            } }
            tbody {
                @for process in processes {
                    @let bytes = &process.bytes;
                    tr {
                        td.n data-v=(process.id.pid) { (process.id.pid) }
                        th scope="row" { (command_name(process, LONGEST_COMMAND))
                            @if process.facts.exited { span.none { " exited" } } }
                        td.n data-v=(process.hit_rate.map_or(2.0, |rate| rate)) { (units::hit_rate(process.hit_rate)) }
                        (bytes_cell(bytes.zero_copy)) (bytes_cell(bytes.lost)) (bytes_cell(bytes.mapped))
                        (bytes_cell(bytes.transformed)) (bytes_cell(bytes.generated))
                        @if let Some(cpu) = &cpu {
                            @let seconds = cpu.get(&process.id).map_or(0.0, |time| time.total.value / 1e9);
                            td.n data-v=(seconds) { (format!("{seconds:.2}")) }
                        }
                        td { (runtime(&process.facts)) }
                        td { (group(&process.facts)) }
                    }
                }
            }
        }
    }
}

/// The head of a column; the script makes a button of it.
fn column(name: &str, is_number: bool) -> Markup {
    html! { th.n[is_number] scope="col" { (name) } }
}

fn runtime(facts: &ProcessFacts) -> String {
    let Some(runtime) = &facts.runtime else {
        return String::new();
    };
    match runtime.version.as_deref() {
        Some(version) => format!("{} {}", runtime.name.name(), escape(version)),
        None => runtime.name.name().to_owned(),
    }
}

/// The container, else the cgroup.
fn group(facts: &ProcessFacts) -> String {
    let text = match (&facts.container_id, &facts.cgroup) {
        (Some(id), _) => format!("container {}", id.chars().take(12).collect::<String>()),
        (None, Some(cgroup)) => cgroup.clone(),
        (None, None) => String::new(),
    };
    truncate(&escape(&text), LONGEST_GROUP)
}
