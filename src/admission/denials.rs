//! Events about what was denied, written in the background: no answer waits for one, fails with one, or tells whether one
//! was written. How many there are is bounded, for anyone who may create routes can be denied as often as he likes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::sync::mpsc;
use tracing::debug;

use super::answer::{Answer, Decision};
use super::event::create_event;
use super::metrics::{DenialEvent, Metrics};
use super::request::{Request, Subject};
use crate::effects::{self, Notice, Refused};

/// How many Events are written a minute.
const IN_ALL: u32 = 60;
/// How many of them in one namespace.
const PER_NAMESPACE: u32 = 10;
/// How many may wait to be written.
const QUEUE: usize = 64;
/// How long the API server may take over one.
const SLOWEST_WRITE: Duration = Duration::from_secs(5);

/// Takes note of denials.
#[derive(Clone, Debug)]
pub struct Denials {
    to: mpsc::Sender<Told>,
    ledger: Arc<Mutex<Ledger>>,
    metrics: Metrics,
}

/// Writes the Events of denials that were taken note of.
#[derive(Debug)]
pub struct DenialEvents {
    from: mpsc::Receiver<Told>,
    ledger: Arc<Mutex<Ledger>>,
    metrics: Metrics,
}

type Told = (Notice, Timestamp);

impl Denials {
    /// One that takes note, and one that writes what it noted.
    pub fn new(metrics: Metrics) -> (Self, DenialEvents) {
        let (to, from) = mpsc::channel(QUEUE);
        let ledger = Arc::default();
        let events = DenialEvents {
            from,
            ledger: Arc::clone(&ledger),
            metrics: metrics.clone(),
        };
        (Self { to, ledger, metrics }, events)
    }

    /// Takes note of an answer, if it is a denial that is meant, and says whether that is news: it is not where it was told
    /// within the hour, or too many were within the minute. Never waits.
    pub(super) fn note(&self, request: &Request, answer: &Answer, now: Timestamp) -> bool {
        let Some(notice) = notice(request, answer, now) else {
            return false;
        };
        match locked(&self.ledger).admit(&notice, now) {
            Admitted::New => {}
            Admitted::Repeated => return false,
            Admitted::TooMany => {
                self.metrics.denial_event(DenialEvent::LeftOut);
                return false;
            }
        }
        if let Err(error) = self.to.try_send((notice, now)) {
            let (notice, _) = error.into_inner();
            locked(&self.ledger).forget(&notice);
            self.metrics.denial_event(DenialEvent::LeftOut);
        }
        true
    }
}

impl DenialEvents {
    /// Writes until nothing takes note any more. What can't be written is counted, and written when it is denied again.
    pub async fn write(mut self, client: Client, identity: String) {
        while let Some((notice, at)) = self.from.recv().await {
            let creating = create_event(client.clone(), &notice, &identity, at);
            let error = match tokio::time::timeout(SLOWEST_WRITE, creating).await {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("the API server did not answer within {SLOWEST_WRITE:?}")),
            };
            let Some(error) = error else {
                self.metrics.denial_event(DenialEvent::Written);
                continue;
            };
            locked(&self.ledger).forget(&notice);
            self.metrics.denial_event(DenialEvent::Failed);
            debug!(
                namespace = notice.namespace(),
                error, "the Event of a denial could not be written"
            );
        }
    }
}

/// The Event of an answer, if it is to have one.
fn notice(request: &Request, answer: &Answer, now: Timestamp) -> Option<Notice> {
    if answer.decision != Decision::Denied || request.envelope.dry_run {
        return None;
    }
    let (asked, is_there) = match &request.subject {
        Subject::Create(new) => (new, false),
        Subject::Update { new, .. } => (new, true),
        Subject::Nothing | Subject::UnknownKind => return None,
    };
    let key = &asked.route.key;
    let refused = Refused {
        key,
        generated_from: request.generated_from.as_deref(),
        uid: is_there.then_some(&*asked.route.uid),
        rule: answer.denied_for?,
        denial: &answer.denial,
    };
    // It becomes part of a URL, and whoever reaches the webhook may claim to be the API server.
    is_label(&key.namespace).then(|| effects::denial(refused, now))
}

/// Whether a text is a DNS label (RFC 1123), as names of namespaces are.
fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn locked(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    // Nothing panics while it holds it, and a ledger that is wrong by one denial is better than none.
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was let through in this hour and this minute.
#[derive(Debug, Default)]
struct Ledger {
    hour: i64,
    names: HashSet<String>,
    minute: i64,
    in_all: u32,
    by_namespace: HashMap<String, u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admitted {
    New,
    Repeated,
    TooMany,
}

impl Ledger {
    fn admit(&mut self, notice: &Notice, now: Timestamp) -> Admitted {
        let (hour, minute) = (now.as_second().div_euclid(3600), now.as_second().div_euclid(60));
        if hour != self.hour {
            self.hour = hour;
            // Names are of an hour: those of the last one do not come again.
            self.names.clear();
        }
        if minute != self.minute {
            self.minute = minute;
            self.in_all = 0;
            self.by_namespace.clear();
        }
        if self.names.contains(&notice.name) {
            return Admitted::Repeated;
        }
        if self.in_all >= IN_ALL {
            return Admitted::TooMany;
        }
        let here = self.by_namespace.entry(notice.namespace().to_owned()).or_default();
        if *here >= PER_NAMESPACE {
            return Admitted::TooMany;
        }
        *here += 1;
        self.in_all += 1;
        self.names.insert(notice.name.clone());
        Admitted::New
    }

    /// What could not be written is new when it comes again.
    fn forget(&mut self, notice: &Notice) {
        self.names.remove(&notice.name);
    }
}

#[cfg(test)]
mod tests {
    use http::{Request as Call, Response};
    use kube::client::Body;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::fixture::{create, facts, hosts, ingress, now, parse, update};
    use super::super::review::review;
    use super::*;

    /// The Event of a request's answer.
    fn noticed(review_of: &Value) -> Option<Notice> {
        let facts = facts(&[("default", json!({"admission": "Deny"}))]);
        let request = parse(review_of);
        let answer = review(&request, "the operator", &facts, now());
        notice(&request, &answer, now())
    }

    fn unfiled() -> Value {
        create("shop", hosts(&["shop.example.net"]))
    }

    fn dry_run(mut review: Value) -> Value {
        review["request"]["dryRun"] = json!(true);
        review
    }

    fn in_namespace(namespace: &str) -> Value {
        let mut review = unfiled();
        review["request"]["namespace"] = json!(namespace);
        review["request"]["object"]["metadata"]["namespace"] = json!(namespace);
        review
    }

    #[rstest]
    #[case::denied(unfiled(), true)]
    #[case::a_dry_run(dry_run(unfiled()), false)]
    #[case::let_through(create("shop", hosts(&["www.example.com"])), false)]
    #[case::a_change_that_is_denied(update(hosts(&["www.example.com"]), hosts(&["shop.example.net"])), true)]
    #[case::no_namespace(in_namespace("../secrets?x="), false)]
    fn what_was_denied_and_meant_has_an_event(#[case] review: Value, #[case] expected: bool) {
        assert_eq!(noticed(&review).is_some(), expected);
    }

    #[test]
    fn what_is_made_has_no_identity_and_what_is_changed_keeps_its_own() {
        let with_uid = |mut review: Value| {
            review["request"]["object"]["metadata"]["uid"] = json!("5b0c");
            noticed(&review).unwrap().regarding.uid
        };
        assert_eq!(with_uid(unfiled()), "");
        let changed = update(hosts(&["www.example.com"]), hosts(&["shop.example.net"]));
        assert_eq!(with_uid(changed), "5b0c");
    }

    #[rstest]
    #[case::given(json!({"name": "web"}), "web")]
    #[case::made_up(json!({"name": "web-x7k2p", "generateName": "web-"}), "")]
    #[case::not_made_up_yet(json!({"generateName": "web-"}), "")]
    #[case::given_though_it_need_not_be(json!({"name": "api", "generateName": "web-"}), "api")]
    fn a_name_is_told_where_there_is_one(#[case] metadata: Value, #[case] expected: &str) {
        let mut object = ingress(hosts(&["shop.example.net"]));
        object["metadata"] = metadata;
        object["metadata"]["namespace"] = json!("shop");
        let mut review = unfiled();
        review["request"]["name"] = object["metadata"].get("name").cloned().unwrap_or(json!(""));
        review["request"]["object"] = object;
        assert_eq!(noticed(&review).unwrap().regarding.name, expected);
    }

    fn named(namespace: &str, name: &str) -> Notice {
        let mut notice = noticed(&in_namespace(namespace)).unwrap();
        notice.name = name.to_owned();
        notice
    }

    #[test]
    fn a_namespace_has_ten_a_minute_and_all_have_sixty() {
        let mut ledger = Ledger::default();
        let new = |ledger: &mut Ledger, minute: i64| {
            let at = now() + jiff::SignedDuration::from_mins(minute);
            let all = (0..20).flat_map(|namespace| (0..20).map(move |name| (namespace, name)));
            let all =
                all.map(|(namespace, name)| named(&format!("ns-{namespace}"), &format!("{minute}-{namespace}-{name}")));
            all.filter(|notice| ledger.admit(notice, at) == Admitted::New)
                .map(|notice| notice.namespace().to_owned())
                .collect::<Vec<_>>()
        };
        let first = new(&mut ledger, 0);
        assert_eq!(first.len(), 60);
        assert_eq!(first.iter().filter(|namespace| *namespace == "ns-0").count(), 10);
        assert_eq!(new(&mut ledger, 1).len(), 60);
    }

    #[test]
    fn what_is_repeated_within_an_hour_counts_once_unless_it_could_not_be_written() {
        let mut ledger = Ledger::default();
        let notice = named("shop", "web.1");
        assert_eq!(ledger.admit(&notice, now()), Admitted::New);
        assert_eq!(ledger.admit(&notice, now()), Admitted::Repeated);
        ledger.forget(&notice);
        assert_eq!(ledger.admit(&notice, now()), Admitted::New);
    }

    /// Denies these, with an API server that answers thus, and gives what was counted and the paths that were called.
    async fn written(reviews: &[Value], code: u16, answer: Value) -> (String, Vec<String>) {
        let metrics = Metrics::default();
        let (denials, events) = Denials::new(metrics.clone());
        let facts = facts(&[("default", json!({"admission": "Deny"}))]);
        for asked in reviews {
            let request = parse(asked);
            denials.note(&request, &review(&request, "the operator", &facts, now()), now());
        }
        drop(denials);
        let (service, mut handle) = tower_test::mock::pair::<Call<Body>, Response<Body>>();
        let client = Client::new(service, "default");
        let serve = async {
            let mut paths = Vec::new();
            while let Some((call, send)) = handle.next_request().await {
                paths.push(call.uri().path().to_owned());
                let body = Body::from(serde_json::to_vec(&answer).unwrap());
                send.send_response(Response::builder().status(code).body(body).unwrap());
            }
            paths
        };
        let (paths, ()) = tokio::join!(serve, events.write(client, "a-pod".to_owned()));
        let mut registry = prometheus_client::registry::Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let counted = text.lines().filter(|line| line.contains("denial_events_total{"));
        (counted.collect::<Vec<_>>().join("\n"), paths)
    }

    #[tokio::test]
    async fn one_who_tries_over_and_over_leaves_one_event() {
        let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "any"}});
        let (counted, paths) = written(&[unfiled(), unfiled(), dry_run(unfiled())], 201, event).await;
        assert_eq!(paths, ["/apis/events.k8s.io/v1/namespaces/shop/events"]);
        assert_eq!(counted, "filing_operator_denial_events_total{outcome=\"written\"} 1");
    }

    #[rstest]
    #[case::is_there_already(409, "AlreadyExists", "written")]
    #[case::its_namespace_is_gone(404, "NotFound", "written")]
    #[case::the_api_server_fails(500, "InternalError", "failed")]
    #[tokio::test]
    async fn what_becomes_of_an_event_is_counted(#[case] code: u16, #[case] reason: &str, #[case] outcome: &str) {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason});
        let (counted, _) = written(&[unfiled()], code, status).await;
        assert_eq!(
            counted,
            format!("filing_operator_denial_events_total{{outcome=\"{outcome}\"}} 1")
        );
    }

    #[tokio::test]
    async fn what_exceeds_the_bounds_is_counted_and_left_out() {
        let host = |at: usize| create("shop", hosts(&[&format!("h{at}.example.net")]));
        let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "any"}});
        let (counted, paths) = written(&(0..1000).map(host).collect::<Vec<_>>(), 201, event).await;
        assert_eq!(paths.len(), 10);
        assert!(counted.contains("{outcome=\"left_out\"} 990"), "{counted}");
    }

    #[rstest]
    #[case("shop", true)]
    #[case("team-7", true)]
    #[case::nothing("", false)]
    #[case::another_path("a/b", false)]
    #[case::above("..", false)]
    #[case::a_query("shop?x=", false)]
    #[case::escaped("a%2fb", false)]
    #[case::an_edge("-shop", false)]
    #[case::too_long(&"x".repeat(64), false)]
    fn a_namespace_is_never_more_than_a_segment_of_a_path(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_label(text), expected);
    }
}
