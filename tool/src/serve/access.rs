//! Who may ask.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

/// A bearer token (RFC 6750), kept as its hash.
#[derive(Debug, Clone)]
pub(crate) struct Token([u8; 32]);

impl Token {
    /// The token that `text` is, without white space around it; `None` for an empty one.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(Sha256::digest(text).into()))
    }

    /// Hashes are compared: how long that takes tells nothing of the token.
    fn is(&self, header: &HeaderValue) -> bool {
        let Ok(text) = header.to_str() else {
            return false;
        };
        let Some((scheme, token)) = text.split_once(' ') else {
            return false;
        };
        let given: [u8; 32] = Sha256::digest(token.trim()).into();
        scheme.eq_ignore_ascii_case("bearer") && given == self.0
    }
}

/// Refuses who has not the token.
pub(super) async fn check(State(token): State<Token>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION);
    if header.is_some_and(|header| token.is(header)) {
        return next.run(request).await;
    }
    let asked = [(WWW_AUTHENTICATE, "Bearer")];
    (
        StatusCode::UNAUTHORIZED,
        asked,
        "a bearer token is needed\n",
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        assert!(Token::new(" \n").is_none());
        let token = Token::new("secret\n").expect("not empty");
        for (header, is_it) in [
            ("Bearer secret", true),
            ("bearer secret", true),
            ("Bearer secre", false),
            ("Bearer", false),
            ("Basic secret", false),
            ("secret", false),
        ] {
            assert_eq!(
                token.is(&HeaderValue::from_static(header)),
                is_it,
                "{header}"
            );
        }
    }
}
