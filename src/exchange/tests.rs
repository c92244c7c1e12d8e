//! Tables that a person keeps, as resources; and resources as a table and back.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::api::{AccessServer, Filing};
use crate::rules::Lang;

fn options() -> Options<'static> {
    Options {
        namespace: "filing-system",
        provider: None,
        columns: &[],
    }
}

fn read(text: &str) -> Imported {
    let table = Table::read(text.as_bytes(), Format::Csv, None).unwrap();
    import(&table, &options()).unwrap()
}

/// What was made, and what was said.
fn shown(imported: &Imported) -> String {
    let mut text = String::new();
    for server in &imported.servers {
        text += &serde_saphyr::to_string(server).unwrap();
        text += "---\n";
    }
    for filing in &imported.filings {
        text += &serde_saphyr::to_string(filing).unwrap();
        text += "---\n";
    }
    for note in &imported.notes {
        writeln!(text, "note: {note}").unwrap();
    }
    for error in &imported.errors {
        writeln!(text, "error: {}\n       {}", error.told(Lang::En), error.told(Lang::Zh)).unwrap();
    }
    text + &format!("{:?}\n", imported.counts)
}

fn errors(imported: &Imported) -> Vec<String> {
    imported.errors.iter().map(|error| error.told(Lang::En)).collect()
}

#[test]
fn a_sheet_as_it_is_kept_becomes_filings_and_servers() {
    let imported = read(
        "示例集团备案台账,,,,,,,,,,\n\
         制表：备案专员,,,,,,,,,,\n\
         序号,域名,备案号,主办单位,单位性质,审核通过日期,接入商,地域,服务器,服务器IP,服务器到期日期\n\
         1,example.com、example.net,京icp备2021012345号-1,示例科技有限公司,企业,2021/2/20,阿里云,华北2（北京）,beijing-slb,203.0.113.7,2027-01-31\n\
         2,example.com,京ICP备2021012345号-1,示例科技有限公司,企业,2021年2月20日,腾讯云,ap-guangzhou,,,\n\
         3,示例.中国,京ICP备2021012345-2号,示例科技有限公司,企业,20210301,阿里云,,生产环境,203.0.113.8,\n\
         ,,,,,,,,,,\n\
         4,draft.cn,,张三,个人,,,,,,\n",
    );
    insta::assert_snapshot!(shown(&imported));
}

#[test]
fn what_a_look_up_gives_becomes_filings() {
    let text = r#"{"code": 200, "msg": "操作成功", "params": {"total": 2, "list": [
        {"contentTypeName": "出版、文化", "domain": "example.com", "domainId": 110000, "leaderName": "", "limitAccess": "否",
         "mainLicence": "京ICP备2021012345号", "natureName": "企业", "serviceLicence": "京ICP备2021012345号-1",
         "unitName": "示例科技有限公司", "updateRecordTime": "2024-05-06 11:22:33"},
        {"contentTypeName": "", "domain": "example.org.cn", "domainId": 110001, "leaderName": "", "limitAccess": "是",
         "mainLicence": "京ICP备2021012346号", "natureName": "社会团体", "serviceLicence": "京ICP备2021012346号-1",
         "unitName": "示例协会", "updateRecordTime": "2023-01-02 00:00:00"}]}}"#;
    let table = Table::read(text.as_bytes(), Format::Json, None).unwrap();
    let options = Options {
        provider: Some("阿里云"),
        ..options()
    };
    insta::assert_snapshot!(shown(&import(&table, &options).unwrap()));
}

#[test]
fn what_can_not_be_read_is_told_and_leaves_the_rest() {
    let imported = read(
        "域名,备案号,主办单位,单位性质,审核通过日期,接入商,服务器\n\
         a.com,京ICP备1号,示例,企业,2021-02-30,阿里云,\n\
         b.com,京ICP备12345678号-1,示例,公司啊,2021-02-20,阿里云,\n\
         c.com,京ICP备12345678号-2,,企业,2021-02-20,阿里云,\n\
         https://d.com/,京ICP备12345678号-3,示例,企业,,某机房,\n\
         e.com,京ICP备12345678号-4,示例,企业,,阿里云,\n\
         e.net,京ICP备12345678号-4,别的公司,企业,,阿里云,\n\
         f.com,申请中,示例,企业,,阿里云,\n\
         i.com,京ICP备2号,示例,企业,,阿里云,\n\
         g.com,京ICP备12345678号-5,示例,企业,,,slb\n\
         h.com,京ICP备12345678号-6,示例,企业,,阿里云,\n\
         h.com,京ICP备12345678号-6,示例,企业,,阿里云,\n\
         ,京ICP备12345678号-7,示例,企业,,阿里云,\n",
    );
    insta::assert_snapshot!(shown(&imported));
}

#[test]
fn a_server_is_whole_or_left_out_and_other_rows_do_not_pay_for_it() {
    let imported = read(
        "域名,备案号,主办单位,单位性质,接入商,服务器,服务器到期日期\n\
         a.com,京ICP备12345678号-1,示例,企业,阿里云,one,2027-01-31\n\
         b.com,京ICP备12345678号-2,示例,公司啊,阿里云,one,2027-01-31\n\
         c.com,京ICP备12345678号-3,示例,企业,阿里云,two,2027-01-31\n\
         d.com,京ICP备12345678号-4,示例,企业,阿里云,two,明年\n\
         ,,,,阿里云,three,2027-01-31\n\
         ,,,,阿里云,three,2027-02-28\n",
    );
    let names: Vec<_> = imported
        .servers
        .iter()
        .map(|server| server.metadata.name.as_deref())
        .collect();
    assert_eq!(names, [Some("one")]);
    let names: Vec<_> = imported
        .filings
        .iter()
        .map(|filing| filing.metadata.name.as_deref())
        .collect();
    assert_eq!(names, [Some("a-com"), Some("c-com")]);
    let left_out = |called: &str, row| Note::ServerLeftOut {
        called: called.to_owned(),
        with: vec![row],
    };
    assert!(imported.notes.contains(&left_out("two", 5)) && imported.notes.contains(&left_out("three", 7)));
    let rows: Vec<u32> = imported.errors.iter().map(|error| error.row).collect();
    assert_eq!(rows, [3, 5, 7]);
    assert_eq!((imported.counts.unread, imported.counts.left_out), (3, 1));
}

#[rstest]
#[case::no_approval(
    "已提交",
    "京ICP备12345678号-1",
    "column 备案号: \"京ICP备12345678号-1\": a number comes with"
)]
#[case::no_number("已通过", "", "column 状态: \"Approved\": an approved filing has a number")]
fn what_the_api_server_would_refuse_is_told_before(#[case] stage: &str, #[case] number: &str, #[case] says: &str) {
    let imported = read(&format!(
        "域名,主办单位,单位性质,状态,备案号\na.com,示例,企业,{stage},{number}\n"
    ));
    assert!(imported.filings.is_empty());
    assert!(
        errors(&imported).len() == 1 && errors(&imported)[0].contains(says),
        "{:?}",
        errors(&imported)
    );
}

#[test]
fn what_is_longer_than_the_api_server_takes_is_told() {
    let domains: Vec<String> = (0..101).map(|nth| format!("a{nth}.com")).collect();
    let (name, domains) = ("甲".repeat(201), domains.join(" "));
    let imported = read(&format!(
        "域名,主办单位,单位性质\na.com,{name},企业\n{domains},乙,企业\n"
    ));
    assert!(imported.filings.is_empty());
    let told = errors(&imported);
    assert!(told[0].ends_with("it is longer than 200 characters"), "{told:?}");
    assert!(told[1].ends_with("these are more than 100"), "{told:?}");
}

#[test]
fn a_domain_stands_once_in_a_filing_in_whatever_form_its_rows_have_it() {
    let domains = ["a.com", "A.com", "示例.中国", "xn--fsq092h.xn--fiqs8s", "b.com a.COM"];
    let rows = domains
        .map(|domain| format!("{domain},京ICP备12345678号-1,示例,企业\n"))
        .concat();
    let imported = read(&format!("域名,备案号,主办单位,单位性质\n{rows}"));
    assert_eq!(errors(&imported), Vec::<String>::new());
    assert_eq!(imported.filings[0].spec.domains, ["a.com", "示例.中国", "b.com"]);
}

/// A table of this many rows, which takes no more than a while: what goes through all rows for each of them takes minutes.
fn soon(header: &str, rows: u32, row: impl Fn(u32) -> String) -> Imported {
    let rows: String = (0..rows).map(|nth| row(nth) + "\n").collect();
    let started = std::time::Instant::now();
    let imported = read(&format!("{header}\n{rows}"));
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    assert!(imported.filings.is_empty(), "{:?}", imported.filings);
    imported
}

#[test]
fn many_rows_that_differ_take_as_long_as_others() {
    let header = "域名,备案号,主办单位,单位性质";
    let imported = soon(header, 40_000, |nth| {
        format!("a.com,京ICP备12345678号-1,示例{nth},企业")
    });
    assert_eq!(imported.errors.len(), 39_999);
}

#[rstest]
#[case::domains("domains", |nth| format!("a{nth}.com,alicloud,,"))]
#[case::providers("access", |nth| format!("a.com,idc-{nth},,"))]
#[case::servers("access.servers", |nth| format!("a.com,alicloud,slb-{nth},"))]
#[case::regions("access.regions", |nth| format!("a.com,alicloud,,zone-{nth}"))]
fn what_is_more_than_a_filing_takes_is_told_and_takes_no_longer(#[case] of: &str, #[case] row: fn(u32) -> String) {
    let header = "域名,接入商,服务器,access.regions,备案号,主办单位,单位性质";
    let imported = soon(header, 20_000, |nth| row(nth) + ",京ICP备12345678号-1,示例,企业");
    let told = errors(&imported);
    assert!(
        told.len() == 1 && told[0].contains("these are more than"),
        "{of}: {:?}",
        told.first()
    );
}

#[test]
fn what_the_record_says_of_the_stage_stands_against_the_number() {
    let imported = read("域名,主办单位,单位性质,状态,备案号\na.com,示例,企业,已注销,京ICP备12345678号-1\n");
    let spec = serde_json::to_value(&imported.filings[0].spec).unwrap();
    assert_eq!(spec["stage"], "Cancelled");
}

#[test]
fn two_filings_of_one_domain_keep_their_names_whatever_their_order() {
    let rows = [
        "a.com,京ICP备12345678号-1,示例,企业\n",
        "a.com,京ICP备12345678号-2A,示例,企业\n",
        "www.a.com,京ICP备12345678号-3,示例,企业\n",
    ];
    let names = |order: [usize; 3]| {
        let rows: String = order.iter().map(|at| rows[*at]).collect();
        let imported = read(&format!("域名,备案号,主办单位,单位性质\n{rows}"));
        let named = imported.filings.iter().map(|filing| {
            let spec = &filing.spec;
            (filing.metadata.name.clone().unwrap(), spec.number.clone().unwrap())
        });
        named.collect::<Vec<_>>()
    };
    let first = names([0, 1, 2]);
    assert_eq!(first[0], ("a-com".to_owned(), "京ICP备12345678号-1".to_owned()));
    assert_eq!(first.len(), 3);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(names(order), first);
    }
}

#[test]
fn a_column_is_named_by_hand() {
    let columns = [("域名".to_owned(), "站点".to_owned())];
    let options = Options {
        columns: &columns,
        ..options()
    };
    let text = "站点,域名,备案号,主办单位,单位性质\na.com,说明,京ICP备12345678号-1,示例,企业\n";
    let table = Table::read(text.as_bytes(), Format::Csv, None).unwrap();
    let imported = import(&table, &options).unwrap();
    assert_eq!(imported.filings[0].spec.domains, ["a.com"]);
    assert_eq!(imported.notes, [Note::UnknownColumn("域名".to_owned())]);
}

#[rstest]
#[case::one("a.com,张三,110101199001011234,13800138000\n", 4)]
#[case::several(",,\nb.cn,李四,\na.com,张三,110101199001011234\n", 3)]
#[case::of_mail("张三,zhang@example\n", 2)]
fn of_a_sheet_without_names_of_columns_nothing_is_told_but_how_many_there_are(
    #[case] text: &str,
    #[case] count: usize,
) {
    let table = Table::read(text.as_bytes(), Format::Csv, None).unwrap();
    let error = import(&table, &options()).unwrap_err();
    let names = Vec::new();
    assert_eq!(error, FileError::NoColumns { count, names });
    for lang in [Lang::En, Lang::Zh] {
        let told = error.told(lang);
        assert!(told.contains(&count.to_string()) && !told.contains("张三"), "{told}");
    }
}

#[test]
fn a_personal_number_in_a_wrong_column_is_not_repeated() {
    let imported = read(
        "域名,备案号,主办单位,单位性质,审核通过日期,备注110101199001011234,\n\
         a.com,110101199001011234,示例,企业,11010119900101123X,x,y\n\
         110101199001011234,,示例,企业,,,\n\
         b.com,京ICP备12345678号-1,110101199001011234,企业,,,\n\
         b.com,京ICP备12345678号-1,示例,企业,,,\n",
    );
    for lang in [Lang::En, Lang::Zh] {
        let notes = imported.notes.iter().map(|note| note.told(lang));
        let told: Vec<String> = notes
            .chain(imported.errors.iter().map(|error| error.told(lang)))
            .collect();
        assert!(told.len() >= 6, "{told:?}");
        assert!(told.iter().any(|line| line.contains("1101…")), "{told:?}");
        for line in told {
            assert!(!line.contains("1101011"), "{line}");
        }
    }
}

#[test]
fn a_column_without_a_name_is_told_in_either_language() {
    let imported = read("域名,主办单位,单位性质,\na.com,示例,企业,x\n");
    assert!(
        imported.notes.contains(&Note::NamelessColumn(4)),
        "{:?}",
        imported.notes
    );
    let zh = Note::NamelessColumn(4).told(Lang::Zh);
    assert!(!zh.contains(|letter: char| letter.is_ascii_alphabetic()), "{zh}");
}

#[rstest]
#[case::no_columns("甲,乙\n1,2\n", &[], "no column of domains or servers is found")]
#[case::no_nature("域名,主办单位\na.com,示例\n", &[], "no column of subject.nature is found")]
#[case::two_columns("域名,主办单位,单位性质,状态,备案状态\n", &[], "the columns 状态 and 备案状态 are both of the field stage")]
#[case::not_there("域名,主办单位,单位性质\n", &[("number", "编号")], "there is no column 编号")]
#[case::no_field("域名,主办单位,单位性质\n", &[("编号啊", "域名")], "编号啊 is no field")]
fn a_table_that_can_not_be_told_apart_is_refused(
    #[case] text: &str,
    #[case] columns: &[(&str, &str)],
    #[case] says: &str,
) {
    let columns: Vec<(String, String)> = columns
        .iter()
        .map(|(field, column)| ((*field).to_owned(), (*column).to_owned()))
        .collect();
    let table = Table::read(text.as_bytes(), Format::Csv, None).unwrap();
    let options = Options {
        columns: &columns,
        ..options()
    };
    let error = import(&table, &options).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

/// A text that may be anything that the API server takes for a name: not blank, and within its length.
fn name() -> impl Strategy<Value = String> {
    let any = prop_oneof![
        "[ -~]{1,20}",
        "[\\p{Han}（）\\n\\r\\t ,;\"'=+@-]{1,20}",
        select(vec![
            "=1+1",
            "+86",
            "-",
            "@SUM(A1)",
            "'=x",
            "''",
            "无",
            "null",
            " 空 ",
            "＝1",
            "\t甲",
            "yes",
            "1e3",
            "~",
            "2021-02-20"
        ])
        .prop_map(str::to_owned),
    ];
    any.prop_filter("not blank", |text| !text.trim().is_empty())
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "京ICP备[0-9]{8}号(-[1-9][0-9]?[AXK]?)?",
        select(vec![
            "京icp备12345678-1号",
            "川ICP备12345678号",
            "申请中",
            "京B2-20210001-1",
            "京ICP证030173号",
            "-1",
            "无"
        ])
        .prop_map(str::to_owned),
    ]
}

fn day() -> impl Strategy<Value = String> {
    (2000..2040_u32, 1..13_u32, 1..29_u32).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"))
}

fn maybe<S: Strategy<Value = String> + 'static>(text: S) -> BoxedStrategy<Value> {
    option::of(text).prop_map(|text| json!(text)).boxed()
}

fn word(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(Value::from).boxed()
}

fn words(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    subsequence(words, 0..=words.len())
        .prop_map(|words| json!(words))
        .boxed()
}

/// An object of these fields, without those that are null; none where nothing is left.
fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let object = values.prop_map(move |values| {
        let fields = names.iter().zip(values).filter(|(_, value)| !value.is_null());
        let fields: serde_json::Map<String, Value> = fields.map(|(name, value)| ((*name).to_owned(), value)).collect();
        if fields.is_empty() {
            Value::Null
        } else {
            Value::Object(fields)
        }
    });
    object.boxed()
}

fn flag() -> BoxedStrategy<Value> {
    option::of(any::<bool>()).prop_map(|flag| json!(flag)).boxed()
}

fn maybe_not(object: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    option::of(object).prop_map(Option::unwrap_or_default).boxed()
}

const PROVIDERS: &[&str] = &["alicloud", "qcloud", "tencentcloud", "idc-telecom", "aliyun"];
const CONTENT: &[&str] = &["News", "BlogPersonal", "Commerce", "Bbs"];
const STAGES: &[&str] = &["Approved", "Rejected", "Cancelled", "Publicity"];

fn access(provider: &'static str) -> BoxedStrategy<Value> {
    object(vec![
        ("provider", Just(Value::from(provider)).boxed()),
        ("regions", words(&["cn-beijing", "gz", "Zone_1.a", "ap-guangzhou"])),
        ("servers", words(&["slb", "web.1", "beijing-slb"])),
        ("stage", word(&["Submitted", "Approved", "Cancelled"])),
        ("since", day().prop_map(Value::from).boxed()),
        (
            "migratingFrom",
            option::of(Just("elsewhere")).prop_map(|from| json!(from)).boxed(),
        ),
    ])
}

fn approval(kind: &'static str) -> BoxedStrategy<Value> {
    object(vec![
        ("kind", Just(Value::from(kind)).boxed()),
        ("number", maybe(name())),
        ("expiresAt", maybe(day())),
    ])
}

fn allowed() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({"from": "Same"})),
        Just(json!({"from": "All"})),
        Just(json!({"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}})),
        Just(json!({"from": "Selector", "selector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}})),
    ]
    .boxed()
}

fn filing() -> BoxedStrategy<Value> {
    let service = object(vec![
        ("name", maybe(name())),
        ("kind", word(&["Website", "App", "MiniProgram", "QuickApp"])),
        ("contentTypes", words(CONTENT)),
        ("paid", any::<bool>().prop_map(Value::from).boxed()),
        ("mirrorOf", maybe("[a-z]{3}\\.[a-z]{2}")),
        ("remark", maybe(name())),
    ]);
    let entries = subsequence(PROVIDERS, 0..=PROVIDERS.len())
        .prop_flat_map(|providers| providers.into_iter().map(access).collect::<Vec<_>>())
        .prop_map(Value::from);
    let approvals = subsequence(CONTENT, 0..=CONTENT.len())
        .prop_flat_map(|kinds| kinds.into_iter().map(approval).collect::<Vec<_>>())
        .prop_map(Value::from);
    object(vec![
        (
            "domains",
            words(&[
                "example.com",
                "Example.COM",
                "示例.中国",
                "xn--fsq092h.cn",
                "a..b",
                "com.cn",
            ]),
        ),
        ("number", number().prop_map(Value::from).boxed()),
        ("stage", word(STAGES)),
        (
            "subject",
            object(vec![
                ("name", name().prop_map(Value::from).boxed()),
                (
                    "nature",
                    word(&[
                        "Enterprise",
                        "Individual",
                        "Government",
                        "PublicInstitution",
                        "SocialOrganization",
                    ]),
                ),
                (
                    "province",
                    maybe(select(vec!["CN-BJ", "北京", "京", "CN-XX", "某地"]).prop_map(str::to_owned)),
                ),
                ("mainNumber", maybe(number())),
            ]),
        ),
        ("service", maybe_not(service)),
        (
            "registration",
            object(vec![
                ("holder", maybe(name())),
                ("expiresAt", maybe(day())),
                ("verified", flag()),
            ]),
        ),
        ("access", entries.boxed()),
        ("launchedAt", maybe(day())),
        ("approvedAt", maybe(day())),
        ("nextReviewAt", maybe(day())),
        (
            "handler",
            object(vec![("name", maybe(name())), ("idExpiresAt", maybe(day()))]),
        ),
        (
            "licence",
            object(vec![("number", maybe(number())), ("expiresAt", maybe(day()))]),
        ),
        (
            "publicSecurity",
            object(vec![("number", maybe(number())), ("filedAt", maybe(day()))]),
        ),
        ("approvals", approvals.boxed()),
        ("allowedNamespaces", allowed()),
    ])
    .prop_filter("it has a domain", |spec| {
        spec["domains"].as_array().is_some_and(|it| !it.is_empty())
    })
    .boxed()
}

fn server() -> BoxedStrategy<Value> {
    let blocklisted = prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        object(vec![
            ("since", maybe(day())),
            ("reason", name().prop_map(Value::from).boxed())
        ]),
    ];
    object(vec![
        ("provider", word(PROVIDERS)),
        (
            "region",
            maybe(select(vec!["cn-beijing", "gz", "Zone_1"]).prop_map(str::to_owned)),
        ),
        (
            "addresses",
            words(&["203.0.113.7", "203.0.113.0/28", "2001:db8::/64", "2001:DB8::1"]),
        ),
        ("accountHolder", maybe(name())),
        ("expiresAt", maybe(day())),
        ("autoRenew", any::<bool>().prop_map(Value::from).boxed()),
        ("state", word(&["Active", "Suspended", "Released"])),
        ("blocklisted", blocklisted.boxed()),
    ])
}

fn declared() -> impl Strategy<Value = (Vec<Filing>, Vec<AccessServer>)> {
    (vec(filing(), 0..4), vec(server(), 0..4)).prop_map(|(filings, servers)| {
        let filings = filings.into_iter().enumerate().map(|(nth, spec)| {
            let meta = json!({"name": format!("filing-{nth}"), "namespace": (if nth % 2 == 0 { "filing-system" } else { "other" })});
            serde_json::from_value(json!({"metadata": meta, "spec": spec})).unwrap()
        });
        let servers = servers.into_iter().enumerate().map(|(nth, spec)| {
            serde_json::from_value(json!({"metadata": {"name": format!("server.{nth}")}, "spec": spec})).unwrap()
        });
        let mut filings: Vec<Filing> = filings.collect();
        filings.sort_by_key(|filing| (filing.metadata.namespace.clone(), filing.metadata.name.clone()));
        (filings, servers.collect())
    })
}

/// Whether something in it is null or empty.
fn has_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty() || items.iter().any(has_nothing),
        Value::Object(fields) => fields.is_empty() || fields.values().any(has_nothing),
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_is_exported_is_imported_the_same((filings, servers) in declared(), zh in any::<bool>()) {
        let exported = export(&filings, &servers, if zh { Lang::Zh } else { Lang::En });
        prop_assume!(!(filings.is_empty() && servers.is_empty()));
        let table = Table::read(exported.csv.as_bytes(), Format::Csv, None).unwrap();
        let imported = import(&table, &options()).unwrap();
        prop_assert_eq!(errors(&imported), Vec::<String>::new());
        prop_assert_eq!(&imported.filings, &filings);
        prop_assert_eq!(&imported.servers, &servers);
        prop_assert_eq!(imported.counts.blank, 0);
    }

    #[test]
    fn what_is_imported_is_written_as_the_same_yaml((filings, servers) in declared()) {
        for filing in &filings {
            let written = serde_saphyr::to_string(filing).unwrap();
            let read: Value = serde_saphyr::from_str(&written).unwrap();
            prop_assert!(!has_nothing(&read["spec"]), "{}", written);
            let again: Filing = serde_saphyr::from_str(&written).unwrap();
            prop_assert_eq!(&again, filing);
        }
        for server in &servers {
            let again: AccessServer = serde_saphyr::from_str(&serde_saphyr::to_string(server).unwrap()).unwrap();
            prop_assert_eq!(&again, server);
        }
    }

    #[test]
    fn no_cell_is_run_as_a_formula((filings, servers) in declared()) {
        let exported = export(&filings, &servers, Lang::En);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(exported.csv.trim_start_matches('\u{feff}').as_bytes());
        for record in reader.records() {
            for cell in &record.unwrap() {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
            }
        }
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in vec(any::<u8>(), 0..400), text in "(域名|主办单位|单位性质|[,;\t\n\"'a-z]){0,60}") {
        for bytes in [&bytes, text.as_bytes()] {
            for format in [Format::Csv, Format::Json, Format::Xlsx] {
                if let Ok(table) = Table::read(bytes, format, None) {
                    let _ = import(&table, &options());
                }
            }
        }
    }
}
