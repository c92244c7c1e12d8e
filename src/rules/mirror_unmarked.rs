//! A mirror that does not say so.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;

pub(super) static MIRROR_UNMARKED: Rule = Rule {
    id: "MirrorUnmarked",
    pages: documented!("MirrorUnmarked"),
    severity: Some(Severity::Warning),
    basis: Basis::Advice,
    message: Words {
        en: "it mirrors {other}, and its remark does not say so",
        zh: "它是 {other} 的镜像站点，但备注未说明",
    },
    remedy: Words {
        en: "write 镜像站点 into the remark of the record, and into service.remark",
        zh: "请在备案备注和 service.remark 中写明“镜像站点”",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let particulars = case.filing.particulars();
    let mirrored = particulars.mirror_of.as_ref();
    let unmarked = mirrored.filter(|_| !particulars.is_marked_as_mirror);
    unmarked
        .map(|other| {
            Draft::new()
                .with("other", other)
                .at(FieldPath::fixed("spec.service.remark"))
        })
        .into_iter()
        .collect()
}
