//! The shapes of values that several fields share, as the API server checks them.
//!
//! What is checked here is shape alone, and every message says what is wrong and what to write instead. Lengths and
//! counts are bounded everywhere, for the API server reckons the cost of a rule from them. A rule costs least on the
//! value it speaks of, and its message then names that very value.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::domain::Day;

/// Rules in CEL, each with the message for what breaks it.
pub(super) fn rules<const N: usize>(rules: [(&str, &str); N]) -> Value {
    rules
        .iter()
        .map(|(rule, message)| json!({"rule": rule, "message": message}))
        .collect()
}

/// A text with rules.
fn text<const N: usize>(max_length: u32, broken: [(&str, &str); N]) -> Schema {
    json_schema!({
        "type": "string", "minLength": 1, "maxLength": max_length, "x-kubernetes-validations": rules(broken),
    })
}

/// A list whose entries are unique and have, under server-side apply, an owner each.
fn set(max_items: u32, items: &Schema) -> Schema {
    json_schema!({"type": "array", "maxItems": max_items, "x-kubernetes-list-type": "set", "items": items})
}

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    // Not `format: date`: its message would not say what to write.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 32,
            "x-kubernetes-validations": rules([(
                "!format.date().validate(self).hasValue()",
                "this is no date; write it as YYYY-MM-DD, like 2027-02-20",
            )]),
        })
    }
}

/// A moment.
pub(super) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

/// A name that a person or a company goes by.
pub(super) fn name(_: &mut SchemaGenerator) -> Schema {
    text(
        200,
        [(
            "self.size() == 0 || self.trim().size() > 0",
            "this is blank; write the name, or leave the field out where it may be absent",
        )],
    )
}

/// A sentence that a person is to read.
pub(super) fn sentence(_: &mut SchemaGenerator) -> Schema {
    text(
        1000,
        [(
            "self.size() == 0 || self.trim().size() > 0",
            "this is blank; write a sentence that tells the next reader",
        )],
    )
}

/// A number of any kind. Whether it is one is the judge's business.
pub(super) fn number(_: &mut SchemaGenerator) -> Schema {
    text(
        100,
        [(
            "self.size() == 0 || self.trim().size() > 0",
            "this is blank; write the number, or leave the field out while there is none",
        )],
    )
}

/// The domains of a filing.
pub(super) fn domains(_: &mut SchemaGenerator) -> Schema {
    let mut list = set(
        100,
        &text(
            253,
            [
                (
                    "!self.contains('://')",
                    "this is a URL; write the domain alone: example.com for https://example.com/shop",
                ),
                (
                    "self.contains('://') || !self.contains('/')",
                    "a domain has no path; write example.com for example.com/shop",
                ),
                (
                    "self.contains('://') || isIP(self) || !self.matches(':[0-9]*(/|$)')",
                    "a domain has no port; write example.com for example.com:8443",
                ),
                (
                    "!self.contains('*')",
                    "a domain covers every host under it, so that a filing needs no wildcard; write \
                     example.com for *.example.com",
                ),
                (
                    "!isIP(self)",
                    "this is an address, and a filing is for domains; write the domain here, and addresses in \
                     an AccessServer",
                ),
                (
                    r"!self.matches('[\\s,;，；、]')",
                    "white space or a comma in a domain; write one domain an entry: [example.com, example.net]",
                ),
            ],
        ),
    );
    list.insert("minItems".into(), 1.into());
    list
}

/// The hosts of an exemption.
pub(super) fn hosts(_: &mut SchemaGenerator) -> Schema {
    let mut list = set(
        50,
        &text(
            255,
            [
                (
                    "self != '*'",
                    "a bare * would exempt every host; write the domain: *.intra.example.com",
                ),
                (
                    "self == '*' || !self.matches('.[*]|^[*][^.]')",
                    "a * stands for the whole first label only; write *.intra.example.com",
                ),
                (
                    "!self.contains('://')",
                    "this is a URL; write the host alone: intra.example.com",
                ),
                (
                    "self.contains('://') || !self.contains('/')",
                    "a host has no path; write intra.example.com for intra.example.com/admin",
                ),
                (
                    "self.contains('://') || isIP(self) || !self.matches(':[0-9]*(/|$)')",
                    "a host has no port; write intra.example.com for intra.example.com:8443",
                ),
                (
                    r"!self.matches('[\\s,;，；、]')",
                    "white space or a comma in a host; write one host an entry: [a.example.com, b.example.com]",
                ),
            ],
        ),
    );
    list.insert("minItems".into(), 1.into());
    list
}

/// A provider.
pub(super) fn provider(_: &mut SchemaGenerator) -> Schema {
    text(
        63,
        [(
            "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
            "a provider is written in lower-case letters, digits and dashes, like alicloud, tencentcloud, \
             huaweicloud, or idc-telecom for a data centre of one's own",
        )],
    )
}

/// A provider's region.
pub(super) fn region(_: &mut SchemaGenerator) -> Schema {
    text(
        63,
        [(
            "self.matches('^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$')",
            "a region is written as the provider does in its API, like cn-beijing or ap-guangzhou, in \
             letters, digits and dashes",
        )],
    )
}

/// Regions of one provider.
pub(super) fn regions(generator: &mut SchemaGenerator) -> Schema {
    set(50, &region(generator))
}

/// A province.
pub(super) fn province(_: &mut SchemaGenerator) -> Schema {
    text(
        20,
        [(
            "!self.matches('^[ -~]+$') || self.matches('^CN-[A-Z][A-Z]$')",
            "a province is written as its code or in Chinese: CN-BJ, 北京 or 京",
        )],
    )
}

/// Where a data centre is.
pub(super) fn whereabouts(_: &mut SchemaGenerator) -> Schema {
    text(
        20,
        [(
            "!self.matches('^[ -~]+$') || self == 'Outside' || self.matches('^CN-[A-Z][A-Z]$')",
            "a province is written as its code or in Chinese: CN-BJ, 北京 or 京; and Outside where it is not on \
             the mainland",
        )],
    )
}

/// The name of an object in the cluster.
pub(super) fn object_name(_: &mut SchemaGenerator) -> Schema {
    text(
        253,
        [(
            "!format.dns1123Subdomain().validate(self).hasValue()",
            "this is no name of an object; write its metadata.name, in lower-case letters, digits, dashes and dots",
        )],
    )
}

/// Names of objects in the cluster.
pub(super) fn object_names(generator: &mut SchemaGenerator) -> Schema {
    set(50, &object_name(generator))
}

/// Addresses, and blocks of them.
pub(super) fn addresses(_: &mut SchemaGenerator) -> Schema {
    set(
        200,
        &text(
            64,
            [
                (
                    "isIP(self) || isCIDR(self)",
                    "this is no address; write an IP address or a CIDR: 203.0.113.7, 203.0.113.0/28, 2001:db8::/64",
                ),
                (
                    "!isCIDR(self) || cidr(self) == cidr(self).masked()",
                    "a CIDR begins with the first address of its block; write 203.0.113.0/28 for 203.0.113.7/28",
                ),
                (
                    "!isCIDR(self) || cidr(self).prefixLength() > 0",
                    "this is every address there is; write the blocks that are rented: 203.0.113.0/28",
                ),
            ],
        ),
    )
}

/// Controllers of IngressClasses.
pub(super) fn controllers(_: &mut SchemaGenerator) -> Schema {
    set(
        50,
        &text(
            250,
            [(
                "self.matches('^[^/ ]+[.][^/ ]+/[^ ]+$')",
                "this is no controller; write what an IngressClass has in spec.controller, like \
                 k8s.io/ingress-nginx, not its name",
            )],
        ),
    )
}

/// Rules of the catalogue by their id. That there is such a rule is not checked here, so that a new one needs no new
/// definition of the resource.
pub(super) fn levels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 100,
        "additionalProperties": {
            "description": "What the rule weighs.",
            "type": "string",
            "enum": ["Violation", "Warning", "Disabled"],
        },
        "x-kubernetes-validations": rules([(
            "self.all(id, id.matches('^[A-Z][A-Za-z]+$'))",
            "a rule is named by its id, like NoFiling or AddressMismatch; `filing-operator rules` lists them",
        )]),
    })
}

/// The days before an end on which reminders go out.
pub(super) fn reminders(_: &mut SchemaGenerator) -> Schema {
    let days = json_schema!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 365});
    let mut list = set(16, &days);
    list.insert("default".into(), json!(super::policy::default_reminders()));
    list
}

/// The conditions of a resource: a map by type.
pub(super) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "description": "One aspect of the state of the resource.",
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"description": "The aspect.", "type": "string", "maxLength": 316},
                "status": {"description": "Whether it holds.", "type": "string", "enum": ["True", "False", "Unknown"]},
                "observedGeneration": {
                    "description": "The generation of the spec that it speaks of.",
                    "type": "integer", "format": "int64", "minimum": 0,
                },
                "lastTransitionTime": {
                    "description": "When the status last turned.",
                    "type": "string", "format": "date-time",
                },
                "reason": {
                    "description": "Why, in one word.",
                    "type": "string", "minLength": 1, "maxLength": 1024,
                },
                "message": {"description": "Why, in a sentence.", "type": "string", "maxLength": 32768},
            },
        },
    })
}

/// A selector of namespaces by their labels.
pub(super) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "description": "Labels, each with the value that it must have.",
                "type": "object",
                "maxProperties": 32,
                "additionalProperties": {"type": "string", "maxLength": 63},
            },
            "matchExpressions": {
                "description": "What must hold of labels.",
                "type": "array",
                "maxItems": 32,
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "description": "What must hold of one label.",
                    "type": "object",
                    "required": ["key", "operator"],
                    "x-kubernetes-validations": rules([
                        (
                            "!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)",
                            "In and NotIn compare with values; write values: [shop, www]",
                        ),
                        (
                            "self.operator in ['In', 'NotIn'] || !has(self.values) || self.values.size() == 0",
                            "Exists and DoesNotExist compare with nothing; leave values out, or write operator: In",
                        ),
                    ]),
                    "properties": {
                        "key": {"description": "The label.", "type": "string", "minLength": 1, "maxLength": 317},
                        "operator": {
                            "description": "How it is compared.",
                            "type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "The values, for In and NotIn; none for the others.",
                            "type": "array", "maxItems": 64, "x-kubernetes-list-type": "atomic",
                            "items": {"type": "string", "maxLength": 63},
                        },
                    },
                },
            },
        },
    })
}
