//! What is declared, as it was typed: Filings, AccessServers and FilingPolicies of files or of a cluster, for commands
//! that want the objects themselves. Nothing is judged here.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::{Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::check::input;
use super::check::load::{load, objects};
use super::check::trouble::Trouble;
use super::check::{source, whole};
use super::cluster::refused;
use crate::api::{AccessServer, Filing, FilingPolicy, keys, read};
use crate::controller::list_all;
use crate::manifest::{Object, Strictness};

/// What is declared, of each kind in the order in which it was found.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    pub(super) filings: Vec<Filing>,
    pub(super) servers: Vec<AccessServer>,
    pub(super) policies: Vec<FilingPolicy>,
    /// What can't be read or used. It hides nothing of the rest.
    pub(super) troubles: Vec<Trouble>,
}

/// What is listed of a cluster: it takes no right to more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All kinds.
    All,
    /// Filings and AccessServers.
    NoPolicies,
}

/// Kind, namespace and name: by them one object is told from another.
type Identity = (&'static str, String, String);

impl Declarations {
    /// Reads files, folders and `-` as `check` does. Objects of other kinds are passed over; `namespace` is that of Filings
    /// that name none.
    pub(super) fn from_files(paths: &[PathBuf], namespace: &str) -> Self {
        let (objects, troubles) = objects(&load(paths));
        let mut declared = Self {
            troubles: troubles.all(),
            ..Self::default()
        };
        let mut seen = HashMap::new();
        for (nth, object) in objects.iter().enumerate() {
            if !input::seems_ours(object.meta()) {
                continue;
            }
            if let Err(troubles) = declared.take(object, nth, namespace, &mut seen) {
                declared.troubles.extend(troubles);
            }
        }
        declared
    }

    fn take<'o>(
        &mut self,
        object: &'o Object,
        nth: usize,
        namespace: &str,
        seen: &mut HashMap<Identity, &'o Object>,
    ) -> Result<(), Vec<Trouble>> {
        if let Some(trouble) = input::misnamed(object, keys::API_VERSION) {
            return Err(vec![trouble]);
        }
        match object.meta().kind.as_str() {
            "Filing" => {
                let mut filing: Filing = typed(object, nth)?;
                filing.metadata.namespace.get_or_insert_with(|| namespace.to_owned());
                once("Filing", &filing, object, seen)?;
                self.filings.push(filing);
            }
            "AccessServer" => {
                let server: AccessServer = typed(object, nth)?;
                once("AccessServer", &server, object, seen)?;
                self.servers.push(server);
            }
            _ => {
                let policy: FilingPolicy = typed(object, nth)?;
                once("FilingPolicy", &policy, object, seen)?;
                self.policies.push(policy);
            }
        }
        Ok(())
    }

    /// Lists them, page by page, and tells `seen` of each object. Of a kind that the user may not list, or that the cluster
    /// does not know, nothing is there; the texts beside say so.
    ///
    /// # Errors
    /// When the API server can't be asked, or fails.
    pub(super) async fn from_cluster(client: &Client, wanted: Wanted, seen: impl Fn()) -> Result<(Self, Vec<String>)> {
        let mut declared = Self::default();
        let mut refused = Vec::new();
        let troubles = &mut declared.troubles;
        declared.filings = listed(client, "filings", &seen, troubles, &mut refused).await?;
        declared.servers = listed(client, "accessservers", &seen, troubles, &mut refused).await?;
        if wanted == Wanted::All {
            declared.policies = listed(client, "filingpolicies", &seen, troubles, &mut refused).await?;
        }
        Ok((declared, refused))
    }
}

fn typed<K: DeserializeOwned + Resource>(object: &Object, nth: usize) -> Result<K, Vec<Trouble>> {
    let read: Result<K, _> = object.read(Strictness::Strict);
    let mut typed = read.map_err(|errors| errors.into_iter().map(Trouble::from).collect::<Vec<_>>())?;
    input::generate(typed.meta_mut(), nth);
    if typed.meta().name.as_deref().is_none_or(str::is_empty) {
        return Err(vec![input::nameless(object)]);
    }
    Ok(typed)
}

/// Refuses an object that stands a second time.
fn once<'o>(
    kind: &'static str,
    read: &impl Resource,
    object: &'o Object,
    seen: &mut HashMap<Identity, &'o Object>,
) -> Result<(), Vec<Trouble>> {
    let namespace = read.meta().namespace.clone().filter(|_| kind == "Filing");
    let name = read.meta().name.clone().unwrap_or_default();
    let shown = namespace
        .as_ref()
        .map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"));
    let first = *seen
        .entry((kind, namespace.unwrap_or_default(), name))
        .or_insert(object);
    if std::ptr::eq(first, object) {
        Ok(())
    } else {
        let (first, this) = (source(first.location()), source(object.location()));
        Err(vec![input::twice(kind, &shown, &first, this)])
    }
}

async fn listed<K>(
    client: &Client,
    plural: &str,
    seen: &impl Fn(),
    troubles: &mut Vec<Trouble>,
    refusals: &mut Vec<String>,
) -> Result<Vec<K>>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    let resource = ApiResource::erase::<K>(&());
    let mut objects = Vec::new();
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let listing = list_all(&api, |mut object| {
        object.metadata.managed_fields = None;
        objects.push(object);
        seen();
    });
    if let Some(status) = listing.await.with_context(|| format!("listing {plural}"))? {
        refusals.push(refused(plural, &status));
        return Ok(Vec::new());
    }
    let mut found = Vec::with_capacity(objects.len());
    for object in objects {
        let file = match object.namespace() {
            Some(namespace) => format!("{} {namespace}/{}", resource.kind, object.name_any()),
            None => format!("{} {}", resource.kind, object.name_any()),
        };
        // One that is stored in a shape that this program doesn't know must not hide the others.
        let value = serde_json::to_value(object).with_context(|| format!("reading {file}"))?;
        match read::read(&value) {
            Ok(read) => found.push(read),
            Err(error) => troubles.push(Trouble::new(error.to_string(), whole(&file.into()))),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> (tempfile::TempDir, Declarations) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), text).unwrap();
        let declared = Declarations::from_files(&[folder.path().to_owned()], "home");
        (folder, declared)
    }

    #[test]
    fn what_is_declared_is_read_and_the_rest_is_passed_over_or_told() {
        let (_kept, declared) = read(
            "apiVersion: filing-operator.io/v1alpha1\nkind: Filing\nmetadata: {name: a}\nspec: {domains: [a.com], subject: {name: 甲, nature: Individual}}\n\
             ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n\
             ---\napiVersion: filing-operator.io/v1alpha1\nkind: Filling\nmetadata: {name: b}\n\
             ---\napiVersion: filing-operator.io/v1\nkind: Filing\nmetadata: {name: b}\n\
             ---\napiVersion: filing-operator.io/v1alpha1\nkind: Filing\nmetadata: {name: c}\nspec: {domains: [c.com]}\n\
             ---\napiVersion: filing-operator.io/v1alpha1\nkind: Filing\nmetadata: {name: a, namespace: home}\nspec: {domains: [b.com], subject: {name: 乙, nature: Individual}}\n\
             ---\napiVersion: filing-operator.io/v1alpha1\nkind: AccessServer\nmetadata: {name: a}\nspec: {provider: alicloud}\n\
             ---\napiVersion: filing-operator.io/v1alpha1\nkind: FilingPolicy\nmetadata: {name: a}\nspec: {}\n\
             ---\n: [\n",
        );
        let names: Vec<String> = declared
            .filings
            .iter()
            .map(|filing| format!("{}/{}", filing.namespace().unwrap(), filing.name_any()))
            .collect();
        assert_eq!(names, ["home/a"]);
        assert_eq!((declared.servers.len(), declared.policies.len()), (1, 1));
        let told: Vec<&str> = declared.troubles.iter().map(|it| it.told.message.as_str()).collect();
        assert_eq!(told.len(), 5, "{told:?}");
        let said = |part: &str| told.iter().any(|message| message.contains(part));
        for part in [
            "there is no kind Filling",
            "filing-operator.io/v1 Filing is not read",
            "subject",
            "Filing home/a stands twice",
        ] {
            assert!(said(part), "{part}: {told:?}");
        }
    }
}
