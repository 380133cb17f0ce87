//! Metrics for receivers of OTLP, by HTTP with protobuf.

use std::env;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, AsyncInstrumentBuilder, Meter, MeterProvider as _};
use opentelemetry_otlp::{MetricExporter, RetryPolicy, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{
    Instrument, PeriodicReader, SdkMeterProvider, Stream, Temporality,
};
use opentelemetry_sdk::resource::EnvResourceDetector;

use super::client::Client;
use super::endpoint::Endpoint;
use super::pusher::Pushed;
use crate::report::metrics::{
    Kind, Labels, METRICS, Metric, Numbers, RealValue, Unit, Values, WholeValues,
};
use crate::serve::Latest;

/// What a receiver's path ends with (OTLP specification 1.10, "OTLP/HTTP Request").
const PATH: &str = "/v1/metrics";

/// Ways of a group that there is room for: file servers have ten.
const WAYS: usize = 64;

/// Series that there is room for beyond those of groups.
const OTHERS: usize = 4096;

/// It pushes when it is told to, never by itself.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Pushes the metrics of the last look.
pub(super) struct Otlp {
    provider: SdkMeterProvider,
    client: Arc<Client>,
    latest: Arc<Latest>,
    numbers: Current,
    most: usize,
}

/// What instruments observe: the same look for all of them.
type Current = Arc<Mutex<Option<Arc<Numbers>>>>;

impl Otlp {
    /// Sums are told to have begun now.
    pub(super) fn new(endpoint: &Endpoint, groups: usize, latest: Arc<Latest>) -> io::Result<Self> {
        let client = Arc::new(Client::new(&endpoint.headers));
        let exporter = MetricExporter::builder()
            .with_http()
            .with_shared_http_client(client.clone())
            .with_endpoint(url(endpoint))
            .with_retry_policy(RetryPolicy::disabled())
            .with_temporality(Temporality::Cumulative)
            .build()
            .map_err(io::Error::other)?;
        let most = groups.saturating_mul(WAYS).saturating_add(OTHERS);
        let provider = SdkMeterProvider::builder()
            .with_reader(
                PeriodicReader::builder(exporter)
                    .with_interval(NEVER)
                    .build(),
            )
            .with_view(move |_: &Instrument| {
                Stream::builder().with_cardinality_limit(most).build().ok()
            })
            .with_resource(resource())
            .build();
        let numbers = Current::default();
        let meter = provider.meter("copytax");
        for metric in &METRICS {
            instrument(&meter, metric, &numbers);
        }
        Ok(Self {
            provider,
            client,
            latest,
            numbers,
            most,
        })
    }

    pub(super) fn push(&mut self) -> Result<Pushed, String> {
        let Some(made) = self.latest.made() else {
            return Ok(Pushed::Nothing);
        };
        let series = series(&made.numbers);
        if series > self.most {
            // The SDK would put the last ones together, and keep one value of them.
            return Err(format!(
                "{series} series are more than {}: tell fewer --groups apart",
                self.most
            ));
        }
        self.observe(Some(Arc::clone(&made.numbers)));
        let pushed = self.provider.force_flush();
        self.observe(None);
        match (pushed, self.client.take_failure()) {
            (Ok(()), _) => Ok(Pushed::Sent),
            (Err(_), Some(failure)) => Err(failure),
            (Err(error), None) => Err(error.to_string()),
        }
    }

    fn observe(&self, numbers: Option<Arc<Numbers>>) {
        *self.numbers.lock().unwrap_or_else(PoisonError::into_inner) = numbers;
    }
}

/// The URL, with the path of metrics if it does not have it.
fn url(endpoint: &Endpoint) -> String {
    let path = endpoint.url.path().trim_end_matches('/');
    let path = path.strip_suffix(PATH).unwrap_or(path);
    let query = endpoint.url.query();
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    endpoint.at(&format!("{path}{PATH}{query}"))
}

/// Who tells it; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say more, or otherwise.
fn resource() -> Resource {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let given = env::var("OTEL_SERVICE_NAME")
        .ok()
        .filter(|name| !name.is_empty());
    let builder = Resource::builder_empty()
        .with_service_name("copytax")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", host.clone()),
            KeyValue::new("host.name", host),
        ])
        .with_detector(Box::new(EnvResourceDetector::new()));
    match given {
        Some(name) => builder.with_service_name(name).build(),
        None => builder.build(),
    }
}

/// How many there are of the metric that has most.
fn series(numbers: &Numbers) -> usize {
    let counts = METRICS.iter().map(|metric| {
        let mut count = 0;
        if let Values::Whole(values) = metric.values {
            // Counting does not fail.
            let _ = values(numbers, &mut |_, _| {
                count += 1;
                Ok(())
            });
        }
        count
    });
    counts.max().unwrap_or(0)
}

/// Makes an instrument that observes a metric. Names are those of families of `OpenMetrics`: what receivers
/// add to them for Prometheus makes them those of `/metrics`.
fn instrument(meter: &Meter, metric: &'static Metric, numbers: &Current) {
    let name = match metric.unit {
        Some(Unit::Bytes) => format!("{}_bytes", metric.name),
        Some(Unit::Seconds) => format!("{}_seconds", metric.name),
        None if metric.kind == Kind::Info => format!("{}_info", metric.name),
        None => metric.name.to_owned(),
    };
    match (metric.values, metric.kind) {
        (Values::Whole(values), Kind::Counter) => {
            let builder = meter.u64_observable_counter(name);
            observing(builder, metric, numbers, whole(values, |value| value)).build();
        }
        (Values::Whole(values), Kind::Gauge) => {
            let builder = meter.u64_observable_gauge(name);
            observing(builder, metric, numbers, whole(values, |value| value)).build();
        }
        (Values::Whole(values), Kind::Info) => {
            // As the specification has it for info metrics: a sum that is not monotonic.
            let builder = meter.i64_observable_up_down_counter(name);
            observing(builder, metric, numbers, whole(values, |_| 1)).build();
        }
        (Values::Real(value), Kind::Counter) => {
            let builder = meter.f64_observable_counter(name);
            observing(builder, metric, numbers, real(value)).build();
        }
        (Values::Real(value), Kind::Gauge | Kind::Info) => {
            let builder = meter.f64_observable_gauge(name);
            observing(builder, metric, numbers, real(value)).build();
        }
    }
}

/// Describes an instrument, and has it observe what the numbers are at the time.
fn observing<'a, I, M>(
    builder: AsyncInstrumentBuilder<'a, I, M>,
    metric: &Metric,
    numbers: &Current,
    observe: impl Fn(&Numbers, &dyn AsyncInstrument<M>) + Send + Sync + 'static,
) -> AsyncInstrumentBuilder<'a, I, M> {
    let numbers = Arc::clone(numbers);
    let unit = match metric.unit {
        Some(Unit::Bytes) => "By",
        Some(Unit::Seconds) => "s",
        None => "",
    };
    builder
        .with_description(metric.help)
        .with_unit(unit)
        .with_callback(move |observer| {
            let current = numbers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(numbers) = &*current {
                observe(numbers, observer);
            }
        })
}

fn whole<M>(values: WholeValues, of: fn(u64) -> M) -> impl Fn(&Numbers, &dyn AsyncInstrument<M>) {
    move |numbers, observer| {
        // Observing does not fail.
        let _ = values(numbers, &mut |labels, value| {
            observer.observe(of(value), &attributes(labels));
            Ok(())
        });
    }
}

fn real(value: RealValue) -> impl Fn(&Numbers, &dyn AsyncInstrument<f64>) {
    move |numbers, observer| {
        if let Some(value) = value(numbers) {
            observer.observe(value, &[]);
        }
    }
}

fn attributes(labels: &Labels<'_>) -> Vec<KeyValue> {
    let attributes = labels.iter();
    attributes
        .map(|(name, value)| KeyValue::new(*name, (*value).to_owned()))
        .collect()
}
