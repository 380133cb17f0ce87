//! Where something is pushed to, as the command line says it.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};

/// What is not an endpoint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EndpointError {
    /// Not a URL of HTTP.
    #[error("`{0}` is not a URL of HTTP: write it like http://127.0.0.1:4318")]
    BadUrl(String),
    /// Not a header.
    #[error("`{0}` is not a header: write it like NAME=VALUE")]
    BadHeader(String),
}

/// A URL, and the headers of each request to it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(super) url: Uri,
    pub(super) headers: HeaderMap,
}

impl Endpoint {
    /// Checks a URL, and headers as `NAME=VALUE`.
    ///
    /// # Errors
    ///
    /// Which of them it is not.
    pub(crate) fn new(url: &str, headers: &[String]) -> Result<Self, EndpointError> {
        let parsed: Uri = url
            .parse()
            .map_err(|_| EndpointError::BadUrl(url.to_owned()))?;
        let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
        if !is_http || parsed.host().is_none_or(str::is_empty) {
            return Err(EndpointError::BadUrl(url.to_owned()));
        }
        let headers = headers.iter().map(|text| header(text));
        Ok(Self {
            url: parsed,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }

    /// The URL with another path, and parts after it that begin with `?`.
    pub(super) fn at(&self, path: &str) -> String {
        let mut parts = self.url.clone().into_parts();
        parts.path_and_query = path.parse::<PathAndQuery>().ok();
        Uri::from_parts(parts)
            .unwrap_or_else(|_| self.url.clone())
            .to_string()
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), EndpointError> {
    let parse = || {
        let (name, value) = text.split_once('=')?;
        let name = name.trim().parse::<HeaderName>().ok()?;
        let mut value = value.trim().parse::<HeaderValue>().ok()?;
        value.set_sensitive(true);
        Some((name, value))
    };
    // What is wrong with it can be a secret: only its name is told.
    let name = text.split('=').next().unwrap_or_default();
    parse().ok_or_else(|| EndpointError::BadHeader(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_http_only() {
        for url in [
            "http://127.0.0.1:4318",
            "https://collector.example/otlp?x=y",
        ] {
            assert!(Endpoint::new(url, &[]).is_ok(), "{url}");
        }
        for url in [
            "",
            "localhost:4318",
            "/v1/metrics",
            "ftp://a/b",
            "http://",
            "http://a b",
        ] {
            let error = Endpoint::new(url, &[]).expect_err(url);
            assert_eq!(error, EndpointError::BadUrl(url.to_owned()));
        }
    }

    #[test]
    fn headers_are_pairs() {
        let with = |text: &str| Endpoint::new("http://a", &[text.to_owned()]);
        let endpoint = with("Authorization = Basic dTpw=").expect("a header");
        assert_eq!(endpoint.headers["authorization"], "Basic dTpw=");
        assert!(!format!("{endpoint:?}").contains("dTpw"));
        let error = with("a b=secret").expect_err("a name with a space");
        assert_eq!(error, EndpointError::BadHeader("a b".to_owned()));
        assert!(with("name").is_err());
    }
}
