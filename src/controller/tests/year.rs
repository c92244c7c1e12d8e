//! A year in the life of a cluster.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::drift::{nothing_drifts, pass, taking_over_writes_nothing};
use super::world::{self, World};
use crate::api::keys;
use crate::support::{at, filing, ingress, namespace, object, policy, server};

/// A moment of the year at ten in the morning, in China.
fn day(day: &str) -> Timestamp {
    at(&format!("{day}T10:00:00+08:00"))
}

fn class(name: &str, controller: &str) -> Value {
    object("IngressClass", name, json!({"controller": controller}))
}

fn in_class(key: &str, class: &str, hosts: &[&str]) -> Value {
    let mut route = ingress(key, hosts);
    route["spec"]["ingressClassName"] = json!(class);
    route
}

/// As charts of old name their class.
fn in_class_of_old(key: &str, class: &str, hosts: &[&str]) -> Value {
    let mut route = ingress(key, hosts);
    route["metadata"]["annotations"] = json!({ (keys::LEGACY_CLASS): class });
    route
}

fn of_namespace(name: &str, namespace: &str, mut over: Value) -> Value {
    over["match"] = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}});
    policy(name, over)
}

/// The year's filings, each with what of it changes.
fn example_com(domain_until: &str) -> Value {
    filing(
        "filing-system/example-com",
        json!({
            "access": [{"provider": "alicloud", "servers": ["beijing-slb"], "stage": "Approved"}],
            "approvedAt": "2021-02-20", "registration": {"expiresAt": domain_until},
        }),
    )
}

fn example_net(number: Option<&str>, stage: &str, access: &Value) -> Value {
    filing(
        "filing-system/example-net",
        json!({"domains": ["example.net"], "number": number, "stage": stage, "access": access}),
    )
}

fn example_cn(number: &str, stage: &str) -> Value {
    filing(
        "filing-system/example-cn",
        json!({
            "domains": ["example.cn"], "number": number, "stage": stage,
            "access": [{"provider": "alicloud", "servers": ["beijing-eip"], "stage": "Approved"}],
        }),
    )
}

/// The default policy, which may block two routes within ten minutes.
fn default(running: &str) -> Value {
    policy(
        "default",
        json!({
            "running": running, "brake": {"routes": 2, "percent": 100, "minutes": 10},
            "exemptions": [{
                "hosts": ["*.intra.example.org"], "namespaces": ["blog"], "reason": "is seen from the office alone",
                "owner": "ops", "until": "2027-06-30"}],
        }),
    )
}

fn blog(site: &str, region: &str) -> Value {
    let spec = json!({"precedence": 10, "running": "Block", "site": {"provider": site, "region": region}});
    of_namespace("blog", "blog", spec)
}

fn beijing_slb(until: &str) -> Value {
    server(
        "beijing-slb",
        json!({"region": "cn-beijing", "expiresAt": until, "autoRenew": true}),
    )
}

fn beijing_eip(over: &Value) -> Value {
    let mut spec = json!({"region": "cn-beijing", "addresses": ["203.0.113.7"]});
    crate::support::merge(&mut spec, over);
    server("beijing-eip", spec)
}

/// The cluster on the first day of the year.
fn first_day() -> World {
    let mut world = World::new(day("2026-12-01"));
    let waiting = json!([{"provider": "alicloud", "stage": "Submitted"}]);
    let documents = [
        class(keys::QUARANTINE_CLASS, keys::QUARANTINE_CONTROLLER),
        class("nginx", "k8s.io/ingress-nginx"),
        namespace("shop", json!({})),
        namespace("blog", json!({})),
        namespace("lab", json!({})),
        default("Annotate"),
        of_namespace("lab", "lab", json!({"precedence": 20, "running": "Disabled"})),
        beijing_slb("2027-02-28"),
        beijing_eip(&json!({})),
        example_com("2027-05-31"),
        example_net(None, "Submitted", &waiting),
        example_cn("京ICP备2021012345号-2", "Approved"),
        filing(
            "filing-system/example-app",
            json!({
                "domains": ["example.com.cn"], "number": "京ICP备2021012345号-3A",
                "service": {"name": "示例应用", "kind": "App"},
            }),
        ),
        in_class("shop/web", "nginx", &["example.com", "www.example.com"]),
        in_class("shop/wild", "nginx", &["*.example.com"]),
        in_class_of_old("shop/app", "nginx", &["www.example.com.cn"]),
        in_class("blog/web", "nginx", &["www.example.net"]),
        in_class("blog/intra", "nginx", &["a.intra.example.org"]),
        in_class("images/a", "nginx", &["a.example.cn"]),
        in_class("images/b", "nginx", &["b.example.cn"]),
        in_class_of_old("images/c", "nginx", &["c.example.cn"]),
        in_class("lab/web", "nginx", &["lab.example.org"]),
    ];
    world.step("a cluster of last year comes under the operator", &documents);
    world
}

#[test]
fn a_year_goes_by() {
    let mut world = first_day();
    nothing_drifts(&mut world);
    first_months(&mut world);
    a_filing_is_cancelled(&mut world);
    a_domain_lapses(&mut world);
    a_blog_moves(&mut world);
    last_months(&mut world);
    world.wait_until(day("2027-12-01"));
    nothing_drifts(&mut world);
    insta::assert_snapshot!(world.told());
}

const NUMBER_OF_EXAMPLE_NET: Option<&str> = Some("京ICP备2021012345号-4");

fn first_months(world: &mut World) {
    world.wait_until(day("2026-12-20"));
    let in_beijing = json!([{"provider": "alicloud", "stage": "Approved"}]);
    world.step(
        "the filing of example.net is approved",
        &[example_net(NUMBER_OF_EXAMPLE_NET, "Approved", &in_beijing)],
    );

    world.wait_until(day("2027-02-01"));
    world.step("what violates is blocked from now on", &[default("Block")]);
    pass(world, 5);
    nothing_drifts(world);
}

fn a_filing_is_cancelled(world: &mut World) {
    world.wait_until(day("2027-03-05"));
    world.step(
        "the server that renews itself was renewed, which is declared late",
        &[beijing_slb("2028-02-28")],
    );

    world.wait_until(day("2027-03-15"));
    world.step(
        "the filing of example.cn is cancelled",
        &[example_cn("京ICP备2021012345号-2", "Cancelled")],
    );
    pass(world, 5);
    nothing_drifts(world);
    world.wait_until(day("2027-03-16"));
    release_brake(world, "a person lets its three routes be blocked");
    pass(world, 5);
    nothing_drifts(world);

    world.wait_until(day("2027-03-20"));
    for _ in 0..2 {
        put_back(world, "images/a", "a tool puts one of them back");
        pass(world, 30);
    }
    nothing_drifts(world);

    world.wait_until(day("2027-04-20"));
    world.step(
        "example.cn is filed anew, under another number",
        &[example_cn("京ICP备2021012345号-5", "Approved")],
    );
    nothing_drifts(world);
}

fn a_domain_lapses(world: &mut World) {
    world.wait_until(day("2027-05-10"));
    let lenient = of_namespace("shop", "shop", json!({"precedence": 5, "running": "Annotate"}));
    world.step("the shop gets a policy of its own, and is spared", &[lenient]);
    world.wait_until(day("2027-05-20"));
    world.delete(
        "it is held to what all are held to, ten days later",
        &world::policy("shop"),
    );
    pass(world, 5);

    world.wait_until(day("2027-06-01"));
    nothing_drifts(world);
    world.set_clock("the clock is set back by a day", day("2027-05-31"));
    taking_over_writes_nothing(world);
    world.wait_until(day("2027-06-02"));
    nothing_drifts(world);
    world.wait_until(day("2027-06-10"));
    world.step("the domain is renewed", &[example_com("2029-05-31")]);
    nothing_drifts(world);
}

fn a_blog_moves(world: &mut World) {
    world.wait_until(day("2027-07-15"));
    nothing_drifts(world);
    let moving = json!([
        {"provider": "alicloud", "stage": "Approved"},
        {"provider": "tencentcloud", "servers": ["tx-clb"], "stage": "Submitted", "since": "2027-07-15", "migratingFrom": "alicloud"},
    ]);
    let tencent = server(
        "tx-clb",
        json!({"provider": "tencentcloud", "region": "ap-beijing", "expiresAt": "2028-07-31"}),
    );
    world.step(
        "the blog begins to move to another provider, which gives it a policy of its own",
        &[
            tencent,
            example_net(NUMBER_OF_EXAMPLE_NET, "Approved", &moving),
            blog("alicloud", "cn-beijing"),
        ],
    );
    world.wait_until(day("2027-08-01"));
    world.step(
        "its site changes before its access is approved",
        &[blog("tencentcloud", "ap-beijing")],
    );
    pass(world, 5);
    nothing_drifts(world);
    world.wait_until(day("2027-08-15"));
    let moved = json!([
        {"provider": "tencentcloud", "servers": ["tx-clb"], "stage": "Approved", "since": "2027-07-15"},
    ]);
    world.step(
        "it is approved",
        &[example_net(NUMBER_OF_EXAMPLE_NET, "Approved", &moved)],
    );
}

fn last_months(world: &mut World) {
    world.wait_until(day("2027-09-10"));
    world.change_leader("another replica leads");
    let listed = json!({
        "blocklisted": {"since": "2027-09-10", "reason": "served a host that was not filed"}, "state": "Suspended"});
    world.step(
        "an address is blocklisted, and its server suspended",
        &[beijing_eip(&listed)],
    );
    pass(world, 5);
    nothing_drifts(world);
    world.wait_until(day("2027-09-12"));
    world.step(
        "it is taken off the list, and nobody had given the word",
        &[beijing_eip(&json!({}))],
    );
    nothing_drifts(world);

    world.wait_until(day("2027-10-20"));
    world.delete("the shop closes its app", &world::route("shop/app"));
}

/// A person gives the word that the default policy asks for.
fn release_brake(world: &mut World, what: &str) {
    let digest = world.asked("default").map(str::to_owned);
    world.change(what, &world::policy("default"), |policy| {
        policy["metadata"]["annotations"] = json!({ (keys::RELEASE_BRAKE): digest });
    });
}

/// A tool applies a route as it knows it, class and all.
fn put_back(world: &mut World, key: &str, what: &str) {
    world.change(what, &world::route(key), |route| {
        route["spec"]["ingressClassName"] = json!("nginx");
    });
}
