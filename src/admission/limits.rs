//! What the calls of the webhook may take, all of them together and each: memory, time, and no more than itself.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use tracing::{debug, error};

use super::metrics::Metrics;
use super::server::refusal;

/// The greatest body, in bytes. The API server takes objects of 3 MiB, and sends the old and the new one.
pub(super) const LARGEST_BODY: usize = 8 << 20;
/// How long a call may take; the API server waits 10 s by default, and 30 s at most.
const SLOWEST: Duration = Duration::from_secs(10);
/// What the bodies of all calls that are under way may take together, in KiB.
const MEMORY: u32 = 64 << 10;
/// What a call counts for at least, in KiB: so there are 1024 at most, which take well less than a second together.
const LEAST: u32 = 64;

/// The limits of all calls, and what is left of them.
#[derive(Clone)]
pub(super) struct Limits {
    memory: Arc<Semaphore>,
    slowest: Duration,
    metrics: Metrics,
}

impl Limits {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            memory: Arc::new(Semaphore::new(MEMORY as usize)),
            slowest: SLOWEST,
            metrics,
        }
    }
}

impl Limits {
    /// Answers a call within the limits: at once with 429 where there is no room for it, with 408 where it does not come
    /// whole in time, and with 500 where answering it panics, which ends that call alone. To all of these the API server
    /// does as its failurePolicy says.
    ///
    /// Room is taken before the answer is first polled, so that calls that wait for the processor count too.
    pub(super) fn hold(&self, call: Request, router: &Router) -> impl Future<Output = Response> + Send + use<> {
        let room = Arc::clone(&self.memory).try_acquire_many_owned(room_for(&call));
        let (limits, router) = (self.clone(), router.clone());
        async move {
            let Ok(_room) = room else { return limits.shed() };
            let answer = AssertUnwindSafe(router.oneshot(call)).catch_unwind();
            match tokio::time::timeout(limits.slowest, answer).await {
                Ok(Ok(Ok(response))) => response,
                Ok(Err(panic)) => {
                    error!(panic = words_of(&*panic), "answering a call of the webhook panicked");
                    limits.refuse(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "panicked",
                        "the operator failed to answer; its log says why",
                    )
                }
                Err(_) => limits.refuse(
                    StatusCode::REQUEST_TIMEOUT,
                    "too_slow",
                    "the call took too long; send it whole and sooner",
                ),
            }
        }
    }

    fn shed(&self) -> Response {
        let mut response = self.refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "overloaded",
            "there are more calls than the operator has room for; try again in a second",
        );
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }

    fn refuse(&self, code: StatusCode, reason: &'static str, message: &str) -> Response {
        self.metrics.refused(reason);
        debug!(reason, code = code.as_u16(), "a call of the webhook was not answered");
        refusal(code, message)
    }
}

/// What a call counts for, in KiB: its body, which counts as the greatest where its length is not told.
fn room_for(call: &Request) -> u32 {
    let length = call.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let most = LARGEST_BODY;
    let length: usize = length.unwrap_or(most).min(most);
    u32::try_from(length.div_ceil(1 << 10)).map_or(MEMORY, |room| room.max(LEAST))
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::body::HttpBody as _;
    use axum::body::{Body, Bytes, to_bytes};
    use axum::routing::post;
    use serde_json::Value;

    use super::*;

    fn limited(slowest: Duration) -> (Router, Limits) {
        let limits = Limits {
            slowest,
            ..Limits::new(Metrics::default())
        };
        let router = Router::new()
            .route("/", post(async |body: Bytes| body))
            .route("/panic", post(async || panic_now()));
        (router, limits)
    }

    fn panic_now() {
        panic!("this is a test");
    }

    async fn send((router, limits): &(Router, Limits), path: &str, body: Body) -> (StatusCode, Value) {
        let mut call = Request::post(path);
        if let Some(length) = body.size_hint().exact() {
            call = call.header(header::CONTENT_LENGTH, length);
        }
        let response = limits.hold(call.body(body).unwrap(), router).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn never() -> Body {
        Body::from_stream(futures::stream::pending::<Result<Bytes, io::Error>>())
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let limited = limited(Duration::from_millis(5));
        let (status, answer) = send(&limited, "/", never()).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(answer["error"], "the call took too long; send it whole and sooner");
    }

    #[tokio::test]
    async fn a_panic_costs_one_call_and_is_counted() {
        let limited = limited(SLOWEST);
        let (status, answer) = send(&limited, "/panic", Body::empty()).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer["error"], "the operator failed to answer; its log says why");
        assert_eq!(send(&limited, "/", Body::empty()).await.0, StatusCode::OK);
        assert_eq!(limited.1.metrics.refusals("panicked"), 1);
    }

    #[tokio::test]
    async fn calls_for_which_there_is_no_room_are_shed_at_once_and_room_comes_back() {
        let limited = limited(SLOWEST);
        let most = usize::try_from(MEMORY).unwrap() << 10;
        let held: Vec<_> = (0..most / LARGEST_BODY)
            .map(|_| {
                tokio::spawn({
                    let limited = limited.clone();
                    async move { send(&limited, "/", never()).await }
                })
            })
            .collect();
        while limited.1.memory.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let (status, answer) = send(&limited, "/", Body::from("{}")).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(
            answer["error"],
            "there are more calls than the operator has room for; try again in a second"
        );
        assert_eq!(limited.1.metrics.refusals("overloaded"), 1);
        for call in held {
            call.abort();
            assert!(call.await.is_err());
        }
        assert_eq!(send(&limited, "/", Body::from("{}")).await.0, StatusCode::OK);
    }

    #[test]
    fn a_call_counts_for_its_body_and_for_the_greatest_where_its_length_is_not_told() {
        let call = |length: Option<&str>| {
            let mut call = Request::post("/");
            if let Some(length) = length {
                call = call.header(header::CONTENT_LENGTH, length);
            }
            room_for(&call.body(Body::empty()).unwrap())
        };
        assert_eq!(call(Some("0")), LEAST);
        assert_eq!(call(Some("2000000")), 1954);
        assert_eq!(call(None), 8 << 10);
        assert_eq!(call(Some("-1")), 8 << 10);
        assert_eq!(call(Some("999999999999")), 8 << 10);
    }
}
