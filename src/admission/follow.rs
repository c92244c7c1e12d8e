//! Follows one object by its name, with the right to get and to watch that one and no other.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures::StreamExt as _;
use kube::api::{WatchEvent, WatchParams};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::warn;

/// The shortest time between two looks: a watch may end as soon as it has begun.
const PACE: Duration = Duration::from_secs(1);
/// The longest wait before what failed is tried again.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// An object as it was last seen.
#[derive(Clone, Debug, Default)]
pub enum Live<K> {
    /// It was not seen yet.
    #[default]
    Unknown,
    /// There is none.
    Absent,
    /// It is so.
    There(Arc<K>),
}

/// Tells how an object is, at first and whenever it changes, until nobody listens. Where it can't be seen, what was last
/// told stays.
pub async fn follow<K>(api: Api<K>, name: &str, to: &watch::Sender<Live<K>>)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut waits = patient();
    while !to.is_closed() {
        let followed = look(&api, name, to).await;
        let wait = match followed {
            Ok(()) => {
                waits = patient();
                PACE
            }
            Err(error) => {
                warn!(name, error = error.to_string(), "an object can't be followed");
                waits.next().unwrap_or(LAST_RETRY)
            }
        };
        sleep(wait).await;
    }
}

fn patient() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(PACE)
        .with_max_delay(LAST_RETRY)
        .without_max_times()
        .with_jitter()
        .build()
}

/// Reads it, and watches it from there until the watch ends, as each does sooner or later.
async fn look<K>(api: &Api<K>, name: &str, to: &watch::Sender<Live<K>>) -> Result<(), kube::Error>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let found = api.get_opt(name).await?;
    // Without a version a watch begins with what is there.
    let version = found
        .as_ref()
        .and_then(kube::ResourceExt::resource_version)
        .unwrap_or_default();
    to.send_replace(found.map_or(Live::Absent, |found| Live::There(Arc::new(found))));
    let params = WatchParams::default().fields(&format!("metadata.name={name}"));
    let mut events = std::pin::pin!(api.watch(&params, &version).await?);
    while let Some(event) = events.next().await {
        match event {
            Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                to.send_replace(Live::There(Arc::new(object)));
            }
            Ok(WatchEvent::Deleted(_)) => {
                to.send_replace(Live::Absent);
            }
            Ok(WatchEvent::Bookmark(_)) => {}
            // It can't go on from there, and begins anew.
            Ok(WatchEvent::Error(_)) | Err(_) => break,
        }
    }
    Ok(())
}
