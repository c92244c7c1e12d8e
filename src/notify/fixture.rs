//! For tests: notices and channels.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;

use super::channel::Channel;
use crate::effects::{Notice, Reference};

/// A notice about an Ingress, by its namespace and name.
pub(super) fn notice(route: &str, reason: &str, is_warning: bool) -> Arc<Notice> {
    let (namespace, name) = route.split_once('/').unwrap();
    let regarding = Reference {
        api_version: "networking.k8s.io/v1",
        kind: "Ingress",
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
        uid: format!("uid-of-{name}"),
    };
    let note = format!("{name}.example.com: filing-system/example-com has been cancelled [{reason}]");
    let mut notice = Notice::new(regarding, reason.to_owned(), "Judge", &note, &[reason]);
    notice.note_zh = Some(format!(
        "{name}.example.com：filing-system/example-com 已注销 [{reason}]"
    ));
    notice.is_warning = is_warning;
    Arc::new(notice)
}

/// The data of a Secret.
pub(super) fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, ByteString> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
        .collect()
}

/// A channel as a Secret with these keys says it.
pub(super) fn channel(pairs: &[(&str, &str)]) -> Channel {
    Channel::parse(&data(pairs)).unwrap()
}
