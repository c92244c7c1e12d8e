//! The health and metrics of the process over plain HTTP. It tells no secrets and changes nothing.

use std::future::{Future, IntoFuture};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::controller::Shared;
use crate::registry::SubjectKind;

/// What OpenMetrics asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long answers under way may still take when it is told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Whether the operator can do its work.
#[derive(Debug)]
pub struct Health {
    controller: Arc<Shared>,
    webhook_is_serving: AtomicBool,
    is_stopping: AtomicBool,
}

impl Health {
    /// Of a controller, before the webhook serves.
    pub fn new(controller: Arc<Shared>) -> Self {
        Self {
            controller,
            webhook_is_serving: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// The webhook takes calls, or no longer does.
    pub fn set_webhook_is_serving(&self, is_serving: bool) {
        self.webhook_is_serving.store(is_serving, Ordering::Relaxed);
    }

    /// From now on it is not ready, so that nobody new is sent here while it drains.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// What keeps it from being ready, a clause each; none: it is.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.is_stopping.load(Ordering::Relaxed) {
            missing.push("it is stopping".to_owned());
        }
        if !self.controller.is_synced() {
            let unlisted = self.controller.watches().filter(|(_, watch)| !watch.has_listed());
            missing.extend(unlisted.map(|(kind, _)| format!("{} have not been listed", plural(kind))));
            // All have been listed, and are being indexed.
            if missing.is_empty() {
                missing.push("the facts have not been published".to_owned());
            }
        }
        if !self.webhook_is_serving.load(Ordering::Relaxed) {
            missing.push("the webhook is not serving".to_owned());
        }
        missing
    }
}

fn plural(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Filing => "filings",
        SubjectKind::Server => "access servers",
        SubjectKind::Policy => "filing policies",
        SubjectKind::Namespace => "namespaces",
        SubjectKind::Class => "ingress classes",
        SubjectKind::Node => "nodes",
        SubjectKind::Route => "ingresses",
    }
}

/// Serves `/livez`, `/readyz` and `/metrics` until `shutdown` resolves, and then what is under way, for 5 s at most.
/// Whoever stops the operator tells [`Health::stop`] first, and this last.
///
/// # Errors
/// Where the listener can't be used.
pub async fn serve(
    listener: TcpListener,
    health: Arc<Health>,
    registry: Registry,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (drain, draining) = oneshot::channel();
    let serving = axum::serve(listener, router(health, registry)).with_graceful_shutdown(async {
        // That it was dropped means the same.
        let _ = draining.await;
    });
    let stop = async {
        shutdown.await;
        // Where nobody listens it has ended already.
        let _ = drain.send(());
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = serving.into_future() => ended,
        () = stop => Ok(()),
    }
}

fn router(health: Arc<Health>, registry: Registry) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready).with_state(health))
        .route("/metrics", get(metrics).with_state(Arc::new(registry)))
        .fallback(async || (StatusCode::NOT_FOUND, "there are /livez, /readyz and /metrics\n"))
}

async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    let missing = health.missing();
    if missing.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match text::encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the metrics can't be written\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    use prometheus_client::metrics::counter::Counter;
    use rstest::rstest;

    use super::*;
    use crate::registry::Snapshot;

    struct Running {
        address: SocketAddr,
        health: Arc<Health>,
        shared: Arc<Shared>,
        shutdown: oneshot::Sender<()>,
        serving: tokio::task::JoinHandle<io::Result<()>>,
    }

    impl Running {
        async fn start() -> Self {
            let shared = Arc::new(Shared::default());
            let health = Arc::new(Health::new(Arc::clone(&shared)));
            let mut registry = Registry::default();
            registry.register("calls", "Calls", Counter::<u64>::default());
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (shutdown, stopped) = oneshot::channel();
            let serving = serve(listener, Arc::clone(&health), registry, async {
                stopped.await.unwrap();
            });
            Self {
                address,
                health,
                shared,
                shutdown,
                serving: tokio::spawn(serving),
            }
        }

        fn sync(&self) {
            let snapshot = Snapshot::new("filing-operator", true);
            self.shared.snapshot.store(Some(Arc::new(snapshot)));
        }

        /// The status, the head and the body of an answer.
        async fn get(&self, path: &'static str) -> (u16, String, String) {
            let address = self.address;
            let answer = tokio::task::spawn_blocking(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                write!(
                    stream,
                    "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
                .unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer
            });
            let answer = answer.await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            (status, head.to_owned(), body.to_owned())
        }
    }

    #[tokio::test]
    async fn it_is_live_before_it_is_ready() {
        let running = Running::start().await;
        assert_eq!(running.get("/livez").await.0, 200);
        assert_eq!(running.get("/readyz").await.0, 503);
    }

    #[tokio::test]
    async fn unready_says_all_that_is_missing() {
        let running = Running::start().await;
        let (status, head, body) = running.get("/readyz").await;
        assert_eq!(status, 503);
        assert!(head.contains("content-type: text/plain; charset=utf-8"), "{head}");
        insta::assert_snapshot!(body, @r"
        filings have not been listed
        access servers have not been listed
        filing policies have not been listed
        namespaces have not been listed
        ingress classes have not been listed
        nodes have not been listed
        ingresses have not been listed
        the webhook is not serving
        ");
    }

    #[rstest]
    #[case::all_is_well(true, false, 200, "ok\n")]
    #[case::no_webhook(false, false, 503, "the webhook is not serving\n")]
    #[case::stopping(true, true, 503, "it is stopping\n")]
    #[case::stopping_and_no_webhook(false, true, 503, "it is stopping\nthe webhook is not serving\n")]
    #[tokio::test]
    async fn it_is_ready_while_it_is_synced_serves_and_is_not_stopping(
        #[case] webhook: bool,
        #[case] stops: bool,
        #[case] status: u16,
        #[case] body: &str,
    ) {
        let running = Running::start().await;
        running.sync();
        running.health.set_webhook_is_serving(webhook);
        if stops {
            running.health.stop();
        }
        let answer = running.get("/readyz").await;
        assert_eq!((answer.0, answer.2.as_str()), (status, body));
    }

    #[tokio::test]
    async fn metrics_are_open_metrics() {
        let running = Running::start().await;
        let (status, head, body) = running.get("/metrics").await;
        assert_eq!(status, 200);
        assert!(head.contains(&format!("content-type: {OPEN_METRICS}")), "{head}");
        assert_eq!(
            body,
            "# HELP calls Calls.\n# TYPE calls counter\ncalls_total 0\n# EOF\n"
        );
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let running = Running::start().await;
        let (status, _, body) = running.get("/debug").await;
        assert_eq!(
            (status, body.as_str()),
            (404, "there are /livez, /readyz and /metrics\n")
        );
    }

    #[tokio::test]
    async fn it_ends_when_told_also_with_a_connection_that_says_nothing() {
        let running = Running::start().await;
        let silent = tokio::net::TcpStream::connect(running.address).await.unwrap();
        assert_eq!(running.get("/livez").await.0, 200);
        running.shutdown.send(()).unwrap();
        let ended = tokio::time::timeout(DRAIN * 2, running.serving).await;
        assert!(ended.unwrap().unwrap().is_ok());
        drop(silent);
    }
}
