//! What the lab measured, for people.

use std::io;
use std::time::Duration;

use crate::analysis::lab::{Cost, Median, cost};
use crate::model::{LabResult, LabSeries, LabUnavailable};
use crate::report::escape::escape;
use crate::report::text::layout::Page;
use crate::report::units;

/// Columns of each part of a line; all of them and a space between them are less than 80.
const WIDTHS: [usize; COLUMNS] = [16, 5, 5, 4, 4, 5, 5, 5, 5, 5, 5, 4];
const HEADER: [&str; COLUMNS] = [
    "PATH", "GB/s", "CPU s", "95%", "SYS", "CALLS", "CSW", "FLT", "P50", "P99", "MEM", "CYC",
];
const COLUMNS: usize = 12;

/// Writes a table for each transport and size of transfers.
///
/// # Errors
///
/// Those of `out`.
pub fn write_lab(
    out: &mut impl io::Write,
    result: &LabResult,
    width: usize,
    color: bool,
) -> io::Result<()> {
    let page = Page::new(width, color);
    let processor = result.processor.as_deref().unwrap_or("unknown processor");
    let machine = format!(
        "{}, {}, Linux {}, TCP by {}; medians of {}. For 1 GB: CPU seconds, how far their 95% interval \
         goes, and the part in the kernel (SYS); system calls, context switches and page faults (FLT). P50 \
         and P99 are of transfers, MEM is memory that the path needs, CYC cycles of the processor for a \
         byte. - is unknown.",
        escape(processor),
        units::counted(result.host.cpus.into(), "CPU", "CPUs"),
        escape(&result.host.kernel),
        escape(congestion_control(result)),
        units::counted(runs(result), "run", "runs"),
    );
    writeln!(out, "{}", page.paragraph(&machine))?;
    let of_table = |of: &LabSeries| (of.transport, of.connections, of.size);
    for table in result.series.chunk_by(|a, b| of_table(a) == of_table(b)) {
        let Some(first) = table.first() else { continue };
        writeln!(out, "\n{}", page.bold(&title(first)))?;
        writeln!(out, "{}", line(&HEADER.map(str::to_owned)))?;
        for series in table {
            if let Some(cost) = cost(series) {
                writeln!(out, "{}", line(&row(series, &cost)))?;
            }
        }
    }
    for sentence in lab_notes(result) {
        writeln!(out, "\n{}", page.paragraph(&sentence))?;
    }
    Ok(())
}

/// What figures suffer from, and what this machine does not have, and why, in sentences.
pub(in crate::report) fn lab_notes(result: &LabResult) -> Vec<String> {
    let mut notes = Vec::new();
    if !result.conditions.is_awake {
        let note = "Idle CPUs could sleep: only who may open /dev/cpu_dma_latency can prevent it. Waking them is in \
                    the figures, which vary more by that.";
        notes.push(note.to_owned());
    }
    notes.extend(unavailable(result));
    notes
}

fn unavailable(result: &LabResult) -> Vec<String> {
    /// More names say no more than how many there are.
    const MOST: usize = 3;
    let is_same = |a: &LabUnavailable, b: &LabUnavailable| {
        (a.transport, &a.reason) == (b.transport, &b.reason)
    };
    let groups = result.unavailable.chunk_by(is_same).filter_map(|group| {
        let first = group.first()?;
        let names: Vec<&str> = group.iter().map(|of| of.path).collect();
        let who = match names.len() {
            1..=MOST => names.join(", "),
            more => format!("{more} paths"),
        };
        let reason = escape(&first.reason);
        Some(format!(
            "Not on this machine: {who} over {}: {reason}",
            first.transport
        ))
    });
    groups.collect()
}

/// The name of TCP's congestion control.
pub(in crate::report) fn congestion_control(result: &LabResult) -> &str {
    let name = result.conditions.congestion_control.as_deref();
    name.unwrap_or("unknown congestion control")
}

/// What it goes over, and how many at once.
pub(in crate::report) fn way_phrase(of: &LabSeries) -> String {
    let transport = transport_phrase(of.transport);
    match of.connections {
        ..=1 => transport.to_owned(),
        connections => format!("{transport}, {connections} connections at once"),
    }
}

fn title(of: &LabSeries) -> String {
    let mut title = format!("{}, transfers of {}", way_phrase(of), units::bytes(of.size));
    if of.is_cold {
        title += ", from the disk";
    }
    title
}

fn runs(result: &LabResult) -> u64 {
    let runs = result.series.iter().map(|series| series.runs.len());
    runs.min().unwrap_or(0) as u64
}

/// What bytes went over, in words.
pub(crate) fn transport_phrase(name: &str) -> &str {
    match name {
        "tcp" => "TCP over loopback",
        "veth" => "TCP over veth",
        "unix" => "unix socket",
        "file" => "file to file",
        other => other,
    }
}

fn row(series: &LabSeries, cost: &Cost) -> [String; COLUMNS] {
    let unknown = || "-".to_owned();
    let share = cost.system_share;
    let (p50, p99) = cost.latency.unzip();
    let cycles = cost.cycles_per_byte;
    [
        series.path.to_owned(),
        number(cost.throughput.value),
        number(cost.cpu.value),
        interval(&cost.cpu).unwrap_or_else(unknown),
        share.map_or_else(unknown, |share| format!("{:.0}%", 100.0 * share)),
        count(cost.calls),
        count(cost.context_switches.value),
        count(cost.page_faults.value),
        p50.map_or_else(unknown, time),
        p99.map_or_else(unknown, time),
        series.resident.map_or_else(unknown, memory),
        cycles.map_or_else(unknown, |cycles| number(cycles.value)),
    ]
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

/// How far the further end is away, as a share.
fn interval(median: &Median) -> Option<String> {
    let (low, high) = median.interval?;
    let away = (high - median.value).max(median.value - low);
    let share = away / median.value;
    share
        .is_finite()
        .then(|| format!("{:.0}%", (100.0 * share).ceil()))
}

/// Three digits at most.
fn time(of: Duration) -> String {
    let seconds = of.as_secs_f64();
    let (value, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "us"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    if value < 9.95 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.0}{unit}")
    }
}

/// KiB, MiB or GiB, as options take them.
fn memory(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 10 << 30 => format!("{}g", bytes >> 30),
        bytes if bytes >= 10 << 20 => format!("{}m", bytes >> 20),
        bytes => format!("{}k", bytes >> 10),
    }
}

/// Thousands and millions, as k and m.
fn count(value: f64) -> String {
    match value {
        value if value >= 9_999_500.0 => format!("{:.0}m", value / 1e6),
        value if value >= 999_950.0 => format!("{:.1}m", value / 1e6),
        value if value >= 9_999.5 => format!("{:.0}k", value / 1e3),
        value if value >= 999.5 => format!("{:.1}k", value / 1e3),
        value => format!("{value:.0}"),
    }
}

/// The first part is aligned to the left, the others to the right.
fn line(parts: &[String; COLUMNS]) -> String {
    let mut text = format!("{:<1$}", parts[0], WIDTHS[0]);
    for (part, width) in parts.iter().zip(WIDTHS).skip(1) {
        text += &format!(" {part:>width$}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        let width = WIDTHS.iter().sum::<usize>() + WIDTHS.len() - 1;
        assert!(width <= 80, "{width}");
        assert_eq!(line(&HEADER.map(str::to_owned)).len(), width);
    }

    #[test]
    fn times_and_memory_are_short() {
        let times = [(999, "999ns"), (1_240, "1.2us"), (45_600_000, "46ms")];
        for (nanoseconds, text) in times {
            assert_eq!(time(Duration::from_nanos(nanoseconds)), text);
        }
        assert_eq!(time(Duration::from_secs(7)), "7.0s");
        let counts = [
            (0.0, "0"),
            (999.4, "999"),
            (1_192.0, "1.2k"),
            (488_520.0, "489k"),
            (2e6, "2.0m"),
        ];
        for (value, text) in counts {
            assert_eq!(count(value), text);
        }
        for (bytes, text) in [(0, "0k"), (9 << 20, "9216k"), (4 << 30, "4096m")] {
            assert_eq!(memory(bytes), text);
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.012_34, "0.012"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (123.4, "123"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
