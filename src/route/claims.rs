//! What a route answers for, as it is gathered.

use std::collections::HashSet;

use super::{Claim, Claimed};
use crate::domain::FieldPath;

/// How many claims are looked through one by one.
const FEW: usize = 16;

/// Claims in the order of the object, each once.
#[derive(Default)]
pub(super) struct Claims {
    in_order: Vec<Claim>,
    /// All of them, where they are more than a few.
    seen: HashSet<Claimed>,
}

impl Claims {
    pub(super) fn add(&mut self, to: Claimed, path: impl FnOnce() -> FieldPath) {
        if self.has(&to) {
            return;
        }
        self.in_order.push(Claim { to, path: path() });
        if self.in_order.len() > FEW {
            let unseen = self.in_order.iter().skip(self.seen.len());
            self.seen.extend(unseen.map(|claim| claim.to.clone()));
        }
    }

    pub(super) fn has(&self, claimed: &Claimed) -> bool {
        if self.in_order.len() > FEW {
            self.seen.contains(claimed)
        } else {
            self.in_order.iter().any(|claim| claim.to == *claimed)
        }
    }

    /// They are kept, for every route of the cluster.
    pub(super) fn into_vec(mut self) -> Vec<Claim> {
        self.in_order.shrink_to_fit();
        self.in_order
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_many_there_are_each_is_there_once_where_it_came_first(hosts in prop::collection::vec(0..40_u8, 0..80)) {
            let mut claims = Claims::default();
            let mut expected: Vec<u8> = Vec::new();
            for host in hosts {
                let claimed = Claimed::by_field(Some(&format!("host-{host}.cn")));
                prop_assert_eq!(claims.has(&claimed), expected.contains(&host));
                claims.add(claimed, || FieldPath::from(host.to_string()));
                if !expected.contains(&host) {
                    expected.push(host);
                }
            }
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            let found: Vec<String> = claims.into_vec().iter().map(|claim| claim.path.to_string()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
