//! Asking as an API server does: HTTP/2 over TLS on connections that are kept, the next call of each as soon as the last is
//! answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use filing_operator::admission::PATH;
use futures::future::join_all;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Certificate;
use super::reviews::Expected;

/// What is asked, over and over.
pub(crate) struct Calls {
    bodies: Vec<Bytes>,
    next: AtomicUsize,
}

impl Calls {
    pub(crate) fn new(bodies: Vec<String>) -> Self {
        Self {
            bodies: bodies.into_iter().map(Bytes::from).collect(),
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn mean_length(&self) -> usize {
        self.bodies.iter().map(Bytes::len).sum::<usize>() / self.bodies.len()
    }

    fn next(&self) -> Bytes {
        let nth = self.next.fetch_add(1, Ordering::Relaxed);
        self.bodies[nth % self.bodies.len()].clone()
    }
}

/// How one turn went.
pub(crate) struct Round {
    pub(crate) calls: usize,
    pub(crate) length: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// What the asked one took of a processor.
    pub(crate) cpu: Duration,
}

impl Round {
    pub(crate) fn per_second(&self) -> f64 {
        self.calls as f64 / self.length.as_secs_f64()
    }
}

/// Connections to one webhook.
pub(crate) struct Connections {
    uri: String,
    all: Vec<SendRequest<Full<Bytes>>>,
}

impl Connections {
    pub(crate) async fn open(certificate: &Certificate, address: SocketAddr, count: usize) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(certificate.pem.as_bytes()).expect("it is PEM");
        roots.add(root).expect("it can be trusted");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config
            .expect("ring has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tls = TlsConnector::from(Arc::new(config));
        let mut all = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(address).await.expect("it listens");
            stream.set_nodelay(true).expect("it is a socket");
            let stream = tls
                .connect(ServerName::from(address.ip()), stream)
                .await
                .expect("it speaks TLS");
            let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .expect("it speaks HTTP/2");
            tokio::spawn(connection);
            all.push(sender);
        }
        let uri = format!("https://{address}{PATH}?timeout=5s");
        Self { uri, all }
    }

    /// Asks for so long. An answer other than the expected one ends the bench.
    pub(crate) async fn ask(&mut self, calls: &Calls, expected: Expected, length: Duration) -> Round {
        let began = Instant::now();
        let uri = &self.uri;
        let each = self.all.iter_mut().map(async |sender| {
            let mut took = Vec::new();
            while began.elapsed() < length {
                let asked = Instant::now();
                let call = Request::post(uri)
                    .header("content-type", "application/json")
                    .header("accept", "application/json, */*")
                    .header("user-agent", "kube-apiserver-admission")
                    .body(Full::from(calls.next()))
                    .expect("it is a request");
                sender.ready().await.expect("the connection is kept");
                let answer = sender.send_request(call).await.expect("it answers");
                let status = answer.status();
                let body = answer
                    .into_body()
                    .collect()
                    .await
                    .expect("the answer is whole")
                    .to_bytes();
                took.push(asked.elapsed());
                expected.check(status, &body);
            }
            took
        });
        let mut took = join_all(each).await.concat();
        let length = began.elapsed();
        took.sort_unstable();
        let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
        Round {
            calls: took.len(),
            length,
            p50: at(50),
            p99: at(99),
            cpu: Duration::ZERO,
        }
    }
}

pub(crate) fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = of.collect();
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}
