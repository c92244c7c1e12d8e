//! The operator: its one clock, and the wiring of controller, webhook and telemetry.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::PostParams;
use kube::{Api, Client};
use prometheus_client::registry::Registry;
use rustls::ServerConfig;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::admission::{self, ClientFile, Clock, Current, Denials, Freshness, Keeper, Source, Trust, Webhook};
use crate::api::FilingPolicySpec;
use crate::controller::{self, DefaultPolicy, Registration, Settings, Shared};
use crate::effects::Notice;
use crate::notify::{self, Outboxes, Teller};
use crate::telemetry::{self, Certificates, Health};

/// The longest wait before what failed at start is tried again.
const LAST_RETRY: Duration = Duration::from_mins(1);

/// How the operator runs.
#[derive(Clone)]
pub struct Options {
    /// The cluster.
    pub client: Client,
    /// The operator's own namespace.
    pub namespace: String,
    /// Who this replica is.
    pub identity: String,
    /// Whether a trace is named on each bucket of the latency of admission.
    pub exemplars: bool,
    /// Where the webhook listens.
    pub webhook_address: SocketAddr,
    /// Where metrics and health are served, without TLS.
    pub metrics_address: SocketAddr,
    /// Where the webhook's certificate comes from.
    pub certificate: Source,
    /// Who may call the webhook; none: everyone.
    pub clients: Option<ClientFile>,
    /// The ValidatingWebhookConfiguration by which the API server knows the webhook.
    pub configuration: String,
    /// Whether the failurePolicy there follows the policies.
    pub failure_policy_follows: bool,
    /// The policy to keep as the FilingPolicy `default`, if any.
    pub policy: Option<FilingPolicySpec>,
    /// Whether what fails is written as Reports of OpenReports.
    pub open_reports: bool,
    /// The Secrets, in the operator's own namespace, that say to whom notices are sent.
    pub channels: BTreeSet<String>,
    /// How many writes go to the API server in a second, the lease's and the default policy's aside.
    pub writes_per_second: NonZeroU32,
    /// How far the operator's clock is ahead of the machine's.
    pub now_offset: SignedDuration,
}

/// The one clock of the operator: the machine's, set ahead by an offset so that tests can move it.
fn clock(offset: SignedDuration) -> Clock {
    Arc::new(move || {
        let now = now();
        now.saturating_add(offset).unwrap_or(now)
    })
}

/// The time by the machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "here, and nowhere else, the machine is asked for the time"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Runs until `stop` resolves, and says that it will stop; goes on as before for as long as `stop` has said, or until it
/// resolves again, for calls still come from those who have not learnt of it; then drains requests, gives up the lease, and
/// returns.
///
/// # Errors
/// When a part can't start, or ends before it is told to; the others are stopped then.
pub async fn run(options: Options, stop: impl AsyncFnMut() -> Duration) -> Result<()> {
    let operator_clock = clock(options.now_offset);
    let shared = Arc::new(Shared::default());
    let metrics = admission::Metrics::default().with_exemplars(options.exemplars);
    let health = Arc::new(Health::new(Arc::clone(&shared)));
    let webhook_listener = listen(options.webhook_address, "the webhook")?;
    let metrics_listener = listen(options.metrics_address, "metrics and health")?;
    let stopping = watch::Sender::new(Stop::No);
    let leaving = || reached(&stopping, Stop::Soon);
    let closing = || reached(&stopping, Stop::Webhook);
    let stopped = || reached(&stopping, Stop::Work);
    let drained = || reached(&stopping, Stop::All);

    let certificates = Arc::new(Certificates::default());
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let (teller, outboxes) = channels(&options, &operator_clock, &mut registry, stopped());
    telemetry::Metrics::new(
        Arc::clone(&shared),
        Arc::clone(&certificates),
        Arc::clone(&operator_clock),
    )
    .register(&mut registry);
    let metrics_listener = tokio::net::TcpListener::from_std(metrics_listener).context("serving metrics and health")?;
    let telemetry = telemetry::serve(metrics_listener, Arc::clone(&health), registry, drained());
    let trust = Arc::new(Trust::default());
    let webhook = async {
        let (show, shown) = watch::channel(None);
        let certificate = keep_certificate(&options, Arc::clone(&trust), &certificates, show);
        let serving = async {
            let is_there = async { drop(shown.clone().wait_for(Option::is_some).await) };
            let account = tokio::select! {
                ((), account) = async { tokio::join!(is_there, own_account(&options.client)) } => account,
                () = closing() => return Ok(()),
            };
            let router = router(&options, account, &shared, &operator_clock, metrics.clone(), drained());
            health.set_webhook_is_serving(true);
            let served = admission::serve(webhook_listener, shown.clone(), router, metrics, leaving(), closing()).await;
            health.set_webhook_is_serving(false);
            served.context("serving the webhook")
        };
        tokio::select! {
            ended = certificate => ended,
            served = serving => served,
        }
    };
    let digest = digest(&options, &shared, &operator_clock, teller.clone(), stopped());
    let settings = settings(&options, &operator_clock, &trust, teller);
    let controller = controller::run(settings, Arc::clone(&shared), stopped());
    info!(
        version = env!("CARGO_PKG_VERSION"),
        namespace = options.namespace,
        identity = options.identity,
        webhook = %options.webhook_address,
        metrics = %options.metrics_address,
        "the operator starts"
    );

    // A part that ends by itself takes the others with it.
    let guard = |name: &'static str, result: Result<()>| {
        if let Err(error) = &result {
            error!(
                part = name,
                error = format!("{error:#}"),
                "a part of the operator has failed"
            );
        }
        stopping.send_if_modified(|stop| advance(stop, Stop::Work));
        result
    };
    let work = async {
        let parts = tokio::join!(
            async { guard("webhook", webhook.await) },
            async { guard("controller", controller.await.map_err(anyhow::Error::from)) },
            digest,
            told(stop, &health, &stopping),
        );
        // Nobody can tell any more; what was told is sent.
        outboxes.drain().await;
        // Health is told until the last request is answered.
        stopping.send_replace(Stop::All);
        parts.0.and(parts.1).map(|()| parts.3)
    };
    let telemetry = async { guard("telemetry", telemetry.await.context("serving metrics and health")) };
    let (worked, told_of) = tokio::join!(work, telemetry);
    let was_told = worked.and_then(|was_told| told_of.map(|()| was_told))?;
    if was_told {
        Ok(())
    } else {
        Err(anyhow!("the operator ended by itself"))
    }
}

/// Says so when the operator is told to stop, and stops the webhook when those who call it have had time to learn of it; or
/// when a part has ended by itself: then it gives false. The controller stops after the webhook, whose view it keeps current.
async fn told(mut stop: impl AsyncFnMut() -> Duration, health: &Health, stopping: &watch::Sender<Stop>) -> bool {
    let delay = tokio::select! {
        delay = stop() => Some(delay),
        () = reached(stopping, Stop::Work) => None,
    };
    info!("the operator stops");
    health.stop();
    stopping.send_if_modified(|stop| advance(stop, Stop::Soon));
    if let Some(delay) = delay {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            _ = stop() => {}
            () = reached(stopping, Stop::Work) => {}
        }
    }
    stopping.send_if_modified(|stop| advance(stop, Stop::Webhook));
    delay.is_some()
}

/// What the controller needs to know.
fn settings(options: &Options, clock: &Clock, trust: &Arc<Trust>, teller: Teller) -> Settings {
    Settings {
        client: options.client.clone(),
        namespace: options.namespace.clone(),
        identity: options.identity.clone(),
        default_policy: options.policy.clone().map(DefaultPolicy::new),
        open_reports: options.open_reports,
        writes_per_second: options.writes_per_second,
        registration: Registration {
            configuration: options.configuration.clone(),
            trust: Arc::clone(trust),
            follows_policies: options.failure_policy_follows,
        },
        clock: Arc::clone(clock),
        teller,
    }
}

/// Sets the channels to work, and makes their metrics known.
fn channels(
    options: &Options,
    clock: &Clock,
    registry: &mut Registry,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> (Teller, Outboxes) {
    let metrics = notify::Metrics::default();
    metrics.register(registry);
    let settings = notify::Settings {
        client: options.client.clone(),
        namespace: options.namespace.clone(),
        channels: options.channels.clone(),
        clock: Arc::clone(clock),
    };
    notify::open(settings, &metrics, stopped)
}

/// Sends the digest of each day, while this replica leads.
async fn digest(options: &Options, shared: &Shared, clock: &Clock, teller: Teller, stopped: impl Future<Output = ()>) {
    let leads = || shared.is_leader.load(Ordering::Relaxed);
    let announce = async |notice: &Notice, now| {
        admission::create_event(options.client.clone(), notice, &options.identity, now).await
    };
    let facts = Arc::clone(&shared.snapshot);
    notify::daily(teller, facts, Arc::clone(clock), leads, announce, stopped).await;
}

/// How far the operator has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    No,
    /// Nothing ends yet, and the webhook says that it will.
    Soon,
    /// The webhook ends.
    Webhook,
    /// So do the controller and all others that work.
    Work,
    /// So do metrics and health.
    All,
}

/// Goes on to a later stage, and never back to an earlier one.
fn advance(stop: &mut Stop, to: Stop) -> bool {
    let is_later = to > *stop;
    *stop = to.max(*stop);
    is_later
}

fn reached(stopping: &watch::Sender<Stop>, at_least: Stop) -> impl Future<Output = ()> + Send + 'static {
    let mut stopping = stopping.subscribe();
    // An error means that the sender is gone, and the operator with it.
    async move { drop(stopping.wait_for(|stop| *stop >= at_least).await) }
}

fn listen(address: SocketAddr, what: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("listening on {address} for {what}"))?;
    listener
        .set_nonblocking(true)
        .with_context(|| format!("listening on {address} for {what}"))?;
    Ok(listener)
}

/// The webhook's endpoint. Events about what it denies are written beside it, and never hold up an answer, until it is
/// gone or there is no more time.
fn router(
    options: &Options,
    account: Arc<str>,
    shared: &Arc<Shared>,
    clock: &Clock,
    metrics: admission::Metrics,
    cut_off: impl Future<Output = ()> + Send + 'static,
) -> axum::Router {
    let (denials, events) = Denials::new(metrics.clone());
    let (freshness, questions) = Freshness::new();
    let writing = events.write(options.client.clone(), options.identity.clone());
    let (client, facts) = (options.client.clone(), Arc::clone(shared));
    tokio::spawn(async move {
        tokio::select! {
            ((), ()) = async { tokio::join!(writing, controller::keep_fresh(client, &facts, questions)) } => {}
            () = cut_off => {}
        }
    });
    admission::router(Webhook {
        facts: Arc::clone(&shared.snapshot),
        account,
        clock: Arc::clone(clock),
        metrics,
        denials,
        freshness,
    })
}

/// Keeps what the webhook serves with current, for as long as it serves.
async fn keep_certificate(
    options: &Options,
    trust: Arc<Trust>,
    certificates: &Certificates,
    show: watch::Sender<Option<Arc<ServerConfig>>>,
) -> Result<()> {
    let keeper = Keeper {
        source: options.certificate.clone(),
        clients: options.clients.clone(),
        client: options.client.clone(),
        namespace: options.namespace.clone(),
        trust,
        // The API server checks certificates by its own clock, which no offset moves.
        clock: Arc::new(now),
    };
    let kept = keeper.run(
        |Current {
             serving,
             authority_ends,
         }| {
            if let Some(ends) = serving.ends {
                certificates.set_serving(ends);
            }
            if let Some(ends) = authority_ends {
                certificates.set_authority(ends);
            }
            show.send_replace(Some(serving.config));
        },
    );
    match kept.await? {}
}

/// The name by which the API server knows the operator, asked for until it answers.
async fn own_account(client: &Client) -> Arc<str> {
    let api: Api<SelfSubjectReview> = Api::all(client.clone());
    let mut waits = patient().build();
    loop {
        let reviewed = api.create(&PostParams::default(), &SelfSubjectReview::default()).await;
        match reviewed.map(|review| review.status.and_then(|status| status.user_info?.username)) {
            Ok(Some(name)) => return name.into(),
            Ok(None) => warn!("the API server does not say as whom it knows the operator"),
            Err(error) => warn!(%error, "the API server could not be asked as whom it knows the operator"),
        }
        tokio::time::sleep(waits.next().unwrap_or(LAST_RETRY)).await;
    }
}

/// Tries for ever, at last once a minute.
fn patient() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_max_delay(LAST_RETRY)
        .without_max_times()
        .with_jitter()
}
