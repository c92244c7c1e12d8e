//! An API server that answers by script, and keeps what it was asked.

use std::fmt::Write as _;
use std::future::Future;

use http::{Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// Runs something with a client whose calls are answered with these, in their order. Gives its outcome, and the calls.
/// A call beyond the script is answered with 500, and tells on itself among the calls.
pub(in crate::controller) async fn scripted<T>(
    answers: &[(u16, Value)],
    run: impl AsyncFnOnce(Client) -> T,
) -> (T, String) {
    let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "default");
    let serve = async {
        let mut calls = String::new();
        let mut answers = answers.iter();
        while let Some((request, send)) = handle.next_request().await {
            told(request, &mut calls).await;
            let (code, answer) = answers
                .next()
                .cloned()
                .unwrap_or((500, status(500, "InternalError", "unexpected")));
            let body = Body::from(serde_json::to_vec(&answer).unwrap());
            send.send_response(Response::builder().status(code).body(body).unwrap());
        }
        calls
    };
    joined(run(client), serve).await
}

async fn joined<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    tokio::join!(a, b)
}

async fn told(request: Request<Body>, calls: &mut String) {
    let (head, body) = request.into_parts();
    let kind = head
        .headers
        .get(http::header::CONTENT_TYPE)
        .map_or("", |kind| kind.to_str().unwrap());
    let body = body.collect().await.unwrap().to_bytes();
    if body.is_empty() {
        let _ = writeln!(calls, "{} {}", head.method, head.uri);
        return;
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let _ = writeln!(calls, "{} {} ({kind})\n{body:#}", head.method, head.uri);
}

/// The API server's answer when it refuses.
pub(in crate::controller) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}
