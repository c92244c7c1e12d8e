use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::Ingress;
use proptest::prelude::*;
use rstest::rstest;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::*;
use crate::domain::FieldPath;

/// A type like our resources.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read only to be refused or taken")]
struct Shop {
    #[serde(default)]
    metadata: BTreeMap<String, serde_json::Value>,
    spec: ShopSpec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read only to be refused or taken")]
struct ShopSpec {
    name: String,
    #[serde(default)]
    auto_renew: bool,
    #[serde(default)]
    count: u32,
    stage: Option<Stage>,
    #[serde(default)]
    access: Vec<Access>,
}

#[derive(Debug, Deserialize)]
enum Stage {
    Submitted,
    Approved,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read only to be refused or taken")]
struct Access {
    provider: String,
}

fn source(text: &[u8]) -> std::sync::Arc<Source> {
    Source::new("shop.yaml".into(), text.to_vec()).unwrap()
}

fn objects(text: &str) -> Vec<Result<Object, ReadError>> {
    let documents = source(text.as_bytes()).documents();
    documents
        .into_iter()
        .flat_map(|document| document.map_or_else(|error| vec![Err(error)], |it| it.objects()))
        .collect()
}

fn object(text: &str) -> Object {
    objects(text).remove(0).unwrap()
}

fn errors(text: &str) -> Vec<ReadError> {
    let read = |object: Object| object.read::<Shop>(Strictness::Strict).err().unwrap_or_default();
    objects(text)
        .into_iter()
        .flat_map(|object| object.map_or_else(|error| vec![error], read))
        .collect()
}

fn kinds(text: &str) -> Vec<String> {
    objects(text)
        .into_iter()
        .map(|object| object.map_or_else(|e| e.to_string(), |it| it.meta().kind.clone()))
        .collect()
}

const INGRESS: &str = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  creationTimestamp: null
  managedFields: [{manager: kubectl, operation: Apply, fieldsType: FieldsV1, fieldsV1: {f:spec: {}}}]
  annotations:
    nginx.ingress.kubernetes.io/server-alias: \"a.example.com\"
spec:
  rules:
    - host: shop.example.com
  tls:
  - hosts: [one.example.com, \"two.example.com\"]
";

#[rstest]
#[case::comments("---\n# Source: chart/templates/x.yaml\n---\n\n")]
#[case::null("null\n---\nNull # nothing\n---\n~\n")]
#[case::json("null")]
fn a_document_without_content_is_none(#[case] text: &str) {
    assert!(objects(text).is_empty());
}

#[test]
fn a_text_that_reads_null_is_no_object() {
    assert!(objects("\"null\"\n").remove(0).is_err());
}

#[rstest]
#[case::plain("apiVersion: v1\nkind: Shop\n")]
#[case::quoted("apiVersion: \"v1\"\nkind: 'Shop' # words\n")]
#[case::crlf("apiVersion: v1\r\nkind: Shop\r\n")]
#[case::byte_order_mark("\u{feff}apiVersion: v1\nkind: Shop\n")]
#[case::json("{\"apiVersion\": \"v1\", \"kind\": \"Shop\"}")]
#[case::json_with_tabs("{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Shop\"\n}\n")]
#[case::flow("--- {kind: Shop, apiVersion: v1}\n")]
#[case::quoted_keys("\"kind\": Shop\n\"apiVersion\": v1\n")]
#[case::indented("  kind: Shop\n  apiVersion: v1\n")]
#[case::merged("<<: {apiVersion: v1, kind: Shop}\n")]
#[case::directive("%YAML 1.1\n---\napiVersion: v1\nkind: Shop\n")]
#[case::unindented_sequence("rules:\n- kind: Nothing\napiVersion: v1\nkind: Shop\n")]
#[case::in_a_text("text: |\n  kind: Nothing\n  ---\napiVersion: v1\nkind: Shop\n")]
fn an_object_says_what_it_is(#[case] text: &str) {
    let meta = object(text).meta().clone();
    assert_eq!((meta.api_version.as_str(), meta.kind.as_str()), ("v1", "Shop"));
}

#[rstest]
#[case::values("replicas: 1\n")]
#[case::chart("apiVersion: v2\nname: shop\nversion: 1.0.0\n")]
#[case::kustomization("resources: [shop.yaml]\n")]
fn what_is_no_object_claims_no_kind(#[case] text: &str) {
    assert_eq!(object(text).meta(), &TypeMeta::default());
}

#[rstest]
#[case::list("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n- apiVersion: v1\n  kind: B\n")]
#[case::indented(
    "kind: List\napiVersion: v1\nitems:\n  -  apiVersion: v1\n     kind: A\n  # words\n  -\n    # words\n    apiVersion: v1\n    kind: B\nmetadata: {}\n"
)]
#[case::properties(
    "kind: List\napiVersion: v1\nitems:\n  - &a\n    apiVersion: v1\n    kind: A\n  - !!map\n    apiVersion: v1\n    kind: B\n"
)]
#[case::json(
    "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"A\"},{\"apiVersion\":\"v1\",\"kind\":\"B\"}]}"
)]
#[case::aliases(
    "apiVersion: v1\nkind: List\nx: &x {apiVersion: v1}\nitems:\n- kind: A\n  <<: *x\n- apiVersion: v1\n  kind: B\n"
)]
#[case::alias_item("apiVersion: v1\nkind: List\nx: &x {apiVersion: v1, kind: A}\nitems: [*x, {<<: *x, kind: B}]\n")]
#[case::nested(
    "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: A}\n  - apiVersion: v1\n    kind: B\n"
)]
#[case::crlf(
    "apiVersion: v1\r\nkind: List\r\nitems:\r\n- apiVersion: v1\r\n  kind: A\r\n- apiVersion: v1\r\n  kind: B\r\n"
)]
fn a_list_is_its_items(#[case] text: &str) {
    assert_eq!(kinds(text), ["A", "B"]);
    for object in objects(text).into_iter().flatten() {
        let kind: TypeMeta = object.read(Strictness::Lenient).unwrap();
        assert_eq!(&kind, object.meta());
    }
}

#[test]
fn items_of_a_typed_list_need_not_say_what_they_are() {
    let text = "apiVersion: networking.k8s.io/v1\nkind: IngressList\nitems:\n- metadata: {name: a}\n";
    let meta = object(text).meta().clone();
    assert_eq!(
        (meta.api_version.as_str(), meta.kind.as_str()),
        ("networking.k8s.io/v1", "Ingress")
    );
}

#[test]
fn an_object_called_list_without_items_is_an_object() {
    assert_eq!(
        kinds("apiVersion: example.com/v1\nkind: AllowList\nspec: {}\n"),
        ["AllowList"]
    );
}

#[test]
fn lists_in_lists_end() {
    let mut text = "{apiVersion: v1, kind: A}".to_owned();
    for _ in 0..8 {
        text = format!("{{apiVersion: v1, kind: List, items: [{text}]}}");
    }
    assert!(kinds(&text)[0].contains("lists stand in lists"));
}

#[rstest]
#[case::host("spec.rules[0].host", 11, 13)]
#[case::annotation("metadata.annotations[nginx.ingress.kubernetes.io/server-alias]", 8, 47)]
#[case::flow("spec.tls[0].hosts[1]", 13, 30)]
#[case::sequence("spec.tls", 12, 3)]
#[case::element("spec.rules[0]", 11, 7)]
#[case::absent("spec.rules[0].http.paths[2]", 11, 7)]
#[case::absent_element("spec.rules[7].host", 10, 3)]
#[case::null("metadata.creationTimestamp", 5, 22)]
#[case::nothing("nothing.at[0].all", 1, 1)]
#[case::root("", 1, 1)]
fn a_field_is_found(#[case] path: &str, #[case] line: u32, #[case] column: u32) {
    let path = FieldPath::from(path.to_owned());
    let at = object(INGRESS).locate(&path);
    assert_eq!((at.line, at.column), (line, column));
    let crlf = object(&format!("\u{feff}{}", INGRESS.replace('\n', "\r\n"))).locate(&path);
    assert_eq!(crlf, at);
    let later = &objects(&format!("a: |\n  中\n---\n# Source: x\n{INGRESS}"))[1];
    assert_eq!(later.as_ref().unwrap().locate(&path).line, line + 4);
}

#[rstest]
#[case::block("- ", "  ")]
#[case::wide("  -   ", "      ")]
fn a_field_is_found_in_an_item(#[case] dash: &str, #[case] indent: &str) {
    let item = INGRESS.trim_end().replace('\n', &format!("\n{indent}"));
    let text = format!("apiVersion: v1\nitems:\n{dash}{item}\n{dash}{item}\nkind: List\n");
    let objects: Vec<Object> = objects(&text).into_iter().map(Result::unwrap).collect();
    let width = u32::try_from(indent.len()).unwrap();
    for (object, first) in objects.iter().zip([3, 16]) {
        assert_eq!((object.location().line, object.location().column), (first, width + 1));
        let at = object.locate(&FieldPath::fixed("spec.rules[0].host"));
        assert_eq!((at.line, at.column), (first + 10, width + 13));
        assert!(object.read::<Ingress>(Strictness::Strict).is_ok());
    }
}

#[test]
fn a_field_is_found_in_a_list_on_one_line() {
    let text = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"中","spec":{"host":"x"}}]}"#;
    let object = object(text);
    assert_eq!(object.location().column, 43);
    assert_eq!(object.locate(&FieldPath::fixed("spec.host")).column, 88);
}

#[rstest]
#[case::alias("x: &x shop.example.com\nspec:\n  host: *x\n", "spec.host", 3, 9)]
#[case::behind_alias("x: &x\n  host: a\nspec: *x\n", "spec.host", 2, 9)]
#[case::merged("x: &x\n  host: a\nspec:\n  <<: *x\n  b: c\n", "spec.host", 2, 9)]
#[case::merged_but_written("x: &x\n  host: a\nspec:\n  <<: *x\n  host: c\n", "spec.host", 5, 9)]
#[case::merged_sequence("x: &x\n  host: a\ny: &y {b: c}\nspec:\n  <<: [*y, *x]\n", "spec.host", 2, 9)]
#[case::chain("x: &x {c: d}\ny: &y\n  b: *x\na: *y\n", "a.b.c", 1, 11)]
fn a_field_is_found_behind_an_alias(#[case] text: &str, #[case] path: &str, #[case] line: u32, #[case] column: u32) {
    let at = object(text).locate(&FieldPath::from(path.to_owned()));
    assert_eq!((at.line, at.column), (line, column));
}

#[test]
fn a_field_is_found_in_a_list_with_aliases() {
    let text = "apiVersion: v1\nkind: List\nx: &x\n  host: a\nitems:\n- apiVersion: v1\n  kind: A\n  spec: *x\n- apiVersion: v1\n  kind: B\n  spec: {host: b}\n";
    let objects: Vec<Object> = objects(text).into_iter().map(Result::unwrap).collect();
    let places: Vec<_> = objects
        .iter()
        .map(|it| (it.location().line, it.locate(&FieldPath::fixed("spec.host")).line))
        .collect();
    assert_eq!(places, [(6, 4), (9, 11)]);
}

#[test]
fn kubernetes_types_are_read() {
    let ingress: Ingress = object(INGRESS).read(Strictness::Strict).unwrap();
    assert_eq!(
        ingress.spec.unwrap().rules.unwrap()[0].host.as_deref(),
        Some("shop.example.com")
    );
    let text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\nspec:\nstatus: {phase: Active}\n";
    let namespace: Namespace = object(text).read(Strictness::Strict).unwrap();
    assert_eq!(namespace.metadata.name.as_deref(), Some("shop"));
}

#[rstest]
#[case::yes("yes", true)]
#[case::on("On", true)]
#[case::no("no", false)]
#[case::off("OFF", false)]
#[case::yaml_1_2("true", true)]
fn booleans_are_those_of_yaml_1_1(#[case] written: &str, #[case] read: bool) {
    let text = format!("apiVersion: v1\nkind: Shop\nspec: {{name: a, autoRenew: {written}}}\n");
    assert_eq!(
        object(&text).read::<Shop>(Strictness::Strict).unwrap().spec.auto_renew,
        read
    );
}

/// Each kind of mistake with the words that a person reads.
#[test]
fn a_mistake_is_shown_where_it_stands() {
    let head = "apiVersion: v1\nkind: Shop\nmetadata:\n  name: 示例\n";
    let cases: &[(&str, &str)] = &[
        ("boolean for a text", "spec:\n  name: no\n"),
        ("number for a text", "spec:\n  name: 2021\n"),
        ("null for a text", "spec:\n  name:\n"),
        ("mapping for a text", "spec:\n  name: {a: b}\n"),
        ("text for a boolean", "spec: {name: a, autoRenew: maybe}\n"),
        ("text for a number", "spec: {name: a, count: many}\n"),
        ("negative number", "spec: {name: a, count: -1}\n"),
        ("unknown variant", "spec:\n  name: a\n  stage: approved\n"),
        ("missing field", "spec:\n  name: a\n  access:\n    - {}\n"),
        (
            "unknown field",
            "spec:\n  name: a\n  autorenew: true\n  access:\n  - provider: a\n    region: {a: b}\n",
        ),
        ("unknown field without a like", "spec: {name: a, color: red}\n"),
        ("duplicate key", "spec:\n  name: a\n  name: b\n"),
        ("duplicate key in what is ignored", "spec: {name: a}\nmetadata: {}\n"),
        ("unclosed bracket", "spec:\n  name: [a, b\n"),
        ("tab", "spec:\n\tname: a\n"),
        ("bad indentation", "spec:\n  name: a\n count: 1\n"),
        ("template", "spec:\n  name: {{ .Values.name }}\n"),
        ("unknown anchor", "spec: *nothing\n"),
        ("wide characters", "spec: {name: \"示例\", 数量: 1}\n"),
        ("sequence for a mapping", "spec: [a]\n"),
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|(name, text)| {
            let found: Vec<String> = errors(&format!("{head}{text}"))
                .iter()
                .map(|error| error.render(false))
                .collect();
            format!("# {name}\n{}", found.join("\n"))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn what_is_no_kubernetes_object_is_shown() {
    let cases = [
        "just words\n",
        "- a\n- b\n",
        "kind: Shop\nmetadata: {name: a}\n",
        "apiVersion: v1\nmetadata: {name: a}\n",
        "metadata: {name: a}\nspec: {}\n",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Shop\n  spec: {name: no}\n- words\n-\n",
        "apiVersion: v1\nkind: List\nx: &x no\nitems:\n- apiVersion: v1\n  kind: Shop\n  spec: {name: *x}\n",
    ];
    let shown: Vec<String> = cases
        .iter()
        .flat_map(|text| errors(text))
        .map(|error| error.render(false))
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn a_broken_document_leaves_the_others() {
    let good = "apiVersion: v1\nkind: Shop\nspec: {name: a}\n";
    let text = format!("{good}---\napiVersion: v1\nkind: Shop\nspec: [\n---\n{good}---\na: \"\n---\n{good}");
    let read: Vec<bool> = objects(&text)
        .into_iter()
        .map(|it| it.is_ok_and(|it| it.read::<Shop>(Strictness::Strict).is_ok()))
        .collect();
    assert_eq!(read, [true, false, true, false, true]);
}

#[test]
fn bytes_that_are_no_text_spoil_their_document_only() {
    let documents = source(b"a: 1\n---\nb: 2\nname: \xca\xbe\xc0\xfd\n---\nc: 3\n").documents();
    let shown: Vec<String> = documents
        .into_iter()
        .filter_map(|it| Some(it.err()?.render(false)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
    let mut bytes = "a: 1\n".repeat(2000).into_bytes();
    bytes.extend(b"---\nb: \0\n---\nc: 1\n");
    let documents = source(&bytes).documents();
    assert_eq!(
        documents.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true]
    );
}

#[rstest]
#[case::binary(b"\x7fELF\0\0", "the file is binary, not YAML or JSON")]
#[case::utf16(b"\xff\xfea\0", "the file is UTF-16")]
fn what_is_no_text_at_all_is_said(#[case] bytes: &[u8], #[case] message: &str) {
    assert_eq!(Source::new("x".into(), bytes.to_vec()).unwrap_err().message, message);
}

#[test]
fn deep_and_multiplying_documents_end() {
    let deep = format!(
        "apiVersion: v1\nkind: Shop\nspec: {}{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let block = (0..2000).fold(String::from("apiVersion: v1\nkind: Shop\n"), |text, n| {
        text + &" ".repeat(n) + "a:\n"
    });
    let mut laughs = String::from("apiVersion: v1\nkind: Shop\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..20 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        writeln!(laughs, "a{n}: &a{n} [{aliases}]").unwrap();
    }
    for text in [deep, block, laughs] {
        assert!(object(&text).read::<IgnoredAny>(Strictness::Lenient).is_err());
        object(&text).locate(&FieldPath::fixed("spec.a.a.a"));
    }
}

#[test]
fn nesting_within_the_limit_fits_a_worker_thread() {
    let text = format!(
        "apiVersion: v1\nkind: Shop\nspec: {}{}\n",
        "{a: ".repeat(60),
        "}".repeat(60)
    );
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let read = thread.spawn(move || object(&text).read::<serde_json::Value>(Strictness::Strict).map(drop));
    assert_eq!(read.unwrap().join().unwrap(), Ok(()));
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn names(inputs: &[Input], root: &Path) -> Vec<String> {
    let root = format!("{}/", root.display());
    inputs
        .iter()
        .map(|input| input.name().strip_prefix(&root).unwrap_or(&input.name()).to_owned())
        .collect()
}

#[test]
fn folders_are_read_in_order_without_what_is_hidden() {
    let root = tempfile::tempdir().unwrap();
    for name in [
        "b.yaml",
        "a/z.yml",
        "a/c.json",
        ".git/x.yaml",
        ".hidden.yaml",
        "words.md",
        "d.yaml",
    ] {
        write(&root.path().join(name), "");
    }
    let (inputs, errors) = discover(&[root.path(), &root.path().join("d.yaml"), Path::new("-"), Path::new("-")]);
    assert_eq!(
        names(&inputs, root.path()),
        ["a/c.json", "a/z.yml", "b.yaml", "d.yaml", "<stdin>"]
    );
    assert_eq!(errors, []);
}

#[test]
#[cfg(unix)]
fn links_are_followed_once() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("a/b.yaml"), "");
    symlink(root.path(), root.path().join("a/loop")).unwrap();
    symlink(root.path().join("a/b.yaml"), root.path().join("again.yaml")).unwrap();
    symlink("/nowhere", root.path().join("gone.yaml")).unwrap();
    symlink("/nowhere", root.path().join("gone")).unwrap();
    let (inputs, errors) = discover(&[root.path()]);
    assert_eq!(names(&inputs, root.path()), ["a/b.yaml"]);
    assert_eq!(
        errors.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(),
        ["the link points to nothing"]
    );
}

#[test]
fn what_is_not_there_is_said() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("missing.yaml");
    let (inputs, errors) = discover(&[root.path(), missing.as_path()]);
    assert_eq!(inputs, []);
    let messages: Vec<&str> = errors.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        ["the folder has no *.yaml, *.yml or *.json", "no such file or folder"]
    );
    assert_eq!(
        errors[1].to_string(),
        format!("{}: no such file or folder; check the path", missing.display())
    );
    assert_eq!(
        Input::File(missing).load().unwrap_err().message,
        "no such file or folder"
    );
    assert!(
        Input::File(root.path().to_owned())
            .load()
            .unwrap_err()
            .message
            .starts_with("can't be read")
    );
}

/// Pieces of which manifests, broken and whole, are made.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("apiVersion: v1\n"),
        Just("kind: List\n"),
        Just("kind: Shop\n"),
        Just("items:\n"),
        Just("- "),
        Just("  "),
        Just("a: "),
        Just("spec: "),
        Just("&a "),
        Just("*a"),
        Just("<<: *a\n"),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just("\n"),
        Just("---\n"),
        Just("...\n"),
        Just("|\n"),
        Just("\""),
        Just("'"),
        Just("# x\n"),
        Just("\r"),
        Just("\t"),
        Just("中"),
        Just("? "),
        Just(": "),
        Just("!!str "),
        Just("%YAML 1.1\n"),
        Just("\u{feff}"),
        Just(","),
        Just("1"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn read_all(bytes: Vec<u8>) {
    let Ok(source) = Source::new("x".into(), bytes) else {
        return;
    };
    for document in source.documents() {
        let Ok(document) = document else { continue };
        for object in document.objects() {
            let object = match object {
                Ok(object) => object,
                Err(error) => {
                    error.render(true);
                    continue;
                }
            };
            object.locate_all(&[
                &FieldPath::fixed("spec.a[0].a"),
                &FieldPath::fixed("[["),
                &FieldPath::fixed("a"),
            ]);
            for error in object.read::<Shop>(Strictness::Strict).err().unwrap_or_default() {
                error.render(false);
            }
            let _ = object.read::<Ingress>(Strictness::Lenient);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        read_all(bytes);
    }

    #[test]
    fn any_manifest_is_read_or_refused(text in pieces()) {
        read_all(text.into_bytes());
    }

    #[test]
    fn a_list_says_what_its_items_say_alone(names in prop::collection::vec("[a-z]{1,6}", 1..5), indent in 0..4usize) {
        let item = |name: &str| format!("apiVersion: v1\nkind: Shop\nspec:\n  name: \"{name}\"\n  text: |+\n    - {name}\n\n");
        let pad = " ".repeat(indent);
        let list = names.iter().fold(String::from("apiVersion: v1\nkind: List\nitems:\n"), |list, name| {
            list + &format!("{pad}- ") + item(name).replace('\n', &format!("\n{pad}  ")).trim_end_matches(' ')
        });
        let alone = names.iter().map(|name| object(&item(name)).read::<serde_json::Value>(Strictness::Lenient).unwrap());
        let within = objects(&list).into_iter().map(|it| it.unwrap().read::<serde_json::Value>(Strictness::Lenient).unwrap());
        prop_assert_eq!(within.collect::<Vec<_>>(), alone.collect::<Vec<_>>());
    }
}
#[test]
fn a_long_list_is_read_item_by_item() {
    let items = "- apiVersion: v1\n  kind: Shop\n  spec:\n    name: a\n".repeat(2000);
    let objects = objects(&format!("apiVersion: v1\nkind: List\nitems:\n{items}"));
    let last = objects.last().unwrap().as_ref().unwrap();
    assert_eq!(last.locate(&FieldPath::fixed("spec.name")).line, 4 + 1999 * 4 + 3);
    // Apart from the list each is short: together they take no longer than the list does.
    assert!(objects.iter().flatten().all(Object::is_apart));
}
