//! By what a finding is known again tomorrow: by the rule and what it was found on, wherever that has moved to.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::Told;
use crate::route::Claimed;

/// Tells alike findings apart by their order.
#[derive(Default)]
pub(super) struct Fingerprints {
    seen: HashMap<String, usize>,
}

impl Fingerprints {
    /// The fingerprint of the next finding.
    pub(super) fn next(&mut self, told: &Told<'_>) -> String {
        let identity = identity(told);
        let before = self.seen.entry(identity.clone()).or_default();
        let ordinal = *before;
        *before = before.saturating_add(1);
        if ordinal == 0 {
            return identity;
        }
        format!("{identity}:{ordinal}")
    }
}

fn identity(told: &Told<'_>) -> String {
    // Of a name that is yet to be generated, what follows `*` counts the documents before it.
    let name = told.object.name.split('*').next().unwrap_or_default();
    // Which of its hosts it is, whatever stands before it; of an object itself, its field.
    let subject = match told.host {
        Some(Claimed::Host(host)) => host.as_ascii(),
        Some(host) => host.to_string(),
        None => told.finding.path.as_str().to_owned(),
    };
    let mut digest = Sha256::new();
    for part in [
        told.finding.rule.id,
        told.object.kind,
        told.object.namespace.unwrap_or_default(),
        name,
        &subject,
    ] {
        // With its length, so that no part can end in the next.
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    format!("{:x}", digest.finalize()).chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::super::model::Report;
    use super::super::super::tests as fixture;
    use super::*;

    fn all(report: &Report) -> Vec<String> {
        let mut fingerprints = Fingerprints::default();
        report.told().map(|told| fingerprints.next(&told)).collect()
    }

    #[test]
    fn no_two_findings_have_the_same() {
        let mut report = fixture::mixed();
        report.routes.extend(report.routes.clone());
        let all = all(&report);
        let different: HashSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn lines_and_files_may_change() {
        let mut moved = fixture::mixed();
        for judged in &mut moved.routes {
            judged.places.fields.clear();
            let object = judged.places.object.as_mut().unwrap();
            (object.line, object.file) = (Some(300), "elsewhere.yaml".into());
        }
        assert_eq!(all(&moved), all(&fixture::mixed()));
    }
}
