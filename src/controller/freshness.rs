//! Makes sure that what is known is current, when somebody asks: a watch tells what has changed, and not that nothing has.
//!
//! Those who ask at one time share one look at the API server, which begins after the last of them has asked. It reads, as
//! of then, the newest version of an object of each kind that the judge goes by and how many there are, or, of kinds with
//! very many objects, what has come since the newest version that is known. Of filings, of which there may be many, it reads
//! what the API server prints of them: their metadata are ten times as long. Then it waits until what the watches have shown
//! goes as far. docs/webhook.md says why that is enough, and what it costs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::try_join_all;
use http::header;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::IngressClass;
use kube::api::{ApiResource, DynamicObject, ListParams, PartialObjectMeta, WatchEvent, WatchParams};
use kube::core::Request;
use kube::{Client, Resource, ResourceExt as _};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::shared::{Reached, Shared, WatchState};
use super::watch::version;
use crate::admission::{Question, Unsure};
use crate::api::filing::VERSION_COLUMN;
use crate::api::{AccessServer, Filing, FilingPolicy};
use crate::registry::SubjectKind;

/// How long one look may take: those who asked wait no longer.
const LOOK: Duration = Duration::from_secs(2);
/// Of how many objects of a kind the API server is asked for each: 10,000 filings take it some 0.3 s, and a bookmark comes
/// after more than one.
const LISTED: usize = 20_000;
/// How many seconds a watch lasts that is to be told how far it goes: a bookmark comes 2 s before its end.
const BOOKMARKED: u32 = 3;
/// The longest rest between two looks.
const REST: Duration = Duration::from_millis(500);

/// The kinds that the judge goes by. Nodes say only where the cluster is, and routes are what is judged.
fn kinds() -> [(SubjectKind, ApiResource); 5] {
    [
        (SubjectKind::Filing, ApiResource::erase::<Filing>(&())),
        (SubjectKind::Server, ApiResource::erase::<AccessServer>(&())),
        (SubjectKind::Policy, ApiResource::erase::<FilingPolicy>(&())),
        (SubjectKind::Namespace, ApiResource::erase::<Namespace>(&())),
        (SubjectKind::Class, ApiResource::erase::<IngressClass>(&())),
    ]
}

/// Why a look has failed.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error("objects of kind {kind:?} can't be asked for")]
    Ask { kind: SubjectKind, source: kube::Error },
    #[error("the watch of kind {kind:?} ended before it had told how far it goes")]
    Ended { kind: SubjectKind },
    #[error("a resource version of kind {kind:?} is {typed:?}, and no number that says which is newer")]
    Version { kind: SubjectKind, typed: String },
}

/// Answers for as long as there is someone to ask.
pub async fn keep_fresh(client: Client, shared: &Shared, mut from: mpsc::Receiver<Question>) {
    let mut asked: Vec<Question> = Vec::new();
    while from.recv_many(&mut asked, usize::MAX).await > 0 {
        asked.retain(|question| !question.is_closed());
        if asked.is_empty() {
            continue;
        }
        let began = Instant::now();
        let answer = look(&client, shared).await;
        let took = began.elapsed();
        let counter = if answer.is_ok() {
            &shared.looks
        } else {
            &shared.failed_looks
        };
        counter.fetch_add(1, Ordering::Relaxed);
        debug!(
            denials = asked.len(),
            ?took,
            ?answer,
            "the API server was asked for what is new"
        );
        for question in asked.drain(..) {
            // Who has gone away meanwhile needs no answer.
            let _ = question.send(answer);
        }
        // However many are denied, the API server has a third of the time to itself.
        sleep((took / 2).min(REST)).await;
    }
}

async fn look(client: &Client, shared: &Shared) -> Result<(), Unsure> {
    let looks = kinds().into_iter().filter_map(|(kind, resource)| {
        let path = DynamicObject::url_path(&resource, None);
        let source = Source { client, kind, path };
        Some(source.current(shared.watch(kind)?))
    });
    match timeout(LOOK, try_join_all(looks)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            warn!(%error, cause, "it can't be made sure that the view is current");
            Err(Unsure::Failed)
        }
        Err(_) => Err(Unsure::Late),
    }
}

/// What there is of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct There {
    /// As of this version of the whole cluster.
    at: u64,
    /// The newest version of an object of the kind that is there.
    newest: u64,
    /// How many objects are there; none where all deletions are within `newest`.
    count: Option<usize>,
}

impl There {
    /// Whether all of it is known. What was seen is in order: with the newest object all are known that are there; what is
    /// known beyond them has been deleted since, and not seen to be, unless there are as many.
    fn is_within(&self, reached: &Reached) -> bool {
        reached.version >= self.at
            || (reached.version >= self.newest && self.count.is_none_or(|count| count == reached.known))
    }
}

/// A list, as far as it matters here.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    metadata: Version<'a>,
    /// `null` where there are none.
    items: Option<Vec<Item<'a>>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    metadata: Version<'a>,
}

#[derive(Deserialize)]
struct Version<'a> {
    #[serde(rename = "resourceVersion")]
    resource_version: &'a str,
}

/// What is printed of objects, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table<'a> {
    #[serde(borrow)]
    metadata: Version<'a>,
    #[serde(borrow)]
    column_definitions: Vec<Column<'a>>,
    /// `null` where there are none.
    rows: Option<Vec<Row<'a>>>,
}

#[derive(Deserialize)]
struct Column<'a> {
    name: &'a str,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    cells: Vec<Cell<'a>>,
}

/// A text without escapes, or something else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Cell<'a> {
    Text(&'a str),
    Other(IgnoredAny),
}

impl<'a> Cell<'a> {
    fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(_) => None,
        }
    }
}

/// Where the objects of a kind are.
struct Source<'a> {
    client: &'a Client,
    kind: SubjectKind,
    path: String,
}

impl Source<'_> {
    /// Waits until the published facts hold all objects as they are now.
    async fn current(self, state: &WatchState) -> Result<(), LookError> {
        let reached = state.reached();
        let there = if reached.known > LISTED {
            self.watched(reached.version).await?
        } else if self.kind == SubjectKind::Filing
            && let Some(printed) = self.printed().await?
        {
            printed
        } else {
            self.listed().await?
        };
        state.until(|reached| there.is_within(reached)).await;
        Ok(())
    }

    /// A list that names no resource version is as current as the cluster.
    async fn listed(&self) -> Result<There, LookError> {
        let list = self.list(&ListParams::default()).await?;
        let list: List<'_> = self.read(&list)?;
        let items = list.items.unwrap_or_default();
        self.there(
            list.metadata.resource_version,
            items.iter().map(|item| item.metadata.resource_version),
        )
    }

    /// So is what is printed; none where the version is not, as before the definition of the kind is updated.
    async fn printed(&self) -> Result<Option<There>, LookError> {
        let request = http::Request::get(format!("{}?includeObject=None", self.path))
            .header(header::ACCEPT, "application/json;as=Table;g=meta.k8s.io;v=v1");
        let request = request
            .body(Vec::new())
            .map_err(|error| self.failed(kube::Error::HttpError(error)))?;
        let table = self.client.request_text(request).await;
        let table = table.map_err(|error| self.failed(error))?;
        let table: Table<'_> = self.read(&table)?;
        let printed = table.column_definitions.iter();
        let Some(at) = printed
            .map(|column| column.name)
            .position(|name| name == VERSION_COLUMN)
        else {
            return Ok(None);
        };
        let rows = table.rows.unwrap_or_default();
        let versions = rows.iter().map(|row| row.cells.get(at)?.text());
        let versions = versions.map(Option::unwrap_or_default);
        self.there(table.metadata.resource_version, versions).map(Some)
    }

    /// What is there, by the version of the whole and of each object.
    fn there<'l>(&self, at: &str, each: impl ExactSizeIterator<Item = &'l str>) -> Result<There, LookError> {
        let mut there = There {
            at: self.version(at)?,
            newest: 0,
            count: Some(each.len()),
        };
        for version in each {
            there.newest = there.newest.max(self.version(version)?);
        }
        Ok(there)
    }

    /// What has come since a version: a watch from there, until its bookmark says that it has told all up to now.
    async fn watched(&self, since: u64) -> Result<There, LookError> {
        let now = self.list(&ListParams::default().limit(1)).await?;
        let now = self.version(self.read::<List<'_>>(&now)?.metadata.resource_version)?;
        let mut there = There {
            at: now,
            newest: since,
            count: None,
        };
        // No bookmark comes of the version that the watch began at.
        if since >= now {
            return Ok(there);
        }
        let params = WatchParams::default().timeout(BOOKMARKED);
        let request = Request::new(self.path.as_str()).watch_metadata(&params, &since.to_string());
        let request = request.map_err(|error| self.failed(kube::Error::BuildRequest(error)))?;
        let events = self.client.request_events::<PartialObjectMeta<DynamicObject>>(request);
        let mut events = std::pin::pin!(events.await.map_err(|error| self.failed(error))?);
        while let Some(event) = events.try_next().await.map_err(|error| self.failed(error))? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
                    there.newest = self.version(&object.resource_version().unwrap_or_default())?;
                }
                WatchEvent::Bookmark(bookmark) => {
                    if self.version(&bookmark.metadata.resource_version)? >= now {
                        return Ok(there);
                    }
                }
                WatchEvent::Error(status) => return Err(self.failed(kube::Error::Api(status))),
            }
        }
        Err(LookError::Ended { kind: self.kind })
    }

    async fn list(&self, params: &ListParams) -> Result<String, LookError> {
        let request = Request::new(self.path.as_str()).list_metadata(params);
        let request = request.map_err(|error| self.failed(kube::Error::BuildRequest(error)))?;
        self.client
            .request_text(request)
            .await
            .map_err(|error| self.failed(error))
    }

    fn read<'l, T: Deserialize<'l>>(&self, answer: &'l str) -> Result<T, LookError> {
        serde_json::from_str(answer).map_err(|error| self.failed(kube::Error::SerdeError(error)))
    }

    fn version(&self, typed: &str) -> Result<u64, LookError> {
        version(typed).ok_or_else(|| LookError::Version {
            kind: self.kind,
            typed: typed.to_owned(),
        })
    }

    fn failed(&self, source: kube::Error) -> LookError {
        LookError::Ask {
            kind: self.kind,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn of_a_cell_counts_only_whether_it_is_a_text() {
        let row: Row<'_> = serde_json::from_str(r#"{"cells": ["a", 1, -1, 0.5, true, null, "\u0022", "7"]}"#).unwrap();
        let texts: Vec<Option<&str>> = row.cells.iter().map(Cell::text).collect();
        assert_eq!(texts, [Some("a"), None, None, None, None, None, None, Some("7")]);
    }

    #[rstest]
    #[case::nothing_there_and_nothing_known(0, Some(0), (0, 0), true)]
    #[case::all_that_is_there_is_known(70, Some(3), (70, 3), true)]
    #[case::the_newest_is_not_known_yet(70, Some(3), (60, 3), false)]
    #[case::nor_the_first(70, Some(1), (0, 0), false)]
    #[case::a_deletion_is_not_known_yet(70, Some(3), (70, 4), false)]
    #[case::the_deletion_of_the_newest_is(70, Some(3), (80, 3), true)]
    #[case::of_two_deletions_one_is_not(70, Some(3), (80, 4), false)]
    #[case::more_is_known_than_was_there(70, Some(3), (101, 9), true)]
    #[case::as_told_by_a_watch(70, None, (70, 9), true)]
    #[case::as_told_by_a_watch_and_not_known_yet(70, None, (69, 9), false)]
    fn the_facts_are_current_when_they_hold_all_that_was_there(
        #[case] newest: u64,
        #[case] count: Option<usize>,
        #[case] (version, known): (u64, usize),
        #[case] expected: bool,
    ) {
        let there = There { at: 100, newest, count };
        assert_eq!(there.is_within(&Reached { version, known }), expected);
    }
}
