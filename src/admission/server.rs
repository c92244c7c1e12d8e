//! The webhook over HTTP and TLS.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use jiff::Timestamp;
use serde_json::json;
use tracing::{debug, info, warn};

use super::metrics::{self, Metrics};
use super::request::Request;
use super::review::{Answer, Decision, review};
use crate::judge::Outcome;
use crate::registry::Snapshot;

/// Tells the time: the operator has one, which tests can set.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The facts as they are now; none until everything has been listed once.
pub type Facts = Arc<ArcSwapOption<Snapshot>>;

/// Where the API server asks about Ingresses.
pub const PATH: &str = "/admission/ingresses";

/// The greatest body. The API server takes objects of 3 MiB, and sends the old and the new one.
const LARGEST_BODY: usize = 8 << 20;
/// How long a call may take; the API server waits 10 s by default, and 30 s at most.
const SLOWEST_CALL: Duration = Duration::from_secs(10);
/// How long calls that are under way may take when the operator stops.
const DRAIN: Duration = Duration::from_secs(10);

struct Webhook {
    facts: Facts,
    clock: Clock,
    metrics: Metrics,
}

/// The webhook's one endpoint, [`PATH`].
///
/// Until `facts` is there it answers 503, so that the API server does as its failurePolicy says: what has not been
/// seen is never a quiet yes.
pub fn router(facts: Facts, clock: Clock, metrics: Metrics) -> Router {
    let webhook = Arc::new(Webhook { facts, clock, metrics });
    Router::new()
        .route(PATH, post(admit))
        .method_not_allowed_fallback(async || {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "the webhook takes POST and nothing else")
        })
        .fallback(async || refusal(StatusCode::NOT_FOUND, &format!("there is nothing here; post to {PATH}")))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(within_time))
        .with_state(webhook)
}

/// Serves until `shutdown` ends, then lets calls that are under way end, for 10 s at most.
///
/// # Errors
/// Where the listener can't be used.
pub async fn serve(
    listener: TcpListener,
    tls: RustlsConfig,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let handle = Handle::new();
    let mut server = axum_server::from_tcp_rustls(listener, tls)?
        .handle(handle.clone())
        .first_request_timeout(SLOWEST_CALL);
    server.http_builder().http1().header_read_timeout(SLOWEST_CALL);
    let serving = server.serve(router.into_make_service());
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = shutdown => {}
    }
    info!(connections = handle.connection_count(), "the webhook drains");
    handle.graceful_shutdown(Some(DRAIN));
    serving.await
}

async fn within_time(request: axum::extract::Request, next: Next) -> Response {
    match tokio::time::timeout(SLOWEST_CALL, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refusal(
            StatusCode::REQUEST_TIMEOUT,
            "the call took longer than 10 s; send it whole and sooner",
        ),
    }
}

async fn admit(
    State(webhook): State<Arc<Webhook>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let began = Instant::now();
    let response = webhook.answer(&headers, body);
    webhook.metrics.took(began.elapsed());
    response
}

impl Webhook {
    fn answer(&self, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
        if !is_json(headers) {
            return self.refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                "the content type is not application/json; send an AdmissionReview as JSON",
            );
        }
        let body = match body {
            Ok(body) => body,
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                let message = format!("the body is larger than {LARGEST_BODY} bytes; send a smaller one");
                return self.refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message);
            }
            Err(rejection) => return self.refuse(rejection.status(), "unread_body", &rejection.body_text()),
        };
        let request = match Request::parse(&body) {
            Ok(request) => request,
            Err(error) => return self.refuse(StatusCode::BAD_REQUEST, error.category(), &error.to_string()),
        };
        let Some(facts) = self.facts.load_full() else {
            return self.refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_synced",
                "the operator has not seen the whole cluster yet; try again in a few seconds",
            );
        };
        let answer = review(&request, &facts, (self.clock)());
        self.metrics.answered(&request, &answer);
        tell(&request, &answer);
        Json(answer.to_review(&request)).into_response()
    }

    fn refuse(&self, code: StatusCode, reason: &'static str, message: &str) -> Response {
        self.metrics.refused(reason);
        warn!(reason, code = code.as_u16(), message, "a call of the webhook was not answered");
        refusal(code, message)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let typed = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = typed.and_then(|typed| typed.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// An answer that is none: a Status, out of which the API server reads the message, with the same under `error`.
fn refusal(code: StatusCode, message: &str) -> Response {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure",
        "code": code.as_u16(), "message": message, "error": message,
    });
    (code, Json(status)).into_response()
}

fn tell(request: &Request, answer: &Answer) {
    let envelope = &request.envelope;
    let operation = metrics::operation(&envelope.operation);
    let verdict = answer.outcome.map_or("none", Outcome::as_str);
    let (namespace, name) = (envelope.namespace.as_deref().unwrap_or_default(), envelope.name.as_str());
    let (decision, policy) = (answer.decision.as_str(), answer.policy.as_deref().unwrap_or_default());
    let rules = answer.rules.join(",");
    if answer.decision == Decision::Denied {
        info!(namespace, name, operation, dry_run = envelope.dry_run, policy, verdict, rules, "a route was denied");
    } else {
        debug!(
            namespace,
            name, operation, dry_run = envelope.dry_run, policy, verdict, rules, decision, "a route was let through"
        );
    }
}
