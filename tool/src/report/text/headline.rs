//! The answer, in words, before any number is explained.

use crate::analysis::{Direction, route};
use crate::model::{Audit, ByteClasses, Loss, ProcessAudit};
use crate::report::text::command_name;
use crate::report::units;

/// A few sentences: is it on the fast path, and who is not?
pub(in crate::report) fn headline(audit: &Audit) -> String {
    let mut text = answer(audit);
    text += &mapped(&audit.bytes);
    text += &bypassed(&audit.processes);
    text += &uncounted(&audit.loss);
    text
}

/// Which calls moved bytes that are in no number.
fn uncounted(loss: &Loss) -> String {
    let foreign = loss.unsupported_abi_calls.unwrap_or(0);
    if loss.map_full > 0 || loss.uring_unseen.unwrap_or(0) > 0 {
        " Not all calls were counted: see loss below.".to_owned()
    } else if foreign > 0 {
        format!(
            " {} made, and not counted.",
            units::counted(
                foreign,
                "call of a 32-bit task was",
                "calls of 32-bit tasks were"
            ),
        )
    } else {
        String::new()
    }
}

fn answer(audit: &Audit) -> String {
    let bytes = &audit.bytes;
    if bytes.written() == 0 {
        return nothing_moved(audit);
    }
    let answer = match audit.hit_rate {
        None => no_kernel_path(bytes),
        Some(_) if bytes.lost == 0 => return on_the_fast_path(audit),
        // A rounding error of a healthy machine is no reason to name anyone.
        Some(hits) if hits >= 0.99 => format!(
            "{} of the {} that the kernel could move went by zero-copy calls: hit rate {}. \
             {} went through read and write instead.",
            units::bytes(bytes.zero_copy),
            units::bytes(bytes.zero_copy.saturating_add(bytes.lost)),
            units::hit_rate(audit.hit_rate),
            units::bytes(bytes.lost),
        ),
        Some(_) => lost(audit),
    };
    match copied(bytes) {
        Some(part) => {
            format!("{answer} But the kernel copied {part} of what zero-copy calls moved.")
        }
        None => answer,
    }
}

fn on_the_fast_path(audit: &Audit) -> String {
    let bytes = &audit.bytes;
    let moved = format!(
        "All {} that the kernel could move went by zero-copy calls: hit rate {}.",
        units::bytes(bytes.zero_copy),
        units::hit_rate(audit.hit_rate),
    );
    match (sole_actor(audit), copied(bytes)) {
        (Some(who), Some(part)) => {
            format!("{who} is on the fast path, but the kernel copied {part} of it. {moved}")
        }
        (Some(who), None) => format!("{who} is on the fast path. {moved}"),
        (None, Some(part)) => format!("{moved} But the kernel copied {part} of that."),
        (None, None) => moved,
    }
}

fn no_kernel_path(bytes: &ByteClasses) -> String {
    let written = bytes
        .written()
        .saturating_sub(bytes.staged)
        .saturating_sub(bytes.mapped);
    if written == 0 && bytes.staged == 0 {
        return "No zero-copy call and no bounce was seen: there is no hit rate.".to_owned();
    }
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
        "The kernel could have moved none of the {} {}{caveat}: there is no hit rate.",
        units::bytes(written),
        if bytes.mapped > 0 {
            "written from buffers"
        } else {
            "written"
        },
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
    let largest = worst.flows.iter().find(|flow| flow.lost);
    let direction = largest.and_then(|flow| route(flow.source, flow.sink).direction);
    let mut text = format!(
        "{} {} {} through read and write that the kernel could have moved: hit rate {}.",
        who(worst),
        verb(direction),
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

/// What a process did with bytes.
const fn verb(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Download) => "sent",
        Some(Direction::Upload) => "received",
        Some(Direction::Proxy) => "proxied",
        Some(Direction::Pipeline) => "piped",
        Some(Direction::FileCopy) | None => "copied",
    }
}

/// Whether `part` is more of `whole` than a rounding error: 1% at least.
const fn matters(part: u64, whole: u64) -> bool {
    part > 0 && part >= whole / 100
}

/// How much of what zero-copy calls moved the kernel copied, where that matters.
fn copied(bytes: &ByteClasses) -> Option<String> {
    let (copied, moved) = (bytes.kernel_copied, bytes.zero_copy);
    if !matters(copied, moved) {
        return None;
    }
    Some(if copied >= moved {
        "all".to_owned()
    } else {
        let share = units::percent(copied as f64 / moved as f64);
        format!("{} ({share})", units::bytes(copied))
    })
}

fn mapped(bytes: &ByteClasses) -> String {
    if !matters(bytes.mapped, bytes.written()) {
        return String::new();
    }
    format!(
        " {} {} written from file mappings, which leaves one copy.",
        units::bytes(bytes.mapped),
        if bytes.written() == bytes.mapped {
            "were"
        } else {
            "more were"
        },
    )
}

fn bypassed(processes: &[ProcessAudit]) -> String {
    let mut bypassing = processes
        .iter()
        .filter(|process| process.facts.af_xdp == Some(true));
    let Some(first) = bypassing.next() else {
        return String::new();
    };
    let others = match bypassing.count() as u64 {
        0 => String::new(),
        count => format!(
            " and {}",
            units::counted(count, "other process", "other processes")
        ),
    };
    format!(
        " Packets that {}{others} moved by AF_XDP are not counted.",
        who(first)
    )
}

fn nothing_moved(audit: &Audit) -> String {
    let time = units::duration(audit.window.duration);
    let loss = &audit.loss;
    let is_complete = uncounted(loss).is_empty();
    let sees_all = loss.unsupported_abi_calls.is_some() && loss.uring_unseen.is_some();
    let moved = if is_complete && sees_all {
        "moved"
    } else {
        "counted"
    };
    let mut flows = audit.processes.iter().flat_map(|process| &process.flows);
    let why = if flows.any(|flow| !flow.errors.is_empty()) {
        ": zero-copy calls were made, but all failed".to_owned()
    } else if !audit.processes.is_empty() {
        let processes = units::counted(audit.processes.len() as u64, "process", "processes");
        format!(": {processes} made read or write calls, but nothing was written")
    } else if is_complete {
        ": no watched process was seen to make a read or write call".to_owned()
    } else {
        String::new()
    };
    format!("No bytes were {moved} in {time}{why}.")
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
