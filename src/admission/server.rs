//! The webhook over HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::json;
use tracing::{Instrument as _, debug, info, trace_span, warn};

use super::answer::{Answer, Decision};
use super::declarations::{self, DECLARATIONS_PATH};
use super::denials::Denials;
use super::freshness::{Freshness, Unsure};
use super::metrics::{self, Endpoint, Metrics};
use super::request::{BadRequest, Request};
use super::review::review;
use super::trace;
use crate::judge::Outcome;
use crate::registry::Snapshot;

/// Tells the time: the operator has one, which tests can set.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The facts as they are now; none until everything has been listed once.
pub type Facts = Arc<ArcSwapOption<Snapshot>>;

/// How long a denial waits for what is on its way already, before the API server is asked, and a warning about a declaration: a watch shows within some
/// milliseconds what was written.
pub(super) const ON_ITS_WAY: Duration = Duration::from_millis(20);

/// Where the API server asks about Ingresses.
pub const PATH: &str = "/admission/ingresses";

/// What the webhook answers with.
pub struct Webhook {
    /// What is known of the cluster.
    pub facts: Facts,
    /// The operator's own account, whose writes pass.
    pub account: Arc<str>,
    /// The operator's clock.
    pub clock: Clock,
    /// What it counts.
    pub metrics: Metrics,
    /// Where it notes what it denied.
    pub denials: Denials,
    /// Whom it asks whether what is known is current.
    pub freshness: Freshness,
}

/// The webhook's endpoints: [`PATH`] for routes, and [`DECLARATIONS_PATH`].
///
/// Until the facts are there the first answers 503, so that the API server does as its failurePolicy says: what has not
/// been seen is never a quiet yes.
pub fn router(webhook: Webhook) -> Router {
    Router::new()
        .route(PATH, post(admit))
        .route(DECLARATIONS_PATH, post(declarations::admit))
        .method_not_allowed_fallback(async || {
            refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "the webhook takes POST and nothing else",
            )
        })
        .fallback(async || {
            let message = format!("there is nothing here; post to {PATH} or {DECLARATIONS_PATH}");
            refusal(StatusCode::NOT_FOUND, &message)
        })
        // The listener's limits hold for bodies.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(webhook))
}

async fn admit(State(webhook): State<Arc<Webhook>>, headers: HeaderMap, body: Bytes) -> Response {
    let began = Instant::now();
    let span = trace::span(&headers, PATH);
    let response = webhook.answer(&headers, &body).instrument(span.clone()).await;
    webhook.metrics.took(began.elapsed(), &span);
    response
}

impl Webhook {
    async fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        if let Some(refusal) = self.refusal_of_type(headers) {
            return refusal;
        }
        let read = trace_span!("read").in_scope(|| Request::parse(body));
        let request = match read {
            Ok(request) => request,
            Err(error) => return self.refuse_body(&error),
        };
        let Some(facts) = self.facts.load_full() else {
            return self.refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_synced",
                "the operator has not seen the whole cluster yet; try again in a few seconds",
            );
        };
        let mut now = (self.clock)();
        let mut answer = trace_span!("judge").in_scope(|| review(&request, &self.account, &facts, now));
        if answer.may_be_late {
            let reconsidered = self.reconsider(&request, &facts);
            match reconsidered.instrument(trace_span!("make_sure")).await {
                Ok(reconsidered) => (answer, now) = reconsidered,
                Err(unsure) => {
                    let code = match unsure {
                        Unsure::Crowded => StatusCode::TOO_MANY_REQUESTS,
                        Unsure::Late | Unsure::Failed => StatusCode::SERVICE_UNAVAILABLE,
                    };
                    return self.refuse(code, unsure.category(), &unsure.to_string());
                }
            }
        }
        self.metrics.answered(Endpoint::Ingresses, &request.envelope, &answer);
        trace::answered(&request.envelope, &answer);
        let is_news = self.denials.note(&request, &answer, now);
        tell(&request, &answer, is_news);
        answer.tell_probe(&request.envelope);
        Json(answer.to_review(&request.envelope.uid)).into_response()
    }

    /// The answer to what says that it is no JSON; none: it says that it is.
    pub(super) fn refusal_of_type(&self, headers: &HeaderMap) -> Option<Response> {
        (!is_json(headers)).then(|| {
            self.refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                "the content type is not application/json; send an AdmissionReview as JSON",
            )
        })
    }

    pub(super) fn refuse_body(&self, error: &BadRequest) -> Response {
        self.refuse(StatusCode::BAD_REQUEST, error.category(), &error.to_string())
    }

    /// Answers anew from facts that hold all that was so when the request came, or as soon as newer ones lift the denial.
    async fn reconsider(&self, request: &Request, before: &Arc<Snapshot>) -> Result<(Answer, Timestamp), Unsure> {
        let answer = |facts: &Snapshot| {
            let now = (self.clock)();
            (review(request, &self.account, facts, now), now)
        };
        let mut seen = Arc::clone(before);
        let mut lifted = || {
            let newer = self.facts.load_full().filter(|facts| !Arc::ptr_eq(facts, &seen))?;
            seen = newer;
            Some(answer(&seen)).filter(|(answer, _)| !answer.may_be_late)
        };
        tokio::time::sleep(ON_ITS_WAY).await;
        if let Some(lifted) = lifted() {
            return Ok(lifted);
        }
        let mut sure = std::pin::pin!(self.freshness.make_sure());
        let mut wait = ON_ITS_WAY;
        loop {
            tokio::select! {
                sure = &mut sure => {
                    sure?;
                    return Ok(answer(self.facts.load_full().as_ref().unwrap_or(before)));
                }
                () = tokio::time::sleep(wait) => {
                    if let Some(lifted) = lifted() {
                        return Ok(lifted);
                    }
                    // There are few such looks, however often the facts change.
                    wait = wait.saturating_mul(2);
                }
            }
        }
    }

    fn refuse(&self, code: StatusCode, reason: &'static str, message: &str) -> Response {
        self.metrics.refused(reason);
        warn!(
            reason,
            code = code.as_u16(),
            error = message,
            "a call of the webhook was not answered"
        );
        refusal(code, message)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let typed = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = typed.and_then(|typed| typed.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// An answer that is none: a Status, out of which the API server reads the message, with the same under `error`.
pub(super) fn refusal(code: StatusCode, message: &str) -> Response {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure",
        "code": code.as_u16(), "message": message, "error": message,
    });
    (code, Json(status)).into_response()
}

/// Logs an answer. Of denials only what is news is told to everyone: whoever may create routes can be denied as often as he
/// likes.
fn tell(request: &Request, answer: &Answer, is_news: bool) {
    let envelope = &request.envelope;
    let operation = metrics::operation(&envelope.operation);
    let verdict = answer.outcome.map_or("none", Outcome::as_str);
    let (namespace, name) = (&*envelope.namespace, &*envelope.name);
    let (decision, policy) = (answer.decision.as_str(), answer.policy.as_deref().unwrap_or_default());
    let rules = answer.rules.join(",");
    match answer.decision {
        Decision::Denied if is_news => info!(
            namespace,
            name,
            operation,
            dry_run = envelope.dry_run,
            policy,
            verdict,
            rules,
            "a route was denied"
        ),
        Decision::BreakGlass => info!(
            namespace,
            name,
            operation,
            dry_run = envelope.dry_run,
            policy,
            verdict,
            rules,
            "a route was let through for the break-glass label"
        ),
        _ => debug!(
            namespace,
            name,
            operation,
            dry_run = envelope.dry_run,
            policy,
            verdict,
            rules,
            decision,
            "a route was answered"
        ),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request as Call;
    use futures::FutureExt as _;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::Value;
    use tokio::sync::mpsc;
    use tower::ServiceExt as _;

    use super::super::fixture::{create, facts, facts_of, hosts, now, sure, synced, webhook};
    use super::super::freshness::Question;
    use super::*;

    fn post_json(body: impl Into<Body>) -> Call<Body> {
        let call = Call::post(PATH).header("content-type", "application/json");
        call.body(body.into()).unwrap()
    }

    async fn send(router: Router, call: Call<Body>) -> (StatusCode, Value) {
        let response = router.oneshot(call).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn shown(metrics: &Metrics) -> String {
        let mut registry = prometheus_client::registry::Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    #[tokio::test]
    async fn a_request_is_answered_and_counted() {
        let (router, metrics) = synced();
        let review = create("shop", hosts(&["shop.example.net"]));
        let (status, answer) = send(router, post_json(review.to_string())).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["response"]["allowed"], false);
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        let text = shown(&metrics);
        let line = "filing_operator_admission_decisions_total{webhook=\"ingresses\",decision=\"denied\",verdict=\"Violating\",\
                    operation=\"CREATE\",dry_run=\"false\"} 1";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("filing_operator_admission_seconds_count 1"), "{text}");
    }

    #[tokio::test]
    async fn an_answer_does_not_wait_for_the_event_of_a_denial() {
        let metrics = Metrics::default();
        let snapshot = facts(&[("default", json!({"admission": "Deny"}))]);
        // As when the API server can't be reached: Events are noted, and none is ever taken.
        let (denials, _events) = Denials::new(metrics.clone());
        let facts = Arc::new(ArcSwapOption::from_pointee(snapshot));
        let router = router(Webhook {
            facts,
            account: "the operator".into(),
            clock: Arc::new(now),
            metrics: metrics.clone(),
            denials,
            freshness: sure(),
        });
        for at in 0..100 {
            let review = create(&format!("ns-{at}"), hosts(&["shop.example.net"]));
            let (_, answer) = send(router.clone(), post_json(review.to_string())).await;
            assert_eq!(answer["response"]["allowed"], false);
        }
        let left_out = "filing_operator_denial_events_total{outcome=\"left_out\"} 40";
        assert!(shown(&metrics).contains(left_out), "{}", shown(&metrics));
    }

    /// A webhook that knows no filing of the host that is asked about, and what it asks of its freshness.
    fn doubting() -> (Router, Metrics, Facts, mpsc::Receiver<Question>) {
        let facts: Facts = Arc::new(ArcSwapOption::from_pointee(facts(&[(
            "default",
            json!({"admission": "Deny"}),
        )])));
        let metrics = Metrics::default();
        let (denials, _) = Denials::new(metrics.clone());
        let (freshness, questions) = Freshness::new();
        let webhook = Webhook {
            facts: Arc::clone(&facts),
            account: "the operator".into(),
            clock: Arc::new(now),
            metrics: metrics.clone(),
            denials,
            freshness,
        };
        (router(webhook), metrics, facts, questions)
    }

    fn unfiled() -> Call<Body> {
        post_json(create("shop", hosts(&["shop.example.net"])).to_string())
    }

    /// The same cluster, when example.net is filed too.
    fn with_example_net() -> Arc<Snapshot> {
        let policies = [("default", json!({"admission": "Deny"}))];
        Arc::new(facts_of(&policies, &[("example-net", "example.net", "2035-01-01")]))
    }

    #[tokio::test]
    async fn a_denial_waits_until_it_is_sure_and_then_answers_from_what_is_known_then() {
        let (router, metrics, facts, mut questions) = doubting();
        let asked = tokio::spawn(send(router, unfiled()));
        let question = questions.recv().await.unwrap();
        facts.store(Some(with_example_net()));
        question.send(Ok(())).unwrap();
        let (status, answer) = asked.await.unwrap();
        assert_eq!(
            (status, &answer["response"]["allowed"]),
            (StatusCode::OK, &json!(true)),
            "{answer}"
        );
        assert!(shown(&metrics).contains("decision=\"allowed\""), "{}", shown(&metrics));
    }

    #[tokio::test]
    async fn what_comes_at_once_lifts_a_denial_without_a_question() {
        let (router, _, facts, mut questions) = doubting();
        let mut asked = std::pin::pin!(send(router, unfiled()));
        assert!((&mut asked).now_or_never().is_none());
        facts.store(Some(with_example_net()));
        assert_eq!(asked.await.1["response"]["allowed"], true);
        assert!(questions.try_recv().is_err());
    }

    #[rstest]
    #[case::no_answer_in_time(
        None,
        "the operator could not make sure within 2 s that it knows the newest filings; try again"
    )]
    #[case::no_answer_at_all(
        Some(Unsure::Failed),
        "the operator could not ask the API server whether it knows the newest filings; try again"
    )]
    #[tokio::test(start_paused = true)]
    async fn who_can_not_be_sure_says_that_and_no_more(#[case] answer: Option<Unsure>, #[case] expected: &str) {
        let (router, metrics, _, mut questions) = doubting();
        let asked = tokio::spawn(send(router, unfiled()));
        let question = questions.recv().await.unwrap();
        let _unanswered = match answer {
            Some(unsure) => {
                question.send(Err(unsure)).unwrap();
                None
            }
            None => Some(question),
        };
        let (status, answer) = asked.await.unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer["message"], expected);
        assert!(shown(&metrics).contains("decision=\"view_"), "{}", shown(&metrics));
    }

    #[tokio::test]
    async fn a_denial_that_no_filing_can_lift_is_not_doubted() {
        let (router, _, _, mut questions) = doubting();
        let call = post_json(create("shop", json!({"defaultBackend": {"service": {"name": "web"}}})).to_string());
        assert_eq!(send(router, call).await.1["response"]["allowed"], false);
        assert!(questions.try_recv().is_err());
    }

    #[tokio::test]
    async fn what_has_not_been_seen_is_never_a_quiet_yes() {
        let (router, metrics) = webhook(None);
        let review = create("shop", hosts(&["www.example.com"]));
        let (status, answer) = send(router, post_json(review.to_string())).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let message = "the operator has not seen the whole cluster yet; try again in a few seconds";
        assert_eq!(
            (&answer["kind"], &answer["message"]),
            (&json!("Status"), &json!(message))
        );
        assert!(shown(&metrics).contains("decision=\"not_synced\""));
    }

    #[rstest]
    #[case::get(Call::get(PATH).body(Body::empty()).unwrap(), 405)]
    #[case::elsewhere(Call::post("/admission").body(Body::empty()).unwrap(), 404)]
    #[case::no_type(Call::post(PATH).body(Body::from("{}")).unwrap(), 415)]
    #[case::yaml(Call::post(PATH).header("content-type", "application/yaml").body(Body::from("{}")).unwrap(), 415)]
    #[case::nothing(post_json(""), 400)]
    #[case::no_review(post_json("{}"), 400)]
    #[case::deep(post_json("[".repeat(1 << 20)), 400)]
    #[case::large(post_json(vec![b' '; 8 << 20]), 400)]
    #[tokio::test]
    async fn a_call_that_is_none_gets_an_error_in_json(#[case] call: Call<Body>, #[case] expected: u16) {
        let (status, answer) = send(synced().0, call).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
        assert!(
            answer["error"].as_str().is_some_and(|error| !error.is_empty()),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn a_type_with_parameters_is_json() {
        let review = create("shop", hosts(&["www.example.com"])).to_string();
        let call = Call::post(PATH).header("content-type", "application/JSON; charset=utf-8");
        let (status, _) = send(synced().0, call.body(Body::from(review)).unwrap()).await;
        assert_eq!(status, StatusCode::OK);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..256)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let (status, answer) = runtime.block_on(send(synced().0, post_json(body)));
            prop_assert_eq!(status, StatusCode::BAD_REQUEST);
            prop_assert!(answer["error"].is_string());
        }
    }
}
