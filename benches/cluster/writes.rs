//! What the operator asks of the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Request;
use kube::Client;

use super::PATIENCE;
use super::support::wait::eventually;

/// How many writes of each resource the API server has answered, its own included.
pub(crate) struct Writes(BTreeMap<String, u64>);

/// What the operator writes. Leases aside, which the API server also keeps for itself.
const OPERATORS: [&str; 7] = [
    "accessservers",
    "events",
    "filingpolicies",
    "filings",
    "ingresses",
    "secrets",
    "validatingwebhookconfigurations",
];
const VERBS: [&str; 5] = ["APPLY", "DELETE", "PATCH", "POST", "PUT"];

impl Writes {
    pub(crate) async fn count(client: &Client) -> Self {
        let request = Request::get("/metrics").body(Vec::new()).expect("it is a request");
        let metrics = client
            .request_text(request)
            .await
            .expect("the API server tells its metrics");
        let mut counts = BTreeMap::new();
        for line in metrics
            .lines()
            .filter(|line| line.starts_with("apiserver_request_total{"))
        {
            let label = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}=\""))?;
                rest.split('"').next()
            };
            let count = line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
            if let (Some(verb), Some(resource), Some(count)) = (label(",verb"), label(",resource"), count)
                && VERBS.contains(&verb)
            {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it counts")]
                let count = count as u64;
                *counts.entry(resource.to_owned()).or_default() += count;
            }
        }
        Self(counts)
    }

    /// Those since an earlier count.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let since = self.0.iter().map(|(resource, count)| {
            let before = earlier.0.get(resource).copied().unwrap_or_default();
            (resource.clone(), count - before)
        });
        Self(since.collect())
    }

    /// Of what the operator writes, its lease aside.
    pub(crate) fn of_operator(&self) -> u64 {
        OPERATORS.iter().filter_map(|resource| self.0.get(*resource)).sum()
    }

    /// Of leases, of which the API server keeps one for itself.
    pub(crate) fn of_leases(&self) -> u64 {
        self.0.get("leases").copied().unwrap_or_default()
    }

    /// Waits until the operator has written nothing for a while.
    pub(crate) async fn settle(client: &Client) {
        eventually("the writes to end", PATIENCE, async || {
            let before = Self::count(client).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            match Self::count(client).await.since(&before).of_operator() {
                0 => Ok(()),
                count => Err(format!("{count} in 3 s")),
            }
        })
        .await;
    }
}
