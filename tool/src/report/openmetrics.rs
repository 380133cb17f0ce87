//! Metrics for Prometheus and others that read `OpenMetrics` text.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{self, Registry};

use super::metrics::{Kind, METRICS, Metric, Numbers, Unit, Values};

/// The media type of what [`write`] writes.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes all metrics.
///
/// # Errors
///
/// Those of `out`.
pub(crate) fn write(out: &mut impl fmt::Write, numbers: Arc<Numbers>) -> fmt::Result {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Text(numbers)));
    text::encode(out, &registry)
}

/// Numbers on their way into text.
#[derive(Debug)]
struct Text(Arc<Numbers>);

impl Collector for Text {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        METRICS
            .iter()
            .try_for_each(|metric| self.metric(&mut encoder, metric))
    }
}

impl Text {
    fn metric(&self, encoder: &mut DescriptorEncoder, metric: &Metric) -> fmt::Result {
        let unit = metric.unit.map(|unit| match unit {
            Unit::Bytes => registry::Unit::Bytes,
            Unit::Seconds => registry::Unit::Seconds,
        });
        let kind = match metric.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Info => MetricType::Info,
        };
        let mut family =
            encoder.encode_descriptor(metric.name, metric.help, unit.as_ref(), kind)?;
        match metric.values {
            Values::Whole(values) => values(&self.0, &mut |labels, value| match metric.kind {
                Kind::Counter => ConstCounter::new(value).encode(family.encode_family(&labels)?),
                Kind::Gauge => ConstGauge::new(value as f64).encode(family.encode_family(&labels)?),
                Kind::Info => family.encode_info(&labels),
            }),
            Values::Real(value) => match (value(&self.0), metric.kind) {
                (Some(value), Kind::Counter) => ConstCounter::new(value).encode(family),
                (Some(value), Kind::Gauge | Kind::Info) => ConstGauge::new(value).encode(family),
                (None, _) => Ok(()),
            },
        }
    }
}
