//! Outboxes against real HTTP servers on loopback, with an API server that knows one Secret.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use http::Request;
use k8s_openapi::ByteString;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::fixture::{data, notice};
use super::outbox::{self, QUEUE};
use super::*;
use crate::support::{at, filing, now, registry};

/// How a server answers one call.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// At once.
    Answer(u16, &'static str),
    /// At once, pointing elsewhere.
    Redirect,
    /// Never.
    Hang,
    /// With a beginning, and no end.
    Slow,
    /// With far too much.
    Huge,
}

/// A server that answers by a script, and with 200 after it.
#[derive(Default)]
struct Server {
    script: Mutex<VecDeque<Act>>,
    received: Mutex<Vec<Value>>,
    elsewhere: AtomicUsize,
    called: Notify,
}

impl Server {
    async fn start(script: &[Act]) -> (Arc<Self>, SocketAddr) {
        let server = Arc::new(Self {
            script: Mutex::new(script.iter().copied().collect()),
            ..Self::default()
        });
        let router = Router::new()
            .route("/hook", post(Self::hook))
            .route("/elsewhere", get(elsewhere).post(elsewhere))
            .with_state(Arc::clone(&server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        (server, address)
    }

    async fn hook(State(server): State<Arc<Self>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
        let mut received: Value = serde_json::from_slice(&body).unwrap();
        received["header"] = json!(headers["content-type"].to_str().unwrap());
        server.received.lock().unwrap().push(received);
        server.called.notify_one();
        let act = server.script.lock().unwrap().pop_front();
        let answer = Response::builder();
        match act.unwrap_or(Act::Answer(200, r#"{"errcode":0,"code":0}"#)) {
            Act::Answer(429, body) => answer.status(429).header("retry-after", "0").body(body.into()),
            Act::Answer(status, body) => answer.status(status).body(body.into()),
            Act::Redirect => answer.status(302).header("location", "/elsewhere").body(Body::empty()),
            Act::Hang => std::future::pending().await,
            Act::Slow => {
                let first = futures::stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
                let rest = futures::stream::pending();
                answer.body(Body::from_stream(futures::StreamExt::chain(first, rest)))
            }
            Act::Huge => answer.body(vec![b' '; 1 << 20].into()),
        }
        .unwrap()
    }

    fn received(&self) -> Vec<Value> {
        self.received.lock().unwrap().clone()
    }
}

/// Counts who follows a redirect.
fn elsewhere(State(server): State<Arc<Server>>) -> std::future::Ready<StatusCode> {
    server.elsewhere.fetch_add(1, Ordering::Relaxed);
    std::future::ready(StatusCode::OK)
}

/// What the API server answers when the Secret is asked for.
#[derive(Clone)]
enum Kept {
    Data(BTreeMap<String, ByteString>),
    Nothing,
    Failure,
}

/// An API server that knows one Secret.
struct Cluster {
    kept: Mutex<VecDeque<Kept>>,
    asked: AtomicUsize,
    was_asked: Notify,
}

impl Cluster {
    /// The last stays.
    fn new(kept: &[Kept]) -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::new(kept.iter().cloned().collect()),
            asked: AtomicUsize::new(0),
            was_asked: Notify::new(),
        })
    }

    fn client(self: &Arc<Self>) -> Client {
        let cluster = Arc::clone(self);
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            assert_eq!(request.uri().path(), "/api/v1/namespaces/filing-system/secrets/ops");
            let answer = cluster.answer();
            async move { Ok::<_, Infallible>(answer) }
        });
        Client::new(service, "filing-system")
    }

    fn answer(&self) -> Response<kube::client::Body> {
        let mut script = self.kept.lock().unwrap();
        let kept = if script.len() > 1 {
            script.pop_front()
        } else {
            script.front().cloned()
        };
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.was_asked.notify_one();
        let status = |code: u16, reason: &str| {
            let body =
                json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason});
            (code, body)
        };
        let (code, body) = match kept.unwrap() {
            Kept::Data(data) => (
                200,
                json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "ops"}, "data": data}),
            ),
            Kept::Nothing => status(404, "NotFound"),
            Kept::Failure => status(500, "InternalError"),
        };
        let body = kube::client::Body::from(serde_json::to_vec(&body).unwrap());
        Response::builder().status(code).body(body).unwrap()
    }

    /// Waits until the Secret has been asked for so many times.
    async fn until_asked(&self, times: usize) {
        while self.asked.load(Ordering::SeqCst) < times {
            self.was_asked.notified().await;
        }
    }
}

/// An outbox at work.
struct Stage {
    cluster: Arc<Cluster>,
    teller: Teller,
    outbox: JoinHandle<()>,
    metrics: Metrics,
    now: Arc<Mutex<Timestamp>>,
    stop: oneshot::Sender<()>,
}

const QUICK: Patience = Patience {
    pause: Duration::from_millis(20),
    gather: Duration::from_millis(500),
    first_wait: Duration::from_millis(1),
    last_wait: Duration::from_millis(5),
    tries: 4,
    look: Duration::from_millis(10),
};

impl Stage {
    /// Before the outbox has begun to work.
    fn set(kept: &[Kept], patience: Patience) -> (Self, impl FnOnce(Self) -> Self + use<>) {
        let cluster = Cluster::new(kept);
        let metrics = Metrics::default();
        let now = Arc::new(Mutex::new(now()));
        let clock: Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || *now.lock().unwrap())
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let secrets = Secrets::new(cluster.client(), "filing-system");
        let (slot, outbox) = outbox::open(
            "ops".to_owned(),
            secrets.clone(),
            Sender::new(Duration::from_secs(2)),
            clock,
            patience,
            metrics.clone(),
            stopped.boxed().shared(),
        );
        let teller = Teller {
            slots: [slot].into(),
            secrets: Some(secrets),
        };
        let stage = Self {
            cluster,
            teller,
            outbox: tokio::spawn(async {}),
            metrics,
            now,
            stop,
        };
        let begin = |stage| Self {
            outbox: tokio::spawn(outbox.run()),
            ..stage
        };
        (stage, begin)
    }

    fn start(kept: &[Kept], patience: Patience) -> Self {
        let (stage, begin) = Self::set(kept, patience);
        begin(stage)
    }

    fn tell(&self, route: &str, reason: &str, is_warning: bool) {
        self.teller.tell(&notice(route, reason, is_warning), now());
    }

    /// Waits until all that was told is dealt with; sent, failed and dropped.
    async fn outcome(self) -> (u64, u64, u64) {
        let Self {
            teller,
            outbox,
            metrics,
            stop: _stop,
            ..
        } = self;
        drop(teller);
        outbox.await.unwrap();
        (
            metrics.of("ops", "sent"),
            metrics.of("ops", "failed"),
            metrics.of("ops", "dropped"),
        )
    }
}

fn secret(address: SocketAddr, kind: &str, more: &[(&str, &str)]) -> Kept {
    let url = format!("http://{address}/hook");
    let mut pairs = vec![("type", kind), ("url", url.as_str())];
    pairs.extend(more);
    Kept::Data(data(&pairs))
}

#[rstest]
#[case::well("cloudevents", &[], 1, (1, 0))]
#[case::an_error_of_the_server("cloudevents", &[Act::Answer(500, "")], 2, (1, 0))]
#[case::too_many("cloudevents", &[Act::Answer(429, "")], 2, (1, 0))]
#[case::it_hangs("cloudevents", &[Act::Hang], 2, (1, 0))]
#[case::it_never_ends("cloudevents", &[Act::Slow], 2, (1, 0))]
#[case::it_has_too_much_to_say("cloudevents", &[Act::Huge], 1, (0, 1))]
#[case::it_points_elsewhere("cloudevents", &[Act::Redirect], 1, (0, 1))]
#[case::a_robot_points_elsewhere("dingtalk", &[Act::Redirect], 1, (0, 1))]
#[case::a_robot_refuses("dingtalk", &[Act::Answer(200, r#"{"errcode":310000,"errmsg":"sign not match"}"#)], 1, (0, 1))]
#[case::a_robot_is_busy("wecom", &[Act::Answer(200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#)], 2, (1, 0))]
#[case::a_robot_has_had_enough("feishu", &[Act::Answer(400, r#"{"code":9499,"msg":"too many request"}"#)], 2, (1, 0))]
#[case::it_stays_down("cloudevents", &[Act::Answer(503, ""); 9], 4, (0, 1))]
#[tokio::test]
async fn a_message_is_tried_again_while_there_is_hope(
    #[case] kind: &str,
    #[case] script: &[Act],
    #[case] calls: usize,
    #[case] (sent, failed): (u64, u64),
) {
    let (server, address) = Server::start(script).await;
    let stage = Stage::start(&[secret(address, kind, &[])], QUICK);
    stage.tell("shop/web", "FilingCancelled", true);
    assert_eq!(stage.outcome().await, (sent, failed, 0));
    let received = server.received();
    assert_eq!(received.len(), calls, "{received:?}");
    assert_eq!(server.elsewhere.load(Ordering::Relaxed), 0, "nothing is sent elsewhere");
    let ids: std::collections::BTreeSet<_> = received.iter().map(|body| body["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "each try is the same message");
}

#[tokio::test]
async fn nobody_at_the_address_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let stage = Stage::start(&[secret(address, "cloudevents", &[])], QUICK);
    stage.tell("shop/web", "FilingCancelled", true);
    let cluster = Arc::clone(&stage.cluster);
    assert_eq!(stage.outcome().await, (0, 1, 0));
    assert_eq!(
        cluster.asked.load(Ordering::SeqCst),
        1 + QUICK.tries,
        "once at the start, and for each try"
    );
}

#[tokio::test]
async fn forty_routes_give_one_message() {
    let (server, address) = Server::start(&[]).await;
    let stage = Stage::start(&[secret(address, "cloudevents", &[])], QUICK);
    for route in 0..40 {
        stage.tell(&format!("shop/web-{route}"), "FilingCancelled", true);
    }
    assert_eq!(stage.outcome().await, (40, 0, 0));
    let [message] = server.received().try_into().unwrap();
    assert_eq!(message["header"], "application/cloudevents+json; charset=utf-8");
    assert_eq!(message["data"]["title"], "filing-operator: 40 warnings");
    assert_eq!(message["data"]["groups"][0]["items"].as_array().unwrap().len(), 20);
    assert_eq!(message["data"]["groups"][0]["more"], 20);
}

#[tokio::test]
async fn what_there_is_no_room_for_is_counted() {
    let (server, address) = Server::start(&[]).await;
    let (stage, begin) = Stage::set(&[secret(address, "cloudevents", &[])], QUICK);
    for _ in 0..QUEUE + 50 {
        stage.tell("shop/web", "FilingCancelled", true);
    }
    assert_eq!(stage.metrics.of("ops", "dropped"), 50);
    assert_eq!(begin(stage).outcome().await, (QUEUE as u64, 0, 50));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_channel_for_warnings_gets_no_others() {
    let (server, address) = Server::start(&[]).await;
    let stage = Stage::start(&[secret(address, "wecom", &[])], QUICK);
    stage.tell("shop/web", "Compliant", false);
    assert_eq!(stage.outcome().await, (0, 0, 0));
    assert!(server.received().is_empty());
    let stage = Stage::start(&[secret(address, "wecom", &[("minimum", "Normal")])], QUICK);
    stage.tell("shop/web", "Compliant", false);
    assert_eq!(stage.outcome().await, (1, 0, 0));
    assert_eq!(server.received().len(), 1);
}

#[rstest]
#[case::missing(&[Kept::Nothing], 0, (0, 1))]
#[case::no_channel(&[Kept::Data(BTreeMap::new())], 0, (0, 1))]
#[case::an_api_server_that_is_away(&[Kept::Failure], 0, (0, 1))]
#[tokio::test]
async fn a_channel_that_cant_be_read_is_counted(
    #[case] kept: &[Kept],
    #[case] calls: usize,
    #[case] (sent, failed): (u64, u64),
) {
    let (server, _) = Server::start(&[]).await;
    let stage = Stage::start(kept, QUICK);
    stage.tell("shop/web", "FilingCancelled", true);
    assert_eq!(stage.outcome().await, (sent, failed, 0));
    assert_eq!(server.received().len(), calls);
}

#[tokio::test]
async fn a_secret_that_is_mended_counts_for_the_next_try() {
    let (wrong, at_wrong) = Server::start(&[Act::Answer(503, "")]).await;
    let (right, at_right) = Server::start(&[]).await;
    let before = secret(at_wrong, "cloudevents", &[]);
    let stage = Stage::start(
        &[before.clone(), Kept::Failure, before, secret(at_right, "feishu", &[])],
        QUICK,
    );
    stage.tell("shop/web", "FilingCancelled", true);
    assert_eq!(stage.outcome().await, (1, 0, 0));
    assert_eq!((wrong.received().len(), right.received().len()), (1, 1));
    assert_eq!(right.received()[0]["msg_type"], "post");
}

#[tokio::test]
async fn what_comes_in_quiet_hours_is_one_message_at_their_end() {
    let (server, address) = Server::start(&[]).await;
    let stage = Stage::start(
        &[secret(address, "cloudevents", &[("quietHours", "22:00-08:00")])],
        QUICK,
    );
    stage.tell("shop/a", "FilingCancelled", true);
    // Once at the start, and once when it would have been sent.
    stage.cluster.until_asked(2).await;
    stage.tell("shop/b", "FilingCancelled", true);
    stage.cluster.until_asked(3).await;
    assert!(server.received().is_empty());
    *stage.now.lock().unwrap() = at("2026-11-23T08:00:00+08:00");
    server.called.notified().await;
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["data"]["count"], 2);
    assert_eq!(stage.outcome().await, (2, 0, 0));
}

#[tokio::test]
async fn quiet_hours_that_are_lifted_count_with_the_next_notice() {
    let (server, address) = Server::start(&[]).await;
    let quiet = secret(address, "cloudevents", &[("quietHours", "22:00-08:00")]);
    let stage = Stage::start(&[quiet.clone(), quiet, secret(address, "cloudevents", &[])], QUICK);
    stage.tell("shop/a", "FilingCancelled", true);
    stage.cluster.until_asked(2).await;
    stage.tell("shop/b", "FilingCancelled", true);
    server.called.notified().await;
    assert_eq!(server.received()[0]["data"]["count"], 2);
}

#[tokio::test]
async fn an_operator_that_stops_sends_what_it_kept() {
    let (server, address) = Server::start(&[]).await;
    let mut stage = Stage::start(
        &[secret(address, "cloudevents", &[("quietHours", "22:00-08:00")])],
        QUICK,
    );
    stage.tell("shop/a", "FilingCancelled", true);
    stage.cluster.until_asked(2).await;
    std::mem::replace(&mut stage.stop, oneshot::channel().0)
        .send(())
        .unwrap();
    assert_eq!(stage.outcome().await, (1, 0, 0));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_operator_that_stops_waits_for_no_channel() {
    let (server, address) = Server::start(&[Act::Answer(503, ""); 9]).await;
    let hour = Duration::from_hours(1);
    let patience = Patience {
        first_wait: hour,
        last_wait: hour,
        ..QUICK
    };
    let mut stage = Stage::start(&[secret(address, "cloudevents", &[])], patience);
    stage.tell("shop/a", "FilingCancelled", true);
    server.called.notified().await;
    std::mem::replace(&mut stage.stop, oneshot::channel().0)
        .send(())
        .unwrap();
    assert_eq!(stage.outcome().await, (0, 1, 0));
    assert!((1..=2).contains(&server.received().len()), "at most one try more");
}

/// The facts of one filing that has been cancelled.
fn facts() -> crate::admission::Facts {
    let registry = registry(&[filing("filing-system/example-com", json!({"stage": "Cancelled"}))]);
    Arc::new(arc_swap::ArcSwapOption::from_pointee(registry.snapshot().clone()))
}

#[rstest]
#[case::the_first(true, 1)]
#[case::one_that_has_gone_out_already(false, 0)]
#[tokio::test]
async fn the_digest_is_sent_by_whoever_announces_it_first(#[case] is_new: bool, #[case] messages: usize) {
    let (server, address) = Server::start(&[]).await;
    let stage = Stage::start(&[secret(address, "cloudevents", &[])], QUICK);
    let (announced, stop) = (Mutex::new(Vec::new()), Notify::new());
    // The clock that the digest goes by: just before nine, and then nine.
    let moments = Mutex::new(VecDeque::from([
        "2026-11-23T08:59:59.990+08:00",
        "2026-11-23T08:59:59.990+08:00",
    ]));
    let clock: Clock = Arc::new(move || {
        at(moments
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or("2026-11-23T09:00:00+08:00"))
    });
    daily(
        stage.teller.clone(),
        facts(),
        clock,
        || true,
        async |notice: &Notice, _| {
            announced.lock().unwrap().push(notice.note.clone());
            stop.notify_one();
            Ok::<_, Infallible>(is_new)
        },
        stop.notified(),
    )
    .await;
    assert_eq!(*announced.lock().unwrap(), ["1 Red, 0 Yellow, 0 due within 30 days"]);
    assert_eq!(stage.outcome().await, (messages as u64, 0, 0));
    let received = server.received();
    assert_eq!(received.len(), messages);
    for message in received {
        assert_eq!(message["type"], "io.filing-operator.digest.v1");
        assert_eq!(
            message["data"]["groups"][0]["items"][0]["name"],
            "filing-system/example-com"
        );
    }
}

#[rstest]
#[case::nobody_wants_it("2026-11-23T09:00:00+08:00", "false", true)]
#[case::another_leads("2026-11-23T09:00:00+08:00", "true", false)]
#[tokio::test]
async fn a_digest_that_nobody_gets_costs_no_write(#[case] moment: &str, #[case] digest: &str, #[case] leads: bool) {
    let (_, address) = Server::start(&[]).await;
    let stage = Stage::start(&[secret(address, "cloudevents", &[("digest", digest)])], QUICK);
    stage.cluster.until_asked(1).await;
    let moment = at(moment);
    let looked = Notify::new();
    daily(
        stage.teller.clone(),
        facts(),
        Arc::new(move || moment),
        || {
            looked.notify_one();
            leads
        },
        async |notice: &Notice, _| -> Result<bool, Infallible> { panic!("announced: {notice:?}") },
        looked.notified(),
    )
    .await;
    assert_eq!(stage.cluster.asked.load(Ordering::SeqCst), 1 + usize::from(leads));
    assert_eq!(stage.outcome().await, (0, 0, 0));
}

#[tokio::test]
async fn without_a_channel_nothing_is_done_at_all() {
    let teller = Teller::default();
    teller.tell(&notice("shop/web", "FilingCancelled", true), now());
    let never = std::future::pending::<()>();
    let announce = async |notice: &Notice, _| -> Result<bool, Infallible> { panic!("announced: {notice:?}") };
    daily(
        teller,
        facts(),
        Arc::new(now),
        || panic!("nobody need lead"),
        announce,
        never,
    )
    .await;
}
