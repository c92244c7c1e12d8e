//! What the API server asks: an AdmissionReview, read once.

use kube::core::admission::{AdmissionRequest, META_API_VERSION_V1, META_KIND, Operation};
use kube::core::{DynamicObject, TypeMeta};
use serde::Deserialize;

use crate::registry::Unreadable;
use crate::route::{ClassRef, Marks, Route, RouteKey, RouteKind, from_object};

/// A request of the API server, with the routes that it is about.
#[derive(Debug)]
pub struct Request {
    /// The request without its objects.
    pub envelope: AdmissionRequest<DynamicObject>,
    /// What it is about.
    pub subject: Subject,
    /// What the name of an object that is made begins with, where the API server makes up the rest.
    pub generated_from: Option<String>,
}

/// What a request is about.
#[derive(Debug)]
pub enum Subject {
    /// A route that is made.
    Create(Asked),
    /// A route that is changed.
    Update {
        /// As it is; none where the request does not say, as it always should.
        old: Option<Asked>,
        /// As it shall be.
        new: Asked,
    },
    /// Something that can't make a route answer for more: a deletion, a connection, a subresource.
    Nothing,
    /// A kind that carries no route that this operator knows.
    UnknownKind,
}

/// A route of a request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The route; of an unreadable one its key and class only, so that its policy can be told.
    pub route: Route,
    /// Why it can't be read as its kind, if so.
    pub unreadable: Option<Unreadable>,
}

/// Why a body is no request.
#[derive(Debug, thiserror::Error)]
pub enum BadRequest {
    /// It is no JSON, or lacks a field, or has a wrong one.
    #[error("the body is no AdmissionReview: at {path}: {message}; send one of {META_API_VERSION_V1}")]
    Malformed {
        /// The field.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// It is of another kind or version.
    #[error("the body is a {kind} of {api_version}; send an {META_KIND} of {META_API_VERSION_V1}")]
    OtherType {
        /// Its version.
        api_version: String,
        /// Its kind.
        kind: String,
    },
    /// It asks nothing.
    #[error("the {META_KIND} has no request; send one with a request")]
    NoRequest,
    /// It has no identity to answer to.
    #[error("request.uid is empty; send the uid that the answer shall carry")]
    NoUid,
    /// A creation or change without the object.
    #[error("request.object is missing; a CREATE or UPDATE carries it")]
    NoObject,
}

impl BadRequest {
    /// A stable word for its kind.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::OtherType { .. } => "other_type",
            Self::NoRequest => "no_request",
            Self::NoUid => "no_uid",
            Self::NoObject => "no_object",
        }
    }
}

/// Not kube's `AdmissionReview`, whose flattened type loses the path of what is wrong below it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    request: Option<AdmissionRequest<DynamicObject>>,
}

impl Request {
    /// Reads the body of a call.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let mut envelope = read_review(body)?;
        let made = envelope
            .object
            .as_ref()
            .filter(|_| envelope.operation == Operation::Create);
        let generated_from = made.and_then(generated_from);
        let subject = subject(&mut envelope)?;
        Ok(Self {
            envelope,
            subject,
            generated_from,
        })
    }
}

/// Reads the request out of an AdmissionReview.
pub(super) fn read_review(body: &[u8]) -> Result<AdmissionRequest<DynamicObject>, BadRequest> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let review: Review = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        malformed(if path == "." { "its top level" } else { &path }, error.inner())
    })?;
    json.end().map_err(|error| malformed("its end", &error))?;
    if review.kind != META_KIND || review.api_version != META_API_VERSION_V1 {
        return Err(BadRequest::OtherType {
            api_version: shown(&review.api_version),
            kind: shown(&review.kind),
        });
    }
    let mut envelope = review.request.ok_or(BadRequest::NoRequest)?;
    if envelope.uid.is_empty() {
        return Err(BadRequest::NoUid);
    }
    envelope.types = TypeMeta {
        api_version: review.api_version,
        kind: review.kind,
    };
    Ok(envelope)
}

fn malformed(path: &str, error: &serde_json::Error) -> BadRequest {
    BadRequest::Malformed {
        path: shown(path),
        message: shown(&error.to_string()),
    }
}

/// What others typed, short enough to be told back.
pub(super) fn shown(typed: &str) -> String {
    const SHOWN: usize = 200;
    super::words::one_line(typed, SHOWN)
}

fn subject(envelope: &mut AdmissionRequest<DynamicObject>) -> Result<Subject, BadRequest> {
    let (object, old) = (envelope.object.take(), envelope.old_object.take());
    let kind = &envelope.kind;
    let is_route = kind.group == "networking.k8s.io" && kind.version == "v1" && kind.kind == "Ingress";
    if !is_route {
        return Ok(Subject::UnknownKind);
    }
    let is_whole = envelope.sub_resource.as_deref().is_none_or(str::is_empty);
    let namespace = envelope.namespace.as_deref().unwrap_or_default();
    let asked = |object: &DynamicObject| Asked::of(object, namespace, &envelope.name);
    match envelope.operation {
        Operation::Create if is_whole => Ok(Subject::Create(asked(object.as_ref().ok_or(BadRequest::NoObject)?))),
        Operation::Update if is_whole => Ok(Subject::Update {
            old: old.as_ref().map(asked),
            new: asked(object.as_ref().ok_or(BadRequest::NoObject)?),
        }),
        _ => Ok(Subject::Nothing),
    }
}

impl Asked {
    fn of(object: &DynamicObject, namespace: &str, name: &str) -> Self {
        match from_object(object, namespace) {
            Ok(route) => Self {
                route,
                unreadable: None,
            },
            Err(error) => {
                let route = bare_route(object, namespace, name);
                Self {
                    unreadable: Some(Unreadable::new(&object.metadata, shown(&format!("spec.{error}")))),
                    route,
                }
            }
        }
    }
}

/// `metadata.generateName`, where the name is made from it: the API server adds five characters to 58 of it at most, and
/// has done so before it asks.
fn generated_from(object: &DynamicObject) -> Option<String> {
    const KEPT: usize = 58;
    const ADDED: usize = 5;
    let start = object
        .metadata
        .generate_name
        .as_deref()
        .filter(|start| !start.is_empty())?;
    let kept = start.get(..start.floor_char_boundary(KEPT))?;
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let added = name.strip_prefix(kept).map(str::len);
    (name.is_empty() || added == Some(ADDED)).then(|| start.to_owned())
}

/// What can be told of a route whatever else is wrong with it: enough to find its policy.
fn bare_route(object: &DynamicObject, namespace: &str, name: &str) -> Route {
    Route {
        key: RouteKey {
            kind: RouteKind::Ingress,
            namespace: object.metadata.namespace.as_deref().unwrap_or(namespace).into(),
            name: object.metadata.name.as_deref().unwrap_or(name).into(),
        },
        uid: object.metadata.uid.as_deref().unwrap_or_default().into(),
        class: ClassRef::of(
            object
                .data
                .pointer("/spec/ingressClassName")
                .and_then(serde_json::Value::as_str),
            object.metadata.annotations.as_ref(),
        ),
        claims: Vec::new(),
        marks: Marks::default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::super::fixture;
    use super::*;

    #[rstest]
    #[case::no_json("{", "malformed")]
    #[case::nothing("", "malformed")]
    #[case::a_list("[]", "malformed")]
    #[case::other_kind(r#"{"apiVersion": "v1", "kind": "Pod"}"#, "other_type")]
    #[case::an_old_version(
        r#"{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}"#,
        "other_type"
    )]
    #[case::a_response(
        r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {}}"#,
        "no_request"
    )]
    #[case::no_uid(
        r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"kind": {}}}"#,
        "malformed"
    )]
    fn what_is_no_review_is_refused_with_what_would_be_right(#[case] body: &str, #[case] category: &str) {
        let error = Request::parse(body.as_bytes()).unwrap_err();
        assert_eq!(error.category(), category, "{error}");
    }

    #[test]
    fn the_error_names_the_field() {
        let mut review = fixture::create("shop", json!({}));
        review["request"]["dryRun"] = json!("yes");
        insta::assert_snapshot!(
            Request::parse(review.to_string().as_bytes()).unwrap_err(),
            @r#"the body is no AdmissionReview: at request.dryRun: invalid type: string "yes", expected a boolean at line 1 column 86; send one of admission.k8s.io/v1"#
        );
        let mut review = fixture::create("shop", json!({}));
        review["request"]["object"] = json!(null);
        insta::assert_snapshot!(
            Request::parse(review.to_string().as_bytes()).unwrap_err(),
            @"request.object is missing; a CREATE or UPDATE carries it"
        );
        let mut review = fixture::create("shop", json!({}));
        review["request"]["uid"] = json!("");
        insta::assert_snapshot!(
            Request::parse(review.to_string().as_bytes()).unwrap_err(),
            @"request.uid is empty; send the uid that the answer shall carry"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..512)) {
            prop_assert!(Request::parse(&body).is_err());
        }

        #[test]
        fn no_damaged_review_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let review = fixture::create("shop", json!({"rules": [{"host": "shop.example.net"}]}));
            let mut body = review.to_string().into_bytes();
            let at = at.index(body.len());
            body[at] = byte;
            let _ = Request::parse(&body);
        }
    }
}
