//! `check`, `rules` and `crds` as they are typed: the built program, its streams and its exit codes.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::cli::{answer, program};
use crate::support::cluster::Output;
use crate::support::generated;

/// Runs the program in the project's folder.
fn run(args: &[&str], stdin: &str) -> Output {
    let mut command = program(Path::new(env!("CARGO_MANIFEST_DIR")));
    answer(command.args(args), stdin.as_bytes())
}

/// Checks one stream, as of the day that the examples are told of.
fn check(stdin: &str, args: &[&str]) -> Output {
    run(&[&["check", "-", "--now", "2026-11-23"], args].concat(), stdin)
}

fn check_json(stdin: &str, args: &[&str]) -> Value {
    serde_json::from_str(&check(stdin, &[&["-o", "json"], args].concat()).stdout).unwrap()
}

const BEIJING: [&str; 4] = ["--provider", "alicloud", "--region", "cn-beijing"];

const FILING: &str = "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
";

fn ingress(host: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web}}\nspec:\n  rules:\n    - host: {host}\n"
    )
}

fn with(documents: &[&str]) -> String {
    documents.join("---\n")
}

#[rstest]
#[case::one_that_is_not_there("Xanadu", "write a province of the mainland")]
#[case::one_that_is_no_province_of_the_mainland("香港", "or Outside")]
fn a_province_is_one_of_the_mainland(#[case] province: &str, #[case] told: &str) {
    let args = [
        "--provider",
        "idc-telecom",
        "--region",
        "jiuxianqiao",
        "--province",
        province,
    ];
    let answer = check(FILING, &args);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
}

#[test]
fn where_ones_own_data_centre_is_can_be_said_as_a_policy_says_it() {
    let filing = FILING.replace("alicloud", "idc-telecom");
    let input = with(&[&filing]) + &ingress("www.example.com");
    let own = ["--provider", "idc-telecom", "--region", "jiuxianqiao"];
    let rules = |args: &[&str]| {
        let findings = check_json(&input, args)["routes"][0]["hosts"][0]["findings"].take();
        let findings = findings.as_array().unwrap().iter();
        findings
            .map(|finding| finding["rule"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(&own), ["RegionUnknown"]);
    assert_eq!(rules(&[&own[..], &["--province", "北京"]].concat()), [""; 0]);
    let outside = check_json(&input, &[&own[..], &["--province", "Outside"]].concat());
    assert_eq!(outside["routes"][0]["hosts"][0]["exemption"]["kind"], "OutsideMainland");
    // What no table has is noted, until it is said where it is.
    assert!(
        check(&input, &own)
            .stderr
            .contains("say it with --region and --province")
    );
    assert!(
        !check(&input, &[&own[..], &["--province", "CN-BJ"]].concat())
            .stderr
            .contains("idc-telecom")
    );
}

/// Passed over, it would look as if nothing was wrong with it.
#[rstest]
#[case::another_group("filing-operator/v1alpha1")]
#[case::nearly_the_group("filing-operators.io/v1alpha1")]
#[case::no_group("v1")]
fn a_kind_of_ours_in_another_group_is_told(#[case] api_version: &str) {
    let input = FILING.replace("filing-operator.io/v1alpha1", api_version);
    let answer = check(&input, &[]);
    assert_eq!(answer.code, 2);
    let told = format!("{api_version} Filing is not read; write apiVersion: filing-operator.io/v1alpha1");
    assert!(answer.stderr.contains(&told), "{}", answer.stderr);
}

#[test]
fn the_examples_read_well() {
    let table = run(&["check", "examples/", "--now", "2026-11-23"], "");
    let note = "note: 5 fields can be mended by --fix; --diff shows how
";
    assert_eq!((table.code, table.stderr.as_str()), (1, note));
    insta::assert_snapshot!("table", table.stdout);
    let chinese = run(&["check", "examples/", "--now", "2026-11-23", "--lang", "zh"], "");
    insta::assert_snapshot!("table_zh", chinese.stdout);
    let json = run(&["check", "examples/", "--now", "2026-11-23", "-o", "json"], "");
    insta::assert_json_snapshot!("json", serde_json::from_str::<Value>(&json.stdout).unwrap());
}

/// A file holds what is printed; or it is written, where that is asked for.
fn is_made(file: &str, due: &str) {
    generated::holds(file, due, "WRITE_DOCS", "check::");
}

#[test]
fn the_book_shows_what_check_says_of_the_examples() {
    const BEGIN: &str = "<!-- check:begin -->\n";
    const END: &str = "<!-- check:end -->";
    let page = fs::read_to_string("docs/examples.md").unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let answer = run(&["check", "examples/", "--now", "2026-11-23"], "");
    let fence = "<!-- exits: 1 -->\n```console\n$ filing-operator check examples/ --now 2026-11-23\n";
    is_made(
        "docs/examples.md",
        &[
            before,
            BEGIN,
            fence,
            &answer.stderr,
            &answer.stdout,
            "```\n",
            END,
            after,
        ]
        .concat(),
    );
}

#[test]
fn the_readme_has_a_picture_of_the_table() {
    let shown = ["00", "01", "02", "10", "11", "12", "13", "14"];
    let mut files: Vec<String> = fs::read_dir("examples")
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|file| {
            shown
                .iter()
                .any(|number| file.starts_with(&format!("examples/{number}-")))
        })
        .collect();
    files.sort();
    let mut args = vec!["check", "--now", "2026-11-23", "--color", "always"];
    args.extend(files.iter().map(String::as_str));
    let answer = run(&args, "");
    assert!(
        answer.stdout.contains("NoFiling") && answer.stdout.contains("ServerExpiring"),
        "{}",
        answer.stdout
    );
    is_made(
        "docs/images/check.svg",
        &anstyle_svg::Term::new().render_svg(&answer.stdout),
    );
}

#[rstest]
#[case::all_is_well("www.example.com", &[], 0)]
#[case::a_violation("www.example.net", &[], 1)]
#[case::a_violation_that_is_only_told("www.example.net", &["--fail-on", "never"], 0)]
#[case::a_warning("192.0.2.1", &[], 0)]
#[case::a_warning_that_is_not_let_pass("192.0.2.1", &["--fail-on", "warning"], 1)]
fn the_exit_code_says_how_the_routes_stand(#[case] host: &str, #[case] args: &[&str], #[case] code: i32) {
    let input = with(&[FILING]) + &ingress(host);
    assert_eq!(check(&input, &[&BEIJING, args].concat()).code, code);
    assert_eq!(check(&input, &[&BEIJING, args, &["-o", "json"]].concat()).code, code);
}

#[test]
fn a_host_that_an_annotation_adds_is_told_where_the_annotation_stands() {
    let route = ingress("www.example.com").replace(
        "{name: web}",
        "\n  name: web\n  annotations:\n    nginx.ingress.kubernetes.io/server-alias: m.example.com, shop.example.net\n    \
         alb.ingress.kubernetes.io/conditions.web: |\n      [{\"type\": \"Host\", \"hostConfig\": {\"values\": [\"a.example.net\"]}}]",
    );
    let answer = check_json(&(with(&[FILING]) + &route), &BEIJING);
    let hosts = answer["routes"][0]["hosts"].as_array().unwrap();
    let found = hosts.iter().flat_map(|host| {
        let findings = host["findings"].as_array().unwrap().iter();
        findings.map(move |finding| {
            let source = &finding["source"];
            json!([
                host["host"],
                finding["rule"],
                finding["path"],
                source["line"],
                source["column"]
            ])
        })
    });
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            json!([
                "a.example.net",
                "NoFiling",
                "metadata.annotations[alb.ingress.kubernetes.io/conditions.web]",
                18,
                7
            ]),
            json!([
                "shop.example.net",
                "NoFiling",
                "metadata.annotations[nginx.ingress.kubernetes.io/server-alias]",
                16,
                47
            ]),
        ]
    );
    assert_eq!(hosts.len(), 4);
}

#[test]
fn a_violation_of_a_filing_itself_counts() {
    let answer = check(&FILING.replace("京ICP备2021012345号-1", "京ICP备20210号-1"), &[]);
    assert_eq!(answer.code, 1);
    assert!(answer.stdout.contains("NumberMalformed"), "{}", answer.stdout);
}

#[test]
fn a_broken_document_is_shown_and_the_others_are_judged() {
    let input = with(&[FILING, "apiVersion: v1\nkind: ConfigMap\ndata: [\n"]) + &ingress("www.example.net");
    let answer = check(&input, &BEIJING);
    assert_eq!(answer.code, 2);
    insta::assert_snapshot!(format!("{}\n{}", answer.stderr, answer.stdout));
    let json = check_json(&input, &BEIJING);
    assert_eq!(json["summary"]["violating"], 1);
    assert_eq!(json["summary"]["errors"], 1);
    assert_eq!(json["errors"][0]["source"]["file"], "<stdin>");
}

#[test]
fn an_object_of_ours_that_cant_be_read_is_an_error_and_never_valid() {
    let filing = FILING.replace("stage: Approved\n  subject", "stag: Approved\n  subject");
    let route = ingress("www.example.com").replace("    - host: www.example.com", "    - hots: www.example.com");
    let answer = check(&(filing + &route), &BEIJING);
    assert_eq!(answer.code, 2);
    insta::assert_snapshot!(format!("{}\n{}", answer.stderr, answer.stdout));
}

#[rstest]
#[case::an_object_twice(&with(&[FILING, FILING]), "Filing filing-system/example-com stands twice, first at <stdin>:1:1", 11)]
#[case::no_name(
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {}\n",
    "the object has no name; add metadata.name",
    3
)]
#[case::an_api_that_is_gone(
    "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: web}\n",
    "extensions/v1beta1 Ingress is not read; write apiVersion: networking.k8s.io/v1",
    1
)]
#[case::a_rule_that_is_none(
    "apiVersion: filing-operator.io/v1alpha1\nkind: FilingPolicy\nmetadata: {name: a}\nspec:\n  rules:\n    NoFilling: Warning\n",
    "spec.rules.NoFilling: there is no rule NoFilling",
    6
)]
#[case::a_policy_that_trusts_nobody(
    "apiVersion: filing-operator.io/v1alpha1\nkind: FilingPolicy\nmetadata: {name: a}\nspec:\n  filingsFrom: {namespaceSelector: {}}\n",
    "an empty selector trusts nobody's filings",
    5
)]
fn what_cant_be_used_is_told_with_its_line(#[case] input: &str, #[case] message: &str, #[case] line: u64) {
    let answer = check(input, &["-o", "json"]);
    assert_eq!(answer.code, 2, "{}", answer.stderr);
    assert!(answer.stderr.contains(message), "{}", answer.stderr);
    let json: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert!(json["errors"][0]["message"].as_str().unwrap().contains(message));
    assert_eq!(json["errors"][0]["source"]["line"], line);
}

#[test]
fn names_that_are_yet_to_be_generated_are_each_its_own() {
    let generated = |host: &str| ingress(host).replace("name: web", "generateName: web-");
    let json = check_json(
        &(generated("www.example.net") + &generated("www.example.org")),
        &BEIJING,
    );
    assert_eq!(json["errors"], json!([]));
    let routes = json["routes"].as_array().unwrap();
    let told: Vec<_> = routes
        .iter()
        .map(|route| (&route["name"], &route["hosts"][0]["host"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("web-*1"), &json!("www.example.net")),
            (&json!("web-*2"), &json!("www.example.org"))
        ]
    );
}

#[test]
fn a_namespace_that_charts_repeat_is_one() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    assert_eq!(check(&with(&[namespace, namespace]), &[]).code, 0);
    let other = namespace.replace("shop}", "shop, labels: {a: b}}");
    assert_eq!(check(&with(&[namespace, &other]), &[]).code, 2);
}

#[test]
fn without_a_policy_every_filing_is_trusted_and_it_is_said() {
    let input = FILING.replace("filing-system", "anywhere") + &ingress("www.example.com");
    let answer = check(&input, &BEIJING);
    assert_eq!(answer.code, 0);
    assert_eq!(
        answer.stderr,
        "note: no policy is given: every Filing in the input is trusted\n"
    );
}

#[rstest]
#[case::a_mistyped_path(&["check", "nowhere.yaml"], "")]
#[case::a_broken_file(&["check", "-"], "kind: [")]
fn of_what_cant_be_read_nothing_is_said_to_be_trusted(#[case] args: &[&str], #[case] input: &str) {
    let answer = run(args, input);
    assert_eq!(answer.code, 2);
    assert!(!answer.stderr.contains("trusted"), "{}", answer.stderr);
}

#[rstest]
#[case::provider(&["--provider", "alicluod"], "note: the provider alicluod is in no table")]
#[case::region(&["--provider", "alicloud", "--region", "cn-bejing"], "error: alicloud has no region \"cn-bejing\" in the table, so access can't be judged; mend --region")]
fn a_place_that_no_table_has_is_told(#[case] args: &[&str], #[case] told: &str) {
    let input = with(&[FILING]) + &ingress("www.example.com");
    let answer = check(&input, args);
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    // A provider may be a data centre of one's own; a region that none has is a slip.
    assert_eq!(answer.code == 2, told.starts_with("error"), "{}", answer.stderr);
    assert!(!check(&input, &BEIJING).stderr.contains("in no table"));
}

#[test]
fn a_kind_of_ours_that_there_is_not_is_no_other_kind() {
    let answer = check(&FILING.replace("kind: Filing", "kind: Filling"), &BEIJING);
    assert_eq!(answer.code, 2);
    let told = "error: there is no kind Filling in filing-operator.io; write Filing, AccessServer or FilingPolicy";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
}

#[rstest]
#[case::filing_system(&[], "filing-system", 0)]
#[case::elsewhere(&[], "filings", 1)]
#[case::as_typed(&["--home-namespace", "filings"], "filings", 0)]
fn a_policy_that_does_not_say_whose_trusts_the_home_namespace(
    #[case] args: &[&str],
    #[case] namespace: &str,
    #[case] code: i32,
) {
    const POLICY: &str = "apiVersion: filing-operator.io/v1alpha1\nkind: FilingPolicy\nmetadata: {name: shops}\nspec:\n  site: {provider: alicloud, region: cn-beijing}\n";
    let filing = FILING.replace("namespace: filing-system", &format!("namespace: {namespace}"));
    let answer = check(&(with(&[POLICY, &filing]) + &ingress("www.example.com")), args);
    assert_eq!(answer.code, code, "{}{}", answer.stdout, answer.stderr);
    let home = args.last().unwrap_or(&"filing-system");
    let note = format!("note: policy shops has no filingsFrom: only Filings in {home} count\n");
    assert!(answer.stderr.contains(&note), "{}", answer.stderr);
}

#[test]
fn a_policy_comes_from_a_file_bare_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let spec = "site: {provider: alicloud, region: cn-beijing}\nfilingsFrom: {all: true}\nrules: {NoFiling: Warning}\n";
    let whole = format!(
        "apiVersion: filing-operator.io/v1alpha1\nkind: FilingPolicy\nmetadata: {{name: any}}\nspec:\n  {}\n",
        spec.trim_end().replace('\n', "\n  ")
    );
    let broken = "rules: {NoFilling: Warning}\n";
    for (text, code) in [(spec, 0), (whole.as_str(), 0), (broken, 2), ("kind: [", 2), ("", 2)] {
        let path = folder.path().join("policy.yaml");
        fs::write(&path, text).unwrap();
        let answer = check(&ingress("www.example.net"), &["--policy", path.to_str().unwrap()]);
        assert_eq!(answer.code, code, "{text}\n{}{}", answer.stdout, answer.stderr);
    }
    assert_eq!(check(&ingress("www.example.net"), &["--policy", "/nowhere"]).code, 2);
}

#[test]
fn of_very_many_routes_those_that_are_well_are_counted_alone() {
    let route = |nth: usize| ingress("www.example.com").replace("name: web", &format!("name: web-{nth}"));
    let routes: String = (0..300).map(route).collect();
    let answer = check(&(FILING.to_owned() + &routes + &ingress("www.example.net")), &BEIJING);
    assert!(answer.stdout.lines().count() < 15, "{}", answer.stdout);
    assert!(
        answer.stdout.contains("300 routes without findings not shown"),
        "{}",
        answer.stdout
    );
    assert!(
        answer
            .stdout
            .contains("301 routes, 301 hosts: 300 compliant, 1 violating"),
        "{}",
        answer.stdout
    );
}

#[test]
fn manifests_without_a_namespace_are_in_the_one_that_is_typed() {
    let json = check_json(&ingress("www.example.com"), &["-n", "shop"]);
    assert_eq!(json["routes"][0]["namespace"], "shop");
}

#[test]
fn the_json_has_the_fixed_form() {
    let json = check_json(&ingress("shop.example.net"), &BEIJING);
    let finding = &json["routes"][0]["hosts"][0]["findings"][0];
    assert_eq!(
        json,
        json!({
            "schema": "filing-operator.io/check/v1", "now": "2026-11-22T16:00:00Z",
            "summary": {"routes": 1, "hosts": 1, "compliant": 0, "warned": 0, "violating": 1, "exempt": 0, "skipped": 0, "errors": 0},
            "routes": [{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "namespace": "default", "name": "web",
                "verdict": "Violating", "policy": "default",
                "sites": [{"provider": "alicloud", "region": "cn-beijing", "province": "CN-BJ", "mainland": true}],
                "source": {"file": "<stdin>", "line": 2, "column": 1},
                "hosts": [{"host": "shop.example.net", "domain": "example.net", "verdict": "Violating", "filing": null, "exemption": null,
                    "findings": [{"rule": "NoFiling", "severity": "Violation", "path": "spec.rules[0].host",
                        "message": finding["message"], "remedy": finding["remedy"],
                        "source": {"file": "<stdin>", "line": 7, "column": 13}}]}]}],
            "filings": [], "servers": [], "errors": []
        })
    );
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let input = ingress("www.example.net");
    let escapes = |args: &[&str]| check(&input, args).stdout.contains('\x1b');
    assert!(!escapes(&[]));
    assert!(escapes(&["--color", "always"]));
    assert!(!escapes(&["--color", "never"]));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = program(Path::new(env!("CARGO_MANIFEST_DIR")))
        .args(["check", "examples/", "--now", "2026-11-23", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(1), b"".as_slice())
    );
}

#[rstest]
#[case::no_path(&["check"])]
#[case::no_such_file(&["check", "nowhere.yaml"])]
#[case::no_time(&["check", "-", "--now", "tomorrow"])]
#[case::a_region_of_nobody(&["check", "-", "--region", "cn-beijing"])]
#[case::a_provider_without_a_name(&["check", "-", "--provider", ""])]
#[case::a_region_without_a_name(&["check", "-", "--provider", "alicloud", "--region", ""])]
#[case::a_namespace_without_a_name(&["check", "-", "-n", ""])]
#[case::no_rule(&["rules", "NoFilling"])]
fn what_cant_be_understood_ends_with_2(#[case] args: &[&str]) {
    let answer = run(args, "");
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("error: "), "{}", answer.stderr);
}

#[test]
fn rules_are_listed_and_told_in_full() {
    let table = run(&["rules"], "");
    assert_eq!(table.code, 0);
    insta::assert_snapshot!("rules", table.stdout);
    insta::assert_snapshot!("rule_zh", run(&["rules", "NoFiling", "--lang", "zh"], "").stdout);
    let all: Value = serde_json::from_str(&run(&["rules", "-o", "json"], "").stdout).unwrap();
    let one: Value = serde_json::from_str(&run(&["rules", "NoFiling", "-o", "json"], "").stdout).unwrap();
    assert!(all.as_array().unwrap().contains(&one));
}

#[test]
fn definitions_are_printed_written_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crds");
    let path = path.to_str().unwrap();
    assert_eq!(run(&["crds", "--check", "crds/"], "").code, 0);
    assert_eq!(run(&["crds", "--check", path], "").code, 1);
    assert_eq!(run(&["crds", "--write", path], "").code, 0);
    assert_eq!(run(&["crds", "--check", path], "").code, 0);
    let file = Path::new(path).join("filings.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(run(&["crds"], "").stdout.contains(&text));
    fs::write(&file, text.replace("kind: Filing\n", "kind: Filling\n")).unwrap();
    let answer = run(&["crds", "--check", path], "");
    assert_eq!(answer.code, 1);
    assert!(answer.stdout.contains("+     kind: Filing"), "{}", answer.stdout);
    assert!(
        answer.stderr.contains("filing-operator crds --write"),
        "{}",
        answer.stderr
    );
}
