//! Ingresses that bytes choose, by the API server's own schema: each field that it has, present or not, and now and then of
//! another type. `schema/ingress.json` says where that is from.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

const KIND: &str = "io.k8s.api.networking.v1.Ingress";

/// Hosts that are filed, or not, or none, or look like another.
const HOSTS: [&str; 24] = [
    "shop.example.com",
    "*.example.com",
    "example.com",
    "shop.example.net",
    "*.shop.example.net",
    "示例.中国",
    "xn--fsq092h.xn--fiqs8s",
    "*",
    "",
    "a..b",
    "10.0.0.1",
    "*.com.cn",
    "ex\u{430}mple.com",
    "EXAMPLE.COM.",
    "localhost",
    "cancelled-example.cn",
    "pending-example.cn",
    "ended-example.cn",
    "ending-example.cn",
    "same-example.cn",
    "app-example.cn",
    "elsewhere-example.cn",
    "a.intra.example.com",
    "shop.example.com:443",
];
const CLASSES: [&str; 7] = [
    "nginx",
    "long",
    "warn",
    "off",
    "lenient",
    "filing-quarantine",
    "unknown",
];
const OTHER_TEXTS: [&str; 6] = [
    "web",
    "",
    "true",
    "shop",
    "2026-11-01T00:00:00Z",
    "ImplementationSpecific",
];
/// The operator's own annotations and the older name of the class.
const OWN: [&str; 7] = [
    "kubernetes.io/ingress.class",
    "filing-operator.io/quarantined-class",
    "filing-operator.io/quarantined-at",
    "filing-operator.io/verdict",
    "filing-operator.io/findings",
    "filing-operator.io/number",
    "filing-operator.io/enforcement",
];

/// What bytes choose, one after the other; at their end always the first and least.
pub struct Choices<'a>(pub &'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn below(&mut self, many: usize) -> usize {
        usize::from(self.next()) % many.max(1)
    }

    pub fn pick<'b, T>(&mut self, from: &'b [T]) -> &'b T {
        let at = self.below(from.len());
        &from[at]
    }

    fn text(&mut self) -> String {
        let length = self.below(64).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }
}

pub fn review(operation: &str, namespace: &str, old: &Value, new: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "name": "web", "namespace": namespace, "operation": operation,
            "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"},
            "resource": {"group": "networking.k8s.io", "version": "v1", "resource": "ingresses"},
            "userInfo": {"username": "someone"}, "options": null, "object": new, "oldObject": old,
        }
    })
}

pub fn ingress(choices: &mut Choices<'_>) -> Value {
    let mut ingress = of(choices, schema(KIND), "");
    // What tells that it is one is not left to chance.
    if let Some(ingress) = ingress.as_object_mut() {
        ingress.insert("apiVersion".into(), json!("networking.k8s.io/v1"));
        ingress.insert("kind".into(), json!("Ingress"));
    }
    ingress
}

/// A value by a schema; `name` is the field that it is for.
fn of(choices: &mut Choices<'_>, schema: &Value, name: &str) -> Value {
    if choices.next() == u8::MAX {
        let wrong = [
            json!(null),
            json!(true),
            json!(-1),
            json!("x"),
            json!([{}]),
            json!({"a": []}),
            json!(1e300),
        ];
        return choices.pick(&wrong).clone();
    }
    if let Some(reference) = reference(schema) {
        return of(choices, reference, name);
    }
    match schema["type"].as_str() {
        Some("object") => object(choices, schema, name),
        Some("array") => (0..choices.below(4))
            .map(|_| of(choices, &schema["items"], name))
            .collect(),
        Some("integer") => json!(i32::from_le_bytes([choices.next(), choices.next(), choices.next(), 0])),
        Some("boolean") => json!(choices.next() % 2 == 1),
        _ => json!(text(choices, name)),
    }
}

fn object(choices: &mut Choices<'_>, schema: &Value, name: &str) -> Value {
    let mut made = Map::new();
    let required = |field: &String| {
        schema["required"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| *one == **field))
    };
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        if choices.next() % 2 == 1 || required(field) {
            made.insert(field.clone(), of(choices, schema, field));
        }
    }
    if schema["additionalProperties"].is_object() {
        for _ in 0..choices.below(4) {
            let key = if name == "annotations" {
                annotation(choices)
            } else {
                text(choices, "")
            };
            let value = of(choices, &schema["additionalProperties"], name);
            made.insert(key, value);
        }
    }
    Value::Object(made)
}

fn text(choices: &mut Choices<'_>, name: &str) -> String {
    if choices.next() % 4 == 3 {
        return choices.text();
    }
    match name {
        "host" | "hosts" | "hostname" => (*choices.pick(&HOSTS)).to_owned(),
        "ingressClassName" => (*choices.pick(&CLASSES)).to_owned(),
        "annotations" => annotated(choices),
        "creationTimestamp" | "deletionTimestamp" | "time" => "2026-11-01T00:00:00Z".to_owned(),
        _ => (*choices.pick(&OTHER_TEXTS)).to_owned(),
    }
}

fn annotation(choices: &mut Choices<'_>) -> String {
    let known = annotations();
    let at = choices.below(known.len() + OWN.len());
    let key = known.get(at).copied().unwrap_or_else(|| OWN[at - known.len()]);
    key.replace('*', "web")
}

/// A value that an annotation may have: a class, hosts, JSON of hosts, a record of quarantine.
fn annotated(choices: &mut Choices<'_>) -> String {
    let hosts: Vec<&str> = (0..choices.below(4)).map(|_| *choices.pick(&HOSTS)).collect();
    match choices.below(7) {
        0 => (*choices.pick(&CLASSES)).to_owned(),
        1 => hosts.join(","),
        2 => "true".to_owned(),
        3 => json!([{"host": hosts.first(), "path": "/"}]).to_string(),
        4 => json!([{"field": "Host", "type": "Host", "hostConfig": {"values": hosts}}]).to_string(),
        5 => json!({"field": choices.pick(&CLASSES), "annotation": choices.pick(&CLASSES)}).to_string(),
        _ => format!("server_name {};", hosts.join(" ")),
    }
}

/// The annotations that add hosts.
fn annotations() -> &'static [&'static str] {
    static KEYS: OnceLock<Vec<&str>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let rows = include_str!("../../facts/ingress-annotations.csv").lines().skip(1);
        rows.filter_map(|row| row.split(',').next())
            .filter(|key| key.contains('/'))
            .collect()
    })
}

fn reference(schema: &Value) -> Option<&'static Value> {
    let named = schema
        .get("$ref")
        .or_else(|| schema.pointer("/allOf/0/$ref"))?
        .as_str()?;
    Some(self::schema(named.rsplit('/').next()?))
}

fn schema(name: &str) -> &'static Value {
    static SCHEMAS: OnceLock<Value> = OnceLock::new();
    let all = SCHEMAS.get_or_init(|| serde_json::from_str(include_str!("../schema/ingress.json")).expect("JSON"));
    &all["components"]["schemas"][name]
}
