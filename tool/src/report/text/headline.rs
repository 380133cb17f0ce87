//! The answer, in words, before any number is explained.

use crate::model::{Audit, ByteClasses, ProcessAudit};
use crate::report::text::command_name;
use crate::report::units;

/// A few sentences: is it on the fast path, and who is not?
pub(super) fn headline(audit: &Audit) -> String {
    let mut text = answer(audit);
    let uncounted = audit.loss.unsupported_abi_calls.unwrap_or(0);
    if audit.loss.map_full > 0 || uncounted > 0 {
        text += " Not all calls were counted: see loss below.";
    }
    text
}

fn answer(audit: &Audit) -> String {
    let bytes = &audit.bytes;
    if bytes.written() == 0 {
        return nothing_moved(audit);
    }
    let eligible = bytes.zero_copy.saturating_add(bytes.lost);
    let rate = units::hit_rate(audit.hit_rate);
    match audit.hit_rate {
        None => no_kernel_path(bytes),
        Some(_) if bytes.lost == 0 => format!(
            "{}All {} that the kernel could move went by zero-copy calls: hit rate {rate}.",
            sole_actor(audit)
                .map_or_else(String::new, |who| format!("{who} is on the fast path. ")),
            units::bytes(eligible),
        ),
        // A rounding error of a healthy machine is no reason to name anyone.
        Some(hits) if hits >= 0.99 => format!(
            "{} of the {} that the kernel could move went by zero-copy calls: hit rate {rate}. \
             {} went through read and write instead.",
            units::bytes(bytes.zero_copy),
            units::bytes(eligible),
            units::bytes(bytes.lost),
        ),
        Some(_) => lost(audit),
    }
}

fn no_kernel_path(bytes: &ByteClasses) -> String {
    let written = bytes.written().saturating_sub(bytes.staged);
    if written == 0 {
        return format!(
            "{} went into pipes; no zero-copy call delivered them: there is no hit rate.",
            units::bytes(bytes.staged),
        );
    }
    let caveat = if bytes.unknown > 0 {
        ", as far as they could be looked at"
    } else {
        ""
    };
    format!(
        "The kernel could have moved none of the {} written{caveat}: there is no hit rate.",
        units::bytes(written),
    )
}

/// Names the process that lost most.
fn lost(audit: &Audit) -> String {
    let mut losers: Vec<&ProcessAudit> = audit
        .processes
        .iter()
        .filter(|process| process.bytes.lost > 0)
        .collect();
    losers.sort_by_key(|process| std::cmp::Reverse(process.bytes.lost));
    let Some((worst, others)) = losers.split_first() else {
        return String::new();
    };
    let to_a_socket = worst
        .flows
        .iter()
        .find(|flow| flow.lost)
        .is_some_and(|flow| flow.sink.is_socket());
    let mut text = format!(
        "{} {} {} through read and write that the kernel could have moved: hit rate {}.",
        who(worst),
        if to_a_socket { "sent" } else { "copied" },
        units::bytes(worst.bytes.lost),
        units::hit_rate(worst.hit_rate),
    );
    if !others.is_empty() {
        let more: u64 = others
            .iter()
            .fold(0, |sum, process| sum.saturating_add(process.bytes.lost));
        text += &format!(
            " {} lost {} more.",
            units::counted(others.len() as u64, "other process", "other processes"),
            units::bytes(more),
        );
    }
    if audit.hit_rate != worst.hit_rate {
        text += &format!(
            " All processes together: hit rate {}.",
            units::hit_rate(audit.hit_rate)
        );
    }
    text
}

fn nothing_moved(audit: &Audit) -> String {
    let time = units::duration(audit.window.duration);
    if audit.processes.is_empty() {
        return format!(
            "No bytes were moved: no watched process made a read or write call in {time}."
        );
    }
    let failed = audit
        .processes
        .iter()
        .flat_map(|process| &process.flows)
        .count();
    if failed > 0 {
        return format!(
            "No bytes were moved in {time}: zero-copy calls were made, but all failed."
        );
    }
    format!(
        "No bytes were moved in {time}: {} made read or write calls, but nothing was written.",
        units::counted(audit.processes.len() as u64, "process", "processes"),
    )
}

/// The process that moved all the bytes, if one did.
fn sole_actor(audit: &Audit) -> Option<String> {
    let mut actors = audit
        .processes
        .iter()
        .filter(|process| process.bytes.written() > 0);
    let actor = actors.next()?;
    actors.next().is_none().then(|| who(actor))
}

fn who(process: &ProcessAudit) -> String {
    format!("{} ({})", command_name(process, 24), process.id.pid)
}
