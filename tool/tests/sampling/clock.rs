//! Samples of CPU time.

use anyhow::{Context as _, Result, ensure};
use copytax::model::{Engine, RawSample, SampleKind};
use copytax::probe::{CPU_HERTZ, Sampling};
use copytax_common::SamplingConfig;

use crate::case::{every, watch};

/// Nearly all of the time is spent where the workload says.
pub(crate) fn knows_the_system_call(engine: Engine) -> Result<()> {
    let every = every(0);
    let sampling = Sampling {
        calls: SamplingConfig {
            samples_per_second: 1,
            ..every.calls
        },
        cpu: true,
    };
    let cases = [("compute", None), ("zeroes", Some(libc::SYS_read as u32))];
    for (moves, syscall) in cases {
        let watched = watch(engine, sampling, moves)?;
        let seconds = watched.moved["cpu_milliseconds"] as f64 / 1e3;
        let all = watched.samples.len();
        ensure!(
            watched
                .samples
                .iter()
                .all(|sample| sample.kind == SampleKind::Cpu)
        );
        let (inside, outside): (Vec<_>, Vec<_>) = watched
            .samples
            .iter()
            .partition(|sample| sample.syscall == syscall);
        let met = inside.len();
        eprintln!("{moves}: {met} of {all} ticks in {seconds} seconds of CPU time");
        ensure!(
            met * 10 >= all * 9,
            "{met} of {all} ticks are in {syscall:?}"
        );
        let expected = seconds * f64::from(CPU_HERTZ);
        // Counted by its own clock, and by interrupts that a busy host may delay.
        ensure!(
            (all as f64) > expected * 0.5 && (all as f64) < expected * 1.5,
            "{all} ticks, not {expected}"
        );
        // One that is met while it ends has no memory any more.
        let ends = |sample: &RawSample| sample.syscall == Some(libc::SYS_exit_group as u32);
        for sample in inside
            .into_iter()
            .chain(outside)
            .filter(|sample| !ends(sample))
        {
            let user = sample.user.as_ref().context("it has a user stack")?;
            ensure!(
                !user.memory.is_empty() && !user.by_frame_pointers.is_empty(),
                "{user:?}"
            );
            ensure!(
                sample.interval == 1_000_000_000 / u64::from(CPU_HERTZ),
                "{sample:?}"
            );
            ensure!(
                sample.syscall.is_none() || !sample.kernel.is_empty(),
                "{sample:?}"
            );
        }
    }
    Ok(())
}
