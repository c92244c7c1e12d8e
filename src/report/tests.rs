//! For tests: a report with something of everything in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::model::{Answer, Declared, InputError, Judged, Places, Report, STDIN, Source};
use crate::domain::FieldPath;
use crate::judge::{self, judge_filing, judge_server};
use crate::registry::{Change, FilingKey, Kept, Registry, Unreadable};
use crate::rules::Finding;
use crate::support::{filing, ingress, now, policy, registry, route_key, routes, server};

fn source(file: &str, line: u32, column: u32) -> Source {
    Source {
        file: file.into(),
        line: Some(line),
        column: Some(column),
    }
}

/// Each field on a line of its own, from the tenth on.
fn places<'a>(file: &str, findings: impl IntoIterator<Item = &'a Finding>) -> Places {
    let paths = findings.into_iter().map(|finding| finding.path.clone());
    let fields: BTreeMap<FieldPath, Source> = paths
        .filter(|path| !path.as_str().is_empty())
        .zip(10..)
        .map(|(path, line)| (path, source(file, line, 13)))
        .collect();
    Places {
        object: Some(source(file, 3, 1)),
        fields,
    }
}

fn facts() -> Registry {
    let exemption = json!({"hosts": ["old.example.net"], "namespaces": ["shop"], "reason": "being moved",
        "owner": "team-shop", "until": "2026-12-31"});
    let mut facts = registry(&[
        policy("default", json!({"exemptions": [exemption]})),
        filing(
            "filing-system/example-com",
            json!({"access": [{"provider": "alicloud", "stage": "Approved", "servers": ["beijing"]}]}),
        ),
        filing(
            "filing-system/mistyped",
            json!({"domains": ["example.club"], "number": "京ICP备20210号-1"}),
        ),
        server("beijing", json!({"expiresAt": "2026-12-08"})),
        ingress(
            "shop/web",
            &[
                "www.example.com",
                "www.example.net",
                "192.0.2.1",
                "old.example.net",
                "shop.internal",
            ],
        ),
        ingress("shop/说明", &["说明.example.net"]),
    ]);
    let unreadable = Unreadable {
        error: "spec.rules[0]: unknown field \"hots\"; see [the log](1) {0}".to_owned(),
        uid: "".into(),
        generation: 0,
    };
    facts.apply(Change::Route(route_key("broken"), Err(unreadable)));
    facts
}

/// Violation, warning, exemption, what is well, an object that can't be read, a filing's own finding, errors.
pub(super) fn mixed() -> Report {
    let facts = facts();
    let snapshot = facts.snapshot();
    let mut judged: Vec<Judged> = routes(&facts)
        .iter()
        .map(|route| {
            let verdict = judge::judge(route, snapshot, now()).unwrap();
            Judged {
                key: route.key.clone(),
                places: places("deploy/web site.yaml", verdict.findings().map(|(_, finding)| finding)),
                answer: Answer::Verdict(verdict),
                before: None,
            }
        })
        .collect();
    judged.sort_by(|one, other| other.key.cmp(&one.key));
    let key = route_key("broken");
    let Some(Kept::Unreadable(unreadable)) = facts.route(&key) else {
        panic!()
    };
    judged.push(Judged {
        places: places("./deploy/网站#1.yaml", []),
        answer: Answer::Unreadable(judge::unreadable(unreadable, snapshot.default_policy())),
        key,
        before: None,
    });
    let declared = |name: &str| {
        let key = FilingKey::new("filing-system", name);
        let Some(Kept::Read(read)) = snapshot.filing(&key) else {
            panic!()
        };
        let answer = judge_filing(read, snapshot, now());
        Declared {
            places: places(STDIN, &answer.findings),
            answer,
            key,
        }
    };
    let Some(Kept::Read(read)) = snapshot.server("beijing") else {
        panic!()
    };
    let answer = judge_server(read, snapshot, now());
    let servers = vec![Declared {
        key: Arc::from("beijing"),
        places: places("/etc/servers.yaml", &answer.findings),
        answer,
    }];
    Report {
        now: now(),
        routes: judged,
        filings: vec![declared("example-com"), declared("mistyped")],
        servers,
        skipped: 1,
        errors: vec![InputError {
            message: "the field spec.rules[0].hots is unknown; write host".to_owned(),
            source: source("./deploy/网站#1.yaml", 7, 7),
        }],
    }
}

/// Nothing but an error of the input.
pub(super) fn failing(message: &str) -> Report {
    Report {
        now: now(),
        routes: Vec::new(),
        filings: Vec::new(),
        servers: Vec::new(),
        skipped: 0,
        errors: vec![InputError {
            message: message.to_owned(),
            source: source("a.yaml", 1, 1),
        }],
    }
}
