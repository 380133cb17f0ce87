//! The numbers behind the lines.

use std::time::Duration;

use maud::{Markup, html};

use super::plot::number;
use crate::analysis::lab::Cost;
use crate::model::LabSeries;
use crate::report::html::parts::wide;
use crate::report::units;

/// All of one transport.
pub(super) fn table(costs: &[(&LabSeries, Cost)]) -> Markup {
    let content = html! {
        table {
            caption.hidden { "Costs of each path" }
            thead { tr {
                th scope="col" { "path" }
                @for title in [
                    "transfer", "GB/s", "CPU s/GB", "from", "to", "calls/GB", "switches/GB", "faults/GB", "p50",
                    "p99", "memory", "cycles/byte",
                ] { th.n scope="col" { (title) } }
            } }
            tbody {
                @for (series, cost) in costs { (row(series, cost)) }
            }
        }
    };
    html! { details { summary { "As a table" } (wide("Costs of each path", &content)) } }
}

fn row(series: &LabSeries, cost: &Cost) -> Markup {
    let (low, high) = cost.cpu.interval.unzip();
    let (p50, p99) = cost.latency.unzip();
    let resident = series.resident.map(units::bytes);
    let cycles = cost.cycles_per_byte.map(|cycles| number(cycles.value));
    html! {
        tr {
            th scope="row" { (series.path) }
            td.n { (units::bytes(series.size)) }
            td.n { (number(cost.throughput.value)) }
            td.n { (number(cost.cpu.value)) }
            (cell(low.map(number)))
            (cell(high.map(number)))
            td.n { (count(cost.calls)) }
            td.n { (count(cost.context_switches.value)) }
            td.n { (count(cost.page_faults.value)) }
            (cell(p50.map(duration)))
            (cell(p99.map(duration)))
            (cell(resident))
            (cell(cycles))
        }
    }
}

fn cell(text: Option<String>) -> Markup {
    html! {
        td.n { @if let Some(text) = text { (text) } @else { span.none { "unknown" } } }
    }
}

fn duration(of: Duration) -> String {
    units::duration(of)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that is not negative"
)]
fn count(value: f64) -> String {
    units::count(value.round() as u64)
}
