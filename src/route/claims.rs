//! What a route answers for, as it is gathered.

use std::collections::HashSet;

use super::{Claim, Claimed};
use crate::domain::FieldPath;

/// Claims in the order of the object, each once.
#[derive(Default)]
pub(super) struct Claims {
    in_order: Vec<Claim>,
    seen: HashSet<Claimed>,
}

impl Claims {
    pub(super) fn add(&mut self, to: Claimed, path: impl FnOnce() -> FieldPath) {
        if self.seen.insert(to.clone()) {
            self.in_order.push(Claim { to, path: path() });
        }
    }

    pub(super) fn has(&self, claimed: &Claimed) -> bool {
        self.seen.contains(claimed)
    }

    /// They are kept, for every route of the cluster.
    pub(super) fn into_vec(mut self) -> Vec<Claim> {
        self.in_order.shrink_to_fit();
        self.in_order
    }
}
