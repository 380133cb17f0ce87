//! What `serve` pushes to other servers.

use std::env;
use std::time::Duration;

use super::duration;
use super::failure::Failure;
use crate::serve::{Endpoint, EndpointError, PushSettings};

/// Further headers of requests to a profile server, as `OTEL_EXPORTER_OTLP_HEADERS` has those of metrics.
const PPROF_HEADERS: &str = "COPYTAX_PPROF_HEADERS";

/// Where to, and how often.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Push")]
pub(crate) struct PushArgs {
    /// Push the metrics, too, to a receiver of OTLP by HTTP, such as an OpenTelemetry collector at
    /// http://127.0.0.1:4318
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// A header of these requests; again for more. Secrets are better in the variable
    /// OTEL_EXPORTER_OTLP_HEADERS
    #[arg(long, value_name = "NAME=VALUE", requires = "otlp")]
    otlp_header: Vec<String>,
    /// Push call sites, as pprof, to a profile server that takes what Pyroscope takes
    #[arg(long, value_name = "URL", conflicts_with = "no_stacks")]
    pprof_push: Option<String>,
    /// A header of these requests; again for more. Secrets are better in the variable
    /// COPYTAX_PPROF_HEADERS
    #[arg(long, value_name = "NAME=VALUE", requires = "pprof_push")]
    pprof_header: Vec<String>,
    /// How often to push
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration::parse_step)]
    push_interval: Duration,
}

impl PushArgs {
    /// The arguments, checked.
    pub(crate) fn settings(&self, groups: usize) -> Result<PushSettings, Failure> {
        let pprof = self.pprof_push.as_deref().map(|url| {
            let given = env::var(PPROF_HEADERS).unwrap_or_default();
            let given = given.split(',').filter(|part| !part.trim().is_empty());
            let mut headers: Vec<String> = given.map(str::to_owned).collect();
            headers.extend_from_slice(&self.pprof_header);
            endpoint("--pprof-push", url, &headers)
        });
        let otlp = self.otlp.as_deref();
        let otlp = otlp.map(|url| endpoint("--otlp", url, &self.otlp_header));
        Ok(PushSettings {
            every: self.push_interval,
            otlp: otlp.transpose()?,
            pprof: pprof.transpose()?,
            groups,
        })
    }
}

fn endpoint(flag: &str, url: &str, headers: &[String]) -> Result<Endpoint, Failure> {
    Endpoint::new(url, headers)
        .map_err(|error: EndpointError| Failure::usage(format!("{flag}: {error}")))
}
