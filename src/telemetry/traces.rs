//! Traces: the spans of admission, sent to a collector by OTLP over HTTP, where one is named. The webhook's answers do not wait
//! for them; when the collector is away they are dropped.

use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tokio::runtime::Handle;

use crate::notify::{WebClient, web_client};

/// What the operator is called among others.
const SERVICE: &str = "filing-operator";
/// How long the collector may take over an answer.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// How long the last spans may take when the operator stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Where spans are sent, from when it is made until it is ended.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

/// Traces can't be sent.
#[derive(Debug, thiserror::Error)]
#[error("\"{endpoint}\" is no address of a collector; write one like http://collector:4318")]
pub struct TracesError {
    endpoint: String,
    source: ExporterBuildError,
}

impl Traces {
    /// To a collector, by the address below which it takes OTLP over HTTP (`/v1/traces`). What else can be said of it, headers and
    /// sampling, stands in the variables of the environment that OpenTelemetry names. `instance` is this replica.
    ///
    /// # Errors
    /// When the address is none.
    pub fn to(endpoint: &str, instance: &str, runtime: Handle) -> Result<Self, TracesError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client {
                http: web_client(),
                runtime,
            })
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|source| TracesError {
                endpoint: endpoint.to_owned(),
                source,
            })?;
        let resource = Resource::builder()
            .with_service_name(SERVICE)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", instance.to_owned()))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    pub(super) fn tracer(&self) -> Tracer {
        self.0.tracer(SERVICE)
    }

    /// Sends what is left, for 5 s at most. It waits, so not on a thread that others need.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(DRAIN) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Sends on the operator's runtime, whatever thread asks.
#[derive(Debug)]
struct Client {
    http: WebClient,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let exchange = async move {
            let (head, body) = http.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        // Nothing of it is begun on the thread that asks, which has no clock for it either.
        let limited = async move { tokio::time::timeout(LIMIT, exchange).await };
        self.runtime.spawn(limited).await??
    }
}
