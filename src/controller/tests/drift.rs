//! What holds at any moment of any year: who takes over writes nothing, and an operator that was never there before says
//! the same.

use jiff::ToSpan as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{self, World};
use crate::api::keys::{self, conditions};
use crate::registry::Subject;
use crate::support::{at, filing, ingress, merge, namespace, object, policy, server};

/// What is said of an object, but for what is said of the past: see [`nothing_drifts`].
fn saying(document: &Value, is_contended: bool) -> Value {
    let (mut status, mut annotations) = (document["status"].clone(), document["metadata"]["annotations"].clone());
    if let Some(fields) = status.as_object_mut() {
        fields.retain(|field, _| {
            !["respondBy", "reminders", "changes", "observed", "approved"].contains(&field.as_str())
        });
    }
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        let fields = condition.as_object_mut().unwrap();
        fields.remove("lastTransitionTime");
        if fields["type"] == conditions::BRAKE_HELD {
            fields.remove("message");
        }
        if fields["type"] == conditions::ENFORCED && is_contended {
            fields.clear();
        }
    }
    if annotations[keys::ENFORCEMENT] == "PutBack" {
        annotations[keys::ENFORCEMENT] = json!("Blocked");
    }
    json!({"status": status, "annotations": annotations, "class": document["spec"]["ingressClassName"]})
}

/// Whether a policy says that someone takes routes out of quarantine.
fn is_contended(document: &Value) -> bool {
    let conditions = document["status"]["conditions"].as_array();
    let mut all = conditions.into_iter().flatten();
    all.any(|condition| {
        condition["message"]
            .as_str()
            .unwrap()
            .contains("someone else takes these")
    })
}

/// Whoever takes over writes nothing: an operator that starts anew, and one that stood by.
#[track_caller]
pub(super) fn taking_over_writes_nothing(world: &mut World) {
    let said = world.told();
    let writes = world.writes();
    world.restart("the operator restarts");
    pass(world, 5);
    for who in ["another", "the first"] {
        world.change_leader(&format!("{who} leads"));
        pass(world, 5);
    }
    let then = world.told();
    assert_eq!(world.writes(), writes, "who takes over writes:\n{said}\n{then}");
    world.tell(&said);
}

/// Whoever takes over writes nothing, and an operator that was never here comes to say the same of every object, but for
/// what is of the past alone:
/// - `lastTransitionTime` and `respondBy`, which tell when something was first seen;
/// - the `reminders` that were sent, the `changes` that were seen, and the stages against which they are told (`observed`);
/// - the brake's message, whose digest stands for the time since when it is held;
/// - that someone else took a route out of quarantine before: its enforcement, and the condition that tells of it.
///
/// While the clock is set back over a self-check that has been asked for, `nextSelfCheck` is of the past as well.
#[track_caller]
pub(super) fn nothing_drifts(world: &mut World) {
    taking_over_writes_nothing(world);
    let mut fresh = world.fresh();
    pass(&mut fresh, 5);
    let said = world.told();
    for (subject, old) in world.objects() {
        let new = fresh.stored(subject);
        let is_contended = is_contended(old);
        assert_eq!(
            saying(new, is_contended),
            saying(old, is_contended),
            "a fresh operator says another thing of {subject:?}:\n{said}"
        );
    }
    world.tell(&said);
}

/// Time passes.
pub(super) fn pass(world: &mut World, seconds: i64) {
    let until = world.now + seconds.seconds();
    world.wait_until(until);
}

/// Something that happens; the numbers say to which object, and how.
#[derive(Clone, Copy, Debug)]
enum Step {
    Filing(usize, usize),
    Server(usize),
    Default(usize),
    Blog(usize),
    Route(usize, usize),
    Delete(usize),
    PutBack(usize, bool),
    ReleaseBrake,
    Pass(i64),
    Restart,
    ChangeLeader,
    SetBack(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = prop::sample::select(vec![1, 3, 30, 700, 86_400, 1_500_000]);
    prop_oneof![
        4 => (0_usize..2, 0_usize..7).prop_map(|(which, how)| Step::Filing(which, how)),
        1 => (0_usize..4).prop_map(Step::Server),
        3 => (0_usize..7).prop_map(Step::Default),
        1 => (0_usize..2).prop_map(Step::Blog),
        4 => (0_usize..5, 0_usize..6).prop_map(|(which, how)| Step::Route(which, how)),
        2 => (0_usize..10).prop_map(Step::Delete),
        3 => (0_usize..5, any::<bool>()).prop_map(|(which, all)| Step::PutBack(which, all)),
        1 => Just(Step::ReleaseBrake),
        5 => seconds.prop_map(Step::Pass),
        1 => Just(Step::Restart),
        1 => Just(Step::ChangeLeader),
        1 => prop::sample::select(vec![3600, 86_400]).prop_map(Step::SetBack),
    ]
}

const FILINGS: [(&str, &str); 2] = [
    ("filing-system/example-com", "example.com"),
    ("filing-system/example-net", "example.net"),
];
const ROUTES: [&str; 5] = ["shop/a", "shop/b", "shop/c", "blog/a", "blog/b"];

fn a_filing(which: usize, how: usize) -> Value {
    let (key, domain) = FILINGS[which];
    let on_server = json!([{"provider": "alicloud", "servers": ["beijing-slb"], "stage": "Approved"}]);
    let over = match how {
        0 => json!({}),
        1 => json!({"stage": "Cancelled"}),
        2 => json!({"stage": "Submitted", "number": null}),
        3 => json!({"registration": {"expiresAt": "2026-12-20"}}),
        4 => json!({"service": {"kind": "App"}}),
        5 => json!({"access": on_server, "expiresAt": "2027-01-20"}),
        _ => json!({"stage": "no stage at all"}),
    };
    let mut document = filing(key, over);
    document["spec"]["domains"] = json!([domain]);
    document
}

fn a_server(how: usize) -> Value {
    let over = match how {
        0 => json!({"expiresAt": "2027-12-31"}),
        1 => json!({"expiresAt": "2026-12-05"}),
        2 => json!({"blocklisted": {"since": "2026-12-01"}}),
        _ => json!({"state": "Suspended"}),
    };
    server("beijing-slb", over)
}

fn a_default(how: usize) -> Value {
    let mut spec = json!({"running": "Block", "brake": {"routes": 100, "percent": 100, "minutes": 10}});
    let over = match how {
        0 => json!({"running": "Annotate"}),
        1 => json!({"brake": {"routes": 1}}),
        2 => json!({"brake": {"routes": 2, "percent": 50}}),
        3 => json!({"running": "Disabled"}),
        4 => json!({"exemptions": [
            {"hosts": ["www.example.net"], "reason": "moves", "owner": "ops", "until": "2026-12-10"}]}),
        5 => json!({"site": {"provider": "tencentcloud", "region": "ap-beijing"}, "brake": {"routes": 1}}),
        _ => json!({}),
    };
    merge(&mut spec, &over);
    policy("default", spec)
}

fn a_policy_of_the_blog(how: usize) -> Value {
    let running = if how == 0 { "Annotate" } else { "Block" };
    let selector = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "blog"}}});
    policy(
        "blog",
        json!({"precedence": 10, "running": running, "match": selector, "brake": {"routes": 1}}),
    )
}

fn a_route(which: usize, how: usize) -> Value {
    let hosts: [&[&str]; 6] = [
        &["www.example.com"],
        &["www.example.net"],
        &["www.example.com", "www.example.net"],
        &["*.example.com"],
        &["www.example.org"],
        &[],
    ];
    let mut route = ingress(ROUTES[which], hosts[how]);
    route["spec"]["ingressClassName"] = json!("nginx");
    route
}

fn happen(world: &mut World, step: Step) {
    let what = format!("{step:?}");
    match step {
        Step::Filing(which, how) => world.step(&what, &[a_filing(which, how)]),
        Step::Server(how) => world.step(&what, &[a_server(how)]),
        Step::Default(how) => world.step(&what, &[a_default(how)]),
        Step::Blog(how) => world.step(&what, &[a_policy_of_the_blog(how)]),
        Step::Route(which, how) => world.step(&what, &[a_route(which, how)]),
        Step::Delete(which) => {
            let subject = match which {
                0..5 => world::route(ROUTES[which]),
                5 | 6 => world::filing(FILINGS[which - 5].0),
                7 => Subject::Server("beijing-slb".into()),
                8 => world::policy("blog"),
                _ => world::policy("default"),
            };
            world.delete(&what, &subject);
        }
        Step::PutBack(which, all) => {
            let subject = world::route(ROUTES[which]);
            if world.objects().contains_key(&subject) {
                world.change(&what, &subject, |route| {
                    route["spec"]["ingressClassName"] = json!("nginx");
                    if all {
                        route["metadata"].as_object_mut().unwrap().remove("annotations");
                    }
                });
            }
        }
        Step::ReleaseBrake => {
            for name in ["default", "blog"] {
                let subject = world::policy(name);
                if let Some(digest) = world.asked(name).map(str::to_owned)
                    && world.objects().contains_key(&subject)
                {
                    world.change(&what, &subject, |policy| {
                        policy["metadata"]["annotations"] = json!({ (keys::RELEASE_BRAKE): digest });
                    });
                }
            }
        }
        Step::Pass(seconds) => pass(world, seconds),
        Step::Restart => world.restart(&what),
        Step::ChangeLeader => world.change_leader(&what),
        Step::SetBack(seconds) => {
            let then = world.now - seconds.seconds();
            world.set_clock(&what, then);
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_is_settled_and_the_same_for_whoever_comes_after(
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let mut world = World::new(at("2026-12-01T10:00:00+08:00"));
        let quarantine = json!({"controller": keys::QUARANTINE_CONTROLLER});
        let mut documents = vec![
            object("IngressClass", keys::QUARANTINE_CLASS, quarantine),
            object("IngressClass", "nginx", json!({"controller": "k8s.io/ingress-nginx"})),
            namespace("shop", json!({})),
            namespace("blog", json!({})),
            a_default(6),
            a_filing(0, 0),
        ];
        documents.extend((0..5).map(|which| a_route(which, which % 2)));
        world.step("everything is set up", &documents);
        for step in steps {
            happen(&mut world, step);
        }
        // All that was put off has been done, and the clock has caught up.
        pass(&mut world, 7 * 86_400);
        nothing_drifts(&mut world);
    }
}
