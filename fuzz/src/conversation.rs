//! A client of the webhook that sends what bytes say, over a pipe and in a time of its own, which passes when nothing else does.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use filing_operator::admission::{self, Authority, Denials, Freshness, Metrics, Serving, Webhook};
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::facts;

/// How long a connection may last, whatever is sent or not: well above each of the listener's own limits.
const LONGEST: Duration = Duration::from_mins(10);
/// What the pipe holds.
const PIPE: usize = 64 << 10;

/// The first byte says how the others are sent: as they are or within TLS, of which version, in what pieces, and whether the
/// client then ends or stays silent.
pub fn hold(bytes: &[u8]) {
    let Some((how, sent)) = bytes.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(async {
        let (client, webhook_side) = tokio::io::duplex(PIPE);
        let (_kept, tls) = watch::channel(Some(Arc::clone(&ends().0)));
        let (router, metrics) = webhook();
        let served = admission::serve_one(webhook_side, tls, router, metrics);
        let both = async { tokio::join!(served, speak(client, *how, sent)) };
        let ((), heard) = timeout(LONGEST, both).await.expect("a connection ends");
        assert!(
            !heard.starts_with(b"HTTP/1.1 500"),
            "{}",
            String::from_utf8_lossy(&heard)
        );
    });
}

async fn speak(client: DuplexStream, how: u8, sent: &[u8]) -> Vec<u8> {
    let (ends, piece) = (how & 4 == 0, if how & 8 == 0 { PIPE } else { 7 });
    let way = how & 3;
    if way == 0 {
        return send(client, sent, piece, ends).await;
    }
    let config = &self::ends().1[usize::from(how & 16 != 0)];
    let name = ServerName::try_from("webhook").expect("a name");
    let Ok(client) = TlsConnector::from(Arc::clone(config)).connect(name, client).await else {
        panic!("a client that speaks TLS is served");
    };
    if way == 1 {
        return send(client.into_inner().0, sent, piece, ends).await;
    }
    send(client, sent, piece, ends).await
}

/// Sends, and hears what comes back until the other side ends.
async fn send(client: impl AsyncRead + AsyncWrite, sent: &[u8], piece: usize, ends: bool) -> Vec<u8> {
    let (mut from, mut to) = tokio::io::split(client);
    let writing = async {
        for piece in sent.chunks(piece) {
            if to.write_all(piece).await.is_err() || to.flush().await.is_err() {
                return;
            }
        }
        if ends {
            let _ = to.shutdown().await;
        }
    };
    let mut heard = Vec::new();
    let _ = tokio::join!(writing, from.read_to_end(&mut heard));
    heard
}

fn webhook() -> (axum::Router, Metrics) {
    let metrics = Metrics::default();
    let (freshness, mut questions) = Freshness::new();
    tokio::spawn(async move {
        while let Some(question) = questions.recv().await {
            let _ = question.send(Ok(()));
        }
    });
    let webhook = Webhook {
        facts: Arc::new(Some(Arc::new(facts::set_up().clone())).into()),
        account: facts::ACCOUNT.into(),
        clock: Arc::new(super::now),
        metrics: metrics.clone(),
        denials: Denials::new(metrics.clone()).0,
        freshness,
    };
    (admission::router(webhook), metrics)
}

/// What the server shows, and clients that trust it: of TLS 1.2 and 1.3.
fn ends() -> &'static (Arc<ServerConfig>, [Arc<ClientConfig>; 2]) {
    static ENDS: OnceLock<(Arc<ServerConfig>, [Arc<ClientConfig>; 2])> = OnceLock::new();
    ENDS.get_or_init(|| {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (from, until) = (time("2026-01-01T00:00:00Z"), time("2126-01-01T00:00:00Z"));
        let authority = Authority::generate(from, until).expect("an authority");
        let pair = authority
            .sign(&["webhook".to_owned()], from, until)
            .expect("a certificate");
        let server = Serving::new(pair, None).expect("a pair that fits").config;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.certificate().clone()).expect("a root");
        let client = |version| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
            let config = config.expect("a version").with_root_certificates(roots.clone());
            Arc::new(config.with_no_client_auth())
        };
        (
            server,
            [client(&rustls::version::TLS12), client(&rustls::version::TLS13)],
        )
    })
}
