//! A filing as it is judged: what was typed, parsed once.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use kube::core::{ObjectMeta, Selector, SelectorExt};

use super::snapshot::Labels;
use super::uid::Uid;
use crate::api::{AccessStage, ContentType, FilingSpec, NamespacesFrom, Nature, ServiceKind, Stage};
use crate::domain::place::{canonical_provider, same_region};
use crate::domain::province::FooterNumber;
use crate::domain::{Day, Domain, FieldPath, HostError, Number, NumberError, NumberKind, Place, Province};

/// Which filing: namespace and name. It is kept in many places, and so is a single pointer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilingKey(Arc<FilingName>);

/// Namespace and name of a filing.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilingName {
    /// The namespace it lives in.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Box<str>,
}

impl FilingKey {
    /// The key of the filing of that name in that namespace.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Box<str>>) -> Self {
        Self(Arc::new(FilingName {
            namespace: namespace.into(),
            name: name.into(),
        }))
    }
}

impl Deref for FilingKey {
    type Target = FilingName;

    fn deref(&self) -> &FilingName {
        &self.0
    }
}

impl fmt::Display for FilingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A filing (备案) of one site, App or mini-program.
#[derive(Clone, Debug, PartialEq)]
pub struct Filing {
    /// Which one.
    pub key: FilingKey,
    /// The identity that the API server gave it; empty in a manifest.
    pub uid: Uid,
    /// When the API server took it; none in a manifest.
    pub created: Option<Timestamp>,
    /// The generation of its spec; 0 in a manifest.
    pub generation: i64,
    /// The domains that it names, in its order, or why one is none.
    pub domains: Box<[Result<Domain, Box<HostError>>]>,
    /// Every licence number that it states.
    pub numbers: Box<[Numbered]>,
    /// Of the first filing.
    pub stage: Stage,
    /// Of the change filing that is under way.
    pub change: Option<Stage>,
    /// What is filed.
    pub kind: ServiceKind,
    /// Who files. Many filings have the same, which the registry then keeps once.
    pub subject: Arc<FilingSubject>,
    /// The providers that serve it. Many filings have the same, which the registry then keeps once.
    pub access: Arc<[Access]>,
    /// The day of approval.
    pub approved_at: Option<Day>,
    /// The last day of the record, where it has one.
    pub expires_at: Option<Day>,
    /// The last day of the domain name's registration.
    pub domain_expires_at: Option<Day>,
    /// What else of it ends, in the order of the resource's fields. Most filings have none: empty, it takes no memory.
    pub others: Box<[(Other, Day)]>,
    /// Who may serve under it.
    pub allowed: Allowed,
    /// What few filings say. Where nothing of it is said, it takes no memory.
    pub(crate) particulars: Option<Box<Particulars>>,
    /// How many of its core fields are no longer what was approved; none where that is not known, as in a manifest.
    pub changed: Option<u8>,
}

/// Who files (主体).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilingSubject {
    /// The name as its certificate has it.
    pub name: Box<str>,
    /// What it is.
    pub nature: Nature,
    /// The province of its domicile, where it is stated and one.
    pub province: Option<&'static Province>,
}

/// What few filings say, or few rules ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Particulars {
    /// The name of the site that was filed.
    pub service_name: Option<Box<str>>,
    /// What it is about.
    pub content: Box<[ContentType]>,
    /// Whether it sells information (经营性).
    pub is_paid: bool,
    /// The Filing that it mirrors.
    pub mirror_of: Option<Box<str>>,
    /// Whether its remark says that it is a mirror (镜像站点).
    pub is_marked_as_mirror: bool,
    /// In whose name the domain is registered.
    pub holder: Option<Box<str>>,
    /// Whether the holder's name is verified (实名认证).
    pub is_verified: Option<bool>,
    /// The day on which the site was opened.
    pub launched_at: Option<Day>,
    /// What it has approvals for.
    pub approvals: Box<[ContentType]>,
    /// Whether it states the number of a commercial licence (经营许可证).
    pub has_licence: bool,
}

/// Those of a filing that says nothing.
static NOTHING_PARTICULAR: LazyLock<Particulars> = LazyLock::new(Particulars::default);

impl Particulars {
    fn new(spec: &FilingSpec) -> Self {
        let service = spec.service.as_ref();
        let registration = spec.registration.as_ref();
        Self {
            service_name: service.and_then(|service| service.name.as_deref()).map(Box::from),
            content: service
                .map(|service| service.content_types.as_slice().into())
                .unwrap_or_default(),
            is_paid: service.is_some_and(|service| service.paid),
            mirror_of: service.and_then(|service| service.mirror_of.as_deref()).map(Box::from),
            is_marked_as_mirror: service
                .and_then(|service| service.remark.as_deref())
                .is_some_and(|remark| remark.contains(MIRROR)),
            holder: registration
                .and_then(|registration| registration.holder.as_deref())
                .map(Box::from),
            is_verified: registration.and_then(|registration| registration.verified),
            launched_at: spec.launched_at,
            approvals: spec.approvals.iter().map(|approval| approval.kind).collect(),
            has_licence: spec.licence.as_ref().is_some_and(|licence| licence.number.is_some()),
        }
    }
}

/// What the remark of a mirror says.
const MIRROR: &str = "镜像站点";

/// What of a filing ends beside its record and its domain, and has a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// An announced review or self-check is held on that day (年度核验).
    Review,
    /// The handler's ID.
    HandlerId,
    /// The commercial licence (经营许可证).
    Licence,
    /// The approval for some content (前置审批).
    Approval(ContentType),
}

/// A licence number, and the field that it stands in.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    /// The field, by what is due there.
    pub role: NumberRole,
    /// As it was typed, where that is not the number's own text.
    other_text: Option<Box<str>>,
    /// The number, or why it is none.
    pub number: Result<Number, Box<NumberError>>,
}

impl Numbered {
    fn parse(role: NumberRole, typed: &str) -> Self {
        let number = Number::parse(typed).map_err(Box::new);
        let is_regular = number.as_ref().is_ok_and(|number| number.text() == typed);
        Self {
            role,
            other_text: (!is_regular).then(|| typed.into()),
            number,
        }
    }

    /// As it was typed.
    pub fn typed(&self) -> &str {
        match (&self.other_text, &self.number) {
            (Some(typed), _) => typed,
            (None, Ok(number)) => number.text(),
            (None, Err(_)) => "",
        }
    }
}

/// What number is due in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberRole {
    /// `spec.number`: of the site, App or mini-program (服务备案号).
    Site,
    /// `spec.subject.mainNumber`: of the subject (主体备案号).
    Main,
    /// `spec.licence.number`: of the commercial licence (经营许可证编号).
    Licence,
    /// `spec.publicSecurity.number`: of the public-security filing (公安联网备案号).
    PublicSecurity,
}

impl NumberRole {
    /// Whether a number is of the kind that is due there.
    pub fn takes(self, number: &Number) -> bool {
        let is_public_security = number.kind == NumberKind::PublicSecurity;
        match self {
            Self::Site => !is_public_security,
            Self::Main => !is_public_security && number.service.is_none(),
            Self::Licence => matches!(number.kind, NumberKind::LegacyLicence | NumberKind::Licence),
            Self::PublicSecurity => is_public_security,
        }
    }

    /// Whether a number is of the subject or the licence alone, where that of one site is due. Where a province shows the
    /// subject's (粤), that stands for the site's.
    pub fn lacks_service(self, number: &Number) -> bool {
        self == Self::Site
            && number.service.is_none()
            && matches!(number.kind, NumberKind::Main | NumberKind::Licence)
            && number
                .province
                .is_none_or(|province| province.footer_number == FooterNumber::Service)
    }

    /// The field.
    pub fn path(self) -> FieldPath {
        FieldPath::fixed(match self {
            Self::Site => "spec.number",
            Self::Main => "spec.subject.mainNumber",
            Self::Licence => "spec.licence.number",
            Self::PublicSecurity => "spec.publicSecurity.number",
        })
    }
}

/// One entry of a filing's `access` (接入): a provider that serves it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// The provider.
    pub provider: Arc<str>,
    /// The regions; none: every mainland region of the provider.
    pub regions: Vec<String>,
    /// The servers, by name.
    pub servers: Vec<Arc<str>>,
    /// How far the access filing is.
    pub stage: AccessStage,
    /// Since when the provider gives access, or the migration to it is under way.
    pub since: Option<Day>,
    /// The provider that it moves from, while it does.
    pub migrating_from: Option<Arc<str>>,
}

/// Who may serve under a filing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Allowed {
    /// Every namespace.
    #[default]
    All,
    /// Its own namespace.
    Same,
    /// Namespaces with such labels; none where the selector can't be read.
    Selector(Option<Box<Selector>>),
}

impl Access {
    /// Whether it is for the region of a place: it names none, or that one by any of its names.
    pub fn is_for(&self, place: &Place) -> bool {
        let Some(region) = place.region.as_deref() else {
            return true;
        };
        let mut named = self.regions.iter();
        self.regions.is_empty() || named.any(|named| same_region(&place.provider, named, region))
    }
}

impl Filing {
    /// Reads what was typed. Whatever is wrong with a value is kept beside it for the rules to tell.
    pub fn new(key: FilingKey, metadata: &ObjectMeta, spec: &FilingSpec) -> Self {
        let registration = spec.registration.as_ref();
        Self {
            key,
            uid: Uid::from(metadata.uid.as_deref().unwrap_or_default()),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            generation: metadata.generation.unwrap_or_default(),
            domains: spec
                .domains
                .iter()
                .map(|typed| Domain::parse(typed).map_err(Box::new))
                .collect(),
            numbers: numbers(spec),
            stage: spec.stage,
            change: spec.change.as_ref().map(|change| change.stage),
            kind: spec.kind(),
            subject: Arc::new(FilingSubject {
                name: spec.subject.name.as_str().into(),
                nature: spec.subject.nature,
                province: spec.subject.province.as_deref().and_then(Province::find),
            }),
            access: spec
                .access
                .iter()
                .map(|access| Access {
                    provider: canonical_provider(&access.provider).into(),
                    regions: access.regions.clone(),
                    servers: access.servers.iter().map(|name| Arc::from(name.as_str())).collect(),
                    stage: access.stage,
                    since: access.since,
                    migrating_from: access
                        .migrating_from
                        .as_deref()
                        .map(|provider| canonical_provider(provider).into()),
                })
                .collect(),
            approved_at: spec.approved_at,
            expires_at: spec.expires_at,
            domain_expires_at: registration.and_then(|registration| registration.expires_at),
            others: others(spec),
            allowed: spec
                .allowed_namespaces
                .as_ref()
                .map(|allowed| match allowed.from {
                    NamespacesFrom::All => Allowed::All,
                    NamespacesFrom::Same => Allowed::Same,
                    NamespacesFrom::Selector => Allowed::Selector(
                        allowed
                            .selector
                            .clone()
                            .and_then(|selector| selector.try_into().ok())
                            .map(Box::new),
                    ),
                })
                .unwrap_or_default(),
            particulars: Some(Particulars::new(spec))
                .filter(|particulars| *particulars != *NOTHING_PARTICULAR)
                .map(Box::new),
            changed: None,
        }
    }

    /// What few filings say.
    pub fn particulars(&self) -> &Particulars {
        self.particulars.as_deref().unwrap_or(&NOTHING_PARTICULAR)
    }

    /// When one of the things that end beside its record and its domain does.
    pub fn end_of(&self, what: Other) -> Option<Day> {
        let of = self.others.iter().find(|(other, _)| *other == what);
        of.map(|(_, day)| *day)
    }

    /// The domains that cover something, in its order. A public suffix covers nothing.
    pub fn covering_domains(&self) -> impl Iterator<Item = &Domain> {
        self.domains
            .iter()
            .flatten()
            .filter(|domain| !domain.is_public_suffix())
    }

    /// The servers that its access entries name, which may not exist.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<str>> {
        self.access.iter().flat_map(|access| &access.servers)
    }

    /// Whether a namespace may serve under it.
    pub fn is_shared_with(&self, namespace: &str, labels: &Labels) -> bool {
        match &self.allowed {
            Allowed::All => true,
            Allowed::Same => *self.key.namespace == *namespace,
            Allowed::Selector(selector) => selector.as_ref().is_some_and(|selector| selector.matches(labels)),
        }
    }

    /// The number of the site, where it states one that can be read.
    pub fn site_number(&self) -> Option<&Number> {
        self.numbers
            .iter()
            .find(|numbered| numbered.role == NumberRole::Site)
            .and_then(|site| site.number.as_ref().ok())
    }
}

fn others(spec: &FilingSpec) -> Box<[(Other, Day)]> {
    let single = [
        (Other::Review, spec.next_review_at),
        (
            Other::HandlerId,
            spec.handler.as_ref().and_then(|handler| handler.id_expires_at),
        ),
        (
            Other::Licence,
            spec.licence.as_ref().and_then(|licence| licence.expires_at),
        ),
    ];
    let approvals = spec
        .approvals
        .iter()
        .map(|approval| (Other::Approval(approval.kind), approval.expires_at));
    single
        .into_iter()
        .chain(approvals)
        .filter_map(|(other, date)| Some((other, date?)))
        .collect()
}

fn numbers(spec: &FilingSpec) -> Box<[Numbered]> {
    let typed = [
        (NumberRole::Site, spec.number.as_deref()),
        (NumberRole::Main, spec.subject.main_number.as_deref()),
        (
            NumberRole::Licence,
            spec.licence.as_ref().and_then(|licence| licence.number.as_deref()),
        ),
        (
            NumberRole::PublicSecurity,
            spec.public_security.as_ref().and_then(|filed| filed.number.as_deref()),
        ),
    ];
    typed
        .into_iter()
        .filter_map(|(role, typed)| typed.map(|typed| (role, typed)))
        .map(|(role, typed)| Numbered::parse(role, typed))
        .collect()
}
