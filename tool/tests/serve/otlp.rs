//! `--otlp`: a receiver gets the numbers of `/metrics`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use axum::http::StatusCode;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, NumberDataPoint, metric::Data, number_data_point,
};
use prost::Message as _;
use rustix::process::Signal;

use crate::metrics::{counted, sum};
use crate::receiver::Receiver;
use crate::serving::Serving;
use crate::support::patience::until;
use crate::traffic::Traffic;

/// Name and labels of a series.
type Series = (String, BTreeMap<String, String>);

/// What is told at once.
type Told = BTreeMap<Series, f64>;

#[test]
fn a_receiver_gets_the_numbers_of_metrics() -> Result<()> {
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let [fast, slow] = traffic.pids().map(|pid| format!("--pid={pid}"));
    let receiver = Receiver::start()?;
    let serving = Serving::start(&[
        &fast,
        &slow,
        "--samples=20000",
        "--otlp",
        &receiver.url(""),
        "--otlp-header=Authorization=Bearer secret",
        "--push-interval=100ms",
    ])?;
    traffic.flow()?;
    counted(&serving)?;
    let (of_metrics, request) = until("a push and an answer of the same look", || {
        let metrics = of_text(&serving.body("/metrics")?)?;
        let window = metrics.get(&(WINDOW.to_owned(), BTreeMap::new()));
        for request in receiver.taken()?.iter().rev() {
            let pushed = ExportMetricsServiceRequest::decode(request.body.clone())?;
            if of_request(&pushed)?.get(&(WINDOW.to_owned(), BTreeMap::new())) == window {
                return Ok(Some((metrics, pushed)));
            }
        }
        Ok(None)
    })?;
    let of_push = of_request(&request)?;
    assert_eq!(of_push, of_metrics);
    for name in [
        "copytax_written_bytes",
        "copytax_calls",
        "copytax_finding_info",
        "copytax_loss",
    ] {
        assert!(
            of_push.keys().any(|(told, _)| told == name),
            "{name}: {of_push:#?}"
        );
    }
    sums_have_begun_once(&receiver)?;

    let [first, ..] = &receiver.taken()?[..] else {
        bail!("nothing was taken");
    };
    assert_eq!(first.uri.path(), "/v1/metrics");
    assert_eq!(first.headers["authorization"], "Bearer secret");
    assert_eq!(first.headers["content-type"], "application/x-protobuf");
    let resource = request.resource_metrics[0].resource.as_ref();
    let resource = labels(&resource.context("a resource")?.attributes)?;
    assert_eq!(resource["service.name"], "copytax");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    let host = rustix::system::uname();
    assert_eq!(resource["host.name"], host.nodename().to_str()?);

    // What was counted until the end is pushed at the end.
    let before = receiver.taken()?.len();
    serving.end(Signal::INT)?;
    assert!(receiver.taken()?.len() > before);
    Ok(())
}

/// A receiver that is away is a count and a line of the log, and gets everything when it is back.
#[test]
fn a_receiver_may_be_away() -> Result<()> {
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let [fast, slow] = traffic.pids().map(|pid| format!("--pid={pid}"));
    let receiver = Receiver::start()?;
    receiver.answer(StatusCode::SERVICE_UNAVAILABLE);
    let url = receiver.url("/api/v1/otlp/");
    let serving = Serving::start(&[
        &fast,
        &slow,
        "--no-stacks",
        "--otlp",
        &url,
        "--push-interval=100ms",
    ])?;
    traffic.flow()?;
    counted(&serving)?;
    let failures = |least: u64| {
        until("failures to be told", || {
            let metrics = serving.body("/metrics")?;
            let failed = sum(
                &metrics,
                "copytax_push_failures_total",
                &["what=\"metrics\""],
            )?;
            Ok((failed >= least).then_some(failed))
        })
    };
    let failed = failures(1)?;
    failures(failed + 2)?;
    receiver.answer(StatusCode::OK);
    let metrics = until("a push to be taken", || {
        let metrics = serving.body("/metrics")?;
        let sent = sum(&metrics, "copytax_pushes_total", &["what=\"metrics\""])?;
        Ok((sent > 0).then_some(metrics))
    })?;
    let taken = receiver.taken()?;
    let last = taken.last().context("a request")?;
    assert_eq!(last.uri.path(), "/api/v1/otlp/v1/metrics");
    let pushed = of_request(&ExportMetricsServiceRequest::decode(last.body.clone())?)?;
    let written = pushed
        .iter()
        .filter(|((name, _), _)| name == "copytax_written_bytes");
    let written: f64 = written.map(|(_, bytes)| bytes).sum();
    assert_eq!(
        written,
        sum(&metrics, "copytax_written_bytes_total", &[])? as f64
    );
    assert_eq!(serving.end(Signal::TERM)?.code(), Some(0));
    Ok(())
}

const WINDOW: &str = "copytax_window_seconds";

/// All sums are cumulative, and say that they have begun at one time, before what they count.
fn sums_have_begun_once(receiver: &Receiver) -> Result<()> {
    let mut begun = BTreeMap::new();
    for request in receiver.taken()? {
        let pushed = ExportMetricsServiceRequest::decode(request.body)?;
        for metric in &pushed.resource_metrics[0].scope_metrics[0].metrics {
            let Some(Data::Sum(sum)) = &metric.data else {
                continue;
            };
            assert_eq!(
                sum.aggregation_temporality(),
                AggregationTemporality::Cumulative
            );
            assert_eq!(
                sum.is_monotonic,
                metric.name != "copytax_finding_info",
                "{}",
                metric.name
            );
            for point in &sum.data_points {
                let start = point.start_time_unix_nano;
                assert!(0 < start && start < point.time_unix_nano, "{point:?}");
                assert_eq!(*begun.entry(metric.name.clone()).or_insert(start), start);
            }
        }
    }
    assert!(begun.contains_key("copytax_written_bytes"), "{begun:?}");
    Ok(())
}

/// The series of a request.
fn of_request(request: &ExportMetricsServiceRequest) -> Result<Told> {
    let mut told = Told::new();
    for metric in &request.resource_metrics[0].scope_metrics[0].metrics {
        for point in points(metric.data.as_ref().context("numbers")?)? {
            let series = (metric.name.clone(), labels(&point.attributes)?);
            let value = match point.value.context("a value")? {
                number_data_point::Value::AsInt(value) => value as f64,
                number_data_point::Value::AsDouble(value) => value,
            };
            assert_eq!(told.insert(series, value), None, "twice");
        }
    }
    Ok(told)
}

fn points(data: &Data) -> Result<&[NumberDataPoint]> {
    match data {
        Data::Sum(sum) => Ok(&sum.data_points),
        Data::Gauge(gauge) => Ok(&gauge.data_points),
        other => bail!("{other:?}"),
    }
}

fn labels(attributes: &[KeyValue]) -> Result<BTreeMap<String, String>> {
    let attributes = attributes.iter();
    let pairs = attributes.map(|attribute| {
        let value = attribute
            .value
            .as_ref()
            .and_then(|value| value.value.clone());
        match value.context("a value")? {
            any_value::Value::StringValue(text) => Ok((attribute.key.clone(), text)),
            other => bail!("{other:?}"),
        }
    });
    pairs.collect()
}

/// The series of `/metrics`, by the names of their families.
fn of_text(text: &str) -> Result<Told> {
    let mut told = Told::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').context("a value")?;
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => (name, labels_of_text(rest)?),
            None => (series, BTreeMap::new()),
        };
        let family = name.strip_suffix("_total").unwrap_or(name);
        told.insert((family.to_owned(), labels), value.parse()?);
    }
    Ok(told)
}

/// `name="value",...}`, where a backslash escapes what follows.
fn labels_of_text(mut rest: &str) -> Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    while let Some((name, quoted)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        let end = loop {
            match letters.next().context("an end of a value")? {
                (end, '"') => break end,
                (_, '\\') => match letters.next().context("what is escaped")?.1 {
                    'n' => value.push('\n'),
                    letter => value.push(letter),
                },
                (_, letter) => value.push(letter),
            }
        };
        labels.insert(name.trim_start_matches(',').to_owned(), value);
        rest = &quoted[end + 1..];
    }
    Ok(labels)
}
