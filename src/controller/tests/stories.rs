//! Months in the life of a filing, as a person would tell them.

use serde_json::json;

use super::world::{self, World};
use crate::support::{at, filing, ingress, policy, server};

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
