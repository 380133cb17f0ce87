//! What has to be known of a graph to read it: how much, of what, how sure.

use super::{GraphOptions, Only, Sampled, Side, Weight, Weighted};
use crate::model::{Estimate, Sampling, SiteKind};
use crate::report::{names, units};

/// What is printed around a graph.
pub(in crate::report) struct Facts {
    /// What it shows, in few words.
    pub(in crate::report) title: &'static str,
    /// How much, in how long, how sure, from how many samples.
    pub(in crate::report) summary: String,
    /// The rest, a sentence each.
    pub(in crate::report) notes: Vec<String>,
}

impl Facts {
    pub(in crate::report) fn of(
        sampled: &Sampled<'_>,
        options: &GraphOptions,
        stacks: &[Weighted<'_>],
    ) -> Self {
        let mut total = Estimate::default();
        let mut samples: u64 = 0;
        for stack in stacks {
            total.add(stack.weight);
            samples = samples.saturating_add(stack.samples);
        }
        let sampling = &sampled.profile.sampling;
        let mut notes = Vec::new();
        notes.extend(joined(options, stacks).map(str::to_owned));
        notes.extend(intervals(sampling, options));
        notes.push(format!(
            "± is half the width of the 95% interval that sampling leaves. {}.",
            lost(sampling, options.weight)
        ));
        notes.push(format!(
            "Window from {}.",
            names::rfc3339(sampled.window.start)
        ));
        Self {
            title: title(options),
            summary: format!(
                "{}{} in {}, {}, {} lost",
                number(total.value, options.weight),
                margin_of(total, options.weight),
                units::duration(sampled.window.duration),
                units::counted(samples, "sample", "samples"),
                units::count(sampling.dropped),
            ),
            notes,
        }
    }
}

fn title(options: &GraphOptions) -> &'static str {
    match (options.weight, options.only) {
        (Weight::Bytes, Only::Bounced) => "Bounced bytes",
        (Weight::Bytes, Only::ZeroCopy) => "Zero-copy bytes",
        (Weight::Bytes, Only::All) => "All bytes",
        (Weight::Calls, Only::Bounced) => "Bouncing calls",
        (Weight::Calls, Only::ZeroCopy) => "Zero-copy calls",
        (Weight::Calls, Only::All) => "All calls",
        (Weight::Cpu, _) => "CPU time",
    }
}

fn joined(options: &GraphOptions, stacks: &[Weighted<'_>]) -> Option<&'static str> {
    let mut sites = stacks.iter().filter_map(|stack| stack.site);
    if !sites.any(|site| site.read.is_some()) {
        return None;
    }
    Some(match (options.side, options.reverse) {
        (Side::Both, false) => {
            "Stacks of reads; from [then written by] on what the stack of the write has more."
        }
        (Side::Both, true) => {
            "What stacks of writes have more; from [read before by] on the stacks of the reads."
        }
        (Side::Read, _) => "Stacks of reads, of writes where the read is not known.",
        (Side::Write, _) => "Stacks of writes.",
    })
}

/// How it was sampled, and where samples came faster than allowed.
fn intervals(sampling: &Sampling, options: &GraphOptions) -> Vec<String> {
    if options.weight == Weight::Cpu {
        let tick = sampling.tick.as_secs_f64() * 1e3;
        return vec![format!("One sample every {tick:.1} ms of a CPU.")];
    }
    let mut intervals = Vec::new();
    let mut sentences = Vec::new();
    for (index, &kind) in SiteKind::ALL.iter().enumerate() {
        let is_shown = options.only == Only::All
            || (options.only == Only::Bounced) == (kind == SiteKind::Bounced)
                && kind != SiteKind::Other;
        let (first, widest) = (
            sampling.first_interval[index],
            sampling.widest_interval[index],
        );
        if !is_shown || first == 0 {
            continue;
        }
        intervals.push(format!("~{} {}", units::bytes(first), site_kind(kind)));
        if widest > first {
            let widest = units::bytes(widest);
            sentences.push(format!(
                "Samples came faster than allowed: at times one per ~{widest} {}.",
                site_kind(kind)
            ));
        }
    }
    if !intervals.is_empty() {
        sentences.insert(0, format!("One sample per {}.", intervals.join(", ")));
    }
    sentences
}

fn lost(sampling: &Sampling, weight: Weight) -> String {
    if sampling.dropped == 0 {
        return "No sample was lost".to_owned();
    }
    let lost = units::counted(sampling.dropped, "sample was lost", "samples were lost");
    let what = match weight {
        Weight::Bytes => "shares are those of the others",
        Weight::Calls | Weight::Cpu => "what is shown is too little",
    };
    format!("{lost}: {what}")
}

/// The margin of the whole, in percent of it. Bytes are counted, and have none.
fn margin_of(total: Estimate, weight: Weight) -> String {
    if weight == Weight::Bytes || total.value <= 0.0 {
        return String::new();
    }
    format!(" ±{:.1}%", 100.0 * total.margin() / total.value)
}

/// A weight for people.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "negative estimates do not come up, and are 0 then; larger ones saturate"
)]
pub(in crate::report) fn number(value: f64, weight: Weight) -> String {
    let whole = value.round() as u64;
    match weight {
        Weight::Bytes => units::bytes(whole),
        Weight::Calls => units::counted(whole, "call", "calls"),
        Weight::Cpu => format!("{:.2} CPU s", value / 1e9),
    }
}

/// The name of a kind of site.
pub(in crate::report) const fn site_kind(kind: SiteKind) -> &'static str {
    match kind {
        SiteKind::Bounced => "bounced",
        SiteKind::ZeroCopy => "zero-copy",
        SiteKind::Other => "other",
    }
}
