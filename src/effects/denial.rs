//! The Event of a change that the webhook has refused.

use jiff::Timestamp;

use super::notice::{Notice, Reference};
use crate::route::RouteKey;

/// A change of a route that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Which route; its name may be one that the API server has just made up.
    pub key: &'a RouteKey,
    /// What the name begins with, where the API server makes up the rest anew for each try.
    pub generated_from: Option<&'a str>,
    /// Its identity where it is there already. What is made has none that lasts.
    pub uid: Option<&'a str>,
    /// The rule that it was refused for in the first place.
    pub rule: &'static str,
    /// What its author was told.
    pub denial: &'a str,
}

/// The Event of a refusal. The same one within an hour (of UTC) has the same name, so that who tries over and over leaves
/// one.
pub fn denial(refused: Refused<'_>, now: Timestamp) -> Notice {
    let Refused { key, uid, denial, .. } = refused;
    let hour = now.as_second().div_euclid(3600).to_string();
    let regarding = |name: &str| Reference {
        api_version: key.kind.api_version(),
        kind: key.kind.kind(),
        namespace: Some(key.namespace.to_string()),
        name: name.to_owned(),
        uid: uid.unwrap_or_default().to_owned(),
    };
    let verb = if uid.is_some() { "change" } else { "create" };
    let (name, shown) = match refused.generated_from {
        Some(start) => (start, format!("{start}…")),
        None => (&*key.name, key.name.to_string()),
    };
    let note = format!("refused to {verb} {shown}: {}", denial.replace('\n', "; "));
    // What is refused may have no identity, and a namespace is all that tells it from its like elsewhere.
    let told_apart_by = ["denied", &key.namespace, name, denial, &hour];
    let mut notice = Notice::new(regarding(name), refused.rule.to_owned(), "Deny", &note, &told_apart_by);
    if refused.generated_from.is_some() {
        // There never was an object of that name.
        notice.regarding.name.clear();
    }
    notice.is_warning = true;
    notice
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::route::RouteKind;
    use crate::support::at;

    fn key(name: &str) -> RouteKey {
        let (namespace, name) = name.split_once('/').unwrap_or(("shop", name));
        RouteKey {
            kind: RouteKind::Ingress,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    fn refused(key: &RouteKey) -> Refused<'_> {
        Refused {
            key,
            generated_from: None,
            uid: None,
            rule: "NoFiling",
            denial: "a.net: no filing [NoFiling]; file it\nb.net: no filing [NoFiling]; file it",
        }
    }

    #[test]
    fn it_tells_what_was_refused_and_why() {
        let key = key("web");
        let notice = denial(refused(&key), at("2026-11-23T10:00:00Z"));
        insta::assert_debug_snapshot!(notice);
    }

    #[rstest]
    #[case::the_same_hour("web", "a.net", "2026-11-23T10:59:59Z", true)]
    #[case::the_next_hour("web", "a.net", "2026-11-23T11:00:00Z", false)]
    #[case::another_route("api", "a.net", "2026-11-23T10:00:00Z", false)]
    #[case::another_namespace("else/web", "a.net", "2026-11-23T10:00:00Z", false)]
    #[case::another_reason("web", "b.net", "2026-11-23T10:00:00Z", false)]
    fn the_same_denial_within_an_hour_has_the_same_name(
        #[case] name: &str,
        #[case] denied: &str,
        #[case] moment: &str,
        #[case] same: bool,
    ) {
        let of = |name: &str, denied: &str, moment: &str| {
            let key = key(name);
            let refused = Refused {
                denial: denied,
                ..refused(&key)
            };
            denial(refused, at(moment)).name
        };
        let first = of("web", "a.net", "2026-11-23T10:00:00Z");
        assert_eq!(of(name, denied, moment) == first, same);
    }

    #[test]
    fn a_name_that_is_made_up_anew_each_time_tells_no_two_denials_apart() {
        let notice = |name: &str| {
            let key = key(name);
            let refused = Refused {
                generated_from: Some("web-"),
                ..refused(&key)
            };
            denial(refused, at("2026-11-23T10:00:00Z"))
        };
        assert_eq!(notice("web-x7k2p"), notice("web-q9d4m"));
        let notice = notice("web-x7k2p");
        assert_eq!(notice.regarding.name, "");
        assert!(notice.name.starts_with("web."), "{}", notice.name);
        assert!(
            notice.note.starts_with("refused to create web-…: a.net"),
            "{}",
            notice.note
        );
    }
}
