//! Routes under `running: Block`, as the people who own them live it.
#![allow(
    clippy::needless_pass_by_value,
    reason = "so that steps read as blocking(json!({…})), without an ampersand each"
)]

use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::world::{self, World};
use crate::api::keys;
use crate::registry::Subject;
use crate::support::{at, filing, ingress, merge, namespace, object, policy};

const QUARANTINE: &str = keys::QUARANTINE_CLASS;

fn blocking(over: Value) -> Value {
    let mut spec = json!({"running": "Block", "brake": {"routes": 10, "percent": 100, "minutes": 10}});
    merge(&mut spec, &over);
    policy("default", spec)
}

fn class(name: &str, controller: &str) -> Value {
    object("IngressClass", name, json!({"controller": controller}))
}

fn quarantine() -> Value {
    class(QUARANTINE, keys::QUARANTINE_CONTROLLER)
}

fn in_class(key: &str, class: &str, hosts: &[&str]) -> Value {
    let mut route = ingress(key, hosts);
    route["spec"]["ingressClassName"] = json!(class);
    route
}

fn approved() -> Value {
    filing("filing-system/example-com", json!({}))
}

fn cancelled() -> Value {
    filing("filing-system/example-com", json!({"stage": "Cancelled"}))
}

/// A cluster that blocks, with a filing for example.com.
fn cluster(more: &[Value]) -> World {
    let mut world = World::new(at("2026-11-24T10:00:00+08:00"));
    let mut documents = vec![
        quarantine(),
        class("nginx", "k8s.io/ingress-nginx"),
        blocking(json!({})),
        approved(),
    ];
    documents.extend_from_slice(more);
    world.step("everything is set up", &documents);
    world
}

/// So many routes of the filing.
fn routes(count: usize) -> Vec<Value> {
    let route = |number: usize| {
        let (key, host) = (format!("shop/web-{number:03}"), format!("{number}.example.com"));
        in_class(&key, "nginx", &[&host])
    };
    (0..count).map(route).collect()
}

fn web() -> Subject {
    world::route("shop/web")
}

fn is_blocked(world: &World, subject: &Subject) -> bool {
    world.stored(subject)["spec"]["ingressClassName"] == QUARANTINE
}

fn blocked(world: &World) -> usize {
    let all = world.all("Ingress");
    all.filter(|route| route["spec"]["ingressClassName"] == QUARANTINE)
        .count()
}

/// A condition of the policy, as `status reason`.
fn condition(world: &World, type_: &str) -> String {
    let status = &world.stored(&world::policy("default"))["status"];
    let conditions = status["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|condition| condition["type"] == type_).unwrap();
    format!(
        "{} {}",
        found["status"].as_str().unwrap(),
        found["reason"].as_str().unwrap()
    )
}

fn message(world: &World, type_: &str) -> String {
    let status = &world.stored(&world::policy("default"))["status"];
    let conditions = status["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|condition| condition["type"] == type_).unwrap();
    found["message"].as_str().unwrap().to_owned()
}

/// The digest that a person is asked to give back.
fn digest(world: &World) -> String {
    let message = message(world, "BrakeHeld");
    let (_, digest) = message.split_once("release-brake=").unwrap();
    digest.split(' ').next().unwrap().to_owned()
}

fn release_brake(world: &mut World, digest: &str) {
    world.edit(&world::policy("default"), |policy| {
        policy["metadata"]["annotations"][keys::RELEASE_BRAKE] = json!(digest);
    });
}

fn pass(world: &mut World, seconds: i64) {
    let until = world.now + seconds.seconds();
    world.wait_until(until);
}

#[test]
fn a_filing_is_cancelled_and_restored() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.com"])]);
    let before = world.stored(&web()).clone();
    world.step("the bureau cancels the filing", &[cancelled()]);
    pass(&mut world, 2);
    assert!(is_blocked(&world, &web()));
    world.step("the filing is restored", &[approved()]);
    insta::assert_snapshot!(world.told());
    let after = world.stored(&web());
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["metadata"]["annotations"], before["metadata"]["annotations"]);
}

#[test]
fn every_way_out_of_quarantine() {
    let exempting = json!({"exemptions": [
        {"hosts": ["www.example.com"], "reason": "moves", "owner": "ops", "until": "2026-12-31"}]});
    let ways: [(&str, Value); 4] = [
        ("the policy annotates", blocking(json!({"running": "Annotate"}))),
        ("the policy is disabled", blocking(json!({"running": "Disabled"}))),
        ("the route is exempted", blocking(exempting)),
        (
            "the policy governs another class",
            blocking(json!({"match": {"ingressClasses": ["other"]}})),
        ),
    ];
    for (what, policy) in ways {
        let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.com"]), cancelled()]);
        pass(&mut world, 2);
        assert!(is_blocked(&world, &web()));
        world.step(what, &[policy]);
        assert_eq!(world.stored(&web())["spec"]["ingressClassName"], "nginx", "{what}");
        let annotations = &world.stored(&web())["metadata"]["annotations"];
        assert!(
            annotations.get(keys::QUARANTINED_CLASS).is_none(),
            "{what}: {annotations}"
        );
    }
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.com"]), cancelled()]);
    pass(&mut world, 2);
    world.delete("the policy is deleted", &world::policy("default"));
    assert!(!is_blocked(&world, &web()));
}

#[test]
fn a_policy_that_is_marked_lets_everything_go_and_blocks_nothing_more() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.com"]), cancelled()]);
    pass(&mut world, 2);
    world.told();
    world.edit(&world::policy("default"), |policy| {
        policy["metadata"]["annotations"][keys::RELEASE] = json!("2026-11-24T10:00:00Z");
    });
    world.settle();
    assert!(!is_blocked(&world, &web()));
    world.step(
        "another route comes",
        &[in_class("shop/other", "nginx", &["other.example.com"])],
    );
    pass(&mut world, 60);
    assert!(!is_blocked(&world, &world::route("shop/other")));
    world.edit(&world::policy("default"), |policy| {
        policy["metadata"]["annotations"]
            .as_object_mut()
            .unwrap()
            .remove(keys::RELEASE);
    });
    world.settle();
    pass(&mut world, 2);
    assert!(is_blocked(&world, &web()) && is_blocked(&world, &world::route("shop/other")));
    insta::assert_snapshot!(world.told());
}

/// The namespace of the routes, with the break-glass label or without.
fn label_shop(world: &mut World, is_broken: bool) {
    let what = if is_broken {
        "the glass is broken"
    } else {
        "the glass is whole again"
    };
    world.change(what, &Subject::Namespace("shop".into()), |namespace| {
        namespace["metadata"]["labels"] = json!(is_broken.then_some(json!({keys::BREAK_GLASS: "true"})));
    });
}

fn enforced_as(world: &World, state: &'static str) -> u32 {
    let tally = &world.work.standing().enforced;
    tally.get(&("default".into(), state)).copied().unwrap_or_default()
}

#[test]
fn where_the_glass_is_broken_all_is_let_go_and_told_until_it_is_whole_again() {
    let elsewhere = world::route("games/web");
    let mut world = cluster(&[
        namespace("shop", Value::Null),
        in_class("shop/web", "nginx", &["www.example.com"]),
        in_class("games/web", "nginx", &["games.example.com"]),
        cancelled(),
    ]);
    pass(&mut world, 2);
    assert!(is_blocked(&world, &web()) && is_blocked(&world, &elsewhere));
    world.told();
    label_shop(&mut world, true);
    assert!(!is_blocked(&world, &web()) && is_blocked(&world, &elsewhere));
    world.step(
        "another route comes",
        &[in_class("shop/other", "nginx", &["other.example.com"])],
    );
    pass(&mut world, 60);
    assert!(!is_blocked(&world, &world::route("shop/other")));
    assert_eq!(condition(&world, "Enforced"), "False BreakGlass");
    assert_eq!(
        (enforced_as(&world, "break_glass"), enforced_as(&world, "blocked")),
        (2, 1)
    );
    world.restart("the operator is restarted");
    assert!(!is_blocked(&world, &web()));
    label_shop(&mut world, false);
    pass(&mut world, 2);
    assert!(is_blocked(&world, &web()) && is_blocked(&world, &world::route("shop/other")));
    assert_eq!(condition(&world, "Enforced"), "True Enforced");
    assert_eq!(
        (enforced_as(&world, "break_glass"), enforced_as(&world, "blocked")),
        (0, 3)
    );
    insta::assert_snapshot!(world.told());
}

#[test]
fn what_is_blocked_again_once_the_glass_is_whole_goes_through_the_brake() {
    let mut world = cluster(&routes(12));
    world.put(&namespace("shop", Value::Null));
    world.step("more may go at once", &[blocking(json!({"brake": {"routes": 20}}))]);
    world.step("the bureau cancels the filing", &[cancelled()]);
    pass(&mut world, 2);
    assert_eq!(blocked(&world), 12);
    label_shop(&mut world, true);
    assert_eq!(blocked(&world), 0);
    world.step("fewer may go at once", &[blocking(json!({}))]);
    label_shop(&mut world, false);
    pass(&mut world, 2);
    assert_eq!(blocked(&world), 0);
    assert_eq!(condition(&world, "BrakeHeld"), "True LimitExceeded");
}

#[test]
fn a_route_that_is_created_in_quarantine_stays_as_its_owner_made_it() {
    let mut world = cluster(&[in_class("shop/web", QUARANTINE, &["www.example.net"])]);
    pass(&mut world, 60);
    world.step(
        "its host is filed",
        &[filing("filing-system/example-net", json!({"domains": ["example.net"]}))],
    );
    pass(&mut world, 60);
    assert!(is_blocked(&world, &web()));
    assert!(!world.told().contains("is moved") && !world.told().contains("is let go"));
}

#[test]
fn a_route_whose_host_is_renamed_to_a_filed_one_is_let_go() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.net"])]);
    pass(&mut world, 2);
    assert!(is_blocked(&world, &web()));
    world.edit(&web(), |route| {
        route["spec"]["rules"][0]["host"] = json!("www.example.com");
    });
    world.settle();
    assert_eq!(world.stored(&web())["spec"]["ingressClassName"], "nginx");
}

#[test]
fn a_route_that_is_edited_in_quarantine_stays_there_and_keeps_the_edit() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.net"])]);
    pass(&mut world, 2);
    world.edit(&web(), |route| {
        route["metadata"]["labels"] = json!({"team": "shop"});
        route["spec"]["rules"]
            .as_array_mut()
            .unwrap()
            .push(json!({"host": "more.example.net"}));
    });
    world.settle();
    assert!(is_blocked(&world, &web()));
    world.step(
        "all is filed",
        &[filing("filing-system/example-net", json!({"domains": ["example.net"]}))],
    );
    let after = world.stored(&web());
    assert_eq!(after["spec"]["rules"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&after["spec"]["ingressClassName"], &after["metadata"]["labels"]["team"]),
        (&json!("nginx"), &json!("shop"))
    );
}

#[test]
fn a_route_that_is_deleted_in_quarantine_leaves_nothing_behind() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.net"])]);
    pass(&mut world, 2);
    world.delete("its owner deletes it", &web());
    assert_eq!(condition(&world, "Enforced"), "True Enforced");
    assert!(message(&world, "Enforced").starts_with("no route"));
    world.step(
        "another of the same name is well",
        &[in_class("shop/web", "nginx", &["www.example.com"])],
    );
    pass(&mut world, 60);
    assert!(!is_blocked(&world, &web()));
}

#[test]
fn a_route_whose_record_is_removed_or_forged_is_never_moved() {
    for record in [Value::Null, json!("nginx"), json!("{\"field\":\"filing-quarantine\"}")] {
        let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.net"])]);
        pass(&mut world, 2);
        world.edit(&web(), |route| {
            merge(
                &mut route["metadata"]["annotations"],
                &json!({ (keys::QUARANTINED_CLASS): record }),
            );
        });
        world.settle();
        assert_eq!(condition(&world, "Enforced"), "False RecordUnreadable", "{record}");
        world.step(
            "it is filed",
            &[filing("filing-system/example-net", json!({"domains": ["example.net"]}))],
        );
        pass(&mut world, 60);
        assert!(is_blocked(&world, &web()), "{record}");
        assert_eq!(condition(&world, "Enforced"), "False RecordUnreadable", "{record}");
        world.edit(&web(), |route| {
            route["spec"]["ingressClassName"] = json!("nginx");
            let annotations = route["metadata"]["annotations"].as_object_mut().unwrap();
            annotations.retain(|key, _| !key.contains("quarantined") && key != keys::LEGACY_CLASS);
        });
        world.settle();
        assert_eq!(condition(&world, "Enforced"), "True Enforced", "{record}");
    }
}

#[test]
fn a_record_that_is_forged_on_a_running_route_moves_it_nowhere() {
    let mut route = in_class("shop/web", "nginx", &["www.example.com"]);
    route["metadata"]["annotations"] = json!({(keys::QUARANTINED_CLASS): "{\"field\":\"internal\"}"});
    let mut world = cluster(&[route]);
    pass(&mut world, 60);
    assert_eq!(world.stored(&web())["spec"]["ingressClassName"], "nginx");
    let annotations = &world.stored(&web())["metadata"]["annotations"];
    assert!(annotations.get(keys::QUARANTINED_CLASS).is_none(), "{annotations}");
}

#[test]
fn a_record_that_is_no_record_keeps_no_running_route_from_being_blocked() {
    for record in [json!("nginx"), json!("{\"field\":\"internal\"}")] {
        let mut route = in_class("shop/web", "nginx", &["www.example.com"]);
        route["metadata"]["annotations"] =
            json!({(keys::QUARANTINED_CLASS): record, (keys::QUARANTINED_AT): "9999-01-01T00:00:00Z"});
        let mut world = cluster(&[route.clone()]);
        let annotations = &world.stored(&web())["metadata"]["annotations"];
        assert!(annotations.get(keys::QUARANTINED_AT).is_none(), "{annotations}");
        world.step("the bureau cancels the filing", &[cancelled()]);
        world.edit(&web(), |stored| {
            merge(
                &mut stored["metadata"]["annotations"],
                &route["metadata"]["annotations"],
            );
        });
        world.settle();
        pass(&mut world, 15);
        assert!(is_blocked(&world, &web()), "{record}");
        world.step("the filing is restored", &[approved()]);
        assert_eq!(world.stored(&web())["spec"]["ingressClassName"], "nginx", "{record}");
    }
}

#[test]
fn whoever_leads_again_tells_what_has_changed_since_as_news() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.com"])]);
    world.step("the bureau cancels the filing", &[cancelled()]);
    pass(&mut world, 2);
    world.change_leader("another leads");
    world.step("the filing is restored", &[approved()]);
    world.change_leader("the first leads again");
    world.told();
    world.step("the bureau cancels the filing once more", &[cancelled()]);
    pass(&mut world, 2);
    let told = world.told();
    assert_eq!(told.matches("it was moved from class nginx").count(), 1, "{told}");
}

#[test]
fn in_a_policy_that_selects_by_class_the_kept_class_is_matched() {
    let by_class = blocking(json!({"match": {"ingressClasses": ["nginx"]}}));
    let mut world = cluster(&[by_class, in_class("shop/web", "nginx", &["www.example.net"])]);
    pass(&mut world, 2);
    assert!(is_blocked(&world, &web()));
    world.restart("the operator restarts");
    pass(&mut world, 60);
    assert!(is_blocked(&world, &web()));
    world.step(
        "it is filed",
        &[filing("filing-system/example-net", json!({"domains": ["example.net"]}))],
    );
    assert_eq!(world.stored(&web())["spec"]["ingressClassName"], "nginx");
}

#[test]
fn a_route_that_is_restored_from_a_backup_is_let_go_once_it_complies() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.net"])]);
    pass(&mut world, 2);
    let mut backup = world.stored(&web()).clone();
    world.delete("the namespace is lost", &web());
    backup["metadata"] = json!({
        "name": "web", "namespace": "shop", "annotations": backup["metadata"]["annotations"]});
    world.step("it comes back from a backup", &[backup]);
    pass(&mut world, 60);
    assert!(is_blocked(&world, &web()));
    world.step(
        "it is filed",
        &[filing("filing-system/example-net", json!({"domains": ["example.net"]}))],
    );
    assert_eq!(world.stored(&web())["spec"]["ingressClassName"], "nginx");
}

#[test]
fn a_tool_that_puts_it_back_over_and_over_is_answered_ever_later_with_one_event() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.net"])]);
    pass(&mut world, 2);
    world.told();
    let mut waits = Vec::new();
    for round in 0..9 {
        world.edit(&web(), |route| {
            // As `kubectl replace` does it every other time: the record goes with the class.
            if round % 2 == 0 {
                route["metadata"].as_object_mut().unwrap().remove("annotations");
            }
            route["spec"]["ingressClassName"] = json!("nginx");
        });
        world.settle();
        assert!(!is_blocked(&world, &web()), "it is not moved at once");
        assert_eq!(condition(&world, "Enforced"), "False PutBackByOthers");
        let from = world.now;
        while !is_blocked(&world, &web()) {
            world.tick();
        }
        waits.push(world.now.duration_since(from).as_secs());
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
    let told = world.told();
    assert_eq!(told.matches("event: Warning PutBack").count(), 1, "{told}");
    world.step(
        "it is filed",
        &[filing("filing-system/example-net", json!({"domains": ["example.net"]}))],
    );
    assert_eq!(condition(&world, "Enforced"), "True Enforced");
}

#[test]
fn without_the_quarantine_class_nothing_is_blocked_and_a_condition_says_so() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.net"])]);
    pass(&mut world, 2);
    world.step(
        "someone else serves the class",
        &[class(QUARANTINE, "k8s.io/ingress-nginx")],
    );
    world.step(
        "another comes",
        &[in_class("shop/other", "nginx", &["other.example.net"])],
    );
    pass(&mut world, 60);
    assert!(!is_blocked(&world, &world::route("shop/other")));
    assert_eq!(condition(&world, "Enforced"), "False QuarantineClassMissing");
    world.step("the class is mended", &[quarantine()]);
    pass(&mut world, 2);
    assert!(is_blocked(&world, &world::route("shop/other")));
}

#[test]
fn a_route_whose_controller_is_excepted_is_annotated_and_a_condition_says_why() {
    let excepting = blocking(json!({"blockExcept": ["ingress.k8s.alibabacloud/alb"]}));
    let alb = class("alb", "ingress.k8s.alibabacloud/alb");
    let mut world = cluster(&[alb, excepting, in_class("shop/web", "alb", &["www.example.net"])]);
    pass(&mut world, 60);
    assert!(!is_blocked(&world, &web()));
    assert_eq!(
        world.stored(&web())["metadata"]["annotations"][keys::VERDICT],
        "Violating"
    );
    assert_eq!(condition(&world, "Enforced"), "False ControllerExcepted");
    assert!(
        message(&world, "Enforced").contains("shop/web"),
        "{}",
        message(&world, "Enforced")
    );
}

#[test]
fn a_single_route_with_the_limit_of_one_is_blocked() {
    let one = blocking(json!({"brake": {"routes": 1}}));
    let mut world = cluster(&[one, in_class("shop/web", "nginx", &["www.example.com"]), cancelled()]);
    pass(&mut world, 2);
    assert!(is_blocked(&world, &web()));
}

#[test]
fn a_filing_under_many_routes_is_deleted_and_none_is_blocked_before_a_person_says_so() {
    let mut world = cluster(&routes(500));
    world.told();
    world.delete(
        "the filing is deleted by mistake",
        &world::filing("filing-system/example-com"),
    );
    pass(&mut world, 3600);
    assert_eq!(blocked(&world), 0);
    assert_eq!(condition(&world, "BrakeHeld"), "True LimitExceeded");
    assert_eq!(condition(&world, "Enforced"), "False BrakeHeld");
    let told = world.told();
    assert_eq!(told.matches("event: Warning BrakeHeld").count(), 1, "{told}");
    for _ in 0..3 {
        world.restart("the operator restarts");
        pass(&mut world, 700);
        assert_eq!(blocked(&world), 0);
    }
    assert_eq!(world.told().matches("event: Warning BrakeHeld").count(), 0);

    let first = digest(&world);
    world.step(
        "one more comes",
        &[in_class("shop/more", "nginx", &["more.example.com"])],
    );
    pass(&mut world, 10);
    release_brake(&mut world, &first);
    world.settle();
    pass(&mut world, 60);
    assert_eq!(blocked(&world), 0, "the set has changed, so it is asked about anew");
    let told = world.told();
    assert_eq!(told.matches("event: Warning BrakeHeld").count(), 1, "{told}");

    let second = digest(&world);
    assert_ne!(first, second);
    release_brake(&mut world, &second);
    world.settle();
    pass(&mut world, 2);
    assert_eq!(blocked(&world), 501);
    assert_eq!(condition(&world, "BrakeHeld"), "False WithinLimit");
    assert_eq!(condition(&world, "Enforced"), "True Enforced");

    world.step("the filing is restored", &[approved()]);
    assert_eq!(blocked(&world), 0);
    world.delete(
        "and is deleted by mistake once more",
        &world::filing("filing-system/example-com"),
    );
    pass(&mut world, 3600);
    assert_eq!(blocked(&world), 0, "a word counts for one time");
}

#[test]
fn the_operator_starts_with_an_empty_list_of_filings() {
    let mut world = cluster(&routes(30));
    world.forget(&world::filing("filing-system/example-com"));
    world.restart("etcd was restored from before there were filings");
    pass(&mut world, 3600);
    assert_eq!(blocked(&world), 0);
    assert_eq!(condition(&world, "BrakeHeld"), "True LimitExceeded");
    world.step("the filings are back", &[approved()]);
    assert_eq!(condition(&world, "BrakeHeld"), "False WithinLimit");
}

#[test]
fn a_site_is_changed_to_another_provider_by_mistake() {
    let mut world = cluster(&routes(30));
    world.step(
        "the site is changed",
        &[blocking(
            json!({"site": {"provider": "tencentcloud", "region": "ap-beijing"}}),
        )],
    );
    pass(&mut world, 3600);
    assert_eq!(blocked(&world), 0);
    assert_eq!(condition(&world, "BrakeHeld"), "True LimitExceeded");
}

#[test]
fn filings_that_end_one_after_the_other_are_one_batch() {
    let domain = |number: usize| format!("shop-{number}.com");
    let filed = |number: usize| {
        filing(
            &format!("filing-system/f-{number}"),
            json!({"domains": [domain(number)]}),
        )
    };
    let routes = (0..30).map(|number| in_class(&format!("shop/web-{number}"), "nginx", &[&domain(number)]));
    let mut world = cluster(&(0..30).map(filed).chain(routes).collect::<Vec<_>>());
    for number in 0..30 {
        world.delete(
            "the kind is removed",
            &world::filing(&format!("filing-system/f-{number}")),
        );
        world.now += 50.milliseconds();
    }
    pass(&mut world, 3600);
    assert_eq!(blocked(&world), 0);
    world.restart("the operator restarts");
    pass(&mut world, 3600);
    assert_eq!(blocked(&world), 0);
}

#[test]
fn what_is_within_the_limit_goes_and_what_leaves_the_window_makes_room() {
    let mut world = cluster(&routes(3));
    let more: Vec<Value> = (0..9)
        .map(|number| {
            in_class(
                &format!("other/web-{number}"),
                "nginx",
                &[&format!("{number}.example.net")],
            )
        })
        .collect();
    world.step("nine routes come that are not filed", &more);
    pass(&mut world, 2);
    assert_eq!(blocked(&world), 9);
    world.step("the filing of three is cancelled", &[cancelled()]);
    pass(&mut world, 60);
    assert_eq!(blocked(&world), 9);
    world.restart("the operator restarts");
    pass(&mut world, 60);
    assert_eq!(
        blocked(&world),
        9,
        "what was blocked within the window is read from the routes"
    );
    pass(&mut world, 600);
    assert_eq!(blocked(&world), 12);
}

#[test]
fn a_restart_flips_no_condition_while_the_brake_is_held() {
    let mut world = cluster(&routes(30));
    world.step("the filing is cancelled", &[cancelled()]);
    pass(&mut world, 60);
    assert_eq!(condition(&world, "Enforced"), "False BrakeHeld");
    let writes = world.writes();
    world.restart("the operator restarts");
    pass(&mut world, 60);
    assert_eq!(world.writes(), writes, "{}", world.told());
}

#[test]
fn a_brake_is_held_no_more_once_nothing_is_due_also_where_the_operator_was_away_meanwhile() {
    let mut world = cluster(&routes(30));
    world.step("the filing is cancelled", &[cancelled()]);
    pass(&mut world, 60);
    assert_eq!(condition(&world, "BrakeHeld"), "True LimitExceeded");
    world.put(&approved());
    world.restart("the filing is restored while the operator is away");
    assert_eq!(condition(&world, "BrakeHeld"), "False WithinLimit");
    assert_eq!(condition(&world, "Enforced"), "True Enforced");
}

#[test]
fn a_restart_forgets_not_that_someone_else_puts_a_route_back() {
    let mut world = cluster(&[in_class("shop/web", "nginx", &["www.example.net"])]);
    pass(&mut world, 2);
    world.edit(&web(), |route| route["spec"]["ingressClassName"] = json!("nginx"));
    world.settle();
    pass(&mut world, 60);
    assert!(is_blocked(&world, &web()));
    let writes = world.writes();
    world.restart("the operator restarts");
    pass(&mut world, 60);
    assert_eq!(condition(&world, "Enforced"), "False PutBackByOthers");
    assert_eq!(world.writes(), writes, "{}", world.told());
    world.step(
        "it is filed",
        &[filing("filing-system/example-net", json!({"domains": ["example.net"]}))],
    );
    assert_eq!(condition(&world, "Enforced"), "True Enforced");
}
