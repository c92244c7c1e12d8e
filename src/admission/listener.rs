//! The webhook's connections: TLS, and how they end.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tracing::info;

/// How long the first call of a connection may take to come.
const SLOWEST_CALL: Duration = Duration::from_secs(10);
/// How long calls that are under way may take when the operator stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until `shutdown` ends, then lets calls that are under way end, for 10 s at most.
///
/// # Errors
/// Where the listener can't be used.
pub async fn serve(
    listener: TcpListener,
    tls: RustlsConfig,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let handle = Handle::new();
    let server = axum_server::from_tcp_rustls(listener, tls)?
        .handle(handle.clone())
        .first_request_timeout(SLOWEST_CALL);
    let serving = server.serve(router.into_make_service());
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = shutdown => {}
    }
    info!(connections = handle.connection_count(), "the webhook drains");
    handle.graceful_shutdown(Some(DRAIN));
    serving.await
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use rstest::rstest;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::super::certificate::Authority;
    use super::super::fixture::{create, hosts, real_now, synced};
    use super::super::server::PATH;
    use super::*;

    /// A webhook on loopback, with the authority that its callers trust.
    fn serving() -> (
        SocketAddr,
        Authority,
        oneshot::Sender<()>,
        tokio::task::JoinHandle<io::Result<()>>,
    ) {
        let now_really = real_now();
        let authority = Authority::generate(now_really).unwrap();
        let tls = authority.sign(&["127.0.0.1".to_owned()], now_really).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, RustlsConfig::from_config(tls.config), synced().0, async {
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
        roots
            .add(CertificateDer::from_pem_slice(trusted.certificate_pem().as_bytes()).unwrap())
            .unwrap();
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
    async fn who_trusts_another_authority_does_not_connect() {
        let (address, _, _stop, _server) = serving();
        let other = Authority::generate(real_now()).unwrap();
        let error = connect(address, &other, rustls::ALL_VERSIONS).await.unwrap_err();
        assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    }
}
