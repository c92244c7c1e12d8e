//! Waiting for a condition, never for a while.
//!
//! [`until`] watches an object, and is what to use for anything that the API server can tell. [`eventually`] asks again
//! and again, for what can't be watched: a health page, a process, an answer of the webhook.

use std::{fmt::Debug, sync::Mutex, time::Duration};

use kube::{
    Api, Resource,
    runtime::wait::{Condition, await_condition},
};
use serde::de::DeserializeOwned;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Long enough for two busy cores; a test that passes never gets near it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `check` answers `Ok`; the panic after `patience` says what was awaited and the last reason why not.
pub(crate) async fn eventually<T>(
    what: &str,
    patience: Duration,
    mut check: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let mut last = String::from("it was never asked to the end");
    let asked = timeout(patience, async {
        let mut turn = interval(Duration::from_millis(25));
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            match check().await {
                Ok(value) => return value,
                Err(reason) => last = reason,
            }
        }
    })
    .await;
    asked.unwrap_or_else(|_| panic!("waited {patience:?} in vain for {what}; at last: {last}"))
}

/// Watches the object `name` until `condition` holds, and gives it as it then is; `None` when it does not exist.
pub(crate) async fn until<K>(api: Api<K>, name: &str, what: &str, condition: impl Condition<K>) -> Option<K>
where
    K: Clone + Debug + Send + DeserializeOwned + Resource + 'static,
{
    let last = Mutex::new(String::from("nothing was seen of it"));
    let seen = |object: Option<&K>| {
        let holds = condition.matches_object(object);
        *last.lock().unwrap() = format!("{object:#?}");
        holds
    };
    let Ok(awaited) = timeout(PATIENCE, await_condition(api, name, seen)).await else {
        panic!(
            "waited {PATIENCE:?} in vain for {what} of {name}; at last: {}",
            last.lock().unwrap()
        );
    };
    awaited.unwrap_or_else(|error| panic!("can't watch {name} for {what}: {error}"))
}
