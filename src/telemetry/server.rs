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
            if missing.is_empty() {
                missing.push("what was listed has not been published".to_owned());
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
