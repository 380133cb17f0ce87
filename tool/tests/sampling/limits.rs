//! What is not sampled.

use anyhow::{Result, ensure};
use copytax::model::Engine;
use copytax::probe::Sampling;

use crate::case::{Reading, every, watch, watch_reading};

/// Nobody reads, and the ring buffer fills.
pub(crate) fn what_finds_no_room_is_counted(engine: Engine) -> Result<()> {
    let watched = watch_reading(
        engine,
        every(4_096),
        "bounce,small,small",
        Reading::Afterwards,
    )?;
    let (taken, dropped) = (watched.samples.len(), watched.loss.samples_dropped);
    eprintln!("{taken} samples, {dropped} dropped");
    ensure!(
        taken > 0 && dropped > 0,
        "{taken} samples, {dropped} dropped"
    );
    Ok(())
}

pub(crate) fn nothing_is_sampled_unless_asked_for(engine: Engine) -> Result<()> {
    let watched = watch(engine, Sampling::OFF, "bounce,send")?;
    ensure!(watched.samples.is_empty() && watched.loss.samples_dropped == 0);
    let mut reads_only = every(100_000);
    reads_only.calls.zero_copy_interval = 0;
    reads_only.calls.other_interval = 0;
    let watched = watch(engine, reads_only, "bounce,send,made")?;
    ensure!(!watched.samples.is_empty(), "reads are sampled");
    for sample in watched.samples {
        ensure!(sample.id != 0, "{sample:?}");
    }
    Ok(())
}
