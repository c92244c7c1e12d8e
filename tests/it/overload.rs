//! The webhook when far more is asked of it than it can do, and by whoever reaches its port.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::PostParams;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::cluster::{Cluster, Namespace};
use crate::support::operator::Operator;
use crate::support::review;
use crate::support::stage::{APPROVED, POLICY, declare, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

/// How long the API server waits for an answer, by examples/dev/webhook.yaml.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What the operator may take for all that strangers ask of it, in bytes.
const HARMLESS: u64 = 200 << 20;

struct Stage {
    cluster: Cluster,
    operator: Operator,
    tls: TlsConnector,
    /// Held by a test while it asks for more than the operator can do.
    turn: Mutex<()>,
}

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE
        .get_or_init(|| async {
            let cluster = Cluster::own().await;
            let operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
            declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
            let tls = trusting(&cluster).await;
            Stage {
                cluster,
                operator,
                tls,
                turn: Mutex::const_new(()),
            }
        })
        .await
}

/// A client that trusts the authority that the API server was told of.
async fn trusting(cluster: &Cluster) -> TlsConnector {
    let configurations = Api::<ValidatingWebhookConfiguration>::all(cluster.client().await);
    let configuration = configurations.get("filing-operator").await.unwrap();
    let bundle = configuration
        .webhooks
        .unwrap()
        .remove(0)
        .client_config
        .ca_bundle
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bundle.0) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl Stage {
    async fn connect(&self, protocol: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
        let address = self.operator.webhook();
        let stream = TcpStream::connect(address).await?;
        let mut config = (**self.tls.config()).clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::from(address.ip());
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// A connection as the API server makes it.
    async fn http2(&self) -> SendRequest<Full<Bytes>> {
        let stream = TokioIo::new(self.connect(b"h2").await.unwrap());
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    fn call(&self) -> Request<Full<Bytes>> {
        let review = review::of_creation(&review::ingress("www.filed.com"));
        Request::post(format!("https://{}/admission/ingresses", self.operator.webhook()))
            .header("content-type", "application/json")
            .body(Full::from(review.to_string()))
            .unwrap()
    }

    /// Bytes of a call by HTTP/1.1 with a body of some length, which do not hold the body.
    fn head(&self, length: usize) -> String {
        format!(
            "POST /admission/ingresses HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n",
            self.operator.webhook()
        )
    }

    /// Asks the webhook by way of the API server whether this host may be served, and how long that took.
    async fn admitted(&self, namespace: &Namespace, host: &str) -> (bool, Duration) {
        let api = Api::<Ingress>::namespaced(self.cluster.client().await, &namespace.name);
        let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
        let route = json!({
            "metadata": {"generateName": "web-"},
            "spec": {"rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
        });
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let began = Instant::now();
        match api.create(&dry_run, &serde_json::from_value(route).unwrap()).await {
            Ok(_) => (true, began.elapsed()),
            Err(kube::Error::Api(status)) if status.message.contains("denied the request") => (false, began.elapsed()),
            Err(error) => panic!("{host} was neither let through nor denied: {error}"),
        }
    }
}

/// Keeps so many connections, each a while with nothing said; every fourth has shaken hands.
async fn idle(stage: &'static Stage, count: usize) {
    let mut held = Vec::with_capacity(count);
    for at in 0..count {
        let stream = TcpStream::connect(stage.operator.webhook()).await.unwrap();
        if at % 4 == 0 {
            // The webhook may end the oldest meanwhile, and so this too.
            let shaken = stage
                .tls
                .connect(ServerName::from(stage.operator.webhook().ip()), stream)
                .await;
            held.extend(shaken.ok().map(|stream| stream.into_inner().0));
        } else {
            held.push(stream);
        }
    }
}

/// Sends a body of the greatest length, byte by byte, until the webhook has had enough.
async fn slow(stage: &'static Stage) {
    let Ok(mut stream) = stage.connect(b"http/1.1").await else {
        return;
    };
    let head = stage.head(8 << 20);
    if stream.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    let (mut from, mut to) = tokio::io::split(stream);
    let send = async {
        while to.write_all(b" ").await.is_ok() && to.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut answer = vec![0; 1024];
    tokio::select! {
        () = send => {}
        read = from.read(&mut answer) => drop(read),
    }
}

/// Sends a body of 16 MiB, and gives the status of the answer where there is one.
async fn large(stage: &'static Stage) -> Option<String> {
    let mut stream = stage.connect(b"http/1.1").await.ok()?;
    stream.write_all(stage.head(16 << 20).as_bytes()).await.ok()?;
    let (mut from, mut to) = tokio::io::split(stream);
    let send = tokio::spawn(async move {
        let part = vec![b' '; 64 << 10];
        for _ in 0..256 {
            to.write_all(&part).await?;
        }
        to.flush().await
    });
    let mut answer = vec![0; 1024];
    let length = from.read(&mut answer).await.unwrap_or_default();
    send.abort();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    answer.lines().next().map(ToOwned::to_owned)
}

/// Sends what is no TLS, or TLS that is broken off in the middle of a record.
async fn garbage(stage: &'static Stage, at: u8) {
    let mut stream = TcpStream::connect(stage.operator.webhook()).await.unwrap();
    let mut bytes: Vec<u8> = (0..4096_u32)
        .map(|byte| byte.wrapping_mul(u32::from(at) + 7).to_be_bytes()[2])
        .collect();
    if at.is_multiple_of(2) {
        bytes[..5].copy_from_slice(&[22, 3, 1, 0x0f, 0xff]);
    }
    // It may have had enough before it has read all.
    let _ = stream.write_all(&bytes).await;
    let _ = stream.read(&mut [0; 64]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_slow_senders_great_bodies_and_no_tls_at_all_do_no_harm() {
    let stage = stage().await;
    let _turn = stage.turn.lock().await;
    let namespace = stage.cluster.temp_namespace("strangers").await;
    // The API server has its connection before they come, as it nearly always has.
    assert!(stage.admitted(&namespace, "www.filed.com").await.0);
    let before = stage.operator.usage().peak;
    let mut strangers = JoinSet::new();
    strangers.spawn(idle(stage, 10_000));
    for at in 0..100 {
        strangers.spawn(slow(stage));
        strangers.spawn(garbage(stage, at));
    }
    let mut refused = JoinSet::new();
    for _ in 0..20 {
        refused.spawn(large(stage));
    }
    let mut asked = 0;
    while !(strangers.is_empty() && refused.is_empty()) || asked < 50 {
        let (filed, unfiled) = (
            stage.admitted(&namespace, "www.filed.com").await,
            stage.admitted(&namespace, "unfiled.com").await,
        );
        assert!(filed.0 && !unfiled.0, "{filed:?} {unfiled:?}");
        assert!(filed.1 < TIMEOUT && unfiled.1 < TIMEOUT, "{filed:?} {unfiled:?}");
        asked += 1;
        while let Some(ended) = strangers.try_join_next() {
            ended.unwrap();
        }
        while let Some(answered) = refused.try_join_next() {
            if let Some(line) = answered.unwrap() {
                assert!(line.contains(" 413 ") || line.contains(" 429 "), "{line}");
            }
        }
    }
    let grown = stage.operator.usage().peak - before;
    assert!(grown < HARMLESS, "it took {grown} bytes more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_room_for_is_shed_with_a_clear_answer_and_room_is_there_at_once_after() {
    let stage = stage().await;
    let _turn = stage.turn.lock().await;
    let mut held = Vec::new();
    let shed = eventually("the webhook to have no more room", PATIENCE, async || {
        let mut stream = stage.connect(b"http/1.1").await.map_err(|error| error.to_string())?;
        let mut most = stage.head(8 << 20).into_bytes();
        most.resize(most.len() + (8 << 20) - 1, b' ');
        stream.write_all(&most).await.map_err(|error| error.to_string())?;
        held.push(stream);
        let answer = stage
            .http2()
            .await
            .send_request(stage.call())
            .await
            .map_err(|error| error.to_string())?;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            Ok(answer)
        } else {
            Err(format!("it answers {}", answer.status()))
        }
    })
    .await;
    assert_eq!(shed.headers()["retry-after"], "1");
    let said = shed.into_body().collect().await.unwrap().to_bytes();
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(
        said["message"],
        "there are more calls than the operator has room for; try again in a second"
    );
    drop(held);
    eventually("the webhook to have room again", PATIENCE, async || {
        let answer = stage.http2().await.send_request(stage.call()).await.unwrap();
        (answer.status() == StatusCode::OK)
            .then_some(())
            .ok_or(answer.status().to_string())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_times_what_it_can_take_is_answered_in_time_and_it_is_back_at_once() {
    let stage = stage().await;
    let _turn = stage.turn.lock().await;
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(stage.http2().await);
    }
    let answered = |sender: &SendRequest<Full<Bytes>>| {
        let (mut sender, call) = (sender.clone(), stage.call());
        async move { Ok::<_, hyper::Error>(sender.send_request(call).await?.status()) }
    };
    // What it can take: as many as are answered one after the other, on each connection, in a second.
    let until = Instant::now() + Duration::from_secs(1);
    let mut takes = JoinSet::new();
    for sender in &connections {
        let sender = sender.clone();
        takes.spawn(async move {
            let mut count = 0_usize;
            while Instant::now() < until {
                assert_eq!(answered(&sender).await.unwrap(), StatusCode::OK);
                count += 1;
            }
            count
        });
    }
    let capacity: usize = takes.join_all().await.into_iter().sum();

    let before = stage.operator.usage().peak;
    let mut calls = JoinSet::new();
    let mut turn = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..150 {
        turn.tick().await;
        for at in 0..capacity * 3 / 50 {
            calls.spawn(timeout(TIMEOUT, answered(&connections[at % connections.len()])));
        }
    }
    let mut counts = (0_usize, 0_usize);
    while let Some(call) = calls.join_next().await {
        match call.unwrap() {
            Ok(Ok(StatusCode::OK)) => counts.0 += 1,
            Ok(Ok(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)) => counts.1 += 1,
            other => panic!("of {capacity} that it can take in a second, three times as many: {other:?}; {counts:?}"),
        }
    }
    let began = Instant::now();
    assert_eq!(answered(&connections[0]).await.unwrap(), StatusCode::OK);
    let first = began.elapsed();
    assert!(
        first < Duration::from_secs(1),
        "the first call after the load took {first:?}"
    );
    let grown = stage.operator.usage().peak - before;
    assert!(grown < HARMLESS, "it took {grown} bytes more");
}
