//! What the API server asks: an AdmissionReview, read once.

use kube::core::GroupVersionKind;
use kube::core::admission::{META_API_VERSION_V1, META_KIND, Operation};
use serde::Deserialize;
use serde_json::Value;

use crate::api::keys::managers;
use crate::api::read::read;
use crate::registry::Unreadable;
use crate::route::{IngressJson, MetaFields, Route, SpecFields, from_fields, without_spec};

/// A request of the API server, with the routes that it is about.
#[derive(Debug)]
pub struct Request {
    /// The request without its objects.
    pub envelope: Envelope,
    /// What it is about.
    pub subject: Subject,
    /// What the name of an object that is made begins with, where the API server makes up the rest.
    pub generated_from: Option<String>,
}

/// A request without its objects, as far as it is read. Not kube's `AdmissionRequest`, which makes a tree of all that is
/// sent: most of that says nothing here.
#[derive(Debug)]
pub struct Envelope {
    /// The identity that the answer carries.
    pub uid: String,
    /// The kind of the object.
    pub kind: GroupVersionKind,
    /// What of the object is asked about, such as its status; empty where it is the whole.
    pub sub_resource: String,
    /// The object's name; empty where the API server is to make one up.
    pub name: String,
    /// The object's namespace; empty where it has none.
    pub namespace: String,
    /// What is to be done to it.
    pub operation: Operation,
    /// Who wants that.
    pub username: Option<String>,
    /// As which manager of fields.
    pub field_manager: Option<String>,
    /// Whether nothing is to be kept.
    pub dry_run: bool,
}

impl Envelope {
    /// Whether it is only asked to see who answers.
    pub(super) fn is_probe(&self) -> bool {
        self.dry_run && self.field_manager.as_deref() == Some(managers::PROBE)
    }
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

/// Not kube's `AdmissionReview`, whose flattened type loses the path of what is wrong below it. `O` is what objects are
/// read as.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review<O> {
    api_version: String,
    kind: String,
    request: Option<Call<O>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call<O> {
    uid: String,
    kind: GroupVersionKind,
    sub_resource: Option<String>,
    #[serde(default)]
    name: String,
    namespace: Option<String>,
    operation: Operation,
    user_info: User,
    #[serde(default)]
    dry_run: bool,
    options: Option<Options>,
    object: Option<O>,
    old_object: Option<O>,
}

#[derive(Deserialize)]
struct User {
    username: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    field_manager: Option<String>,
}

/// A request, with its object and its old object.
pub(super) type Parts<O> = (Envelope, Option<O>, Option<O>);

/// An Ingress of which the spec is not read yet.
type Unread<'a> = IngressJson<'a, Value>;

impl Request {
    /// Reads the body of a call.
    ///
    /// # Errors
    /// Where it is no request.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let body = text(body)?;
        match serde_json::from_str::<Review<IngressJson<'_>>>(body) {
            Ok(review) => Self::of(review.parts()?, Asked::of),
            // What does not fit may be the spec of an object alone.
            Err(_) => Self::of(read_review::<Unread<'_>>(body)?, Asked::of_unread),
        }
    }

    fn of<'a, S>(
        (envelope, object, old): Parts<IngressJson<'a, S>>,
        asked: impl Fn(&IngressJson<'a, S>, &Envelope) -> Asked,
    ) -> Result<Self, BadRequest> {
        let is_made = envelope.operation == Operation::Create;
        let made = object.as_ref().filter(|_| is_made);
        let generated_from = made.and_then(|object| generated_from(&object.metadata));
        let new = || {
            object
                .as_ref()
                .map(|object| asked(object, &envelope))
                .ok_or(BadRequest::NoObject)
        };
        let subject = if !is_route(&envelope.kind) {
            Subject::UnknownKind
        } else if !envelope.sub_resource.is_empty() {
            Subject::Nothing
        } else {
            match envelope.operation {
                Operation::Create => Subject::Create(new()?),
                Operation::Update => Subject::Update {
                    old: old.as_ref().map(|old| asked(old, &envelope)),
                    new: new()?,
                },
                Operation::Delete | Operation::Connect => Subject::Nothing,
            }
        };
        Ok(Self {
            envelope,
            subject,
            generated_from,
        })
    }
}

fn is_route(kind: &GroupVersionKind) -> bool {
    kind.group == "networking.k8s.io" && kind.version == "v1" && kind.kind == "Ingress"
}

/// A body as text: looked at once, not by each of its strings.
pub(super) fn text(body: &[u8]) -> Result<&str, BadRequest> {
    std::str::from_utf8(body).map_err(|error| BadRequest::Malformed {
        path: "its text".to_owned(),
        message: error.to_string(),
    })
}

/// Reads the request out of an AdmissionReview, or says where that is wrong.
pub(super) fn read_review<'a, O: Deserialize<'a>>(body: &'a str) -> Result<Parts<O>, BadRequest> {
    let mut json = serde_json::Deserializer::from_str(body);
    let review: Review<O> = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        malformed(if path == "." { "its top level" } else { &path }, error.inner())
    })?;
    json.end().map_err(|error| malformed("its end", &error))?;
    review.parts()
}

impl<O> Review<O> {
    fn parts(self) -> Result<Parts<O>, BadRequest> {
        if self.kind != META_KIND || self.api_version != META_API_VERSION_V1 {
            return Err(BadRequest::OtherType {
                api_version: shown(&self.api_version),
                kind: shown(&self.kind),
            });
        }
        let call = self.request.ok_or(BadRequest::NoRequest)?;
        if call.uid.is_empty() {
            return Err(BadRequest::NoUid);
        }
        let envelope = Envelope {
            uid: call.uid,
            kind: call.kind,
            sub_resource: call.sub_resource.unwrap_or_default(),
            name: call.name,
            namespace: call.namespace.unwrap_or_default(),
            operation: call.operation,
            username: call.user_info.username,
            field_manager: call.options.and_then(|options| options.field_manager),
            dry_run: call.dry_run,
        };
        Ok((envelope, call.object, call.old_object))
    }
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

impl Asked {
    fn of(object: &IngressJson<'_>, envelope: &Envelope) -> Self {
        Self {
            route: Route {
                addresses: object.addresses(),
                ..from_fields(&object.metadata, object.spec.as_ref(), &envelope.namespace)
            },
            unreadable: None,
        }
    }

    fn of_unread(object: &Unread<'_>, envelope: &Envelope) -> Self {
        let (metadata, namespace) = (&object.metadata, &*envelope.namespace);
        match object.spec.as_ref().map(read::<SpecFields<'_>>).transpose() {
            Ok(spec) => Self {
                route: Route {
                    addresses: object.addresses(),
                    ..from_fields(metadata, spec.as_ref(), namespace)
                },
                unreadable: None,
            },
            Err(error) => {
                let class = object
                    .spec
                    .as_ref()
                    .and_then(|spec| spec.get("ingressClassName")?.as_str());
                let route = without_spec(metadata, class, namespace);
                let unreadable = Unreadable {
                    error: shown(&format!("spec.{error}")),
                    uid: route.uid.clone(),
                    generation: metadata.generation.unwrap_or_default(),
                };
                Self {
                    route,
                    unreadable: Some(unreadable),
                }
            }
        }
    }
}

/// `metadata.generateName`, where the name is made from it: the API server adds five characters to 58 of it at most, and
/// has done so before it asks.
fn generated_from(metadata: &MetaFields<'_>) -> Option<String> {
    const KEPT: usize = 58;
    const ADDED: usize = 5;
    let start = metadata.generate_name().filter(|start| !start.is_empty())?;
    let kept = start.get(..start.floor_char_boundary(KEPT))?;
    let name = metadata.name().unwrap_or_default();
    let added = name.strip_prefix(kept).map(str::len);
    (name.is_empty() || added == Some(ADDED)).then(|| start.to_owned())
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
