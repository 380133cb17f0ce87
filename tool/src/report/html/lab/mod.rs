//! What the lab measured, as a page: a line for each path.

mod axes;
mod plot;
mod table;

use std::io;

use maud::{Markup, html};

use self::plot::{Line, Plot};
use super::page::{Frame, Part, STYLE, frame};
use crate::analysis::lab::{Cost, cost};
use crate::model::{LabResult, LabSeries};
use crate::report::escape::escape;
use crate::report::names;
use crate::report::text::{congestion_control, lab_notes, way_phrase};

/// Besides that of every page.
const LAB_STYLE: &str = include_str!("lab.css");

/// Paths that are told from each other in one plot: by what they move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    File,
    Memory,
    Records,
    Sockets,
    Copies,
}

impl Family {
    const ALL: [Self; 5] = [
        Self::File,
        Self::Memory,
        Self::Records,
        Self::Sockets,
        Self::Copies,
    ];

    /// By the name of a path.
    fn of(path: &str) -> Self {
        const OF_MEMORY: [&str; 5] = ["write", "mmap", "vmsplice", "zerocopy", "uring-send"];
        match path {
            path if path.starts_with("proxy-") => Self::Sockets,
            path if path.starts_with("copy-") => Self::Copies,
            path if path.starts_with("tls-") => Self::Records,
            path if OF_MEMORY.iter().any(|start| path.starts_with(start)) => Self::Memory,
            _ => Self::File,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::File => "A file to a socket",
            Self::Memory => "Memory to a socket",
            Self::Records => "A file to a socket, as records of TLS",
            Self::Sockets => "A socket to a socket",
            Self::Copies => "A file to a file",
        }
    }
}

/// Writes the page.
///
/// # Errors
///
/// Those of `out`.
pub fn write_lab(out: &mut impl io::Write, result: &LabResult) -> io::Result<()> {
    let style = format!("{STYLE}{LAB_STYLE}");
    let page = frame(&Frame {
        host: &result.host.hostname,
        style: &style,
        script: "",
        header: header(result),
        summary: summary(result),
        parts: parts(result),
    });
    out.write_all(page.into_string().as_bytes())
}

fn header(result: &LabResult) -> Markup {
    let start = names::rfc3339(result.start);
    html! {
        header {
            h1 { "copytax lab" span.host { (escape(&result.host.hostname)) } }
            p { "What each way of moving bytes costs · " time datetime=(start) { (start) } }
        }
    }
}

fn summary(result: &LabResult) -> Markup {
    let processor = result.processor.as_deref().unwrap_or("unknown processor");
    let runs = result.series.iter().map(|series| series.runs.len());
    html! {
        section id="summary" aria-labelledby="h-summary" {
            h2 id="h-summary" { "Summary" }
            dl.tiles {
                div { dt { "processor" } dd { (escape(processor)) } }
                div { dt { "processors" } dd { (result.host.cpus) } }
                div { dt { "kernel" } dd { (escape(&result.host.kernel)) } }
                div { dt { "TCP by" } dd { (escape(congestion_control(result))) } }
                div { dt { "runs of each" } dd { (runs.min().unwrap_or(0)) } }
            }
            p {
                "Points are medians, bars their 95% intervals. CPU time is that of the threads that move the bytes, "
                "throughput until the last byte was read at the other end. GB: 1,000,000,000 bytes."
            }
            @for sentence in lab_notes(result) { p.note { (sentence) } }
        }
    }
}

/// One for each transport and number of connections.
fn parts(result: &LabResult) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let of_part = |of: &LabSeries| (of.transport, of.connections);
    let all = result.series.chunk_by(|a, b| of_part(a) == of_part(b));
    for part in all {
        let Some(first) = part.first() else {
            continue;
        };
        let costs: Vec<(&LabSeries, Cost)> = part
            .iter()
            .filter_map(|series| Some((series, cost(series)?)))
            .collect();
        let of = |family| {
            costs
                .iter()
                .filter(move |(series, _)| Family::of(series.path) == family)
        };
        parts.push(Part {
            id: match first.connections {
                ..=1 => first.transport.into(),
                connections => format!("{}-{connections}", first.transport).into(),
            },
            title: way_phrase(first).into(),
            body: html! {
                @for family in Family::ALL {
                    @if of(family).next().is_some() {
                        h3 { (family.title()) }
                        (plots(of(family)))
                    }
                }
                (table::table(&costs))
            },
        });
    }
    parts
}

/// Throughput and CPU time, side by side.
fn plots<'a>(costs: impl Iterator<Item = &'a (&'a LabSeries, Cost)> + Clone) -> Markup {
    let lines = |value: fn(&Cost) -> crate::analysis::lab::Median| {
        let mut lines: Vec<Line> = Vec::new();
        for (series, cost) in costs.clone() {
            let point = (series.size, value(cost));
            match lines.iter_mut().find(|line| line.name == series.path) {
                Some(line) => line.points.push(point),
                None => lines.push(Line {
                    name: series.path,
                    points: vec![point],
                }),
            }
        }
        lines
    };
    let throughput = Plot {
        title: "Throughput, GB/s",
        lines: lines(|cost| cost.throughput),
    };
    let cpu = Plot {
        title: "CPU seconds per GB",
        lines: lines(|cost| cost.cpu),
    };
    html! {
        div.pair { (throughput.draw()) (cpu.draw()) }
        (plot::legend(&cpu.lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Path;
    use crate::report::fixture;

    #[test]
    fn the_page_has_a_line_for_each_path() {
        let mut page = Vec::new();
        write_lab(&mut page, &fixture::lab()).expect("a vector takes everything");
        let page = String::from_utf8(page).expect("text");
        assert!(page.contains("TCP over loopback"));
        assert!(
            page.contains("over tcp: no &lt;TLS&gt;"),
            "reasons are escaped"
        );
        for path in ["sendfile", "read+write-64k"] {
            assert_eq!(page.matches(&format!("<title>{path}")).count(), 2, "{path}");
        }
        assert!(!page.contains("<script"), "it needs none");
    }

    #[test]
    fn every_path_has_a_family() {
        let of = |family| {
            Path::ALL
                .into_iter()
                .filter(move |path| Family::of(path.name()) == family)
        };
        assert_eq!(
            Family::ALL.map(|family| of(family).count()),
            [12, 7, 2, 3, 3]
        );
    }
}
