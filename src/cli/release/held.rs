//! A route that quarantine holds, and how to put it back by hand. Nothing here asks the cluster.

use std::fmt::Write as _;
use std::sync::Arc;

use k8s_openapi::api::networking::v1::Ingress;
use serde_json::{Map, Value, json};

use super::super::connection::Connection;
use crate::api::keys::{LEGACY_CLASS, QUARANTINE_CLASS, QUARANTINED_AT, QUARANTINED_CLASS};
use crate::route::Record;

/// A route that names the quarantine class, or still carries the record of what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    namespace: String,
    name: String,
    /// Whether `spec.ingressClassName` is the quarantine class.
    in_field: bool,
    /// Whether the older annotation is.
    in_annotation: bool,
    /// Whether there is anything of a record to take off.
    is_marked: bool,
    /// What it had.
    kept: Result<Record, String>,
}

impl Held {
    /// What quarantine holds of an Ingress, if it holds it.
    pub(super) fn of(ingress: &Ingress) -> Option<Self> {
        let annotations = ingress.metadata.annotations.as_ref();
        let annotation = |key| annotations.and_then(|all| all.get(key));
        let field = ingress
            .spec
            .as_ref()
            .and_then(|spec| spec.ingress_class_name.as_deref());
        let held = Self {
            namespace: ingress.metadata.namespace.clone().unwrap_or_default(),
            name: ingress.metadata.name.clone().unwrap_or_default(),
            in_field: field == Some(QUARANTINE_CLASS),
            in_annotation: annotation(LEGACY_CLASS).is_some_and(|class| class == QUARANTINE_CLASS),
            is_marked: annotation(QUARANTINED_CLASS).is_some() || annotation(QUARANTINED_AT).is_some(),
            kept: Record::parse(annotation(QUARANTINED_CLASS).map(String::as_str)),
        };
        (held.is_quarantined() || held.is_marked).then_some(held)
    }

    fn is_quarantined(&self) -> bool {
        self.in_field || self.in_annotation
    }

    /// Namespace and name.
    pub(super) fn title(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Why no operator can put it back, if that is so.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.kept
            .as_ref()
            .err()
            .filter(|_| self.is_quarantined())
            .map(String::as_str)
    }

    /// What it will be once it is let go.
    pub(super) fn outcome(&self) -> String {
        if !self.is_quarantined() {
            return "out of quarantine already; what is left of its record goes".to_owned();
        }
        let Ok(kept) = &self.kept else {
            return "the class that it had is not known".to_owned();
        };
        let was = |class: &Option<Arc<str>>| class.as_deref().map_or_else(|| "none".to_owned(), shown);
        let mut told = Vec::new();
        if self.in_field {
            told.push(format!("spec.ingressClassName: {}", was(&kept.field)));
        }
        if self.in_annotation {
            told.push(format!("{LEGACY_CLASS}: {}", was(&kept.annotation)));
        }
        told.join(", ")
    }

    /// The command that puts it back, and takes its record off, as a line of a shell script. Where the class is not known
    /// it is a comment that says so, with a place for it.
    pub(super) fn command(&self, connection: &Connection) -> String {
        let class = |known: fn(&Record) -> &Option<Arc<str>>| match &self.kept {
            Ok(kept) => json!(known(kept).as_deref()),
            Err(_) => json!("CLASS"),
        };
        let mut annotations = Map::new();
        if self.is_marked {
            annotations.insert(QUARANTINED_AT.to_owned(), Value::Null);
            annotations.insert(QUARANTINED_CLASS.to_owned(), Value::Null);
        }
        if self.in_annotation {
            annotations.insert(LEGACY_CLASS.to_owned(), class(|kept| &kept.annotation));
        }
        let mut patch = Map::new();
        if !annotations.is_empty() {
            patch.insert("metadata".to_owned(), json!({"annotations": annotations}));
        }
        if self.in_field {
            patch.insert(
                "spec".to_owned(),
                json!({"ingressClassName": class(|kept| &kept.field)}),
            );
        }
        let mut command = String::new();
        if let Some(trouble) = self.trouble() {
            let _ = write!(
                command,
                "# {}: {}; put in the class that it had:\n# ",
                self.title(),
                shown(trouble)
            );
        }
        command.push_str("kubectl");
        if let Some(file) = &connection.kubeconfig {
            let _ = write!(command, " --kubeconfig={}", quoted(&file.to_string_lossy()));
        }
        if let Some(context) = &connection.context {
            let _ = write!(command, " --context={}", quoted(context));
        }
        let _ = write!(
            command,
            " -n {} patch ingress {} --type=merge -p {}",
            self.namespace,
            self.name,
            quoted(&ascii(&Value::Object(patch).to_string()))
        );
        command
    }
}

/// A text as one word of a shell. Records are anyone's to write: none may become a second command.
pub(in crate::cli) fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// JSON in ASCII: nothing in it moves a terminal's cursor.
fn ascii(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    let mut units = [0; 2];
    for letter in json.chars() {
        if letter.is_ascii() && !letter.is_ascii_control() {
            plain.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(plain, "\\u{unit:04x}");
            }
        }
    }
    plain
}

/// A text of others within one of ours.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            let is_plain = !letter.is_control();
            is_plain
                .then_some(letter)
                .into_iter()
                .chain(letter.escape_default().filter(move |_| !is_plain))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rstest::rstest;

    use super::*;

    /// An Ingress with that class field, and annotations.
    fn ingress(field: Option<&str>, annotations: &[(&str, &str)]) -> Ingress {
        let annotations: Map<_, _> = annotations
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "web", "annotations": annotations},
            "spec": {"ingressClassName": field},
        }))
        .unwrap()
    }

    fn held(field: Option<&str>, annotations: &[(&str, &str)]) -> Held {
        Held::of(&ingress(field, annotations)).expect("it is held")
    }

    const AT: (&str, &str) = (QUARANTINED_AT, "2026-11-24T00:00:00Z");
    const IN_ANNOTATION: (&str, &str) = (LEGACY_CLASS, QUARANTINE_CLASS);

    fn record(text: &str) -> (&str, &str) {
        (QUARANTINED_CLASS, text)
    }

    #[rstest]
    #[case::in_another_class(Some("nginx"), &[])]
    #[case::without_a_class(None, &[])]
    #[case::in_another_class_by_annotation(None, &[(LEGACY_CLASS, "nginx")])]
    fn what_quarantine_never_touched_is_not_held(#[case] field: Option<&str>, #[case] annotations: &[(&str, &str)]) {
        assert_eq!(Held::of(&ingress(field, annotations)), None);
    }

    #[rstest]
    #[case::field(
        held(Some(QUARANTINE_CLASS), &[record(r#"{"field":"nginx"}"#), AT]),
        r#"{"metadata":{"annotations":{"filing-operator.io/quarantined-at":null,"filing-operator.io/quarantined-class":null}},"spec":{"ingressClassName":"nginx"}}"#
    )]
    #[case::both(
        held(Some(QUARANTINE_CLASS), &[IN_ANNOTATION, record(r#"{"field":"a","annotation":"b","fieldOwners":[{"manager":"kubectl","operation":"Update"}]}"#), AT]),
        r#"{"metadata":{"annotations":{"filing-operator.io/quarantined-at":null,"filing-operator.io/quarantined-class":null,"kubernetes.io/ingress.class":"b"}},"spec":{"ingressClassName":"a"}}"#
    )]
    #[case::neither(
        held(Some(QUARANTINE_CLASS), &[IN_ANNOTATION, record("{}"), AT]),
        r#"{"metadata":{"annotations":{"filing-operator.io/quarantined-at":null,"filing-operator.io/quarantined-class":null,"kubernetes.io/ingress.class":null}},"spec":{"ingressClassName":null}}"#
    )]
    #[case::field_taken_out_by_others(
        held(Some("mine"), &[IN_ANNOTATION, record(r#"{"field":"a","annotation":"b"}"#)]),
        r#"{"metadata":{"annotations":{"filing-operator.io/quarantined-at":null,"filing-operator.io/quarantined-class":null,"kubernetes.io/ingress.class":"b"}}}"#
    )]
    #[case::unfinished(
        held(Some("nginx"), &[AT]),
        r#"{"metadata":{"annotations":{"filing-operator.io/quarantined-at":null,"filing-operator.io/quarantined-class":null}}}"#
    )]
    fn the_command_puts_back_what_was_there(#[case] held: Held, #[case] patch: &str) {
        assert_eq!(
            held.command(&Connection::default()),
            format!("kubectl -n shop patch ingress web --type=merge -p '{patch}'")
        );
        assert_eq!(held.trouble(), None);
    }

    #[test]
    fn the_command_speaks_to_the_same_cluster() {
        let connection = Connection {
            kubeconfig: Some(PathBuf::from("/home/li/a b")),
            context: Some("prod".into()),
        };
        let command = held(Some("nginx"), &[AT]).command(&connection);
        assert!(
            command.starts_with("kubectl --kubeconfig='/home/li/a b' --context=prod -n shop patch"),
            "{command}"
        );
    }

    #[test]
    fn a_class_that_is_not_known_is_asked_for_in_a_comment() {
        let told = |held: &Held| format!("{}\n{}\n", held.outcome(), held.command(&Connection::default()));
        let lost = held(Some(QUARANTINE_CLASS), &[]);
        let broken = held(Some(QUARANTINE_CLASS), &[IN_ANNOTATION, record("nginx\u{1b}[2J"), AT]);
        insta::assert_snapshot!(told(&lost) + &told(&broken), @r#"
        the class that it had is not known
        # shop/web: the annotation filing-operator.io/quarantined-class is missing; put in the class that it had:
        # kubectl -n shop patch ingress web --type=merge -p '{"spec":{"ingressClassName":"CLASS"}}'
        the class that it had is not known
        # shop/web: the annotation filing-operator.io/quarantined-class can't be read: expected ident at line 1 column 2; put in the class that it had:
        # kubectl -n shop patch ingress web --type=merge -p '{"metadata":{"annotations":{"filing-operator.io/quarantined-at":null,"filing-operator.io/quarantined-class":null,"kubernetes.io/ingress.class":"CLASS"}},"spec":{"ingressClassName":"CLASS"}}'
        "#);
    }

    #[rstest]
    #[case::of_the_shell(
        r#"{"annotation":"x'; rm -rf / #"}"#,
        r#""kubernetes.io/ingress.class":"x'\''; rm -rf / #""#
    )]
    #[case::of_the_terminal(
        "{\"annotation\":\"x\u{9b}2J\u{1f600}\"}",
        r#""kubernetes.io/ingress.class":"x\u009b2J\ud83d\ude00""#
    )]
    fn a_record_can_not_become_a_command(#[case] text: &str, #[case] shown: &str) {
        let command = held(Some(QUARANTINE_CLASS), &[IN_ANNOTATION, record(text)]).command(&Connection::default());
        assert!(command.contains(shown), "{command}");
    }

    #[test]
    fn what_it_will_be_is_told_as_the_manifest_writes_it() {
        let both = held(Some(QUARANTINE_CLASS), &[IN_ANNOTATION, record(r#"{"field":"nginx"}"#)]);
        let unfinished = held(Some("nginx"), &[AT]);
        insta::assert_snapshot!(format!("{}\n{}", both.outcome(), unfinished.outcome()), @r"
        spec.ingressClassName: nginx, kubernetes.io/ingress.class: none
        out of quarantine already; what is left of its record goes
        ");
    }
}
