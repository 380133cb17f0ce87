//! A client of HTTP.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::header::HeaderMap;
use http::{Request, Response, Uri};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long a server may take for an answer, all in all.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of an answer is read: it is a few words.
const MOST: u64 = 64 << 10;

/// How much of an answer is told.
const TOLD: usize = 200;

/// A client, and what goes with each of its requests. Proxies are those of the environment.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    headers: HeaderMap,
    /// What the last request has failed with.
    failure: Mutex<Option<String>>,
}

impl Client {
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let tls = TlsConfig::builder().root_certs(roots()).build();
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .user_agent(concat!("copytax/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Self {
            agent: config.into(),
            headers: headers.clone(),
            failure: Mutex::default(),
        }
    }

    /// Sends a request; an answer that is not a success is a failure, in words.
    pub(super) fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let url = place(request.uri());
        let response = self.exchange(request);
        let response = response.map_err(|error| format!("cannot reach {url}: {error}"))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let said = String::from_utf8_lossy(response.body());
        let said: String = said.trim().chars().take(TOLD).collect();
        Err(format!(
            "{url} has answered {status}: {}",
            said.escape_debug()
        ))
    }

    /// What [`HttpClient::send_bytes`] has failed with since this was asked last.
    pub(super) fn take_failure(&self) -> Option<String> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (mut parts, body) = request.into_parts();
        for (name, value) in &self.headers {
            parts.headers.insert(name, value.clone());
        }
        let request = Request::from_parts(parts, &body[..]);
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let body = body.with_config().limit(MOST).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}

#[async_trait]
impl HttpClient for Client {
    /// Blocks: the exporter has a thread of its own.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.send(request).map_err(|failure| {
            let mut last = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(failure.clone());
            failure.into()
        })
    }
}

/// A URL as it is told: without what may be secret in it, and without questions.
fn place(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or_default();
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{}", url.path())
}

/// The certificates that this machine trusts (or `SSL_CERT_FILE`); Mozilla's where it has none, as in
/// containers.
fn roots() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    let owned = found
        .iter()
        .map(|der| Certificate::from_der(der).to_owned());
    RootCerts::Specific(Arc::new(owned.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_told() {
        for (url, told) in [
            ("http://user:secret@a:1/b?key=secret", "http://a:1/b"),
            ("https://a", "https://a/"),
        ] {
            assert_eq!(place(&url.parse().expect("a URL")), told);
        }
    }
}
