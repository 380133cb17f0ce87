//! Profiles in pprof's format, which `go tool pprof` and profile servers open.

mod proto;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(any(test, fuzzing))]
mod verify;

use std::io;
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message as _;

use crate::model::{CallSite, EndpointKind, Estimate, SiteKind};
use crate::report::graph::{Facts, GraphOptions, Only, Sampled, Weight, Weighted, weighted};
use proto::{Label, Profile, Sample, ValueType};
use tables::Tables;

#[cfg(any(test, fuzzing))]
pub(crate) use verify::verify;

/// What each sample has, in this order.
const SAMPLE_TYPES: [(&str, &str); 4] = [
    ("bounced_bytes", "bytes"),
    ("zero_copy_bytes", "bytes"),
    ("calls", "count"),
    ("cpu", "nanoseconds"),
];

/// Writes a gzip-compressed profile with all call sites that `options` ask for, and all CPU time.
///
/// Every sample has all of [`SAMPLE_TYPES`]; the weight of `options` is the one that viewers begin
/// with. Strings of processes are kept exactly: viewers escape them.
///
/// # Errors
///
/// Those of `out`.
pub fn write(
    out: &mut impl io::Write,
    sampled: &Sampled<'_>,
    options: &GraphOptions,
) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, Compression::default());
    io::Write::write_all(&mut encoder, &profile(sampled, options).encode_to_vec())?;
    encoder.finish()?;
    Ok(())
}

fn profile(sampled: &Sampled<'_>, options: &GraphOptions) -> Profile {
    let of = |weight| GraphOptions { weight, ..*options };
    let sites = weighted(sampled.profile, &of(Weight::Bytes));
    let cpu = weighted(sampled.profile, &of(Weight::Cpu));
    let mut tables = Tables::new();
    let mut profile = Profile {
        sample_type: SAMPLE_TYPES
            .iter()
            .map(|(name, unit)| value_type(&mut tables, name, unit))
            .collect(),
        time_nanos: sampled
            .window
            .start
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
            }),
        duration_nanos: i64::try_from(sampled.window.duration.as_nanos()).unwrap_or(i64::MAX),
        ..Profile::default()
    };
    for stack in sites.iter().chain(&cpu) {
        profile.sample.push(sample(&mut tables, sampled, stack));
    }
    set_defaults(&mut profile, &mut tables, sampled, options);
    let facts = Facts::of(sampled, &of(Weight::Bytes), &sites);
    for comment in [format!("{}: {}", facts.title, facts.summary)]
        .iter()
        .chain(&facts.notes)
    {
        profile.comment.push(tables.string(comment));
    }
    tables.set_builds(&sampled.profile.builds);
    tables.store(&mut profile);
    profile
}

fn value_type(tables: &mut Tables, name: &str, unit: &str) -> ValueType {
    ValueType {
        r#type: tables.string(name),
        unit: tables.string(unit),
    }
}

/// What viewers show first, and how far apart samples are.
fn set_defaults(
    profile: &mut Profile,
    tables: &mut Tables,
    sampled: &Sampled<'_>,
    options: &GraphOptions,
) {
    let sampling = &sampled.profile.sampling;
    let index = match (options.weight, options.only) {
        (Weight::Calls, _) => 2,
        (Weight::Cpu, _) => 3,
        (Weight::Bytes, Only::ZeroCopy) => 1,
        (Weight::Bytes, Only::Bounced | Only::All) => 0,
    };
    let (period_of, period) = match index {
        3 => (3, i64::try_from(sampling.tick.as_nanos())),
        1 => (1, i64::try_from(sampling.first_interval[1])),
        _ => (0, i64::try_from(sampling.first_interval[0])),
    };
    let (name, unit) = SAMPLE_TYPES[period_of];
    profile.period_type = Some(value_type(tables, name, unit));
    profile.period = period.unwrap_or(i64::MAX);
    profile.default_sample_type = tables.string(SAMPLE_TYPES[index].0);
}

fn sample(tables: &mut Tables, sampled: &Sampled<'_>, stack: &Weighted<'_>) -> Sample {
    let mut value = vec![0; SAMPLE_TYPES.len()];
    if let Some(site) = stack.site {
        value[2] = whole(site.calls);
        match site.kind {
            SiteKind::Bounced => value[0] = whole(site.bytes),
            SiteKind::ZeroCopy => value[1] = whole(site.bytes),
            SiteKind::Other => {}
        }
    } else {
        value[3] = whole(stack.weight);
    }
    let mut label = vec![Label {
        key: tables.string("pid"),
        str: 0,
        num: stack.process.pid.into(),
    }];
    let comm = sampled
        .processes
        .get(&stack.process)
        .map(|facts| facts.comm.as_str());
    let (file, peer) = stack.site.map_or((None, None), ends);
    let evidence = stack.site.map(|site| site.class.name());
    for (key, text) in [
        ("comm", comm),
        ("file", file),
        ("peer", peer),
        ("evidence", evidence),
    ] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            label.push(Label {
                key: tables.string(key),
                str: tables.string(text),
                num: 0,
            });
        }
    }
    Sample {
        location_id: tables.locations(&stack.steps),
        value,
        label,
    }
}

/// The file of a site, of two the source; and the peer, of two the sink.
fn ends(site: &CallSite) -> (Option<&str>, Option<&str>) {
    let source = (site.source, site.source_name.as_deref());
    let sink = (site.sink, site.sink_name.as_deref());
    let is_file = |kind| matches!(kind, EndpointKind::File | EndpointKind::Block);
    let file = [source, sink].into_iter().find(|(kind, _)| is_file(*kind));
    let peer = [sink, source]
        .into_iter()
        .find(|(kind, _)| kind.is_socket());
    (
        file.and_then(|(_, name)| name),
        peer.and_then(|(_, name)| name),
    )
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "larger estimates than 2^63 saturate"
)]
fn whole(estimate: Estimate) -> i64 {
    estimate.value.round() as i64
}
