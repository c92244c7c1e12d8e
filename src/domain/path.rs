//! Where in an object a value stands.

use std::borrow::Cow;
use std::fmt;

/// The path of a field inside a Kubernetes object, as the API server writes it: `spec.rules[0].host`,
/// `metadata.annotations[nginx.ingress.kubernetes.io/server-alias]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Cow<'static, str>);

impl FieldPath {
    /// A path that is known when the program is written.
    pub const fn fixed(path: &'static str) -> Self {
        Self(Cow::Borrowed(path))
    }

    /// The path of a metadata annotation.
    pub fn annotation(key: &str) -> Self {
        Self(Cow::Owned(format!("metadata.annotations[{key}]")))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for FieldPath {
    fn from(path: String) -> Self {
        Self(Cow::Owned(path))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
