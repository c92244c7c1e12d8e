//! The webhook's connections: TLS, how many there may be and how long, and how they end.
//!
//! Only the API server needs one, and it keeps few. Whoever else reaches the port may open what he likes: there are so many
//! at most, those that ask nothing go first, and none may keep the others waiting.
//!
//! It speaks HTTP/1.1 to a Service, where a connection that ends just when a call is sent takes the call with it: that is
//! not sent again. So who is no stranger is not shown the door: it ends connections itself when it has no more use for
//! them, and before the operator stops it is asked to, with an answer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use http::{HeaderValue, Request, Version, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use super::clients;
use super::limits::Limits;
use super::metrics::Metrics;

/// How many connections there may be. Where there are more, the one that has asked nothing for the longest time ends.
const CONNECTIONS: usize = 512;
/// How many there may be with those that are about to end.
const WITH_LEAVING: usize = 2 * CONNECTIONS;
/// How long the handshake of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a connection may ask nothing, or take to say what it asks: more than the 90 s after which the API server's client
/// ends it. That also opens some that it then has no use for, so who never asked is given as much.
const IDLE: Duration = Duration::from_mins(2);
/// How long a connection that asks nothing may take to end once it was told to.
const LEAVE: Duration = Duration::from_secs(1);
/// How long calls that are under way may take when the operator stops.
const DRAIN: Duration = Duration::from_secs(10);
/// The wait before the next connection is taken where one could not be, as when there are no more file descriptors.
const AGAIN: Duration = Duration::from_millis(100);
/// The most of a call's headers, in bytes.
const HEADERS: u32 = 16 << 10;
/// How many calls a connection may have under way, as in Go's own servers.
const CALLS: u32 = 250;

/// What connections are served with, as it is renewed. Before it is there, nobody is served.
pub type Shown = watch::Receiver<Option<Arc<ServerConfig>>>;

/// Serves until `shutdown` ends, each new connection with what `tls` then is; then takes no more connections and lets calls
/// that are under way end, for 10 s at most. Once `leaving` has ended, each answer over HTTP/1.1 is the last of its connection:
/// so that by the end there are few, and those that come instead may lead to another replica.
///
/// # Errors
/// Where the listener can't be used.
pub async fn serve(
    listener: TcpListener,
    tls: Shown,
    router: Router,
    metrics: Metrics,
    leaving: impl Future<Output = ()> + Send,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut guests = Guests::new(tls, router, metrics);
    let (mut leaving, mut shutdown) = (std::pin::pin!(leaving), std::pin::pin!(shutdown));
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            () = &mut leaving, if !guests.leaves.load(Ordering::Relaxed) => guests.leaves.store(true, Ordering::Relaxed),
            Some(ended) = guests.tasks.join_next_with_id() => guests.left(ended),
            accepted = listener.accept(), if guests.tasks.len() < WITH_LEAVING => match accepted {
                Ok((stream, _)) => guests.welcome(stream),
                Err(error) => {
                    warn!(%error, "a connection to the webhook could not be taken");
                    sleep(AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    info!(connections = guests.tasks.len(), "the webhook drains");
    guests.dismiss_all().await;
    Ok(())
}

/// Serves one connection of whatever carries bytes, from its first to its last: as [`serve`] does each, but for those limits
/// that are of all of them together.
pub async fn serve_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    tls: Shown,
    router: Router,
    metrics: Metrics,
) {
    if let Some(visit) = Guests::new(tls, router, metrics).visit() {
        visit.pass(stream).await;
    }
}

/// The connections, each in a task of its own.
struct Guests {
    tls: Shown,
    metrics: Metrics,
    http: Arc<auto::Builder<TokioExecutor>>,
    router: Router,
    limits: Limits,
    began: Instant,
    /// Whether the operator is about to stop.
    leaves: Arc<AtomicBool>,
    tasks: JoinSet<()>,
    here: HashMap<task::Id, Arc<Guest>>,
}

impl Guests {
    fn new(tls: Shown, router: Router, metrics: Metrics) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        // hyper would count the time between two calls too.
        http.http1().header_read_timeout(None);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(CALLS)
            .max_header_list_size(HEADERS);
        Self {
            tls,
            http: Arc::new(http),
            router,
            limits: Limits::new(metrics.clone()),
            metrics,
            began: Instant::now(),
            leaves: Arc::default(),
            tasks: JoinSet::new(),
            here: HashMap::new(),
        }
    }

    fn welcome(&mut self, stream: TcpStream) {
        let Some(visit) = self.visit() else { return };
        if self.here.len() >= CONNECTIONS {
            self.make_room();
        }
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "a connection stays slow");
        }
        let guest = Arc::clone(&visit.guest);
        let task = self.tasks.spawn(visit.pass(stream));
        self.here.insert(task.id(), guest);
    }

    /// What a connection needs; none before there is a certificate.
    fn visit(&self) -> Option<Visit> {
        let tls = self.tls.borrow().clone()?;
        Some(Visit {
            acceptor: TlsAcceptor::from(tls),
            metrics: self.metrics.clone(),
            http: Arc::clone(&self.http),
            router: self.router.clone(),
            limits: self.limits.clone(),
            guest: Arc::new(Guest::new(self.began)),
            leaves: Arc::clone(&self.leaves),
        })
    }

    /// Tells the one to leave that is missed the least: who never asked anything, before who asked long ago. Who is being
    /// answered stays.
    fn make_room(&mut self) {
        let idle = self.here.iter().filter(|(_, guest)| !guest.is_asking());
        if let Some(id) = idle.min_by_key(|(_, guest)| guest.importance()).map(|(id, _)| *id)
            && let Some(guest) = self.here.remove(&id)
        {
            guest.dismiss(LEAVE);
        }
    }

    fn left(&mut self, ended: Result<(task::Id, ()), task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                warn!(%error, "a connection to the webhook ended unexpectedly");
                error.id()
            }
        };
        self.here.remove(&id);
    }

    async fn dismiss_all(mut self) {
        for guest in self.here.values() {
            guest.dismiss(DRAIN);
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

/// What others know of a connection.
struct Guest {
    began: Instant,
    /// Calls that are being answered.
    asking: AtomicUsize,
    /// When the last call ended, in milliseconds since `began`; 0 before the first.
    asked: AtomicU64,
    /// When it came, in milliseconds since `began`.
    came: u64,
    /// How long it may take to leave, once it was told to.
    leave_within: OnceLock<Duration>,
    told: Notify,
}

impl Guest {
    fn new(began: Instant) -> Self {
        Self {
            began,
            asking: AtomicUsize::new(0),
            asked: AtomicU64::new(0),
            came: millis(began.elapsed()),
            leave_within: OnceLock::new(),
            told: Notify::new(),
        }
    }

    fn is_asking(&self) -> bool {
        self.asking.load(Ordering::Relaxed) > 0
    }

    /// The greater, the more would be missed.
    fn importance(&self) -> (u64, u64) {
        (self.asked.load(Ordering::Relaxed), self.came)
    }

    fn dismiss(&self, within: Duration) {
        // Who was told before keeps to that.
        if self.leave_within.set(within).is_ok() {
            self.told.notify_one();
        }
    }

    /// Resolves when it has asked nothing for too long.
    async fn bored(&self) {
        loop {
            let since = self.asked.load(Ordering::Relaxed).max(self.came);
            let idle = Duration::from_millis(millis(self.began.elapsed()).saturating_sub(since));
            if self.is_asking() {
                sleep(IDLE).await;
            } else if let Some(left) = IDLE.checked_sub(idle).filter(|left| !left.is_zero()) {
                sleep(left).await;
            } else {
                return;
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A call that is being answered, until it is dropped.
struct Asking(Arc<Guest>);

impl Asking {
    fn of(guest: &Arc<Guest>) -> Self {
        guest.asking.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(guest))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let Guest {
            asking, asked, began, ..
        } = &*self.0;
        asked.store(millis(began.elapsed()).max(1), Ordering::Relaxed);
        asking.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection from its first byte to its last.
struct Visit {
    acceptor: TlsAcceptor,
    metrics: Metrics,
    http: Arc<auto::Builder<TokioExecutor>>,
    router: Router,
    limits: Limits,
    guest: Arc<Guest>,
    leaves: Arc<AtomicBool>,
}

impl Visit {
    async fn pass(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let handshake = timeout(HANDSHAKE, self.acceptor.accept(stream));
        let stream = tokio::select! {
            shaken = handshake => match shaken {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    if let Some(reason) = clients::refusal(&error) {
                        self.metrics.refused(reason);
                    }
                    return debug!(%error, "a connection was no TLS, or not of whoever may call");
                }
                Err(_) => return debug!("a handshake took too long"),
            },
            () = self.guest.told.notified() => return,
        };
        let (router, limits, guest) = (self.router, self.limits, Arc::clone(&self.guest));
        let leaves = self.leaves;
        let answer = tower::service_fn(move |call: Request<Incoming>| {
            // HTTP/2 has a way of its own to end without loss.
            let may_be_last = call.version() < Version::HTTP_2;
            let leaves = Arc::clone(&leaves);
            let (asking, answer) = (Asking::of(&guest), limits.hold(call, &router));
            async move {
                let mut response = answer.await;
                drop(asking);
                if may_be_last && leaves.load(Ordering::Relaxed) {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = self
            .http
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(answer));
        let mut connection = std::pin::pin!(connection);
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = self.guest.bored() => {
                connection.as_mut().graceful_shutdown();
                timeout(LEAVE, connection).await.unwrap_or(Ok(()))
            }
            () = self.guest.told.notified() => {
                connection.as_mut().graceful_shutdown();
                let within = self.guest.leave_within.get().copied().unwrap_or(LEAVE);
                timeout(within, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = served {
            debug!(error, "a connection ended otherwise than it should");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use rstest::rstest;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::super::authority::Authority;
    use super::super::fixture::{authority, create, hosts, shown_by, synced};
    use super::super::server::PATH;
    use super::*;

    /// A webhook on loopback, with the authority that its callers trust.
    fn serving() -> (
        SocketAddr,
        Authority,
        oneshot::Sender<()>,
        tokio::task::JoinHandle<io::Result<()>>,
    ) {
        serving_and_leaving(std::future::pending())
    }

    fn serving_and_leaving(
        leaving: impl Future<Output = ()> + Send + 'static,
    ) -> (
        SocketAddr,
        Authority,
        oneshot::Sender<()>,
        tokio::task::JoinHandle<io::Result<()>>,
    ) {
        let authority = authority();
        let (_, tls) = watch::channel(Some(shown_by(&authority, None)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (router, metrics) = synced();
        let serving = serve(listener, tls, router, metrics, leaving, async {
            let _ = stopped.await;
        });
        (address, authority, stop, tokio::spawn(serving))
    }

    async fn connect(
        address: SocketAddr,
        trusted: &Authority,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(trusted.certificate().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(address).await?;
        connector.connect(address.ip().into(), stream).await
    }

    /// Asks over a connection that stays, and gives the first line of the answer.
    async fn ask(stream: &mut tokio_rustls::client::TlsStream<TcpStream>) -> io::Result<String> {
        let body = create("shop", hosts(&["shop.example.net"])).to_string();
        let call = format!(
            "POST {PATH} HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(call.as_bytes()).await?;
        let mut answer = vec![0; 16 << 10];
        let length = stream.read(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    }

    #[tokio::test]
    async fn who_asks_is_answered_however_many_others_say_nothing() {
        let (address, authority, stop, server) = serving();
        let mut first = connect(address, &authority, rustls::ALL_VERSIONS).await.unwrap();
        assert_eq!(ask(&mut first).await.unwrap(), "HTTP/1.1 200 OK");
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS + 50 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        // The first of them had to go, and not the one that had asked.
        assert_eq!(silent[0].read(&mut [0]).await.unwrap(), 0);
        assert_eq!(ask(&mut first).await.unwrap(), "HTTP/1.1 200 OK");
        let mut late = connect(address, &authority, rustls::ALL_VERSIONS).await.unwrap();
        assert_eq!(ask(&mut late).await.unwrap(), "HTTP/1.1 200 OK");
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert_eq!(late.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn who_asks_now_and_then_keeps_his_connection() {
        let (address, authority, _stop, _server) = serving();
        let mut quiet = connect(address, &authority, rustls::ALL_VERSIONS).await.unwrap();
        let mut asking = connect(address, &authority, rustls::ALL_VERSIONS).await.unwrap();
        assert_eq!(ask(&mut asking).await.unwrap(), "HTTP/1.1 200 OK");
        // The API server's client keeps an idle connection for 90 s.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(89)).await;
        tokio::time::resume();
        assert_eq!(ask(&mut asking).await.unwrap(), "HTTP/1.1 200 OK");
        assert_eq!(ask(&mut quiet).await.unwrap(), "HTTP/1.1 200 OK");

        tokio::time::pause();
        tokio::time::advance(IDLE).await;
        tokio::time::resume();
        assert_eq!(asking.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn one_that_leaves_answers_once_more_on_each_connection_and_on_new_ones() {
        let (leave, leaving) = oneshot::channel::<()>();
        let (address, authority, stop, server) = serving_and_leaving(async {
            let _ = leaving.await;
        });
        let mut old = connect(address, &authority, rustls::ALL_VERSIONS).await.unwrap();
        assert_eq!(ask(&mut old).await.unwrap(), "HTTP/1.1 200 OK");
        leave.send(()).unwrap();
        let mut new = connect(address, &authority, rustls::ALL_VERSIONS).await.unwrap();
        for stream in [&mut old, &mut new] {
            assert_eq!(ask(stream).await.unwrap(), "HTTP/1.1 200 OK");
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        }
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }

    #[rstest]
    #[case::tls_1_3(&rustls::version::TLS13)]
    #[case::tls_1_2(&rustls::version::TLS12)]
    #[tokio::test]
    async fn it_is_served_over_tls(#[case] version: &'static rustls::SupportedProtocolVersion) {
        let (address, authority, stop, server) = serving();
        let mut stream = connect(address, &authority, &[version]).await.unwrap();
        let body = create("shop", hosts(&["shop.example.net"])).to_string();
        let call = format!(
            "POST {PATH} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(call.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("[NoFiling]"), "{answer}");
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_new_certificate_is_shown_to_who_comes_and_nobody_has_to_go() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (before, after) = (authority(), authority());
        let (show, shown) = watch::channel(Some(shown_by(&before, None)));
        let (router, metrics) = synced();
        tokio::spawn(serve(
            listener,
            shown,
            router,
            metrics,
            std::future::pending(),
            std::future::pending(),
        ));
        let mut old = connect(address, &before, rustls::ALL_VERSIONS).await.unwrap();
        assert_eq!(ask(&mut old).await.unwrap(), "HTTP/1.1 200 OK");
        show.send_replace(Some(shown_by(&after, None)));
        let mut new = connect(address, &after, rustls::ALL_VERSIONS).await.unwrap();
        assert_eq!(ask(&mut new).await.unwrap(), "HTTP/1.1 200 OK");
        assert_eq!(ask(&mut old).await.unwrap(), "HTTP/1.1 200 OK");
        connect(address, &before, rustls::ALL_VERSIONS).await.unwrap_err();
    }

    #[tokio::test]
    async fn who_trusts_another_authority_does_not_connect() {
        let (address, _, _stop, _server) = serving();
        let error = connect(address, &authority(), rustls::ALL_VERSIONS).await.unwrap_err();
        assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    }
}
