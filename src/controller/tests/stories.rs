//! Months in the life of a filing, as a person would tell them.

use serde_json::json;

use super::world::{self, World};
use crate::support::{at, filing, ingress, namespace, policy, server};

#[test]
fn a_filing_from_its_first_day_to_its_second_number() {
    let mut world = World::new(at("2026-11-02T10:00:00+08:00"));
    let key = "filing-system/example-com";
    let submitted = filing(
        key,
        json!({
            "number": null, "stage": "Submitted",
            "access": [{"provider": "alicloud", "servers": ["beijing-slb"], "stage": "Submitted"}],
            "registration": {"expiresAt": "2027-12-31"},
        }),
    );
    let approved = |number: &str, stage: &str| {
        filing(
            key,
            json!({
                "number": number, "stage": stage,
                "access": [{"provider": "alicloud", "servers": ["beijing-slb"], "stage": "Approved"}],
                "registration": {"expiresAt": "2027-12-31"},
            }),
        )
    };
    let rented_until = |last: &str| server("beijing-slb", json!({"region": "cn-beijing", "expiresAt": last}));

    world.step(
        "the operator is set up",
        &[policy("default", json!({})), rented_until("2027-03-01")],
    );
    world.step("the filing is submitted", &[submitted]);
    world.now = at("2026-11-03T09:30:00+08:00");
    world.step(
        "someone is hasty, and serves it",
        &[ingress("shop/web", &["www.example.com"])],
    );
    world.wait_until(at("2026-11-20T15:00:00+08:00"));
    world.step(
        "the filing is approved",
        &[approved("京ICP备2021012345号-1", "Approved")],
    );
    world.wait_until(at("2027-03-06T10:00:00+08:00"));
    world.step("the server is renewed, too late", &[rented_until("2028-03-01")]);
    world.wait_until(at("2027-06-01T10:00:00+08:00"));
    world.step(
        "the bureau cancels the filing",
        &[approved("京ICP备2021012345号-1", "Cancelled")],
    );
    world.wait_until(at("2027-06-20T10:00:00+08:00"));
    world.step(
        "it is filed anew, and approved",
        &[approved("京ICP备2027000001号-1", "Approved")],
    );
    world.wait_until(at("2027-07-01T00:00:00+08:00"));
    world.delete("the shop closes", &world::route("shop/web"));
    insta::assert_snapshot!(world.told());
}

#[test]
fn a_restart_repeats_nothing() {
    let mut world = World::new(at("2026-12-01T10:00:00+08:00"));
    let documents = [
        policy("default", json!({})),
        server("beijing-slb", json!({"expiresAt": "2026-12-31"})),
        filing("filing-system/example-com", json!({"expiresAt": "2027-02-20"})),
        ingress("shop/web", &["www.example.com", "www.example.net"]),
    ];
    world.step("everything is set up", &documents);
    world.told();
    world.restart("the operator restarts");
    world.wait_until(at("2026-12-10T10:00:00+08:00"));
    world.restart("it restarts when nobody is there, and a reminder falls into that time");
    world.now = at("2026-12-12T10:00:00+08:00");
    world.restart("it is back");
    insta::assert_snapshot!(world.told());
}

#[test]
fn an_object_that_cannot_be_read_for_a_while() {
    let mut world = World::new(at("2026-12-01T10:00:00+08:00"));
    let good = filing("filing-system/example-com", json!({"expiresAt": "2027-02-20"}));
    world.step(
        "everything is set up",
        &[
            policy("default", json!({})),
            good.clone(),
            ingress("shop/web", &["example.com"]),
        ],
    );
    let bad = filing("filing-system/example-com", json!({"stage": "Approval"}));
    world.step("another version writes what this one can't read", &[bad]);
    world.step("it is mended", &[good]);
    insta::assert_snapshot!(world.told());
}

#[test]
fn a_route_goes_from_hand_to_hand() {
    let mut world = World::new(at("2026-12-01T10:00:00+08:00"));
    let exempting = json!({"exemptions": [
        {"hosts": ["*.example.net"], "reason": "moves to another provider", "owner": "ops", "until": "2026-12-31"}]});
    world.step(
        "nothing is filed",
        &[policy("default", json!({})), ingress("shop/web", &["www.example.net"])],
    );
    world.step("it is exempt for a month", &[policy("default", exempting)]);
    world.wait_until(at("2027-01-02T10:00:00+08:00"));
    world.step(
        "routes are left alone",
        &[policy("default", json!({"running": "Disabled"}))],
    );
    world.step(
        "a filing is declared",
        &[filing("filing-system/example-net", json!({"domains": ["example.net"]}))],
    );
    world.step("routes are annotated again", &[policy("default", json!({}))]);
    world.delete("the policy is deleted", &world::policy("default"));
    insta::assert_snapshot!(world.told());
}

/// A server that two filings rest on, with routes of which one is exempt and one is left alone.
fn street() -> Vec<serde_json::Value> {
    let on = |domain: &str| {
        filing(
            &format!("filing-system/{domain}").replace(".com", ""),
            json!({
                "domains": [domain], "expiresAt": "2029-01-01",
                "access": [{"provider": "alicloud", "servers": ["beijing-slb"], "stage": "Approved"}],
            }),
        )
    };
    let exemption =
        json!({"hosts": ["*.intra.example.com"], "reason": "moves", "owner": "张三", "until": "2027-03-21"});
    vec![
        policy("default", json!({"exemptions": [exemption]})),
        policy(
            "quiet",
            json!({"precedence": 1, "running": "Disabled", "match": {"namespaceSelector": {"matchLabels": {
            "kubernetes.io/metadata.name": "lab"}}}}),
        ),
        namespace("lab", json!({})),
        server(
            "beijing-slb",
            json!({"region": "cn-beijing", "expiresAt": "2027-03-01"}),
        ),
        on("example.com"),
        on("other.com"),
        ingress("shop/web", &["www.example.com", "www.other.com"]),
        ingress("shop/intra", &["a.intra.example.com"]),
        ingress("lab/web", &["lab.example.com"]),
        ingress("blog/web", &["www.other.com"]),
    ]
}

#[test]
fn a_reminder_reaches_the_routes_that_rest_on_it_and_a_crash_neither_loses_nor_repeats_it() {
    let mut world = World::new(at("2027-01-29T12:00:00+08:00"));
    world.step("everything is set up", &street());
    world.told();
    world.now = at("2027-01-30T09:00:00+08:00");
    world.work.wake(world.now);
    let slb = crate::registry::Subject::Server("beijing-slb".into());
    world.die_after(
        "a reminder is due, and the operator dies between two Events of it",
        &slb,
        1,
    );
    world.restart("it is back");
    world.now = at("2027-02-09T09:00:00+08:00");
    world.work.wake(world.now);
    world.die_after("it dies before the status", &slb, 3);
    world.restart("it is back once more");
    world.now = at("2027-01-30T09:00:00+08:00");
    world.restart("the clock is set back by ten days");
    world.wait_until(at("2027-02-14T08:59:59+08:00"));
    insta::assert_snapshot!(world.told());
}

#[test]
fn the_end_of_an_exemption_is_reminded_of_on_its_policy_in_time() {
    let mut world = World::new(at("2027-02-18T12:00:00+08:00"));
    let documents = street();
    world.step("an exemption of a month is given", &documents[..1]);
    world.told();
    world.wait_until(at("2027-03-06T12:00:00+08:00"));
    world.restart("the operator restarts");
    world.wait_until(at("2027-04-01T12:00:00+08:00"));
    insta::assert_snapshot!(world.told());
}

#[test]
fn what_else_a_filing_rests_on_is_its_keepers_matter() {
    let mut world = World::new(at("2026-11-23T12:00:00+08:00"));
    let document = |stage: &str| {
        filing(
            "filing-system/example-com",
            json!({
                "stage": stage, "approvedAt": "2021-02-20", "nextReviewAt": "2027-02-10",
                "handler": {"name": "张三", "idExpiresAt": "2027-03-01"},
                "licence": {"number": "京ICP证030173号", "expiresAt": "2027-03-01"},
                "approvals": [{"kind": "Publishing", "number": "新出网证（京）字001号", "expiresAt": "2027-03-01"}],
            }),
        )
    };
    let documents = [
        policy("default", json!({"reminders": [30, 10]})),
        document("Approved"),
        ingress("shop/web", &["www.example.com"]),
    ];
    world.step("everything is set up", &documents);
    world.wait_until(at("2027-02-25T12:00:00+08:00"));
    world.step(
        "the filing is cancelled, and nothing is left to end",
        &[document("Cancelled")],
    );
    world.wait_until(at("2027-12-31T12:00:00+08:00"));
    insta::assert_snapshot!(world.told());
}
