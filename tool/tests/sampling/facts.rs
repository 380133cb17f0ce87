//! What samples tell besides bytes.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, ensure};
use copytax::model::{Call, Class, EndpointKind, Engine, RawSample, SampleKind};

use crate::case::{Watched, every, names, watch};
use crate::moves::{self, BOUNCE_MARK, SEND_MARK};

fn of_kind(watched: &Watched, kind: SampleKind) -> impl Iterator<Item = &RawSample> {
    watched
        .samples
        .iter()
        .filter(move |sample| sample.kind == kind)
}

/// Each byte that is written was read, is written once, and is of the same run.
pub(crate) fn reads_and_writes_pair_up(engine: Engine) -> Result<()> {
    let watched = watch(engine, every(50_000), "bounce,pieces,vectors,copies")?;
    ensure!(watched.loss.samples_dropped == 0, "{:?}", watched.loss);
    let mut reads = HashMap::new();
    for read in of_kind(&watched, SampleKind::Read) {
        ensure!(read.id != 0, "{read:?}");
        ensure!(read.stands_for >= 1, "{read:?}");
        for id in read.id..read.id + u64::from(read.stands_for) {
            ensure!(reads.insert(id, read).is_none(), "an id is given twice");
        }
        ensure!(read.class.is_none() && read.sink_file.is_none(), "{read:?}");
    }
    let mut bounces = 0;
    for bounce in of_kind(&watched, SampleKind::Bounce) {
        bounces += 1;
        let read = reads
            .remove(&bounce.id)
            .context("a bounce has a read of its own")?;
        ensure!(read.time_ns <= bounce.time_ns, "{read:?} {bounce:?}");
        ensure!(
            read.call_bytes >= bounce.bytes && read.interval == bounce.interval,
            "{read:?} {bounce:?}"
        );
        ensure!(
            bounce.spent >= 1 && bounce.spent <= bounce.bytes,
            "{bounce:?}"
        );
        let class = bounce.class.context("a class")?;
        ensure!(
            matches!(class, Class::SameBuffer | Class::SameContent),
            "{bounce:?}"
        );
        ensure!(
            (bounce.source, bounce.sink) == (EndpointKind::File, EndpointKind::Tcp),
            "{bounce:?}"
        );
        ensure!(bounce.transfer >= Some(bounce.spent), "{bounce:?}");
    }
    ensure!(bounces > 500, "{bounces} bounces");
    Ok(())
}

/// Paths of files, addresses of sockets, and who it was.
pub(crate) fn files_and_addresses_are_right(engine: Engine) -> Result<()> {
    let watched = watch(engine, every(100_000), "bounce,send,mapped")?;
    let path = moves::path(&watched.folder);
    for sample in &watched.samples {
        ensure!(
            (sample.process.pid, sample.thread) == (watched.pid, watched.pid),
            "{sample:?}"
        );
        let is_file_known = sample.kind != SampleKind::Bounce;
        ensure!(sample.source_file.is_some() == is_file_known, "{sample:?}");
        if let Some(file) = &sample.source_file {
            ensure!(
                names(&path).ends_with(&file.names),
                "{file:?}, not {path:?}"
            );
            ensure!(file.names.len() >= 2 && !file.is_cut, "{file:?}");
            ensure!(file.mount.is_some() && file.inode != 0, "{file:?}");
        }
        ensure!(
            sample.sink_file.is_some() == (sample.kind != SampleKind::Read),
            "{sample:?}"
        );
        if let Some(socket) = &sample.sink_file {
            ensure!(socket.local == Some(watched.own), "{socket:?}");
            ensure!(socket.peer == Some(watched.peer), "{socket:?}");
            ensure!(socket.names.is_empty(), "{socket:?}");
        }
    }
    let calls: Vec<_> = of_kind(&watched, SampleKind::ZeroCopy)
        .filter_map(|sample| sample.call)
        .collect();
    ensure!(
        !calls.is_empty() && calls.iter().all(|call| *call == Call::Sendfile),
        "{calls:?}"
    );
    let mut mapped = of_kind(&watched, SampleKind::Other);
    ensure!(mapped.all(|sample| sample.class == Some(Class::Mapped)));
    Ok(())
}

/// The copied stack is that of the function that called.
pub(crate) fn stacks_are_those_of_the_functions(engine: Engine) -> Result<()> {
    let mut sampling = every(100_000);
    sampling.calls.kernel_stacks = 1;
    let watched = watch(engine, sampling, "bounce,send")?;
    ensure!(!watched.samples.is_empty(), "nothing was sampled");
    for sample in &watched.samples {
        let user = sample.user.as_ref().context("a user stack")?;
        let first = user.by_frame_pointers.first();
        ensure!(first == Some(&user.instruction_pointer), "{user:?}");
        let has = |mark: u64| {
            let words = user.memory.chunks_exact(8);
            words.filter(|word| *word == mark.to_ne_bytes()).count() >= 4
        };
        let is_sent = sample.kind == SampleKind::ZeroCopy;
        ensure!(has(SEND_MARK) == is_sent, "{sample:?}");
        ensure!(has(BOUNCE_MARK) != is_sent, "{sample:?}");
        ensure!(
            !user.memory.is_empty() && user.memory.len() <= 4_096,
            "{user:?}"
        );
        ensure!(!sample.kernel.is_empty(), "no kernel stack");
        ensure!(
            sample.kernel.iter().all(|address| address >> 63 == 1),
            "{:?}",
            sample.kernel
        );
    }
    Ok(())
}

/// Requests of io_uring, too; a thread of the kernel that takes them up has no user stack.
pub(crate) fn rings_are_sampled(engine: Engine) -> Result<()> {
    for (moves, has_user) in [("ring", true), ("polled", false)] {
        let watched = watch(engine, every(30_000), moves)?;
        ensure!(watched.samples.len() > 100, "{}", watched.samples.len());
        let read = of_kind(&watched, SampleKind::Read).map(|read| read.id);
        let reads: HashSet<u64> = read.collect();
        for sample in &watched.samples {
            ensure!(sample.user.is_some() == has_user, "{sample:?}");
            ensure!(sample.process.pid == watched.pid, "{sample:?}");
            ensure!(reads.contains(&sample.id), "{sample:?}");
            let call = match sample.kind {
                SampleKind::Read => Call::UringRead,
                _ => Call::UringSend,
            };
            ensure!(sample.call == Some(call), "{sample:?}");
        }
        ensure!(of_kind(&watched, SampleKind::Bounce).count() > 50);
    }
    Ok(())
}
