//! Reports: what fails, by namespace, as Reports of OpenReports. Their definition is not this operator's to install: while
//! the API server serves none, nothing is written, and it is asked again now and then.
//!
//! [`Board`] is told of every verdict, and keeps the routes that fail, and no others. [`Writer`] writes a namespace's report
//! some seconds after something of it has changed, so that what changes often is written once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use kube::Client;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, PartialObjectMeta, Patch, PatchParams,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::shared::{Shared, Write};
use crate::admission::Clock;
use crate::api::keys::managers;
use crate::judge::{self, Verdict};
use crate::report::openreports::{self, Failures, MAX_RESULTS, open_report};
use crate::route::{Route, RouteKey};

/// From the first change of a namespace to its report.
const SETTLING: Duration = Duration::from_secs(5);
/// The wait before something that failed, or was not there, is tried again the first time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest such wait.
const LAST_RETRY: Duration = Duration::from_mins(5);
/// How long the API server may take over one call.
const SLOWEST_CALL: Duration = Duration::from_secs(30);
/// How many reports are listed at once.
const PAGE: u32 = 500;

/// What tells one content of a report from another.
type Digest = [u8; 32];

/// What fails, by namespace, and which reports are to be written.
#[derive(Debug, Default)]
pub(super) struct Board {
    state: Mutex<State>,
    /// Told of everything that the writer may wait for.
    changed: Notify,
}

/// Whether this replica writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    /// Another one leads.
    #[default]
    Others,
    /// It leads, and there are routes to be judged first.
    Soon,
    /// It leads, and has judged every route.
    Now,
}

#[derive(Debug, Default)]
struct State {
    turn: Turn,
    /// How often this replica has begun to lead.
    term: u64,
    namespaces: BTreeMap<Arc<str>, Namespace>,
    due: BTreeSet<(Instant, Arc<str>)>,
}

#[derive(Debug, Default)]
struct Namespace {
    failing: BTreeMap<RouteKey, (Arc<Route>, Failures)>,
    due: Option<Instant>,
    /// Whether there may be a report of ours.
    has_report: bool,
    /// What that says, if it was written in this term.
    written: Option<Digest>,
    backoff: Option<ExponentialBackoff>,
}

/// What the writer is to do next.
#[derive(Debug)]
enum Next {
    /// Bring a namespace's report up to date.
    Write(Job),
    /// Nothing before that moment, if there is one, unless something changes.
    Wait(Option<Instant>),
    /// The term has ended.
    End,
}

/// A namespace whose report is to be brought up to date.
#[derive(Debug)]
struct Job {
    namespace: Arc<str>,
    failures: Failures,
    /// The routes with violations first; no more than fill a report.
    routes: Vec<Arc<Route>>,
    has_report: bool,
    written: Option<Digest>,
}

/// How a report is, once a write has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// It says this.
    Says(Digest),
    /// There is none.
    Nothing,
}

impl Board {
    /// Takes note of how a route stands; it is forgotten when it has no verdict, or none of its findings fail.
    pub(super) fn stand(&self, key: &RouteKey, route: Option<&Arc<Route>>, verdict: Option<&Verdict>) {
        let failing = route
            .zip(verdict)
            .map(|(route, verdict)| (Arc::clone(route), Failures::of(verdict)));
        let failing = failing.filter(|(_, failures)| !failures.is_none());
        if self.state().stand(key, failing, Instant::now()) {
            self.changed.notify_one();
        }
    }

    /// Takes note of whether this replica writes.
    pub(super) fn turn(&self, turn: Turn) {
        if self.state().turn(turn) {
            self.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic half way; and the next verdicts mend what is wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this replica is to write, and says in which term.
    async fn term(&self) -> u64 {
        loop {
            {
                let state = self.state();
                if state.turn == Turn::Now {
                    return state.term;
                }
            }
            self.changed.notified().await;
        }
    }

    fn has_ended(&self, term: u64) -> bool {
        let state = self.state();
        state.turn == Turn::Others || state.term != term
    }

    /// Waits for a moment, or for a change.
    async fn wait(&self, until: Option<Instant>) {
        match until {
            Some(moment) => tokio::select! {
                () = tokio::time::sleep_until(moment) => {}
                () = self.changed.notified() => {}
            },
            None => self.changed.notified().await,
        }
    }
}

impl State {
    /// Says whether there is news for the writer.
    fn stand(&mut self, key: &RouteKey, failing: Option<(Arc<Route>, Failures)>, at: Instant) -> bool {
        let is_news = if let Some(failing) = failing {
            let namespace = self.namespaces.entry(Arc::clone(&key.namespace)).or_default();
            namespace.failing.insert(key.clone(), failing);
            true
        } else {
            let namespace = self.namespaces.get_mut(&key.namespace);
            namespace.is_some_and(|namespace| namespace.failing.remove(key).is_some())
        };
        is_news && self.make_due(&key.namespace, at + SETTLING)
    }

    /// Says whether there is news for the writer.
    fn turn(&mut self, turn: Turn) -> bool {
        if self.turn == Turn::Others && turn != Turn::Others {
            self.term = self.term.wrapping_add(1);
        }
        std::mem::replace(&mut self.turn, turn) != turn
    }

    /// A namespace's report is to be looked at then, or sooner if that is said already. Says whether it was not.
    fn make_due(&mut self, name: &Arc<str>, at: Instant) -> bool {
        let Some(namespace) = self.namespaces.get_mut(name) else {
            return false;
        };
        if namespace.due.is_some_and(|due| due <= at) {
            return false;
        }
        if let Some(later) = namespace.due.replace(at) {
            self.due.remove(&(later, Arc::clone(name)));
        }
        self.due.insert((at, Arc::clone(name)))
    }

    /// Begins anew, with the namespaces in which there are reports of ours: every report is to be looked at.
    fn begin(&mut self, reported: Vec<Arc<str>>, at: Instant) {
        for namespace in self.namespaces.values_mut() {
            namespace.has_report = false;
            namespace.written = None;
            namespace.backoff = None;
        }
        for name in reported {
            self.namespaces.entry(name).or_default().has_report = true;
        }
        let all: Vec<Arc<str>> = self.namespaces.keys().cloned().collect();
        for name in all {
            self.make_due(&name, at);
        }
    }

    fn next(&mut self, term: u64, now: Instant) -> Next {
        if self.turn == Turn::Others || self.term != term {
            return Next::End;
        }
        if self.turn == Turn::Soon {
            return Next::Wait(None);
        }
        match self.due.pop_first() {
            Some((at, name)) if at <= now => match self.namespaces.get_mut(&name) {
                Some(namespace) => {
                    namespace.due = None;
                    Next::Write(namespace.job(name))
                }
                None => Next::Wait(Some(now)),
            },
            Some(later) => {
                let at = later.0;
                self.due.insert(later);
                Next::Wait(Some(at))
            }
            None => Next::Wait(None),
        }
    }

    fn succeeded(&mut self, name: &Arc<str>, written: Written) {
        let Some(namespace) = self.namespaces.get_mut(name) else {
            return;
        };
        namespace.backoff = None;
        (namespace.has_report, namespace.written) = match written {
            Written::Says(digest) => (true, Some(digest)),
            Written::Nothing => (false, None),
        };
        if namespace.failing.is_empty() && !namespace.has_report && namespace.due.is_none() {
            self.namespaces.remove(name);
        }
    }

    /// It is tried again after a while, which is returned.
    fn failed(&mut self, name: &Arc<str>, now: Instant) -> Duration {
        let again = match self.namespaces.get_mut(name) {
            Some(namespace) => namespace.backoff.get_or_insert_with(backoff).next(),
            None => None,
        };
        let again = again.unwrap_or(LAST_RETRY);
        self.make_due(name, now + again);
        again
    }
}

impl Namespace {
    fn job(&self, namespace: Arc<str>) -> Job {
        let mut failures = Failures::default();
        for (_, of_route) in self.failing.values() {
            failures.violations = failures.violations.saturating_add(of_route.violations);
            failures.warnings = failures.warnings.saturating_add(of_route.warnings);
        }
        let with_violations = |wanted: bool| {
            let routes = self.failing.values();
            routes.filter(move |(_, failures)| (failures.violations > 0) == wanted)
        };
        // Each has one finding at least.
        let routes = with_violations(true).chain(with_violations(false)).take(MAX_RESULTS);
        Job {
            namespace,
            failures,
            routes: routes.map(|(route, _)| Arc::clone(route)).collect(),
            has_report: self.has_report,
            written: self.written,
        }
    }
}

/// Writes the reports.
pub(super) struct Writer {
    pub(super) board: Arc<Board>,
    pub(super) client: Client,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Clock,
}

/// A call about reports did not do what it should.
#[derive(Debug, thiserror::Error)]
enum ReportError {
    /// The API server knows no reports.
    #[error("the API server serves no {} of {}", openreports::KIND, openreports::API_VERSION)]
    NotServed,
    #[error("the API server did not answer within {SLOWEST_CALL:?}")]
    Slow,
    #[error(transparent)]
    Refused(#[from] kube::Error),
}

impl Writer {
    /// Writes whenever this replica leads, for ever.
    pub(super) async fn run(self) {
        loop {
            let term = self.board.term().await;
            if self.find(term).await
                && let Err(error) = self.write_all(term).await
            {
                debug!(%error, "reports are looked for anew");
                // Discovery may tell of the kind for a while after it is gone.
                tokio::time::sleep(SETTLING).await;
            }
        }
    }

    /// Looks for the definition until it is there. Says whether it was found before the term ended.
    async fn find(&self, term: u64) -> bool {
        let mut is_told = false;
        for wait in backoff() {
            match self.is_served().await {
                Ok(true) => {
                    info!(kind = openreports::KIND, "reports are written");
                    return true;
                }
                Ok(false) if !is_told => {
                    is_told = true;
                    info!(
                        api_version = openreports::API_VERSION,
                        kind = openreports::KIND,
                        "no reports are written, for their definition is not installed; it is looked for now and then"
                    );
                }
                Ok(false) => {}
                Err(error) => debug!(%error, "whether there are reports could not be seen"),
            }
            let until = Instant::now() + wait;
            while Instant::now() < until && !self.board.has_ended(term) {
                self.board.wait(Some(until)).await;
            }
            if self.board.has_ended(term) {
                return false;
            }
        }
        false
    }

    async fn is_served(&self) -> Result<bool, ReportError> {
        match in_time(self.client.list_api_group_resources(openreports::API_VERSION)).await {
            Ok(served) => Ok(served
                .resources
                .iter()
                .any(|resource| resource.kind == openreports::KIND)),
            Err(ReportError::Refused(kube::Error::Api(status))) if status.code == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Brings every report up to date, and keeps them so, until the term ends.
    async fn write_all(&self, term: u64) -> Result<(), ReportError> {
        let mut retries = backoff();
        let reported = loop {
            match self.reported().await {
                Ok(reported) => break reported,
                Err(error @ ReportError::NotServed) => return Err(error),
                Err(error) => {
                    let again = retries.next().unwrap_or(LAST_RETRY);
                    warn!(%error, again_in = ?again, "the reports that there are could not be listed");
                    tokio::time::sleep(again).await;
                }
            }
            if self.board.has_ended(term) {
                return Ok(());
            }
        };
        self.board.state().begin(reported, Instant::now());
        loop {
            // Not in the head of the match, or the lock would be held for the length of an arm.
            let next = self.board.state().next(term, Instant::now());
            let job = match next {
                Next::Write(job) => job,
                Next::Wait(until) => {
                    self.board.wait(until).await;
                    continue;
                }
                Next::End => return Ok(()),
            };
            match self.write(&job).await {
                Ok(written) => {
                    self.shared.writes.done(Write::Report);
                    self.board.state().succeeded(&job.namespace, written);
                }
                Err(error @ ReportError::NotServed) => return Err(error),
                Err(error) => {
                    self.shared.writes.failed(Write::Report);
                    let again = self.board.state().failed(&job.namespace, Instant::now());
                    warn!(%error, namespace = %job.namespace, again_in = ?again, "a report could not be written");
                }
            }
        }
    }

    /// The namespaces with reports of ours.
    async fn reported(&self) -> Result<Vec<Arc<str>>, ReportError> {
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource());
        let ours = format!("{}={}", openreports::MANAGED_BY, openreports::NAME);
        let mut params = ListParams::default().labels(&ours).limit(PAGE);
        let mut reported = Vec::new();
        loop {
            let page = in_time(api.list_metadata(&params)).await.map_err(not_served)?;
            let found = page
                .items
                .into_iter()
                .filter_map(|report: PartialObjectMeta<DynamicObject>| {
                    let is_ours = report.metadata.name.as_deref() == Some(openreports::NAME);
                    report.metadata.namespace.filter(|_| is_ours)
                });
            reported.extend(found.map(Arc::from));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(reported),
            }
        }
    }

    async fn write(&self, job: &Job) -> Result<Written, ReportError> {
        if job.failures.is_none() {
            return self.delete(job).await;
        }
        let Some(facts) = self.shared.snapshot.load_full() else {
            // The owner has published one before there was anything to judge.
            return Ok(job.written.map_or(Written::Nothing, Written::Says));
        };
        let now = (self.clock)();
        let mut results = 0;
        let mut judged = Vec::new();
        for route in &job.routes {
            if results >= MAX_RESULTS {
                break;
            }
            if let Some(verdict) = judge::judge(route, &facts, now) {
                results += Failures::of(&verdict).count();
                judged.push((Arc::clone(route), verdict));
            }
        }
        self.apply(job, &open_report(&job.namespace, job.failures, &judged))
            .await
    }

    async fn apply(&self, job: &Job, report: &Value) -> Result<Written, ReportError> {
        let digest: Digest = Sha256::digest(report.to_string()).into();
        if job.written == Some(digest) {
            return Ok(Written::Says(digest));
        }
        let params = PatchParams::apply(managers::REPORTS).force();
        let api = self.api(&job.namespace);
        match in_time(api.patch(openreports::NAME, &params, &Patch::Apply(report))).await {
            Ok(_) => Ok(Written::Says(digest)),
            // Its routes go with it, and bring this up anew.
            Err(ReportError::Refused(error)) if is_of_ending_namespace(&error) => Ok(Written::Nothing),
            Err(error) => Err(not_served(error)),
        }
    }

    async fn delete(&self, job: &Job) -> Result<Written, ReportError> {
        if !job.has_report {
            return Ok(Written::Nothing);
        }
        let api = self.api(&job.namespace);
        match in_time(api.delete(openreports::NAME, &DeleteParams::default()))
            .await
            .map_err(not_served)
        {
            Ok(_) => Ok(Written::Nothing),
            Err(ReportError::Refused(kube::Error::Api(status))) if status.code == 404 => Ok(Written::Nothing),
            Err(error) => Err(error),
        }
    }

    fn api(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &resource())
    }
}

fn resource() -> ApiResource {
    let (group, version) = openreports::API_VERSION.split_once('/').unwrap_or_default();
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, openreports::KIND))
}

async fn in_time<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, ReportError> {
    match tokio::time::timeout(SLOWEST_CALL, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ReportError::Slow),
    }
}

/// Tells a kind that is not there, of which the API server names nothing, from an object that is not.
fn not_served(error: ReportError) -> ReportError {
    match error {
        ReportError::Refused(kube::Error::Api(status))
            if status.code == 404 && status.details.as_ref().is_none_or(|details| details.kind.is_empty()) =>
        {
            ReportError::NotServed
        }
        error => error,
    }
}

fn is_of_ending_namespace(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let is_namespace = status
        .details
        .as_ref()
        .is_some_and(|details| details.kind == "namespaces");
    (status.code == 404 && is_namespace)
        || (status.code == 403 && status.message.contains("because it is being terminated"))
}

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_RETRY)
        .with_max_delay(LAST_RETRY)
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::super::tests::api::{scripted, status};
    use super::*;
    use crate::registry::{Kept, Registry};
    use crate::support::{filing, ingress, now, registry};

    fn ending() -> Value {
        filing("filings/example-com", json!({"expiresAt": "2026-12-31"}))
    }

    /// Tells a state how every route stands.
    fn told(state: &mut State, registry: &Registry, at: Instant) {
        for (key, kept) in registry.routes() {
            let Kept::Read(route) = kept else { panic!("{key}") };
            let verdict = judge::judge(route, registry.snapshot(), now()).unwrap();
            let failures = Failures::of(&verdict);
            let failing = (!failures.is_none()).then(|| (Arc::clone(route), failures));
            state.stand(key, failing, at);
        }
    }

    /// A state of these documents, in its first term.
    fn leading(documents: &[Value], at: Instant) -> State {
        let mut state = State::default();
        state.turn(Turn::Now);
        told(&mut state, &registry(documents), at);
        state
    }

    /// The only report that is due by then.
    fn job(state: &mut State, at: Instant) -> Job {
        match state.next(1, at) {
            Next::Write(job) => job,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_namespace_that_changes_often_is_written_once_in_a_while() {
        let begin = Instant::now();
        let documents = [ingress("shop/web", &["a.net"]), ingress("shop/api", &["b.net"])];
        let mut state = leading(&documents, begin);
        told(&mut state, &registry(&documents), begin + SETTLING / 2);
        assert!(matches!(state.next(1, begin + SETTLING / 2), Next::Wait(Some(at)) if at == begin + SETTLING));
        let job = job(&mut state, begin + SETTLING);
        assert_eq!((job.failures.violations, job.routes.len()), (2, 2));
        assert!(matches!(state.next(1, begin + SETTLING), Next::Wait(None)));
    }

    #[test]
    fn what_does_not_fail_is_not_kept() {
        let mut state = leading(
            &[
                filing("filings/example-com", json!({})),
                ingress("shop/web", &["www.example.com"]),
                ingress("shop/inner", &["web.internal"]),
            ],
            Instant::now(),
        );
        assert!(state.namespaces.is_empty() && state.due.is_empty());
        assert!(matches!(state.next(1, Instant::now() + SETTLING), Next::Wait(None)));
    }

    #[test]
    fn a_namespace_that_is_well_again_is_forgotten_with_its_report() {
        let begin = Instant::now();
        let web = ingress("shop/web", &["a.net"]);
        let mut state = leading(std::slice::from_ref(&web), begin);
        let first = job(&mut state, begin + SETTLING);
        state.succeeded(&first.namespace, Written::Says([0; 32]));
        let key = registry(&[web]).routes().next().unwrap().0.clone();
        assert!(state.stand(&key, None, begin + SETTLING));
        let last = job(&mut state, begin + SETTLING * 2);
        assert!(last.failures.is_none() && last.has_report);
        state.succeeded(&last.namespace, Written::Nothing);
        assert!(state.namespaces.is_empty());
    }

    #[test]
    fn routes_that_violate_come_before_those_that_are_warned_of() {
        let begin = Instant::now();
        let documents = [
            ending(),
            ingress("shop/a", &["www.example.com"]),
            ingress("shop/b", &["b.net"]),
        ];
        let job = job(&mut leading(&documents, begin), begin + SETTLING);
        let names: Vec<&str> = job.routes.iter().map(|route| &*route.key.name).collect();
        assert_eq!(names, ["b", "a"]);
        assert_eq!((job.failures.violations, job.failures.warnings), (1, 1));
    }

    #[test]
    fn a_namespace_hands_out_no_more_routes_than_fill_a_report() {
        let begin = Instant::now();
        let web = |at: usize| ingress(&format!("shop/web-{at}"), &["a.net"]);
        let documents: Vec<Value> = (0..MAX_RESULTS + 50).map(web).collect();
        let job = job(&mut leading(&documents, begin), begin + SETTLING);
        assert_eq!(
            (job.routes.len(), job.failures.violations),
            (MAX_RESULTS, MAX_RESULTS + 50)
        );
    }

    #[test]
    fn who_begins_to_lead_looks_at_every_report_that_is_there() {
        let begin = Instant::now();
        let mut state = leading(&[ingress("shop/web", &["a.net"])], begin);
        state.begin(vec!["gone".into()], begin);
        let jobs = [job(&mut state, begin), job(&mut state, begin)];
        let told = jobs.map(|job| (job.namespace.to_string(), job.has_report, job.failures.is_none()));
        assert_eq!(
            told,
            [("gone".to_owned(), true, true), ("shop".to_owned(), false, false)]
        );
    }

    #[rstest]
    #[case::another_leads(&[Turn::Others])]
    #[case::another_has_led_meanwhile(&[Turn::Others, Turn::Now])]
    fn a_term_that_has_ended_writes_nothing_more(#[case] turns: &[Turn]) {
        let begin = Instant::now();
        let mut state = leading(&[ingress("shop/web", &["a.net"])], begin);
        for turn in turns {
            state.turn(*turn);
        }
        assert!(matches!(state.next(1, begin + SETTLING), Next::End));
    }

    #[test]
    fn nothing_is_written_while_there_are_routes_to_be_judged() {
        let begin = Instant::now();
        let mut state = leading(&[ingress("shop/web", &["a.net"])], begin);
        state.turn(Turn::Soon);
        assert!(matches!(state.next(1, begin + SETTLING), Next::Wait(None)));
        assert!(state.turn(Turn::Now), "the writer is told");
        job(&mut state, begin + SETTLING);
    }

    #[test]
    fn what_failed_is_tried_again_later_and_later() {
        let begin = Instant::now();
        let mut state = leading(&[ingress("shop/web", &["a.net"])], begin);
        let mut last = Duration::ZERO;
        let mut at = begin + SETTLING;
        for _ in 0..5 {
            let job = job(&mut state, at);
            let again = state.failed(&job.namespace, at);
            assert!(again > last, "{again:?} after {last:?}");
            assert!(matches!(state.next(1, at), Next::Wait(Some(then)) if then == at + again));
            (last, at) = (again, at + again);
        }
    }

    /// Writes the first report that is due with these documents, `before` being so, and answers each call with one of
    /// these.
    async fn written(
        documents: &[Value],
        before: impl FnOnce(&mut Job),
        answers: &[(u16, Value)],
    ) -> (Result<Written, ReportError>, String) {
        let begin = Instant::now();
        let mut job = job(&mut leading(documents, begin), begin + SETTLING);
        before(&mut job);
        let shared = Arc::<Shared>::default();
        shared
            .snapshot
            .store(Some(Arc::new(registry(documents).snapshot().clone())));
        let writer = |client| Writer {
            board: Arc::default(),
            client,
            shared,
            clock: Arc::new(now),
        };
        scripted(answers, async |client| writer(client).write(&job).await).await
    }

    fn done() -> (u16, Value) {
        let report = json!({"apiVersion": openreports::API_VERSION, "kind": "Report", "metadata": {"name": "any"}});
        (200, report)
    }

    fn missing(kind: &str) -> (u16, Value) {
        let mut answer = status(404, "NotFound", "not found");
        answer["details"] = json!({"kind": kind});
        (404, answer)
    }

    #[tokio::test]
    async fn a_report_is_applied_whole_under_a_manager_of_its_own() {
        let (result, calls) = written(&[ingress("shop/web", &["a.net"])], |_| {}, &[done()]).await;
        assert!(matches!(result, Ok(Written::Says(_))), "{result:?}");
        insta::assert_snapshot!(calls);
    }

    #[tokio::test]
    async fn a_report_that_says_the_same_is_not_written_again() {
        let documents = [ingress("shop/web", &["a.net"])];
        let (first, _) = written(&documents, |_| {}, &[done()]).await;
        let Ok(Written::Says(digest)) = first else {
            panic!("{first:?}")
        };
        let (second, calls) = written(&documents, |job| job.written = Some(digest), &[]).await;
        assert!(
            matches!(second, Ok(Written::Says(same)) if same == digest),
            "{second:?}"
        );
        assert_eq!(calls, "");
    }

    #[rstest]
    #[case::deleted(done())]
    #[case::gone_already(missing("reports"))]
    #[tokio::test]
    async fn the_report_of_a_namespace_that_is_well_is_deleted(#[case] answer: (u16, Value)) {
        let well = |job: &mut Job| (job.failures, job.has_report) = (Failures::default(), true);
        let (result, calls) = written(&[ingress("shop/web", &["a.net"])], well, &[answer]).await;
        assert_eq!(result.unwrap(), Written::Nothing);
        let path = "/apis/openreports.io/v1alpha1/namespaces/shop/reports/filing-operator";
        assert!(calls.starts_with(&format!("DELETE {path}")), "{calls}");
    }

    #[tokio::test]
    async fn where_there_is_no_report_none_is_deleted() {
        let well = |job: &mut Job| job.failures = Failures::default();
        let (result, calls) = written(&[ingress("shop/web", &["a.net"])], well, &[]).await;
        assert_eq!((result.unwrap(), calls.as_str()), (Written::Nothing, ""));
    }

    #[rstest]
    #[case::a_namespace_that_is_gone(missing("namespaces"), "Ok(Nothing)")]
    #[case::no_definition((404, json!("404 page not found")), "Err(NotServed)")]
    #[case::no_definition_any_more(missing(""), "Err(NotServed)")]
    #[case::server_error((500, status(500, "InternalError", "etcd is away")), "Err(Refused(")]
    #[tokio::test]
    async fn what_the_api_server_refuses_is_told_apart(#[case] answer: (u16, Value), #[case] expected: &str) {
        let (result, _) = written(&[ingress("shop/web", &["a.net"])], |_| {}, &[answer]).await;
        assert!(format!("{result:?}").starts_with(expected), "{result:?}");
    }
}
