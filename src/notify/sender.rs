//! The one place from which something leaves the operator for anywhere but the API server: a POST, and its answer.

use std::error::Error;
use std::time::Duration;

use axum::body::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::builderstates::WantsSchemes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

use super::format::Outgoing;

/// The longest answer that is read, in bytes: robots answer with a line.
const MAX_ANSWER: usize = 64 * 1024;

/// A client of what is not the API server.
pub(crate) type WebClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Over HTTP/1.1, with the system's certificate authorities. It keeps no connection, follows no redirect, and knows no proxy.
pub(crate) fn web_client() -> WebClient {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new();
    match builder.with_provider_and_native_roots(provider) {
        Ok(builder) => over(builder),
        Err(error) => {
            // Whatever else the operator does is worth doing without them.
            warn!(%error, "there are no certificate authorities, so that nobody can be trusted over https");
            trusting(RootCertStore::empty())
        }
    }
}

fn trusting(authorities: RootCertStore) -> WebClient {
    let tls = ClientConfig::builder()
        .with_root_certificates(authorities)
        .with_no_client_auth();
    over(HttpsConnectorBuilder::new().with_tls_config(tls))
}

fn over(builder: HttpsConnectorBuilder<WantsSchemes>) -> WebClient {
    let connector = builder.https_or_http().enable_http1().build();
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(connector)
}

/// Sends messages.
#[derive(Clone)]
pub(super) struct Sender {
    http: WebClient,
    /// How long a try may take, to the last byte of the answer.
    limit: Duration,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    /// How long one is asked to wait before the next.
    pub(super) wait: Option<Duration>,
    pub(super) body: Bytes,
}

/// Nothing was answered that could be read. The address is in none of these: it holds a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("it did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("it can't be reached: {0}")]
    Unreachable(String),
    #[error("its answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
    #[error("its answer broke off: {0}")]
    Broken(String),
}

impl Sender {
    /// With the system's certificate authorities.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            http: web_client(),
            limit,
        }
    }

    /// Sends a message once.
    pub(super) async fn post(&self, outgoing: Outgoing) -> Result<Answered, SendError> {
        tokio::time::timeout(self.limit, self.exchange(outgoing))
            .await
            .unwrap_or(Err(SendError::Timeout(self.limit)))
    }

    async fn exchange(&self, outgoing: Outgoing) -> Result<Answered, SendError> {
        let Outgoing { url, headers, body } = outgoing;
        let agent = concat!("filing-operator/", env!("CARGO_PKG_VERSION"));
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(header::USER_AGENT, agent);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| SendError::Unreachable(error.to_string()))?;
        let answer = self
            .http
            .request(request)
            .await
            .map_err(|error| SendError::Unreachable(causes(&error)))?;
        let (head, body) = answer.into_parts();
        let wait = head
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                SendError::TooLong
            } else {
                SendError::Broken(error.to_string())
            }
        })?;
        Ok(Answered {
            status: head.status,
            wait,
            body: body.to_bytes(),
        })
    }
}

/// An error and its causes in one row.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl From<SendError> for super::answer::Verdict {
    /// What did not come through may yet; what answers with a book is no robot.
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLong => Self::Refused(error.to_string()),
            SendError::Timeout(_) | SendError::Unreachable(_) | SendError::Broken(_) => Self::Again(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use axum_server::tls_rustls::RustlsConfig;
    use jiff::ToSpan as _;

    use super::*;
    use crate::admission::{Authority, Serving};

    #[tokio::test]
    async fn over_https_only_those_are_told_whose_certificate_is_trusted() {
        let now = crate::operator::now();
        let authority = Authority::generate(now, now + 1.hour()).unwrap();
        let pair = authority.sign(&["127.0.0.1".to_owned()], now, now + 1.hour()).unwrap();
        let serving = Serving::new(pair, None).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(|body: String| std::future::ready(body)));
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(serving.config)).unwrap();
        tokio::spawn(server.serve(router.into_make_service()));
        let outgoing = Outgoing {
            url: format!("https://{address}/?token=0123").parse().unwrap(),
            headers: Vec::new(),
            body: b"a message".to_vec(),
        };

        let limit = Duration::from_secs(5);
        let error = Sender::new(limit).post(outgoing.clone()).await.unwrap_err().to_string();
        assert!(error.contains("certificate") && !error.contains("0123"), "{error}");
        let mut authorities = RootCertStore::empty();
        authorities.add(authority.certificate().clone()).unwrap();
        let answered = Sender {
            http: trusting(authorities),
            limit,
        }
        .post(outgoing)
        .await
        .unwrap();
        assert_eq!(
            (answered.status, &answered.body[..]),
            (StatusCode::OK, b"a message".as_slice())
        );
    }
}
