//! A server whose account is in another name than the subject's.

use super::case::FilingCase;
use super::finding::Draft;
use super::holder_mismatch::is_same_name;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Words};
use crate::domain::FieldPath;
use crate::registry::Kept;

pub(super) static ACCOUNT_MISMATCH: Rule = Rule {
    id: "AccountMismatch",
    pages: documented!("AccountMismatch"),
    severity: None,
    basis: Basis::Advice,
    message: Words {
        en: "the account of {server} is held by {holder}, and {subject} files",
        zh: "{server} 的账号主体为 {holder}，备案主体为 {subject}",
    },
    remedy: Words {
        en: "if the provider minds, move the server to an account of the subject",
        zh: "若接入商要求一致，请将服务器转入备案主体的账号",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let (facts, filing) = (case.context.facts, case.filing);
    let entries = filing.access.iter().enumerate();
    let named =
        entries.flat_map(|(at, entry)| entry.servers.iter().enumerate().map(move |(nth, name)| (at, nth, name)));
    named
        .filter_map(|(at, nth, name)| {
            let Kept::Read(server) = facts.server(name)? else {
                return None;
            };
            let holder = server.account_holder.as_ref()?;
            let draft = || {
                Draft::new()
                    .with("server", name)
                    .with("holder", holder)
                    .with("subject", &filing.subject.name)
                    .at(FieldPath::from(format!("spec.access[{at}].servers[{nth}]")))
            };
            (!is_same_name(holder, &filing.subject.name)).then(draft)
        })
        .collect()
}
