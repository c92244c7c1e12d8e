//! What became of notices, counted by channel: these are as many as a person has named.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// How many notices were sent to each channel, and how many were not. A digest counts as one.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    notices: Family<Labels, Counter>,
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// The channel has taken it.
    Sent,
    /// The channel did not take it, or can't be used.
    Failed,
    /// There were too many to keep.
    Dropped,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    channel: String,
    outcome: &'static str,
}

impl Metrics {
    /// Counters of a channel, so that their labels can be seen.
    #[cfg(test)]
    pub(crate) fn exercised() -> Self {
        let metrics = Self::default();
        metrics.begin("ops");
        metrics
    }

    /// Makes them known to a registry under their full names.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "filing_operator_notices",
            "Notices to people by channel and what became of them",
            self.notices.clone(),
        );
    }

    /// A channel's counters, from 0 on: what has never been counted can't be seen to grow.
    pub(super) fn begin(&self, channel: &str) {
        for became in [Became::Sent, Became::Failed, Became::Dropped] {
            self.count(channel, became, 0);
        }
    }

    pub(super) fn count(&self, channel: &str, became: Became, notices: u32) {
        let labels = Labels {
            channel: channel.to_owned(),
            outcome: match became {
                Became::Sent => "sent",
                Became::Failed => "failed",
                Became::Dropped => "dropped",
            },
        };
        self.notices.get_or_create_owned(&labels).inc_by(notices.into());
    }

    #[cfg(test)]
    pub(super) fn of(&self, channel: &str, outcome: &'static str) -> u64 {
        let channel = channel.to_owned();
        self.notices.get_or_create_owned(&Labels { channel, outcome }).get()
    }
}
