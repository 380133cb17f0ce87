//! What each path gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::access::{self, Token};
use super::{Latest, Made};
use crate::model::{ProcessFacts, ProcessId};
use crate::report::{GraphOptions, Only, Sampled, Side, Weight};
use crate::report::{flamegraph, html, json, openmetrics};

/// Flame graphs have their script and style in them, and load nothing.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'";

const PATHS: &str = "\
/                 the report as a page
/metrics          OpenMetrics, for Prometheus
/report.json      the audit since counting began (copytax.report/1)
/flamegraph.svg   who moves the bytes; ?weight=bytes|calls|cpu,
                  ?only=bounced|zero-copy|all, ?side=both|read|write,
                  ?reverse=true
/healthz          whether it counts
/help             this list
";

/// The paths; all but `/healthz` ask for the token, if there is one.
pub(super) fn router(latest: Arc<Latest>, token: Option<Token>) -> Router {
    let mut guarded = Router::new()
        .route("/", get(page))
        .route("/help", get(async || PATHS))
        .route("/metrics", get(metrics))
        .route("/report.json", get(report))
        .route("/flamegraph.svg", get(graph));
    if let Some(token) = token {
        guarded = guarded.route_layer(middleware::from_fn_with_state(token, access::check));
    }
    guarded.route("/healthz", get(health)).with_state(latest)
}

/// What cannot be answered.
enum Refusal {
    /// Nothing was counted yet.
    TooEarly,
    /// The question has no answer.
    Wrong(&'static str),
    /// It could not be written down.
    Broken(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::TooEarly => {
                (StatusCode::SERVICE_UNAVAILABLE, "nothing was counted yet\n").into_response()
            }
            Self::Wrong(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
            Self::Broken(why) => {
                (StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")).into_response()
            }
        }
    }
}

/// Makes an answer on a thread for it: others are answered meanwhile.
async fn answer(
    latest: Arc<Latest>,
    media_type: &'static str,
    write: impl FnOnce(&Made) -> Result<Vec<u8>, Refusal> + Send + 'static,
) -> Result<Response, Refusal> {
    let body = tokio::task::spawn_blocking(move || {
        let made = latest.made().ok_or(Refusal::TooEarly)?;
        write(&made)
    });
    let body = body.await;
    let body = body.map_err(|error| Refusal::Broken(error.to_string()))??;
    let headers = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    Ok((headers, body).into_response())
}

async fn health(State(latest): State<Arc<Latest>>) -> Result<&'static str, Refusal> {
    if latest.has_counted() {
        Ok("ok\n")
    } else {
        Err(Refusal::TooEarly)
    }
}

async fn metrics(State(latest): State<Arc<Latest>>) -> Result<Response, Refusal> {
    answer(latest, openmetrics::CONTENT_TYPE, |made| {
        let mut text = String::new();
        openmetrics::write(&mut text, Arc::clone(&made.numbers))
            .map_err(|error| Refusal::Broken(error.to_string()))?;
        Ok(text.into_bytes())
    })
    .await
}

async fn report(State(latest): State<Arc<Latest>>) -> Result<Response, Refusal> {
    answer(latest, "application/json", |made| {
        let profile = made.profile.is_sampled().then_some(&made.profile);
        written(|out| json::write(out, &made.audit, profile))
    })
    .await
}

async fn page(State(latest): State<Arc<Latest>>) -> Result<Response, Refusal> {
    answer(latest, "text/html; charset=utf-8", |made| {
        let processes = made.audit.facts();
        let sampled = made.profile.is_sampled().then(|| sampled(made, &processes));
        let report = html::Report {
            audit: &made.audit,
            sampled,
            moments: &made.moments,
        };
        written(|out| html::write(out, &report))
    })
    .await
}

const fn sampled<'a>(
    made: &'a Made,
    processes: &'a BTreeMap<ProcessId, ProcessFacts>,
) -> Sampled<'a> {
    Sampled {
        profile: &made.profile,
        processes,
        window: &made.audit.window,
    }
}

/// What is asked of a graph.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    weight: Option<String>,
    only: Option<String>,
    side: Option<String>,
    #[serde(default)]
    reverse: bool,
}

impl Asked {
    fn options(&self) -> Result<GraphOptions, Refusal> {
        Ok(GraphOptions {
            weight: named(
                self.weight.as_deref(),
                Weight::ALL,
                Weight::name,
                Weight::Bytes,
            )
            .ok_or(Refusal::Wrong("weight is one of bytes, calls, cpu"))?,
            only: named(self.only.as_deref(), Only::ALL, Only::name, Only::Bounced)
                .ok_or(Refusal::Wrong("only is one of bounced, zero-copy, all"))?,
            side: named(self.side.as_deref(), Side::ALL, Side::name, Side::Both)
                .ok_or(Refusal::Wrong("side is one of both, read, write"))?,
            reverse: self.reverse,
        })
    }
}

/// The one of `all` with a name, or what holds where none is given.
fn named<T: Copy>(
    text: Option<&str>,
    all: &[T],
    name: fn(T) -> &'static str,
    default: T,
) -> Option<T> {
    match text {
        None => Some(default),
        Some(text) => all.iter().copied().find(|value| name(*value) == text),
    }
}

async fn graph(
    State(latest): State<Arc<Latest>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refusal> {
    let options = asked.options()?;
    answer(latest, "image/svg+xml", move |made| {
        if !made.profile.is_sampled() {
            return Err(Refusal::Wrong("call sites are not sampled"));
        }
        let processes = made.audit.facts();
        let sampled = sampled(made, &processes);
        written(|out| flamegraph::write(out, &sampled, &options))
    })
    .await
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    write(&mut body).map_err(|error| Refusal::Broken(error.to_string()))?;
    Ok(body)
}
