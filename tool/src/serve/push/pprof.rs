//! Call sites and CPU time for profile servers, as Pyroscope takes them: `POST /ingest?name=..&from=..&until=..`
//! with a profile of pprof's format.

use std::sync::Arc;
use std::time::SystemTime;

use http::Request;
use http::header::CONTENT_TYPE;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::client::Client;
use super::endpoint::Endpoint;
use super::pusher::Pushed;
use crate::analysis;
use crate::model::{Snapshot, Window};
use crate::recording;
use crate::report::pprof;
use crate::report::{GraphOptions, Only, Sampled};
use crate::serve::Latest;

/// Where Pyroscope takes profiles, if the URL does not say another place.
const PATH: &str = "/ingest";

/// Pushes what was sampled since the last push that was taken.
pub(super) struct Pprof {
    client: Client,
    endpoint: Endpoint,
    latest: Arc<Latest>,
    /// The look that the last push has ended with.
    pushed: Option<Arc<Snapshot>>,
}

impl Pprof {
    pub(super) fn new(endpoint: &Endpoint, latest: Arc<Latest>) -> Self {
        Self {
            client: Client::new(&endpoint.headers),
            endpoint: endpoint.clone(),
            latest,
            pushed: None,
        }
    }

    pub(super) fn push(&mut self) -> Result<Pushed, String> {
        let Some(newest) = self.latest.newest() else {
            return Ok(Pushed::Nothing);
        };
        let sampled = sampled_since(&newest, self.pushed.as_deref());
        if sampled.profile.call_sites.is_empty() && sampled.profile.cpu.is_empty() {
            return Ok(Pushed::Nothing);
        }
        let mut body = Vec::new();
        let options = GraphOptions {
            only: Only::All,
            ..GraphOptions::default()
        };
        pprof::write(&mut body, &Sampled::from(&sampled), &options)
            .map_err(|error| error.to_string())?;
        let request = Request::post(url(&self.endpoint, &sampled))
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(body.into())
            .map_err(|error| error.to_string())?;
        self.client.send(request)?;
        self.pushed = Some(newest);
        Ok(Pushed::Sent)
    }
}

/// What was sampled after a look, with the sums that were counted meanwhile.
fn sampled_since(newest: &Snapshot, before: Option<&Snapshot>) -> Snapshot {
    let mut sampled = match before {
        Some(before) => recording::since(newest, before),
        None => newest.clone(),
    };
    analysis::calibrate(&mut sampled);
    sampled.profile.call_sites.retain(|site| site.samples > 0);
    sampled.profile.cpu.retain(|site| site.samples > 0);
    sampled
}

/// Where to, and of whom and when. What the URL already says stays.
fn url(endpoint: &Endpoint, sampled: &Snapshot) -> String {
    let path = match endpoint.url.path() {
        "" | "/" => PATH,
        path => path,
    };
    let given = endpoint.url.query().unwrap_or_default();
    let mut query: Vec<String> = (!given.is_empty())
        .then(|| given.to_owned())
        .into_iter()
        .collect();
    let is_named = given.split('&').any(|part| part.starts_with("name="));
    if !is_named {
        let name = format!("copytax{{host={}}}", sampled.host.hostname);
        query.push(format!(
            "name={}",
            utf8_percent_encode(&name, NON_ALPHANUMERIC)
        ));
    }
    let (from, until) = seconds(&sampled.window);
    query.push(format!(
        "from={from}&until={until}&format=pprof&spyName=copytax"
    ));
    endpoint.at(&format!("{path}?{}", query.join("&")))
}

/// Begin and end since 1970, in whole seconds that hold all of it.
fn seconds(window: &Window) -> (u64, u64) {
    let begin = window.start.duration_since(SystemTime::UNIX_EPOCH);
    let begin = begin.unwrap_or_default();
    let end = begin + window.duration;
    (
        begin.as_secs(),
        end.as_secs() + u64::from(end.subsec_nanos() > 0),
    )
}
