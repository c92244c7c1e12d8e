//! The objects in a list (`List`, `IngressList`, `FilingList`, …), as if each were a document of its own.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::error::{Position, ReadError};
use super::fields::Step;
use super::object::{Document, Object, Part, TypeMeta};
use super::survey::{Item, Survey, Top};
use super::yaml;

/// The most bytes that are parsed for the items of one list that aliases tie together, and how many of these there may be
/// however long it is.
const MAX_PARSED: usize = 32 << 20;
const MIN_TIED: usize = 4;

/// How deep lists may hold lists.
const MAX_LISTS: usize = 4;

impl Document {
    /// The objects that the items of a list are.
    pub(super) fn items(
        &self,
        list: &TypeMeta,
        survey: Survey,
        text: &str,
        lists: usize,
    ) -> Vec<Result<Object, ReadError>> {
        if lists >= MAX_LISTS {
            return vec![Err(self.too_many_lists(self.start()))];
        }
        let mut objects = Vec::new();
        let Some(items) = survey.items else {
            if !survey.root.merges {
                // An object of some kind that happens to be called so.
                return vec![Ok(self.object(list.clone()))];
            }
            // The items themselves stand behind an alias.
            match self.item_values(text) {
                Ok(values) => self.values(list, values, &[], self.start(), lists, &mut objects),
                Err(error) => objects.push(Err(error)),
            }
            return objects;
        };
        let mut values: Option<Vec<Value>> = None;
        // To show a field of one, the whole list is parsed.
        let most = (MAX_PARSED / text.len().max(1)).max(MIN_TIED);
        let mut tied = 0;
        for (index, item) in items.iter().enumerate() {
            if item.range.is_some() || !(item.top.is_mapping || item.top.merges) {
                objects.extend(self.item(list, item, index, lists));
                continue;
            }
            tied += 1;
            if tied > most {
                let message = format!("more than {most} items of the list are tied together by aliases");
                let at = self.position(item.line, item.column);
                objects.push(Err(self.error(
                    at,
                    message,
                    Some("write the values out; the rest of them is not read"),
                )));
                break;
            }
            // Aliases tie it to the rest of the list, which is read as values once.
            let values = match &mut values {
                Some(values) => values,
                none => match self.item_values(text) {
                    Ok(read) => none.insert(read),
                    Err(error) => return vec![Err(error)],
                },
            };
            let value = values.get_mut(index).map(Value::take).unwrap_or_default();
            let steps = vec!["items".to_owned(), index.to_string()];
            self.value(
                list,
                value,
                steps,
                self.position(item.line, item.column),
                lists,
                &mut objects,
            );
        }
        objects
    }

    fn too_many_lists(&self, at: Position) -> ReadError {
        let message = format!("lists stand in lists, more than {MAX_LISTS} deep");
        self.error(at, message, Some("take the inner lists out"))
    }

    fn item(&self, list: &TypeMeta, item: &Item, index: usize, lists: usize) -> Vec<Result<Object, ReadError>> {
        let start = self.position(item.line, item.column);
        let meta = match of_item(list, &item.top) {
            Ok(meta) => meta,
            Err((message, remedy)) => return vec![Err(self.error(start, message.to_owned(), Some(remedy)))],
        };
        let range = item.range.clone().unwrap_or_default();
        let source = |at: usize| self.range.start + at.saturating_sub(self.indent);
        let before = start.column.saturating_sub(1);
        let document = Self {
            source: Arc::clone(&self.source),
            range: source(range.start)..source(range.end),
            line: start.line,
            indent: if item.is_flow {
                0
            } else {
                usize::try_from(before).unwrap_or(0)
            },
            shift: if item.is_flow { before } else { 0 },
            steps: self
                .steps
                .iter()
                .cloned()
                .chain(["items".to_owned(), index.to_string()])
                .collect(),
        };
        if meta.is_list() {
            return document.objects_in(lists + 1);
        }
        vec![Ok(Object {
            document,
            start,
            meta,
            part: None,
        })]
    }

    /// The items of a list as values, aliases followed.
    fn item_values(&self, text: &str) -> Result<Vec<Value>, ReadError> {
        #[derive(Deserialize)]
        struct Items {
            #[serde(default)]
            items: Vec<Value>,
        }
        yaml::read(text)
            .map(|Items { items }| items)
            .map_err(|error| self.fault(yaml::explain(&error), None))
    }

    /// The objects among the items of the list at `steps`, all of which are shown at `start`.
    fn values(
        &self,
        list: &TypeMeta,
        items: Vec<Value>,
        steps: &[Step],
        start: Position,
        lists: usize,
        objects: &mut Vec<Result<Object, ReadError>>,
    ) {
        for (index, item) in items.into_iter().enumerate() {
            let steps = steps
                .iter()
                .cloned()
                .chain(["items".to_owned(), index.to_string()])
                .collect();
            self.value(list, item, steps, start, lists, objects);
        }
    }

    /// The object that an element of a list is, or those in it when it is a list itself.
    fn value(
        &self,
        list: &TypeMeta,
        mut value: Value,
        steps: Vec<Step>,
        start: Position,
        lists: usize,
        objects: &mut Vec<Result<Object, ReadError>>,
    ) {
        let said = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let top = Top {
            is_mapping: value.is_object(),
            api_version: said("apiVersion"),
            kind: said("kind"),
            has_metadata: value.get("metadata").is_some(),
            merges: false,
        };
        let meta = match of_item(list, &top) {
            Ok(meta) => meta,
            Err((message, remedy)) => {
                return objects.push(Err(self.error(start, message.to_owned(), Some(remedy))));
            }
        };
        if meta.is_list()
            && let Some(Value::Array(items)) = value.get_mut("items")
        {
            if lists + 1 >= MAX_LISTS {
                return objects.push(Err(self.too_many_lists(start)));
            }
            return self.values(&meta, std::mem::take(items), &steps, start, lists + 1, objects);
        }
        let part = Some(Part {
            steps,
            value: Arc::new(value),
        });
        objects.push(Ok(Object {
            document: self.clone(),
            start,
            meta,
            part,
        }));
    }
}

/// The fact, and what would be right.
type Said = (&'static str, &'static str);

/// What the top of a document says it is.
pub(super) fn checked(top: &Top) -> Result<TypeMeta, Said> {
    if !top.is_mapping {
        return Err((
            "this is no Kubernetes object",
            "an object is a mapping with apiVersion, kind and metadata",
        ));
    }
    match (&top.api_version, &top.kind) {
        (Some(api_version), Some(kind)) => Ok(TypeMeta {
            api_version: api_version.clone(),
            kind: kind.clone(),
        }),
        (None, Some(_)) => Err(("the object has no apiVersion", "add it, like networking.k8s.io/v1")),
        (Some(_), None) if top.has_metadata => Err(("the object has no kind", "add it, like Ingress")),
        (None, None) if top.has_metadata => Err((
            "the object has no apiVersion and no kind",
            "add them, like networking.k8s.io/v1 and Ingress",
        )),
        // Chart.yaml has an apiVersion, values and kustomizations have neither.
        _ => Ok(TypeMeta::default()),
    }
}

/// What an element of a list is. In what the API server answers it doesn't say so itself.
fn of_item(list: &TypeMeta, top: &Top) -> Result<TypeMeta, Said> {
    let of_list = list.kind.strip_suffix("List").filter(|kind| !kind.is_empty());
    match (of_list, &top.api_version, &top.kind) {
        (Some(kind), None, None) if top.is_mapping => Ok(TypeMeta {
            api_version: list.api_version.clone(),
            kind: kind.to_owned(),
        }),
        _ => checked(top),
    }
}
