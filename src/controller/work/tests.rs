use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::super::tests::world::{self, World};
use super::*;
use crate::api::Colour;
use crate::judge::Outcome;
use crate::support::{at, filing, ingress, policy, server};

const KEY: &str = "filing-system/example-com";

/// A policy, an approved filing and a route that it covers, all of it written.
fn settled() -> World {
    let mut world = World::new(at("2026-11-23T10:00:00+08:00"));
    let documents = [
        policy("default", json!({})),
        filing(KEY, json!({})),
        ingress("shop/web", &["www.example.com"]),
    ];
    world.step("everything is set up", &documents);
    world.told();
    world
}

fn cancelled() -> serde_json::Value {
    filing(KEY, json!({"stage": "Cancelled"}))
}

/// The next write, and whether there is one.
fn next(world: &mut World) -> Option<Subject> {
    world.work.judge(&world.registry, world.now);
    world
        .work
        .next_write(&world.registry, world.now)
        .map(|(subject, ..)| subject)
}

fn counts(world: &World, outcome: Outcome) -> u32 {
    world
        .work
        .standing()
        .policies
        .get("default")
        .copied()
        .unwrap_or_default()
        .of(outcome)
}

fn seconds(count: u64) -> SignedDuration {
    SignedDuration::from_secs(count.try_into().unwrap())
}

#[test]
fn what_is_written_and_seen_again_is_not_written_again() {
    let mut world = settled();
    assert_eq!(next(&mut world), None);
    world.put(&filing(KEY, json!({})));
    world.put(&ingress("shop/web", &["www.example.com"]));
    assert_eq!(next(&mut world), None);
}

#[test]
fn a_status_counts_every_route_that_is_to_be_judged() {
    let mut world = World::new(at("2026-11-23T10:00:00+08:00"));
    world.put(&policy("default", json!({})));
    world.put(&filing(KEY, json!({})));
    for number in 0..SLICE {
        world.put(&ingress(&format!("shop/web-{number}"), &["www.example.com"]));
    }
    world.work.judge(&world.registry, world.now);
    assert!(world.work.has_more_to_judge());
    assert!(
        world.work.next_write(&world.registry, world.now).is_none(),
        "the filing is still to be judged"
    );
    let (subject, _, effects) = std::iter::repeat_with(|| {
        world.work.judge(&world.registry, world.now);
        world.work.next_write(&world.registry, world.now)
    })
    .find_map(|write| write)
    .unwrap();
    assert_eq!(subject, world::filing(KEY));
    let routes = effects.iter().find_map(|effect| match effect {
        Effect::DeclarationStatus(status) => status.routes,
        _ => None,
    });
    assert_eq!(routes, Some(4096));
}

#[test]
fn a_new_leader_looks_at_everything_a_slice_at_a_time() {
    let mut world = World::new(at("2026-11-23T10:00:00+08:00"));
    let routes = (0..2 * LOOKED_AT).map(|number| ingress(&format!("shop/web-{number}"), &["www.example.com"]));
    // Nothing is written on the routes.
    let documents = [
        policy("default", json!({"running": "Disabled"})),
        filing(KEY, json!({})),
    ];
    let documents: Vec<_> = documents.into_iter().chain(routes).collect();
    world.step("everything is set up", &documents);
    world.work.turn(true);
    let mut slices = 0;
    while next(&mut world).is_none() && world.work.has_more_to_look_at() {
        slices += 1;
    }
    assert_eq!(slices, 2, "the last has less than the others");
    assert_eq!(next(&mut world), None);
}

#[test]
fn a_write_under_way_is_not_begun_twice_and_what_changes_meanwhile_is_written_after_it() {
    let mut world = settled();
    world.put(&cancelled());
    let first = next(&mut world).unwrap();
    assert_eq!(first, world::filing(KEY));
    world.put(&filing(KEY, json!({"stage": "Rejected"})));
    let others: Vec<Subject> = std::iter::from_fn(|| next(&mut world)).collect();
    assert!(!others.contains(&first), "{others:?}");
    world
        .work
        .succeeded(&first, Vec::new(), world.registry.snapshot(), world.now);
    assert_eq!(next(&mut world), Some(first));
}

#[test]
fn a_count_that_changes_waits_while_routes_are_written_and_no_longer_than_it_may() {
    let mut world = settled();
    let (filing, other) = (world::filing(KEY), world::route("shop/other"));
    world.put(&ingress("shop/other", &["other.example.com"]));
    let begun: Vec<Subject> = std::iter::from_fn(|| next(&mut world)).collect();
    assert_eq!(begun, [world::policy("default"), other.clone()]);
    let due = world.now + COUNTED;
    assert_eq!(world.work.next_timer(), Some(due));
    world.now = due - seconds(1);
    world.put(&ingress("shop/third", &["third.example.com"]));
    assert_eq!(next(&mut world), Some(world::route("shop/third")));
    assert_eq!(next(&mut world), None);
    world.now = due;
    world.work.wake(world.now);
    assert!(
        world.work.next_timer().is_none_or(|at| at > due),
        "it is looked at once"
    );
    assert_eq!(next(&mut world), Some(filing));
}

#[test]
fn a_count_is_written_once_no_route_is_and_at_once_with_what_else_has_changed() {
    let mut world = settled();
    let (filing, other) = (world::filing(KEY), world::route("shop/other"));
    world.put(&ingress("shop/other", &["other.example.com"]));
    while next(&mut world).is_some() {}
    world
        .work
        .succeeded(&other, Vec::new(), world.registry.snapshot(), world.now);
    assert_eq!(next(&mut world), Some(filing.clone()));

    let mut world = settled();
    world.put(&ingress("shop/other", &["other.example.com"]));
    while next(&mut world).is_some() {}
    world.put(&cancelled());
    assert_eq!(next(&mut world), Some(filing));
}

#[test]
fn a_failed_write_waits_twice_as_long_each_time_until_it_succeeds() {
    let mut world = settled();
    world.put(&cancelled());
    let subject = next(&mut world).unwrap();
    for least in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        let wait = world.work.failed(&subject, world.now);
        assert!(
            (least..=2 * least).contains(&wait.as_secs()),
            "{wait:?} where {least} s or some more are due"
        );
    }
    world
        .work
        .succeeded(&subject, Vec::new(), world.registry.snapshot(), world.now);
    assert!(world.work.failed(&subject, world.now) <= Duration::from_secs(2));
}

#[test]
fn a_failed_write_is_tried_again_when_its_time_has_come_and_not_before() {
    let mut world = settled();
    world.put(&cancelled());
    let subject = next(&mut world).unwrap();
    while let Some(other) = next(&mut world) {
        world
            .work
            .succeeded(&other, Vec::new(), world.registry.snapshot(), world.now);
    }
    let wait = world.work.failed(&subject, world.now);
    let due = world.now.saturating_add(wait).unwrap();
    assert_eq!(world.work.next_timer(), Some(due));
    world.now = due - seconds(1);
    world.work.wake(world.now);
    assert_eq!(next(&mut world), None);
    world.now = due;
    world.work.wake(world.now);
    assert_eq!(next(&mut world), Some(subject));
}

#[test]
fn a_failed_write_that_is_no_longer_needed_is_forgotten() {
    let mut world = settled();
    world.put(&cancelled());
    let subject = next(&mut world).unwrap();
    world.work.failed(&subject, world.now);
    world.put(&filing(KEY, json!({})));
    world.edit(&subject, |document| document["status"]["observedGeneration"] = json!(3));
    world.settle();
    assert!(world.work.backoffs.is_empty());
}

#[test]
fn who_does_not_lead_writes_nothing_and_counts_all_the_same() {
    let mut world = settled();
    world.work.turn(false);
    world.put(&cancelled());
    assert_eq!(next(&mut world), None);
    assert_eq!(counts(&world, Outcome::Violating), 1);
    world.work.turn(true);
    assert_eq!(next(&mut world), Some(world::filing(KEY)));
}

#[test]
fn what_was_to_be_written_is_dropped_when_another_leads() {
    let mut world = settled();
    world.put(&cancelled());
    let under_way = next(&mut world).unwrap();
    world.work.turn(false);
    assert_eq!(next(&mut world), None);
    // A write that was under way ends when it ends.
    world.work.failed(&under_way, world.now);
    world.now = world.work.next_timer().unwrap();
    world.work.wake(world.now);
    assert_eq!(next(&mut world), None);
    world.work.turn(true);
    assert_eq!(next(&mut world), Some(under_way));
}

#[test]
fn a_status_or_an_annotation_that_others_write_is_mended() {
    let mut world = settled();
    world.edit(&world::filing(KEY), |document| {
        document["status"]["colour"] = json!("Red");
    });
    world.edit(&world::policy("default"), |document| {
        document["status"]["routes"]["violating"] = json!(9);
    });
    world.edit(&world::route("shop/web"), |document| {
        document["metadata"]["annotations"][keys::VERDICT] = json!("Exempt");
    });
    world.settle();
    insta::assert_snapshot!(world.told(), @r"
    Filing filing-system/example-com is Blue, Ready=True since 2026-11-23 10:00: Approved (it is approved, and nothing is wrong with it), Expiring=False since 2026-11-23 10:00: NothingExpires (nothing that it rests on ends within 90 days)
        routes 1; next self-check 2027-02-23 09:00
    FilingPolicy default governs 1 compliant; Ready=True: InForce (it is in force)
    Ingress shop/web is annotated
        number: 京ICP备2021012345号-1
        verdict: Compliant
    ");
}

#[test]
fn nothing_is_remembered_of_what_is_gone() {
    let mut world = settled();
    world.put(&server("beijing-slb", json!({"expiresAt": "2027-01-01"})));
    world.settle();
    world.put(&cancelled());
    let subject = next(&mut world).unwrap();
    world.remove(&world::route("shop/web"));
    world.remove(&world::filing(KEY));
    world.remove(&Subject::Server("beijing-slb".into()));
    world.remove(&world::policy("default"));
    world.work.failed(&subject, world.now);
    world.now += seconds(10);
    world.work.wake(world.now);
    world.settle();
    let Work {
        to_judge,
        to_write,
        writing,
        backoffs,
        known,
        routes,
        served,
        standing,
        ..
    } = &world.work;
    assert!(
        to_judge.is_empty() && to_write.is_empty() && writing.is_empty(),
        "{to_judge:?} {to_write:?} {writing:?}"
    );
    assert!(backoffs.is_empty() && known.is_empty());
    assert!(routes.is_empty() && served.is_empty(), "{routes:?} {served:?}");
    assert_eq!(*standing, Standing::default());
}

#[test]
fn a_route_that_is_gone_or_ungoverned_or_unreadable_no_longer_counts() {
    let gone = |world: &mut World| world.remove(&world::route("shop/web"));
    let ungoverned = |world: &mut World| {
        world.put(&policy("default", json!({"match": {"ingressClasses": ["public"]}})));
    };
    let unreadable = |world: &mut World| world.put(&crate::support::object("Ingress", "shop/web", json!({"rules": 1})));
    for end in [gone, ungoverned, unreadable] as [fn(&mut World); 3] {
        let mut world = settled();
        assert_eq!(counts(&world, Outcome::Compliant), 1);
        end(&mut world);
        world.settle();
        assert_eq!(counts(&world, Outcome::Compliant), 0);
        assert!(world.told().contains("routes 0"));
    }
}

#[test]
fn what_is_found_about_an_exempt_host_counts_as_exempt_alone() {
    let mut world = settled();
    world.put(&policy(
        "default",
        json!({"exemptions": [
        {"hosts": ["*.example.net"], "reason": "moves", "owner": "ops", "until": "2027-01-01"}]}),
    ));
    world.put(&ingress("shop/other", &["www.example.net"]));
    world.settle();
    assert_eq!(counts(&world, Outcome::Exempt), 1);
    assert!(world.work.standing().findings.is_empty());
}

#[test]
fn the_default_policy_is_kept_by_whoever_begins_to_lead_and_again_when_it_is_changed() {
    let mut work = Work::default();
    assert!(!work.must_keep_default_policy());
    work.turn(true);
    assert!(work.must_keep_default_policy());
    assert!(!work.must_keep_default_policy(), "it is under way");
    let changed = || Affected {
        policies: [Arc::from("default")].into(),
        ..Affected::default()
    };
    work.touch(changed());
    assert!(!work.must_keep_default_policy(), "it is still under way");
    work.default_policy_is(None);
    assert!(work.must_keep_default_policy(), "it was changed meanwhile");
    work.default_policy_is(None);
    assert!(!work.must_keep_default_policy());
    work.touch(changed());
    assert!(work.must_keep_default_policy());
}

#[test]
fn the_default_policy_is_tried_again_after_a_while_whatever_else_happens() {
    let mut world = settled();
    assert!(world.work.must_keep_default_policy());
    let mut last = Duration::ZERO;
    for _ in 0..4 {
        let wait = world.work.default_policy_failed(world.now);
        assert!(wait > last / 2, "{wait:?} after {last:?}");
        last = wait;
        let due = world.now.saturating_add(wait).unwrap();
        // That it is judged and its status written takes nothing away.
        world.put(&ingress("shop/other", &["other.example.net"]));
        world.remove(&world::route("shop/other"));
        world.settle();
        assert!(!world.work.must_keep_default_policy(), "it waits");
        assert_eq!(world.work.next_timer(), Some(due));
        world.now = due;
        world.work.wake(world.now);
        assert!(world.work.must_keep_default_policy());
    }
}

#[test]
fn that_others_own_the_default_policy_is_shown_on_it_until_they_do_not() {
    let mut world = settled();
    let conflict = "its spec is owned by others: conflict with \"kubectl\": .spec.admission";
    world.work.default_policy_is(Some(conflict.to_owned()));
    world.settle();
    insta::assert_snapshot!(world.told().trim(), @r#"FilingPolicy default governs 1 compliant; Ready=False: OwnedByOthers (its spec is owned by others: conflict with "kubectl": .spec.admission; theirs is in force, not the operator's own: leave that out, or have them give this one up)"#);
    world.work.default_policy_is(None);
    world.settle();
    insta::assert_snapshot!(world.told().trim(), @"FilingPolicy default governs 1 compliant; Ready=True: InForce (it is in force)");
}

#[test]
fn a_clock_that_is_set_back_while_it_runs_ends_what_was_said_too_early_and_repeats_nothing() {
    let mut world = World::new(at("2026-11-23T10:00:00+08:00"));
    let documents = [
        policy("default", json!({})),
        filing(KEY, json!({"expiresAt": "2027-02-20"})),
        ingress("shop/web", &["www.example.com"]),
    ];
    world.step("everything is set up", &documents);
    world.told();
    let look = |world: &mut World, now: &str| {
        world.now = at(now);
        world.work.wake(world.now);
        world.settle();
    };
    look(&mut world, "2027-03-01T10:00:00+08:00");
    assert_eq!(counts(&world, Outcome::Violating), 1);
    look(&mut world, "2026-11-23T10:01:00+08:00");
    assert_eq!(counts(&world, Outcome::Violating), 0);
    assert!(
        !world.told().contains("Days: "),
        "the reminder of 90 days has gone out, and no other was due"
    );
    let due = world.work.next_timer().unwrap();
    assert_eq!(
        due,
        at("2027-01-21T00:00:00+08:00"),
        "it waits for what lies ahead again"
    );
    look(&mut world, "2026-11-23T10:00:30+08:00");
    assert!(
        !world.work.has_more_to_judge() && world.told().is_empty(),
        "a clock that is kept right changes nothing"
    );
}

#[test]
fn filings_and_servers_are_counted_by_their_light_until_they_are_gone() {
    let mut world = settled();
    let lights = |world: &mut World| {
        world.work.judge(&world.registry, world.now);
        let standing = world.work.standing();
        (standing.filings.clone(), standing.servers.clone())
    };
    world.put(&server("slb", json!({"expiresAt": "2026-12-01"})));
    assert_eq!(
        lights(&mut world),
        ([(Colour::Blue, 1)].into(), [(Colour::Red, 1)].into())
    );
    world.put(&cancelled());
    assert_eq!(lights(&mut world).0, [(Colour::Red, 1)].into());
    world.remove(&world::filing(KEY));
    assert!(world.work.judge(&world.registry, world.now), "that is news");
    assert_eq!(lights(&mut world).0, [].into());
}

#[test]
fn violations_are_counted_by_namespace_and_rule() {
    let mut world = settled();
    world.put(&ingress("shop/other", &["a.example.net", "b.example.net"]));
    world.work.judge(&world.registry, world.now);
    let violations = world.work.standing().violations.clone();
    assert_eq!(*violations, [(("shop".into(), "NoFiling"), 2)].into());
}
