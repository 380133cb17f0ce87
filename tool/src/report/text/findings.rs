//! Who pays, why, and what to do about it.

use std::io;

use crate::analysis::doctor::network::{ZeroCopy, zero_copy};
use crate::analysis::route;
use crate::model::{
    Audit, Finding, FindingBytes, Frame, MatchedBy, ProcessAudit, Saving, SavingBasis, Stack,
    Verdict,
};
use crate::report::escape::{escape, truncate};
use crate::report::text::command_name;
use crate::report::text::flows::endpoints;
use crate::report::text::layout::Page;
use crate::report::{names, units};

/// Findings shown: who reads this has five minutes.
const SHOWN: usize = 5;
/// Functions shown of a stack that no rule knows.
const FUNCTIONS: usize = 4;
const LONGEST_FUNCTION: usize = 60;
const LONGEST_FILE: usize = 60;

/// What is the same of several processes.
pub(in crate::report) struct Group<'a> {
    /// The one that costs most.
    pub(in crate::report) first: &'a Finding,
    pub(in crate::report) bytes: FindingBytes,
    /// What all of the processes wrote.
    pub(in crate::report) written: f64,
    pub(in crate::report) process: Option<&'a ProcessAudit>,
    pub(in crate::report) others: u64,
    /// What all of them would save; `None` where that is not known of each.
    pub(in crate::report) saving: Option<Saving>,
}

/// Writes the dearest findings of `audit`; nothing where there are none.
pub(super) fn write(out: &mut impl io::Write, page: &Page, audit: &Audit) -> io::Result<()> {
    if audit.findings.is_empty() {
        return Ok(());
    }
    let groups = groups(audit);
    let (shown, hidden) = groups.split_at(groups.len().min(SHOWN));
    writeln!(out, "\n{}", page.bold("findings"))?;
    for (index, group) in shown.iter().enumerate() {
        let told = (how_much(group), group.saving);
        write_finding(out, page, index + 1, group.first, told)?;
    }
    if !hidden.is_empty() {
        let sum = hidden
            .iter()
            .fold(0, |sum: u64, group| sum.saturating_add(group.bytes.value));
        let findings = units::counted(hidden.len() as u64, "more finding", "more findings");
        let text = format!("  and {findings} ({}): --json has all", units::bytes(sum));
        writeln!(out, "{}", page.hanging(&text, 4))?;
    }
    Ok(())
}

/// The findings of workers that do the same as one.
pub(in crate::report) fn groups(audit: &Audit) -> Vec<Group<'_>> {
    let process_of = |finding: &Finding| {
        let mut processes = audit.processes.iter();
        processes.find(|process| process.id == finding.process)
    };
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in &audit.findings {
        let process = process_of(finding);
        let written = written(finding);
        match groups
            .iter_mut()
            .find(|group| group.is_alike(finding, process))
        {
            Some(group) => group.add(finding, written),
            None => groups.push(Group {
                first: finding,
                bytes: finding.bytes,
                written,
                process,
                others: 0,
                saving: finding.saving,
            }),
        }
    }
    // Stable. Sums may be in another order than their parts.
    groups.sort_by_key(|group| {
        let bytes = group.bytes.value;
        std::cmp::Reverse((if group.first.lost { bytes } else { 0 }, bytes))
    });
    groups
}

/// What the process of a finding wrote in all.
#[expect(clippy::cast_precision_loss, reason = "for a share in percent")]
fn written(finding: &Finding) -> f64 {
    let share = finding.share.filter(|share| *share > 0.0);
    share.map_or(0.0, |share| finding.bytes.value as f64 / share)
}

impl Group<'_> {
    fn is_alike(&self, finding: &Finding, process: Option<&ProcessAudit>) -> bool {
        let comm =
            |process: Option<&ProcessAudit>| process.map(|process| process.facts.comm.clone());
        let function = |finding: &Finding| {
            let culprit = finding.culprit.as_ref();
            culprit.map(|frame| frame.function.clone())
        };
        let first = self.first;
        first.process != finding.process
            && comm(self.process) == comm(process)
            && (&first.rule, first.verdict, first.lost)
                == (&finding.rule, finding.verdict, finding.lost)
            && (first.source, first.sink) == (finding.source, finding.sink)
            && function(first) == function(finding)
    }

    fn add(&mut self, finding: &Finding, written: f64) {
        self.bytes.add(finding.bytes);
        self.written += written;
        self.others += 1;
        let both = self.saving.zip(finding.saving);
        self.saving = both.map(|(a, b)| a.with_other_process(b));
    }

    /// Whose bytes.
    fn who(&self) -> String {
        let pid = self.first.process.pid;
        let name = self
            .process
            .map_or_else(|| "unknown".to_owned(), |process| command_name(process, 20));
        match self.others {
            0 => format!("{name} ({pid})"),
            others => format!("{name} ({pid} and {} more)", units::count(others)),
        }
    }
}

/// Writes one; `told` says how much, of whom, and what its fix is worth.
pub(super) fn write_finding(
    out: &mut impl io::Write,
    page: &Page,
    number: usize,
    finding: &Finding,
    told: (String, Option<Saving>),
) -> io::Result<()> {
    let verdict = match finding.verdict {
        Verdict::Unknown => "cause unknown".to_owned(),
        verdict => verdict.name().replace('_', " "),
    };
    let title = page.hanging(
        &format!("{number}. {verdict}: {}", escape(&names::title(finding))),
        3,
    );
    let title = match finding.verdict {
        // The width is counted without colours.
        Verdict::Fixable => title.replacen(&verdict, &page.bad(&verdict), 1),
        _ => title,
    };
    writeln!(out, "{title}")?;
    for line in lines(finding, told) {
        writeln!(out, "{}", page.hanging(&format!("   {line}"), 5))?;
    }
    Ok(())
}

/// How much, where, and what to do.
fn lines(finding: &Finding, (how_much, saving): (String, Option<Saving>)) -> Vec<String> {
    let mut lines = vec![how_much];
    if let Some(frame) = &finding.culprit {
        lines.push(format!("in {}", place(frame)));
    } else if finding.rule.is_none() {
        lines.extend(functions("written by", finding.write.as_deref()));
        lines.extend(functions("read by", finding.read.as_deref()));
    }
    match (
        finding.small,
        &finding.fix,
        route(finding.source, finding.sink).kernel_path,
    ) {
        (Some(small), ..) => lines.push(format!(
            "leave it: transfers of {} are typical, and zero-copy calls pay from {} on",
            units::bytes(small.typical),
            units::bytes(small.break_even),
        )),
        (None, Some(fix), _) => lines.push(format!("fix: {}", escape(fix))),
        (None, None, Ok(path)) => lines.push(format!("kernel path: {}", path.words())),
        (None, None, Err(_)) => {}
    }
    lines.extend(saving.map(|saving| saved(&saving)));
    lines.extend(egress(finding));
    if let Some(rule) = &finding.rule {
        let how = match finding.matched_by {
            Some(MatchedBy::Flow) => "  (by the flow alone, not by its functions)",
            _ => "",
        };
        lines.push(format!("more: copytax explain {}{how}", escape(rule)));
    }
    lines
}

/// What the fix is worth.
pub(in crate::report) fn saved(saving: &Saving) -> String {
    let cores = units::cores(saving.cores, saving.margin);
    if saving.cores <= saving.margin {
        return format!("whether that saves CPU time cannot be told: {cores}");
    }
    let share = saving.share.map_or_else(String::new, |share| {
        format!(", {} of its CPU time", units::percent(share.min(1.0)))
    });
    let basis = match saving.basis {
        SavingBasis::Calibration => "",
        SavingBasis::CpuTax => " (rough: see copytax lab --calibrate)",
    };
    format!("saves about {cores}{share}{basis}")
}

/// What the device does to the advice: less than usual, or nothing. Of the loopback device nobody wants to
/// know.
pub(in crate::report) fn egress(finding: &Finding) -> Option<String> {
    let device = finding.egress.as_ref()?;
    let (zero_copy, why) = zero_copy(device);
    let is_less = matches!(zero_copy, ZeroCopy::Copied | ZeroCopy::HelpsLess);
    let is_advised = finding.fix.is_some() && finding.small.is_none();
    (is_less && is_advised && !device.is_loopback)
        .then(|| format!("but it leaves by {}: {why}", escape(&device.name)))
}

#[expect(clippy::cast_precision_loss, reason = "for a share in percent")]
pub(in crate::report) fn how_much(group: &Group<'_>) -> String {
    let text = estimated(group.bytes);
    let who = group.who();
    let ends = endpoints(group.first.source, group.first.sink);
    if group.written > 0.0 {
        let share = units::percent((group.bytes.value as f64 / group.written).min(1.0));
        format!("{text}, {share} of what {who} wrote: {ends}")
    } else {
        format!("{text} of {who}: {ends}")
    }
}

/// Bytes, with their margin where they were not counted.
pub(super) fn estimated(FindingBytes { value, margin }: FindingBytes) -> String {
    match margin {
        0 => units::bytes(value),
        margin => format!("{} ±{}", units::bytes(value), units::bytes(margin)),
    }
}

/// A function and where it is.
pub(in crate::report) fn place(frame: &Frame) -> String {
    let mut text = name(frame);
    if let Some(file) = &frame.file {
        text += &format!(", {}", truncate(&escape(file), LONGEST_FILE));
        if let Some(line) = frame.line {
            text += &format!(":{line}");
        }
    }
    text
}

fn name(frame: &Frame) -> String {
    let text = match (function(frame), &frame.module) {
        (Some(function), _) => escape(function),
        (None, Some(module)) => format!("an unnamed function of {}", escape(module)),
        (None, None) => "an unnamed function".to_owned(),
    };
    truncate(&text, LONGEST_FUNCTION)
}

fn function(frame: &Frame) -> Option<&str> {
    frame.function.as_deref().filter(|name| !name.is_empty())
}

/// The innermost functions that have a name.
fn functions(what: &str, stack: Option<&Stack>) -> Option<String> {
    let frames = stack?.frames.iter();
    let named: Vec<String> = frames
        .filter(|frame| function(frame).is_some())
        .take(FUNCTIONS)
        .map(name)
        .collect();
    (!named.is_empty()).then(|| format!("{what} {}", named.join(" < ")))
}
