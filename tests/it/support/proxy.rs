//! The API server on a bad day: a proxy between the operator and the real API server, which a test tells what to spoil.
//!
//! It runs in a thread of its own, so that a test that waits for kubectl does not keep it waiting.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use axum::{Router, body::Body, extract::State, http::Request, response::Response};
use axum_server::tls_rustls::RustlsConfig;
use futures::StreamExt as _;
use http_body_util::BodyExt as _;
use kube::Client;
use serde_json::json;
use tokio::sync::{oneshot, watch};

use super::{
    cluster::{Account, Cluster, install_tls},
    process::free_address,
};

/// A way to the API server that a test can spoil. Requests go on as the admin of the cluster, whoever sends them.
pub(crate) struct Proxy {
    /// Whoever goes this way.
    pub(crate) account: Account,
    road: Arc<Road>,
    /// The thread ends when this is gone.
    _stop: oneshot::Sender<Infallible>,
}

/// What is asked of the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// As RBAC calls it, with `list` only for what has no name.
    pub(crate) verb: &'static str,
    /// Without the query.
    pub(crate) path: String,
    /// The field manager that the query names.
    pub(crate) manager: Option<String>,
}

/// What is done in place of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is refused with this code; the API server does not see it.
    Refused(u16),
    /// It is refused with 429 and the time in seconds after which to try again.
    TooMany(u32),
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is not done, and the connection stays open without a word.
    Silence,
    /// A watch ends as soon as it has begun.
    WatchEnds,
    /// A watch begins, and says that its version is gone.
    WatchExpired,
    /// It takes that long.
    Slow(Duration),
    /// It waits until the fault ends, and is done then.
    Held,
}

/// A fault that is under way; it ends when this is dropped.
pub(crate) struct Spoilt {
    road: Arc<Road>,
    left: Arc<AtomicUsize>,
    /// What is held goes on when this is gone.
    _end: watch::Sender<()>,
}

struct Road {
    asked: Mutex<Vec<Asked>>,
    rules: Mutex<Vec<Rule>>,
    open: Mutex<Vec<(Asked, watch::Sender<Cut>)>>,
}

struct Rule {
    spoils: Box<dyn Fn(&Asked) -> bool + Send>,
    fault: Fault,
    left: Arc<AtomicUsize>,
    end: watch::Receiver<()>,
}

/// What has become of a watch that was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    No,
    Ended,
    Silent,
}

impl Proxy {
    /// A way to a cluster's API server.
    pub(crate) fn to(cluster: &Cluster) -> Self {
        install_tls();
        let address = free_address();
        let listener = std::net::TcpListener::bind(address).expect("the address is free");
        listener.set_nonblocking(true).expect("a listener can be set so");
        let road = Arc::new(Road {
            asked: Mutex::default(),
            rules: Mutex::default(),
            open: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let (admin, state) = (cluster.admin.clone(), Arc::clone(&road));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let made =
                    rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate can be made");
                let key = made.signing_key.serialize_der();
                let tls = RustlsConfig::from_der(vec![made.cert.der().to_vec()], key).await;
                let router = Router::new().fallback(answer).with_state((state, admin.client().await));
                let server = axum_server::from_tcp_rustls(listener, tls.expect("it is a certificate"))
                    .expect("a listener can be served")
                    .serve(router.into_make_service());
                tokio::select! {
                    ended = server => ended.expect("the proxy serves"),
                    _ = stopped => {}
                }
            });
        });
        Self {
            account: cluster.by_way_of(address),
            road,
            _stop: stop,
        }
    }

    /// Spoils the next requests that are asked so, that many of them.
    pub(crate) fn spoil(&self, times: usize, fault: Fault, spoils: impl Fn(&Asked) -> bool + Send + 'static) -> Spoilt {
        let left = Arc::new(AtomicUsize::new(times));
        let (to_end, end) = watch::channel(());
        self.road.rules.lock().unwrap().push(Rule {
            spoils: Box::new(spoils),
            fault,
            left: Arc::clone(&left),
            end,
        });
        Spoilt {
            road: Arc::clone(&self.road),
            left,
            _end: to_end,
        }
    }

    /// Ends the watches of a resource (plural) that are open, and says how many there were.
    pub(crate) fn end_watches(&self, resource: &str) -> usize {
        self.cut(resource, Cut::Ended)
    }

    /// Lets the watches of a resource (plural) say nothing any more, with their connections open.
    pub(crate) fn silence_watches(&self, resource: &str) -> usize {
        self.cut(resource, Cut::Silent)
    }

    fn cut(&self, resource: &str, cut: Cut) -> usize {
        let mut open = self.road.open.lock().unwrap();
        open.retain(|(_, watch)| !watch.is_closed());
        let named: Vec<_> = open.iter().filter(|(asked, _)| asked.is_of(resource)).collect();
        for (_, watch) in &named {
            watch.send_replace(cut);
        }
        named.len()
    }

    /// What was asked so far, spoilt or not.
    pub(crate) fn asked(&self, counts: impl Fn(&Asked) -> bool) -> Vec<Asked> {
        let asked = self.road.asked.lock().unwrap();
        asked.iter().filter(|asked| counts(asked)).cloned().collect()
    }
}

impl Asked {
    fn of<B>(request: &Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let path = request.uri().path().to_owned();
        // /api/v1/… or /apis/group/version/…, then either resource[/name…] or namespaces/namespace/resource[/name…].
        let parts: Vec<&str> = path
            .split('/')
            .skip(if path.starts_with("/api/") { 3 } else { 4 })
            .collect();
        let names_one = match parts.as_slice() {
            ["namespaces", _, _, rest @ ..] | [_, rest @ ..] => !rest.is_empty(),
            [] => true,
        };
        let verb = match request.method().as_str() {
            "GET" if query.contains("watch=true") => "watch",
            "GET" if names_one => "get",
            "GET" => "list",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            other => panic!("the operator has no use for {other}"),
        };
        let manager = query.split('&').find_map(|pair| pair.strip_prefix("fieldManager="));
        Self {
            verb,
            path,
            manager: manager.map(str::to_owned),
        }
    }

    /// Whether it changes anything. That someone asks who they are changes nothing.
    pub(crate) fn writes(&self) -> bool {
        !["get", "list", "watch"].contains(&self.verb) && !self.is_of("selfsubjectreviews")
    }

    /// Whether it moves a route into quarantine, or out of it.
    pub(crate) fn moves(&self) -> bool {
        self.verb == "patch" && self.manager.as_deref() == Some("filing-operator-quarantine")
    }

    /// Whether it is about a resource (plural), or one of its objects.
    pub(crate) fn is_of(&self, resource: &str) -> bool {
        self.path.split('/').any(|part| part == resource)
    }
}

impl Spoilt {
    /// How many requests are still to be spoilt.
    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }
}

impl Drop for Spoilt {
    fn drop(&mut self) {
        self.road
            .rules
            .lock()
            .unwrap()
            .retain(|rule| !Arc::ptr_eq(&rule.left, &self.left));
    }
}

impl Road {
    fn fault(&self, asked: &Asked) -> Option<(Fault, watch::Receiver<()>)> {
        let rules = self.rules.lock().unwrap();
        let mut spoiling = rules.iter().filter(|rule| (rule.spoils)(asked));
        let take = |left: usize| left.checked_sub(1);
        let rule = spoiling.find(|rule| rule.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok())?;
        Some((rule.fault.clone(), rule.end.clone()))
    }
}

async fn answer(State((road, upstream)): State<(Arc<Road>, Client)>, request: Request<Body>) -> Response {
    let asked = Asked::of(&request);
    road.asked.lock().unwrap().push(asked.clone());
    let Some((fault, mut end)) = road.fault(&asked) else {
        return pass(&road, &upstream, asked, request).await;
    };
    match fault {
        Fault::Refused(code) => refused(code, &[]),
        Fault::TooMany(seconds) => refused(429, &[("retry-after", seconds.to_string())]),
        Fault::AnswerLost => {
            drop(pass(&road, &upstream, asked, request).await.into_body().collect().await);
            Response::new(Body::from_stream(futures::stream::once(async {
                Err::<String, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
            })))
        }
        Fault::Silence => std::future::pending().await,
        Fault::WatchEnds => Response::new(Body::empty()),
        Fault::WatchExpired => {
            let event = json!({"type": "ERROR", "object": status(410)});
            Response::new(Body::from(format!("{event}\n")))
        }
        Fault::Slow(time) => {
            tokio::time::sleep(time).await;
            pass(&road, &upstream, asked, request).await
        }
        Fault::Held => {
            // Nothing is ever sent: it is over when there is nobody left who could.
            let _gone = end.changed().await;
            pass(&road, &upstream, asked, request).await
        }
    }
}

/// Lets a request pass, and its answer.
async fn pass(road: &Road, upstream: &Client, asked: Asked, request: Request<Body>) -> Response {
    let (mut head, body) = request.into_parts();
    head.headers.remove("host");
    let Ok(body) = body.collect().await else {
        return refused(400, &[]);
    };
    let body = kube::client::Body::from(body.to_bytes().to_vec());
    let Ok(answer) = upstream.send(Request::from_parts(head, body)).await else {
        return refused(502, &[]);
    };
    let (mut head, body) = answer.into_parts();
    head.headers.remove("transfer-encoding");
    if asked.verb != "watch" {
        return Response::from_parts(head, Body::new(body));
    }
    let (cut, cuts) = watch::channel(Cut::No);
    road.open.lock().unwrap().push((asked, cut));
    let chunks = Body::new(body).into_data_stream();
    let spoilt = futures::stream::unfold((chunks, cuts), async |(mut chunks, mut cuts)| {
        let next = tokio::select! {
            biased;
            cut = cuts.wait_for(|cut| *cut != Cut::No) => Err(cut.map_or(Cut::Ended, |cut| *cut)),
            chunk = chunks.next() => Ok(chunk),
        };
        match next {
            Ok(chunk) => return chunk.map(|chunk| (chunk, (chunks, cuts))),
            Err(Cut::Silent) => drop(cuts.wait_for(|cut| *cut == Cut::Ended).await),
            Err(Cut::Ended | Cut::No) => {}
        }
        None
    });
    Response::from_parts(head, Body::from_stream(spoilt))
}

fn status(code: u16) -> serde_json::Value {
    let reason = match code {
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code, "reason": reason, "message": "spoilt by a test",
    })
}

fn refused(code: u16, headers: &[(&str, String)]) -> Response {
    let mut answer = Response::builder()
        .status(code)
        .header("content-type", "application/json");
    for (name, value) in headers {
        answer = answer.header(*name, value);
    }
    let body = Body::from(status(code).to_string());
    answer.body(body).expect("it is an answer")
}
