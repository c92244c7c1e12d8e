//! What a policy enforces: whether it denies what is new, and what `running: Block` makes of a route: whether it is to be in
//! quarantine, and whether it can be.

use crate::api::{Admission, Running, keys};
use crate::domain::{Place, controller};
use crate::judge::{Outcome, Verdict};
use crate::registry::{Policy, Snapshot};
use crate::route::Route;

/// What is enforced on a running route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Enforcement {
    /// Nothing.
    Nothing,
    /// It is in quarantine, and stays there.
    Blocked,
    /// It is to be put into quarantine.
    Due,
    /// It was in quarantine, someone else took it out, and it is to be put there again.
    PutBack,
    /// It is in quarantine, or has been put back but for the last step, and is to be let go.
    LettingGo,
    /// It violates, or is in quarantine for nothing, and is left as it is.
    Hindered(Hindrance),
}

/// Why a route is not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hindrance {
    /// The quarantine class is missing, or another controller serves it.
    NoQuarantine,
    /// The policy's `blockExcept` names the controller of its class.
    Excepted,
    /// What its record says of its class can't be read.
    NoRecord,
    /// Its namespace has the break-glass label.
    BreakGlass,
}

/// Whether a policy's word about what is new is final. Where no Filing is trusted at all, nothing is set up yet, and it only
/// warns.
pub fn denies(policy: &Policy, facts: &Snapshot) -> bool {
    policy.admission == Admission::Deny && facts.has_trusted_filing(policy)
}

/// What is to be enforced on a route under its verdict; without one no policy governs it.
pub fn enforcement(route: &Route, verdict: Option<&Verdict>, facts: &Snapshot) -> Enforcement {
    let class = &route.class;
    let blocking = verdict.filter(|verdict| {
        verdict.outcome == Outcome::Violating && verdict.policy.running == Running::Block && !verdict.policy.is_released
    });
    let is_lifted = facts.breaks_glass(&route.key.namespace);
    let kept = blocking.filter(|_| !is_lifted);
    if class.is_quarantined() {
        return match (class.record(), &class.recorded, kept) {
            // Whoever made a route in that class without a record wants it to be unserved.
            (_, None, _) => Enforcement::Nothing,
            // No class is guessed.
            (None, Some(_), _) => Enforcement::Hindered(Hindrance::NoRecord),
            (Some(_), _, Some(_)) => Enforcement::Blocked,
            (Some(_), _, None) => Enforcement::LettingGo,
        };
    }
    // Of a record that does not belong there, or of the way back, the last step is left to do.
    if kept.is_none() && class.recorded.is_some() {
        return Enforcement::LettingGo;
    }
    let Some(verdict) = blocking else {
        return Enforcement::Nothing;
    };
    // That it is lifted is told and counted, and not taken for nothing to do.
    if is_lifted {
        return Enforcement::Hindered(Hindrance::BreakGlass);
    }
    match hindrance(route, verdict, facts) {
        Some(hindrance) => Enforcement::Hindered(hindrance),
        // A record alone may have come with a manifest; the operator's word beside it says that the route was there.
        None if class.record().is_some() && route.marks.get(keys::ENFORCEMENT).is_some() => Enforcement::PutBack,
        None => Enforcement::Due,
    }
}

fn hindrance(route: &Route, verdict: &Verdict, facts: &Snapshot) -> Option<Hindrance> {
    let quarantine = facts.class(keys::QUARANTINE_CLASS);
    if quarantine.and_then(|class| class.controller.as_deref()) != Some(keys::QUARANTINE_CONTROLLER) {
        return Some(Hindrance::NoQuarantine);
    }
    is_excepted(route, verdict, facts).then_some(Hindrance::Excepted)
}

/// Whether the policy excepts the controller that serves the route. Where no IngressClass object says which that is, the
/// controllers do that are known to serve a class of that name, or, at the site's provider, what names none.
fn is_excepted(route: &Route, verdict: &Verdict, facts: &Snapshot) -> bool {
    let policy = &verdict.policy;
    let excepts = |controller: &str| policy.block_except.iter().any(|excepted| excepted == controller);
    match route.class.name().or_else(|| facts.default_class()) {
        Some(name) => match facts.class(name) {
            Some(class) => class.controller.as_deref().is_some_and(excepts),
            None => controller::of_legacy_class(name).any(|known| excepts(known.controller)),
        },
        None => policy
            .block_except
            .iter()
            .filter_map(|name| controller::find(name))
            .any(|known| {
                let is_here = |place: &Place| *place.provider == *known.provider;
                known.serves_classless && verdict.site.iter().any(is_here)
            }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::judge::judge;
    use crate::support::{ingress, merge, namespace, now, object, policy, registry, routes};

    const INSIDE: &str = keys::QUARANTINE_CLASS;

    /// What is enforced on a route that violates, made and governed as is said, among these classes.
    fn enforced(route: &Value, governed: &Value, classes: &[(&str, &str)]) -> Enforcement {
        enforced_in(&json!({}), route, governed, classes)
    }

    /// The same in a namespace with labels.
    fn enforced_in(labels: &Value, route: &Value, governed: &Value, classes: &[(&str, &str)]) -> Enforcement {
        let mut web = ingress("shop/web", &["www.example.net"]);
        merge(&mut web, route);
        let mut spec = json!({"running": "Block"});
        merge(&mut spec, governed);
        let mut documents = vec![namespace("shop", labels.clone()), policy("default", spec), web];
        let class = |(name, controller): &(&str, &str)| object("IngressClass", name, json!({"controller": controller}));
        documents.extend(classes.iter().map(class));
        let registry = registry(&documents);
        let route = &routes(&registry)[0];
        let verdict = judge(route, registry.snapshot(), now());
        enforcement(route, verdict.as_ref(), registry.snapshot())
    }

    const OURS: (&str, &str) = (INSIDE, keys::QUARANTINE_CONTROLLER);

    fn in_class(name: &str) -> Value {
        json!({"spec": {"ingressClassName": name}})
    }

    fn inside(record: Option<&str>) -> Value {
        json!({"metadata": {"annotations": {keys::QUARANTINED_CLASS: record}}, "spec": {"ingressClassName": INSIDE}})
    }

    fn outside(record: &str) -> Value {
        json!({"metadata": {"annotations": {keys::QUARANTINED_CLASS: record}}, "spec": {"ingressClassName": "nginx"}})
    }

    fn taken_out() -> Value {
        let mut route = outside(FILED);
        route["metadata"]["annotations"][keys::ENFORCEMENT] = json!("Blocked");
        route
    }

    const FILED: &str = "{\"field\":\"nginx\"}";

    #[rstest]
    #[case::it_runs(in_class("nginx"), Enforcement::Due)]
    #[case::it_is_in_quarantine(inside(Some(FILED)), Enforcement::Blocked)]
    #[case::it_was_taken_out(taken_out(), Enforcement::PutBack)]
    #[case::it_came_with_a_record(outside(FILED), Enforcement::Due)]
    #[case::it_was_made_in_quarantine(inside(None), Enforcement::Nothing)]
    #[case::its_record_cant_be_read(inside(Some("nginx")), Enforcement::Hindered(Hindrance::NoRecord))]
    #[case::outside_it_does_not_matter(outside("nginx"), Enforcement::Due)]
    fn a_route_that_violates_is_to_be_blocked(#[case] route: Value, #[case] expected: Enforcement) {
        assert_eq!(enforced(&route, &json!({}), &[OURS]), expected);
    }

    #[rstest]
    #[case::it_runs(in_class("nginx"), Enforcement::Nothing)]
    #[case::it_is_in_quarantine(inside(Some(FILED)), Enforcement::LettingGo)]
    #[case::it_is_back_but_for_the_last_step(outside(FILED), Enforcement::LettingGo)]
    #[case::it_was_made_in_quarantine(inside(None), Enforcement::Nothing)]
    #[case::its_record_cant_be_read(inside(Some("nginx")), Enforcement::Hindered(Hindrance::NoRecord))]
    #[case::that_of_one_outside_is_taken_away(outside("nginx"), Enforcement::LettingGo)]
    fn a_route_that_is_not_to_be_blocked_is_let_go(
        #[case] route: Value,
        #[case] expected: Enforcement,
        #[values(
            json!({"running": "Annotate"}),
            json!({"running": "Disabled"}),
            json!({"match": {"ingressClasses": ["other"]}}),
            json!({"exemptions": [
                {"hosts": ["*.example.net"], "reason": "moves", "owner": "ops", "until": "2026-12-31"}]})
        )]
        governed: Value,
    ) {
        assert_eq!(enforced(&route, &governed, &[OURS]), expected);
    }

    #[rstest]
    #[case::it_runs(in_class("nginx"), Enforcement::Hindered(Hindrance::BreakGlass))]
    #[case::it_is_in_quarantine(inside(Some(FILED)), Enforcement::LettingGo)]
    #[case::it_is_back_but_for_the_last_step(outside(FILED), Enforcement::LettingGo)]
    #[case::it_was_taken_out(taken_out(), Enforcement::LettingGo)]
    #[case::it_was_made_in_quarantine(inside(None), Enforcement::Nothing)]
    #[case::its_record_cant_be_read(inside(Some("nginx")), Enforcement::Hindered(Hindrance::NoRecord))]
    fn a_route_that_violates_runs_where_the_glass_is_broken(#[case] route: Value, #[case] expected: Enforcement) {
        let broken = json!({keys::BREAK_GLASS: "true"});
        assert_eq!(enforced_in(&broken, &route, &json!({}), &[OURS]), expected);
        // Without a class to put it into, too: what is lifted waits for nothing.
        assert_eq!(enforced_in(&broken, &route, &json!({}), &[]), expected);
    }

    #[rstest]
    fn another_value_of_the_label_breaks_no_glass(#[values("", "false", "True", "1", "true ")] value: &str) {
        let labels = json!({keys::BREAK_GLASS: value});
        let enforced = enforced_in(&labels, &inside(Some(FILED)), &json!({}), &[OURS]);
        assert_eq!(enforced, Enforcement::Blocked);
    }

    #[rstest]
    #[case::there_is_none(&[])]
    #[case::another_controller_serves_it(&[(INSIDE, "k8s.io/ingress-nginx")])]
    fn without_the_quarantine_class_nothing_is_moved_there(#[case] classes: &[(&str, &str)]) {
        let hindered = Enforcement::Hindered(Hindrance::NoQuarantine);
        assert_eq!(enforced(&in_class("nginx"), &json!({}), classes), hindered);
        assert_eq!(enforced(&outside(FILED), &json!({}), classes), hindered);
        assert_eq!(
            enforced(&inside(Some(FILED)), &json!({}), classes),
            Enforcement::Blocked
        );
    }

    #[rstest]
    #[case::by_its_class(in_class("public"), "ingress.k8s.alibabacloud/alb", "alicloud", true)]
    #[case::another_of_that_provider(in_class("public"), "mse.alibabacloud.com/ingress", "alicloud", false)]
    #[case::by_a_class_without_an_object(in_class("qcloud"), "cloud.tencent.com/qcloud", "tencentcloud", true)]
    #[case::a_class_with_an_object_is_that_one(in_class("alb"), "ingress.k8s.aws/alb", "aws", false)]
    #[case::by_naming_none(json!({}), "cloud.tencent.com/qcloud", "tencentcloud", true)]
    #[case::by_naming_none_elsewhere(json!({}), "cloud.tencent.com/qcloud", "alicloud", false)]
    #[case::by_naming_none_where_that_is_not_served(json!({}), "ingress.k8s.aws/alb", "aws", false)]
    fn a_route_is_left_in_its_class_where_the_policy_excepts_the_controller(
        #[case] route: Value,
        #[case] excepted: &str,
        #[case] provider: &str,
        #[case] is_excepted: bool,
    ) {
        let governed = json!({"blockExcept": [excepted], "site": {"provider": provider, "region": null}});
        let classes = [
            OURS,
            ("public", "ingress.k8s.alibabacloud/alb"),
            ("alb", "ingress.k8s.alibabacloud/alb"),
        ];
        let expected = if is_excepted {
            Enforcement::Hindered(Hindrance::Excepted)
        } else {
            Enforcement::Due
        };
        assert_eq!(enforced(&route, &governed, &classes), expected);
    }
}
