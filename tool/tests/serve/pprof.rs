//! `--pprof-push`: a profile server gets what was sampled, once.

use std::collections::BTreeMap;
use std::io::Read as _;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use prost::Message;
use rustix::process::Signal;

use crate::metrics::{counted, sum};
use crate::receiver::{Receiver, Request};
use crate::serving::Serving;
use crate::support::patience::until;
use crate::support::ports::free_port;
use crate::traffic::{MOVED, Traffic};

/// What of `perftools.profiles.Profile` is looked at.
#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    name: i64,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Sample {
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

impl Profile {
    fn of(request: &Request) -> Result<Self> {
        let mut bytes = Vec::new();
        GzDecoder::new(&request.body[..]).read_to_end(&mut bytes)?;
        Ok(Self::decode(&bytes[..])?)
    }

    /// The sum of one of its values over all samples.
    fn sum(&self, name: &str) -> Result<i64> {
        let is_it = |kind: &ValueType| {
            let index = usize::try_from(kind.name).ok();
            index
                .and_then(|index| self.string_table.get(index))
                .is_some_and(|told| told == name)
        };
        let place = self.sample_type.iter().position(is_it).context("a type")?;
        Ok(self.sample.iter().map(|sample| sample.value[place]).sum())
    }
}

/// Sums of all profiles that were taken.
fn sums(taken: &[Request]) -> Result<BTreeMap<&'static str, i64>> {
    let mut sums = BTreeMap::new();
    for request in taken {
        let profile = Profile::of(request)?;
        for name in ["bounced_bytes", "zero_copy_bytes"] {
            *sums.entry(name).or_default() += profile.sum(name)?;
        }
    }
    Ok(sums)
}

/// Values are rounded to whole bytes, each by itself.
fn is_all(sums: &BTreeMap<&'static str, i64>, samples: usize, moved: u64) -> bool {
    let moved = i64::try_from(moved).unwrap_or(i64::MAX);
    let rounding = i64::try_from(samples).unwrap_or(i64::MAX);
    sums.len() == 2 && sums.values().all(|sum| (sum - moved).abs() <= rounding)
}

#[test]
fn each_window_has_its_own_bytes() -> Result<()> {
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let [fast, slow] = traffic.pids().map(|pid| format!("--pid={pid}"));
    let receiver = Receiver::start()?;
    let serving = Serving::start(&[
        &fast,
        &slow,
        "--samples=20000",
        "--pprof-push",
        &receiver.url("/"),
        "--pprof-header=X-Scope-OrgID=tenant",
        "--push-interval=100ms",
    ])?;
    traffic.flow()?;
    counted(&serving)?;
    let first = until("the first bytes to be pushed", || {
        let taken = receiver.taken()?;
        let samples = samples(&taken)?;
        Ok(is_all(&sums(&taken)?, samples, MOVED).then_some(taken.len()))
    })?;
    traffic.flow()?;
    let taken = until("as many more to be pushed", || {
        let taken = receiver.taken()?;
        let later = taken.get(first..).unwrap_or_default();
        Ok(is_all(&sums(later)?, samples(later)?, MOVED).then_some(taken))
    })?;
    let mut end = 0;
    for request in &taken {
        assert_eq!(request.uri.path(), "/ingest");
        assert_eq!(request.headers["x-scope-orgid"], "tenant");
        let query = request.uri.query().context("a query")?;
        ensure!(query.starts_with("name=copytax%7Bhost%3D"), "{query}");
        ensure!(query.contains("&format=pprof"), "{query}");
        let profile = Profile::of(request)?;
        ensure!(profile.time_nanos >= end, "windows overlap");
        end = profile.time_nanos + profile.duration_nanos;
        let said: u64 = parameter(query, "from")?;
        assert_eq!(said, u64::try_from(profile.time_nanos)? / 1_000_000_000);
        ensure!(parameter(query, "until")? * 1_000_000_000 >= u64::try_from(end)?);
    }
    serving.end(Signal::TERM)?;
    Ok(())
}

/// What a server that is away has not taken is in what it gets when it is there.
#[test]
fn nothing_is_lost_while_the_server_is_away() -> Result<()> {
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let [fast, slow] = traffic.pids().map(|pid| format!("--pid={pid}"));
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}/ingest?name=web");
    let serving = Serving::start(&[
        &fast,
        &slow,
        "--samples=20000",
        "--pprof-push",
        &url,
        "--push-interval=100ms",
    ])?;
    traffic.flow()?;
    counted(&serving)?;
    until("failures to be told", || {
        let metrics = serving.body("/metrics")?;
        let failed = sum(
            &metrics,
            "copytax_push_failures_total",
            &["what=\"profiles\""],
        )?;
        Ok((failed > 1).then_some(()))
    })?;
    let receiver = Receiver::start_at(port)?;
    let taken = until("it to be pushed", || {
        let taken = receiver.taken()?;
        Ok((!taken.is_empty()).then_some(taken))
    })?;
    assert!(
        is_all(&sums(&taken)?, samples(&taken)?, MOVED),
        "{:?}",
        sums(&taken)?
    );
    let query = taken[0].uri.query().context("a query")?;
    ensure!(query.starts_with("name=web&from="), "{query}");
    serving.end(Signal::TERM)?;
    Ok(())
}

fn samples(taken: &[Request]) -> Result<usize> {
    let profiles = taken
        .iter()
        .map(|request| Ok(Profile::of(request)?.sample.len()));
    Ok(profiles.collect::<Result<Vec<_>>>()?.iter().sum())
}

fn parameter(query: &str, name: &str) -> Result<u64> {
    let value = query
        .split('&')
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    Ok(value.context("a parameter")?.parse()?)
}
