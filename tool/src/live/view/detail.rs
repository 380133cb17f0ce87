//! One process: its flows now, who moves its bytes, and what to do about it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _, Wrap};

use super::{per_second, sparkline};
use crate::live::{Colors, Row, State};
use crate::model::{Flow, ProcessId};
use crate::report;

/// Flows that are shown.
const FLOWS: usize = 8;

/// Draws it.
pub(super) fn draw(state: &State, colors: Colors, area: Rect, buffer: &mut Buffer) {
    let Some((id, row)) = state
        .selected()
        .and_then(|id| Some((id, state.rows.get(&id)?)))
    else {
        return;
    };
    let mut lines = title(id, row, colors);
    lines.push(heading("flows, in the last step"));
    let moving = row.flows.iter().filter(|flow| flow.bytes > 0);
    lines.extend(moving.take(FLOWS).map(|flow| of_flow(state, flow, colors)));
    let failed: Vec<Line<'_>> = row.flows.iter().flat_map(failures).collect();
    if !failed.is_empty() {
        lines.push(heading("calls that failed"));
        lines.extend(failed);
    }
    if let Some(detail) = state.detail.as_ref().filter(|detail| detail.process == id) {
        if !detail.sites.is_empty() {
            lines.push(heading("hottest call sites, since the start"));
            lines.extend(
                detail
                    .sites
                    .iter()
                    .map(|site| Line::raw(format!("  {site}"))),
            );
        }
        if !detail.findings.is_empty() {
            lines.push(heading("findings, since the start"));
            for (finding, fix) in &detail.findings {
                lines.push(Line::styled(format!("  {finding}"), colors.bad()));
                lines.extend(fix.iter().map(|fix| Line::raw(format!("    fix: {fix}"))));
            }
        }
    } else {
        lines.push(Line::styled("looking at call sites ...", colors.dim()));
    }
    Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .render(area, buffer);
}

fn heading(text: &'static str) -> Line<'static> {
    Line::styled(text, Style::new().add_modifier(Modifier::BOLD))
}

fn title(id: ProcessId, row: &Row, colors: Colors) -> Vec<Line<'static>> {
    let facts = &row.facts;
    let command = match (facts.cmdline.is_empty(), &facts.exe) {
        (false, _) => facts.cmdline.join(" "),
        (true, Some(exe)) => exe.clone(),
        (true, None) => String::new(),
    };
    vec![
        Line::from(vec![
            Span::styled(
                format!("{} ({})", report::escape(&facts.comm), id.pid),
                Style::new().add_modifier(Modifier::BOLD),
            ),
            Span::raw(format!("  hit rate {} ", report::hit_rate(row.hit_rate()))),
            Span::styled(sparkline(row.history.iter().copied(), 30), colors.good()),
        ]),
        Line::raw(report::truncate(&report::escape(&command), 200)),
        Line::styled(report::escape(&row.group()), colors.dim()),
    ]
}

fn of_flow(state: &State, flow: &Flow, colors: Colors) -> Line<'static> {
    let rate = state.units.rate(per_second(flow.bytes, state.seconds));
    let (class, style) = if flow.lost {
        ("lost", colors.bad())
    } else {
        ("", Style::new())
    };
    let ends = report::endpoints(flow.source, flow.sink);
    Line::from(vec![
        Span::styled(format!("  {rate:>13}"), style),
        Span::raw(format!("  {ends:<18}  {}", report::how(flow))),
        Span::styled(format!("  {class}"), style),
    ])
}

fn failures(flow: &Flow) -> Vec<Line<'static>> {
    let ends = report::endpoints(flow.source, flow.sink);
    let errors = flow.errors.iter();
    errors
        .map(|(errno, failures)| {
            Line::raw(format!(
                "  {} {}  {ends}  {}",
                report::counted(failures.count, "time", "times"),
                report::errno(*errno),
                flow.mechanism.name(),
            ))
        })
        .collect()
}
