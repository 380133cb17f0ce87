//! What ended processes left in the kernel's maps is taken out while the window lasts, and not one
//! count with it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use copytax::capture::{EngineChoice, Harvesting, Settings, Target, live_harvesting};
use copytax::model::{Call, EndpointKind, ProcessId, Snapshot};

/// Processes that each move bytes and end.
const PROCESSES: u64 = 600;
const WRITES: u64 = 23;
const BYTES: u64 = 101;

/// Starts them one after the other.
fn script() -> String {
    format!(
        "i=0; while [ $i -lt {PROCESSES} ]; do i=$((i + 1)); \
         dd if=/dev/zero of=/dev/null bs={BYTES} count={WRITES} status=none; cat /nowhere 2>&-; \
         done; true"
    )
}

/// Watches the script, looking for ended processes all the time, with room for `kept` of them.
fn watch(engine: EngineChoice, kept: usize) -> Result<Snapshot> {
    let settings = Settings {
        target: Target::Command(vec!["sh".into(), "-c".into(), script().into()]),
        duration: None,
        engine,
        profiling: None,
    };
    let harvesting = Harvesting {
        every: Duration::from_millis(3),
        while_filling: Duration::from_millis(3),
        percent: 0,
        kept,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let watched = live_harvesting(&settings, harvesting, std::future::pending());
    let snapshot = runtime.block_on(watched)?;
    let outcome = snapshot.command.as_ref().context("a command was run")?;
    ensure!(outcome.exit_code == Some(0), "it failed: {outcome:?}");
    Ok(snapshot)
}

/// Bytes, calls and processes of the writes to /dev/null.
fn writes(snapshot: &Snapshot) -> (u64, u64, BTreeSet<ProcessId>) {
    let flows = snapshot.flows.iter();
    let writes = flows.filter(|flow| {
        flow.call == Call::Write && flow.sink == EndpointKind::Char && flow.bytes > 0
    });
    writes.fold(Default::default(), |(bytes, calls, mut who), flow| {
        who.insert(flow.process);
        (bytes + flow.bytes, calls + flow.calls, who)
    })
}

fn runs_as_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can attach");
    }
    root
}

#[test]
fn not_a_count_is_lost() -> Result<()> {
    if !runs_as_root() {
        return Ok(());
    }
    for engine in [EngineChoice::Raw, EngineChoice::Tracepoint] {
        let snapshot = watch(engine, usize::MAX)?;
        let (bytes, calls, processes) = writes(&snapshot);
        assert_eq!(calls, PROCESSES * WRITES, "{engine:?}");
        assert_eq!(bytes, PROCESSES * WRITES * BYTES, "{engine:?}");
        assert_eq!(processes.len() as u64, PROCESSES, "{engine:?}");
        assert_eq!(snapshot.loss.map_full, 0);
        for id in processes {
            let facts = &snapshot.processes[&id];
            assert_eq!(facts.comm, "dd");
            assert!(facts.exited);
            let exe = facts.exe.as_deref();
            assert!(exe.is_some_and(|exe| exe.ends_with("/dd")), "{exe:?}");
            assert_eq!(facts.cmdline[1], "if=/dev/zero");
        }
        let keys: BTreeSet<_> = snapshot
            .flows
            .iter()
            .map(|flow| (flow.process, flow.call, flow.source, flow.sink, flow.class))
            .collect();
        assert_eq!(keys.len(), snapshot.flows.len(), "a flow came twice");
    }
    Ok(())
}

#[test]
fn too_many_processes_join_those_of_their_name() -> Result<()> {
    if !runs_as_root() {
        return Ok(());
    }
    let snapshot = watch(EngineChoice::Raw, 5)?;
    let (bytes, calls, processes) = writes(&snapshot);
    assert_eq!(calls, PROCESSES * WRITES);
    assert_eq!(bytes, PROCESSES * WRITES * BYTES);
    // That they joined shows that they were taken at all.
    assert!((processes.len() as u64) < PROCESSES / 2, "{processes:?}");
    Ok(())
}
