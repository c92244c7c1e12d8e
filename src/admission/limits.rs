//! What the calls of the webhook may take, all of them together and each: memory, time, and no more than itself.

use std::any::Any;
use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::BytesMut;
use futures::FutureExt as _;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tower::ServiceExt as _;
use tracing::{debug, error};

use super::metrics::Metrics;
use super::server::refusal;

/// The greatest body, in bytes. The API server takes objects of 3 MiB, and sends the old and the new one.
const LARGEST_BODY: usize = 8 << 20;
/// How long a body may take to come. The API server has it at hand, and waits 30 s at most for all of the answer.
const SLOWEST_BODY: Duration = Duration::from_secs(3);
/// What the bodies of all calls may take together, in KiB.
const MEMORY: usize = 64 << 10;
/// How many calls may wait for the processor: well less than it answers in a second.
const WAITING: usize = 1024;

/// The limits of all calls, and what is left of them.
#[derive(Clone)]
pub(super) struct Limits {
    memory: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    slowest_body: Duration,
    metrics: Metrics,
}

/// Why a call is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Overloaded,
    TooLarge,
    TooSlow,
    Broken,
    Panicked,
}

impl Limits {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            memory: Arc::new(Semaphore::new(MEMORY)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            slowest_body: SLOWEST_BODY,
            metrics,
        }
    }

    /// Answers a call within the limits: with 429 where there is no room for it, 413 or 408 where it is too large or does
    /// not come whole in time, and 500 where answering it panics, which ends that call alone. To all of these the API
    /// server does as its failurePolicy says.
    ///
    /// Its turn to wait is taken before the answer is first polled: what is full then is what the processor has not come to.
    pub(super) fn hold<B>(&self, call: Request<B>, router: &Router) -> impl Future<Output = Response> + Send + use<B>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let turn = Arc::clone(&self.waiting).try_acquire_owned();
        let (limits, router) = (self.clone(), router.clone());
        async move {
            let answered = match turn {
                // Its turn has come. A body that is slow to come is not in others' way.
                Ok(turn) => {
                    drop(turn);
                    limits.answer(call, router).await
                }
                Err(_) => Err(Refusal::Overloaded),
            };
            answered.unwrap_or_else(|why| limits.refuse(why))
        }
    }

    async fn answer<B>(&self, call: Request<B>, router: Router) -> Result<Response, Refusal>
    where
        B: HttpBody<Data = Bytes>,
        B::Error: Display,
    {
        let (head, body) = call.into_parts();
        let received = timeout(self.slowest_body, self.receive(body)).await;
        let (body, _room) = received.unwrap_or(Err(Refusal::TooSlow))?;
        let answer = router.oneshot(Request::from_parts(head, Body::from(body)));
        match AssertUnwindSafe(answer).catch_unwind().await {
            Ok(Ok(response)) => Ok(response),
            Err(panic) => {
                error!(panic = words_of(&*panic), "answering a call of the webhook panicked");
                Err(Refusal::Panicked)
            }
        }
    }

    /// The body, with the room that it takes until it is dropped.
    async fn receive<B>(&self, body: B) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal>
    where
        B: HttpBody<Data = Bytes>,
        B::Error: Display,
    {
        if body.size_hint().lower() > LARGEST_BODY as u64 {
            return Err(Refusal::TooLarge);
        }
        let mut body = std::pin::pin!(body);
        let mut room: Option<OwnedSemaphorePermit> = None;
        let mut whole = Bytes::new();
        let mut parts = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                debug!(%error, "the body of a call broke off");
                Refusal::Broken
            })?;
            let Ok(part) = frame.into_data() else { continue };
            let length = whole.len() + parts.len() + part.len();
            if length > LARGEST_BODY {
                return Err(Refusal::TooLarge);
            }
            let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let more = u32::try_from(length.div_ceil(1 << 10).saturating_sub(held)).unwrap_or(u32::MAX);
            let more = Arc::clone(&self.memory).try_acquire_many_owned(more);
            let more = more.map_err(|_| Refusal::Overloaded)?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            // Most come in one part, which need not be copied.
            if whole.is_empty() && parts.is_empty() {
                whole = part;
            } else {
                parts.extend_from_slice(&std::mem::take(&mut whole));
                parts.extend_from_slice(&part);
            }
        }
        let whole = if parts.is_empty() { whole } else { parts.freeze() };
        Ok((whole, room))
    }

    fn refuse(&self, why: Refusal) -> Response {
        let (code, reason, message) = why.told();
        self.metrics.refused(reason);
        debug!(reason, code = code.as_u16(), "a call of the webhook was not answered");
        let mut response = refusal(code, message);
        if why == Refusal::Overloaded {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl Refusal {
    /// The status, the word in metrics, and what the caller is told.
    fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Overloaded => (
                StatusCode::TOO_MANY_REQUESTS,
                "overloaded",
                "there are more calls than the operator has room for; try again in a second",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "the body is larger than 8 MiB; send a smaller one",
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "too_slow",
                "the call took too long to come; send it whole and sooner",
            ),
            Self::Broken => (
                StatusCode::BAD_REQUEST,
                "broken_off",
                "the body broke off; send it whole",
            ),
            Self::Panicked => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "panicked",
                "the operator failed to answer; its log says why",
            ),
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::body::to_bytes;
    use axum::extract::DefaultBodyLimit;
    use axum::routing::post;
    use rstest::rstest;
    use serde_json::Value;

    use super::*;

    fn limited() -> (Router, Limits) {
        let router = Router::new()
            .route("/", post(async |body: Bytes| body.len().to_string()))
            .route("/panic", post(async || panic_now()))
            .layer(DefaultBodyLimit::disable());
        (router, Limits::new(Metrics::default()))
    }

    fn panic_now() {
        panic!("this is a test");
    }

    async fn send((router, limits): &(Router, Limits), path: &str, body: Body) -> (StatusCode, Value) {
        let response = limits.hold(Request::post(path).body(body).unwrap(), router).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// A body that begins so, and does not end.
    fn never(begin: Vec<u8>) -> Body {
        let begin = futures::stream::iter([Ok::<_, io::Error>(Bytes::from(begin))]);
        Body::from_stream(futures::StreamExt::chain(begin, futures::stream::pending()))
    }

    #[tokio::test]
    async fn a_body_comes_whole_in_however_many_parts() {
        let limited = limited();
        for parts in [0, 1, 2, 7] {
            let parts: Vec<_> = (0..parts).map(|_| Ok::<_, io::Error>(vec![b'x'; 3000])).collect();
            let length = 3000 * parts.len();
            let sent = send(&limited, "/", Body::from_stream(futures::stream::iter(parts))).await;
            assert_eq!(sent, (StatusCode::OK, length.into()));
        }
        assert_eq!(limited.1.memory.available_permits(), MEMORY);
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let mut limited = limited();
        limited.1.slowest_body = Duration::from_millis(5);
        let (status, answer) = send(&limited, "/", never(vec![b' '])).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(
            answer["error"],
            "the call took too long to come; send it whole and sooner"
        );
    }

    #[rstest]
    #[case::just_small_enough(Body::from(vec![b' '; LARGEST_BODY]), StatusCode::OK)]
    #[case::by_its_length(Body::from(vec![b' '; LARGEST_BODY + 1]), StatusCode::PAYLOAD_TOO_LARGE)]
    #[case::by_what_comes(never(vec![b' '; LARGEST_BODY + 1]), StatusCode::PAYLOAD_TOO_LARGE)]
    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_before_it_is_there(#[case] body: Body, #[case] expected: StatusCode) {
        assert_eq!(send(&limited(), "/", body).await.0, expected);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let broken = futures::stream::iter([Ok(Bytes::from("{")), Err(io::Error::other("gone"))]);
        let (status, answer) = send(&limited(), "/", Body::from_stream(broken)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(answer["error"], "the body broke off; send it whole");
    }

    #[tokio::test]
    async fn a_panic_costs_one_call_and_is_counted() {
        let limited = limited();
        let (status, answer) = send(&limited, "/panic", Body::empty()).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer["error"], "the operator failed to answer; its log says why");
        assert_eq!(send(&limited, "/", Body::empty()).await.0, StatusCode::OK);
        assert_eq!(limited.1.metrics.refusals("panicked"), 1);
    }

    async fn is_shed(limited: &(Router, Limits)) {
        let (status, answer) = send(limited, "/", Body::from("{}")).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(
            answer["error"],
            "there are more calls than the operator has room for; try again in a second"
        );
        assert_eq!(limited.1.metrics.refusals("overloaded"), 1);
    }

    #[tokio::test]
    async fn calls_for_whose_bodies_there_is_no_room_are_shed_and_room_comes_back() {
        let limited = limited();
        let held: Vec<_> = (0..(MEMORY << 10) / LARGEST_BODY)
            .map(|_| {
                let limited = limited.clone();
                tokio::spawn(async move { send(&limited, "/", never(vec![b' '; LARGEST_BODY])).await })
            })
            .collect();
        while limited.1.memory.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        is_shed(&limited).await;
        for call in held {
            call.abort();
            assert!(call.await.is_err());
        }
        assert_eq!(send(&limited, "/", Body::from("{}")).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn calls_that_the_processor_does_not_come_to_are_shed_and_slow_ones_are_not_in_their_way() {
        let limited = limited();
        let (router, limits) = &limited;
        let call = || Request::post("/").body(Body::empty()).unwrap();
        let waiting: Vec<_> = (0..WAITING).map(|_| limits.hold(call(), router)).collect();
        is_shed(&limited).await;
        drop(waiting);
        let slow: Vec<_> = (0..2 * WAITING)
            .map(|_| {
                let mut slow = Box::pin(send(&limited, "/", never(Vec::new())));
                assert!((&mut slow).now_or_never().is_none());
                slow
            })
            .collect();
        assert_eq!(send(&limited, "/", Body::empty()).await.0, StatusCode::OK);
        drop(slow);
    }
}
