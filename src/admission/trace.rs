//! The span of a call of the webhook. Spans are made where somebody follows them, and cost next to nothing where nobody does.

use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::answer::Answer;
use super::metrics;
use super::request::Envelope;
use crate::judge::Outcome;

/// The span of a call, below that of the API server if it says which that is (`traceparent`). No host is told in it.
pub(super) fn span(headers: &HeaderMap, route: &'static str) -> Span {
    let span = tracing::trace_span!(
        "admission",
        otel.kind = "server",
        http.route = route,
        k8s.namespace.name = field::Empty,
        operation = field::Empty,
        decision = field::Empty,
        verdict = field::Empty,
        policy = field::Empty,
        rules = field::Empty,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        // It is refused only by a span that has begun, which this one has not.
        let _ = span.set_parent(parent);
    }
    span
}

/// Notes what was answered, on the span in which that is done.
pub(super) fn answered(asked: &Envelope, answer: &Answer) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("k8s.namespace.name", &*asked.namespace);
    span.record("operation", metrics::operation(&asked.operation));
    span.record("decision", answer.decision.as_str());
    span.record("verdict", answer.outcome.map_or("none", Outcome::as_str));
    span.record("policy", answer.policy.as_deref().unwrap_or_default());
    span.record("rules", answer.rules.join(","));
}

/// The trace that a span is part of, if it is sent.
pub(super) fn id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_sampled().then(|| context.trace_id().to_string())
}
