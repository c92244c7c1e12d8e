//! The floor: the operator's own server, with a handler that lets everything pass. It does what no webhook can do without:
//! it reads the body as JSON, finds the uid in it, and answers with that.

use std::future::pending;
use std::net::TcpListener;

use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use filing_operator::admission::{self, Metrics, PATH, Pair, Serving};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

#[derive(Deserialize)]
struct Review {
    request: Asked,
}

#[derive(Deserialize)]
struct Asked {
    uid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: &'static str,
    kind: &'static str,
    response: Allowed,
}

#[derive(Serialize)]
struct Allowed {
    uid: String,
    allowed: bool,
}

/// Serves until it is killed, with a certificate and a key at an address.
pub(crate) fn run(args: &[String]) {
    let [certificate, key, address] = args else {
        panic!("the floor needs a certificate, a key and an address");
    };
    let pair = Pair {
        chain: vec![CertificateDer::from_pem_file(certificate).expect("the certificate was written")],
        key: PrivateKeyDer::from_pem_file(key).expect("its key was written"),
    };
    let tls = Serving::new(pair, None).expect("the certificate was made for it");
    let (_shows, shown) = watch::channel(Some(tls.config));
    let listener = TcpListener::bind(address).expect("the address is free");
    listener.set_nonblocking(true).expect("it is a socket");
    let router = Router::new()
        .route(PATH, post(allow))
        .layer(DefaultBodyLimit::disable());
    let serving = async { admission::serve(listener, shown, router, Metrics::default(), pending(), pending()).await };
    // As the operator's.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .expect("a runtime can be started")
        .block_on(serving)
        .expect("it serves");
}

async fn allow(body: Bytes) -> Response {
    let Ok(review) = serde_json::from_slice::<Review>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = Answer {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: Allowed {
            uid: review.request.uid,
            allowed: true,
        },
    };
    Json(answer).into_response()
}
