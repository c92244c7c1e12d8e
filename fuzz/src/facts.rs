//! Two clusters for the fuzz targets to ask about: one in which something of each kind is declared, and one with policies alone.

use std::sync::OnceLock;

use filing_operator::api::{AccessServer, Filing, FilingPolicy};
use filing_operator::registry::{self, Change, FilingKey, IngressClassFact, Policy, Registry, Server, Snapshot};
use serde_json::{Value, json};

/// The operator's own account.
pub const ACCOUNT: &str = "the operator";
/// When all is asked.
pub const NOW: &str = "2026-11-23T04:00:00Z";

/// Policies of each kind, and filings that cover, end, are cancelled, can't be read, or are for others.
pub fn set_up() -> &'static Snapshot {
    static FACTS: OnceLock<Snapshot> = OnceLock::new();
    FACTS.get_or_init(|| {
        let mut registry = Registry::new(bare().clone());
        for (name, over) in [
            ("example-com", json!({"domains": ["example.com", "示例.中国"]})),
            ("cancelled", json!({"domains": ["cancelled-example.cn"], "stage": "Cancelled"})),
            ("pending", json!({"domains": ["pending-example.cn"], "stage": "Submitted"})),
            ("ended", json!({"domains": ["ended-example.cn"], "expiresAt": "2026-01-01"})),
            ("ending", json!({"domains": ["ending-example.cn"], "expiresAt": "2026-12-01"})),
            ("same", json!({"domains": ["same-example.cn"], "allowedNamespaces": {"from": "Same"}})),
            ("app", json!({"domains": ["app-example.cn"], "number": "京ICP备2021012345号-3A"})),
            ("malformed", json!({"domains": ["a..b", "com.cn"], "number": "京"})),
            (
                "elsewhere",
                json!({"domains": ["elsewhere-example.cn"], "access": [{"provider": "tencentcloud", "stage": "Approved"}]}),
            ),
        ] {
            registry.apply(filing(name, over));
        }
        let server = AccessServer::new(
            "slb",
            serde_json::from_value(json!({"provider": "alicloud", "region": "cn-beijing", "expiresAt": "2026-12-01"}))
                .expect("a server"),
        );
        let read = Server::new("slb".into(), &server.metadata, &server.spec);
        registry.apply(Change::Server("slb".into(), Ok(read)));
        registry.snapshot().clone()
    })
}

/// The policies alone, one of them with the longest name that there may be.
pub fn bare() -> &'static Snapshot {
    static FACTS: OnceLock<Snapshot> = OnceLock::new();
    FACTS.get_or_init(|| {
        let mut registry = Registry::new(Snapshot::new("filing-system", true));
        let long = "long".repeat(63);
        for (name, class, spec) in [
            ("deny", "nginx", json!({"admission": "Deny", "running": "Block"})),
            (&*long, "long", json!({"admission": "Deny", "running": "Annotate"})),
            ("warn", "warn", json!({"admission": "Warn", "running": "Block"})),
            ("off", "off", json!({"admission": "Disabled", "running": "Disabled"})),
            (
                "lenient",
                "lenient",
                json!({"admission": "Deny", "rules": {"NoFiling": "Warning", "CatchAllHost": "Warning", "Unreadable": "Warning"},
                       "exemptions": [{"hosts": ["*.intra.example.com"], "reason": "internal", "owner": "it", "until": "2036-01-01"}]}),
            ),
        ] {
            let mut spec = spec;
            spec["site"] = json!({"provider": "alicloud", "region": "cn-beijing"});
            spec["match"] = json!({"ingressClasses": [class]});
            let policy = FilingPolicy::new(name, serde_json::from_value(spec).expect("a policy"));
            let read = Policy::new(name.into(), &policy.metadata, &policy.spec);
            registry.apply(Change::Policy(name.into(), Ok(read)));
            let class_fact = IngressClassFact {
                controller: None,
                is_default: class == "nginx",
                created: None,
            };
            registry.apply(Change::Class(class.into(), class_fact));
        }
        registry.snapshot().clone()
    })
}

fn filing(name: &str, over: Value) -> Change {
    let mut spec = json!({
        "domains": [], "number": "京ICP备2021012345号-1", "stage": "Approved",
        "subject": {"name": "示例科技有限公司", "nature": "Enterprise", "mainNumber": "京ICP备2021012345号"},
        "access": [{"provider": "alicloud", "stage": "Approved", "servers": ["slb"]}],
    });
    if let (Some(spec), Value::Object(over)) = (spec.as_object_mut(), over) {
        spec.extend(over);
    }
    let filing = Filing::new(name, serde_json::from_value(spec).expect("a filing"));
    let key = FilingKey::new("filing-system", name);
    let read = registry::Filing::new(key.clone(), &filing.metadata, &filing.spec);
    Change::Filing(key, Ok(read))
}
