//! What the webhook counts. No name of an object is a label: they have no bound.

use kube::core::admission::Operation;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tracing::Span;

use super::answer::Answer;
use super::request::Envelope;
use super::trace;
use crate::judge::Outcome;

/// How calls were answered, and how fast.
#[derive(Clone, Debug)]
pub struct Metrics {
    decisions: Family<Labels, Counter>,
    seconds: HistogramWithExemplars<Exemplar>,
    has_exemplars: bool,
    denial_events: Family<DenialEventLabels, Counter>,
}

/// A call that took so long, by its trace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Exemplar {
    trace_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    webhook: &'static str,
    decision: &'static str,
    verdict: &'static str,
    operation: &'static str,
    dry_run: &'static str,
}

impl Labels {
    fn of_refusal(reason: &'static str) -> Self {
        Self {
            webhook: "none",
            decision: reason,
            verdict: "none",
            operation: "none",
            dry_run: "none",
        }
    }
}

/// Where a call came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// About routes.
    Ingresses,
    /// About filings, servers and policies.
    Declarations,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DenialEventLabels {
    outcome: &'static str,
}

/// What became of the Event of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DenialEvent {
    /// It is there, or its namespace is not.
    Written,
    /// The API server did not take it.
    Failed,
    /// There were too many.
    LeftOut,
}

impl Default for Metrics {
    fn default() -> Self {
        // From what memory takes to what the API server no longer waits for.
        const BUCKETS: [f64; 10] = [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.1, 1.0, 5.0];
        Self {
            decisions: Family::default(),
            seconds: HistogramWithExemplars::new(BUCKETS.into_iter()),
            has_exemplars: false,
            denial_events: Family::default(),
        }
    }
}

impl Metrics {
    /// With the trace of a call on each bucket of the histogram, where calls are traced.
    #[must_use]
    pub fn with_exemplars(mut self, has_exemplars: bool) -> Self {
        self.has_exemplars = has_exemplars;
        self
    }

    /// Counters that have counted, so that their labels can be seen.
    #[cfg(test)]
    pub(crate) fn exercised() -> Self {
        let metrics = Self::default();
        metrics.refused("media_type");
        metrics.denial_event(DenialEvent::Written);
        metrics.took(std::time::Duration::from_millis(1), &Span::none());
        metrics
    }

    /// Makes them known to a registry under their full names.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "filing_operator_admission_decisions",
            "Calls of the admission webhook by how they were answered",
            self.decisions.clone(),
        );
        registry.register(
            "filing_operator_admission_seconds",
            "Seconds from the last byte of a call of the admission webhook to its answer",
            self.seconds.clone(),
        );
        registry.register(
            "filing_operator_denial_events",
            "Events about what was denied, by what became of them; one that is repeated within an hour counts once",
            self.denial_events.clone(),
        );
    }

    /// Counts a request that was answered.
    pub(super) fn answered(&self, at: Endpoint, asked: &Envelope, answer: &Answer) {
        self.count(&Labels {
            webhook: match at {
                Endpoint::Ingresses => "ingresses",
                Endpoint::Declarations => "declarations",
            },
            decision: answer.decision.as_str(),
            verdict: answer.outcome.map_or("none", Outcome::as_str),
            operation: operation(&asked.operation),
            dry_run: if asked.dry_run { "true" } else { "false" },
        });
    }

    /// Counts a call that was not answered, by the reason.
    pub(super) fn refused(&self, reason: &'static str) {
        self.count(&Labels::of_refusal(reason));
    }

    /// How many calls were not answered for a reason.
    #[cfg(test)]
    pub(super) fn refusals(&self, reason: &'static str) -> u64 {
        self.decisions.get_or_create_owned(&Labels::of_refusal(reason)).get()
    }

    /// Counts the Event of a denial.
    pub(super) fn denial_event(&self, became: DenialEvent) {
        let outcome = match became {
            DenialEvent::Written => "written",
            DenialEvent::Failed => "failed",
            DenialEvent::LeftOut => "left_out",
        };
        self.denial_events
            .get_or_create_owned(&DenialEventLabels { outcome })
            .inc();
    }

    /// Notes how long the answer of a call took.
    pub(super) fn took(&self, time: std::time::Duration, span: &Span) {
        let trace = self.has_exemplars.then(|| trace::id(span)).flatten();
        let exemplar = trace.map(|trace_id| Exemplar { trace_id });
        self.seconds.observe(time.as_secs_f64(), exemplar, None);
    }

    fn count(&self, labels: &Labels) {
        self.decisions.get_or_create_owned(labels).inc();
    }
}

/// The operation, as the API server writes it.
pub(super) fn operation(operation: &Operation) -> &'static str {
    match operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
        Operation::Connect => "CONNECT",
    }
}
