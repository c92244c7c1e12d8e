//! Filings that claim what is another's: one site number, or one domain under two numbers.
//!
//! Of such filings the older is let be, so that nobody can spoil what stands by declaring something new. Only filings
//! count that the default policy trusts, under which every filing is judged.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::filing::{Filing, FilingKey};
use super::snapshot::Snapshot;
use crate::api::{ServiceKind, Stage};
use crate::domain::{Domain, Number};

/// What filings can have in common that belongs to one of them.
#[derive(Clone, Copy)]
enum Common<'a> {
    /// A site number.
    Number(&'a str),
    /// A domain of a website. Apps and mini-programs share those of the services that they use.
    Domain(&'a Domain),
}

/// What tells those apart that have something in common: with the same label they are no rivals.
#[derive(Clone, Copy, PartialEq)]
enum Label<'a> {
    Key(&'a FilingKey),
    Number(&'a str),
}

impl Filing {
    /// The number under which it claims what it names; what was refused or given up claims nothing.
    fn claimed_number(&self) -> Option<&Number> {
        self.site_number()
            .filter(|_| !matches!(self.stage, Stage::Rejected | Stage::Cancelled))
    }

    /// The number that it claims to be its own alone. A main number is that of all services of its subject.
    pub(super) fn own_number(&self) -> Option<&str> {
        let number = self.claimed_number().filter(|number| number.service.is_some());
        number.map(Number::text)
    }

    fn website_number(&self) -> Option<&str> {
        let number = self.claimed_number().filter(|number| number.serves_websites());
        number.filter(|_| self.kind == ServiceKind::Website).map(Number::text)
    }

    /// The order of age. In a manifest nothing has an age yet, and what a cluster has is older.
    fn age(&self) -> (bool, Option<Timestamp>) {
        (self.created.is_none(), self.created)
    }

    /// The order in which filings of one age are told, too.
    fn rank(&self, other: &Self) -> Ordering {
        self.age().cmp(&other.age()).then_with(|| self.key.cmp(&other.key))
    }
}

impl Common<'_> {
    fn label(self, filing: &Filing) -> Option<Label<'_>> {
        match self {
            Self::Number(_) => Some(Label::Key(&filing.key)),
            Self::Domain(_) => filing.website_number().map(Label::Number),
        }
    }
}

fn all_in_common(filing: &Filing) -> impl Iterator<Item = Common<'_>> {
    let domains = filing.covering_domains().map(Common::Domain);
    filing.own_number().map(Common::Number).into_iter().chain(domains)
}

impl Snapshot {
    /// The oldest other filing with the site number of this one, unless it is the younger. Of filings whose age is one,
    /// or is not known, each is the other's elder.
    pub fn elder_with_number<'a>(&'a self, filing: &'a Filing) -> Option<&'a Arc<Filing>> {
        self.elder(filing, Common::Number(filing.own_number()?))
    }

    /// The same of filings of websites that name a domain under another number.
    pub fn elder_with_domain<'a>(&'a self, filing: &'a Filing, domain: &'a Domain) -> Option<&'a Arc<Filing>> {
        self.elder(filing, Common::Domain(domain))
    }

    fn elder<'a>(&'a self, filing: &'a Filing, common: Common<'a>) -> Option<&'a Arc<Filing>> {
        let label = common.label(filing)?;
        self.rivals(filing, label, common)
            .filter(|other| other.age() <= filing.age())
            .min_by(|one, other| one.rank(other))
            .filter(|_| self.counts(filing))
    }

    /// The filings whose elder a filing may be: what is found of them hangs on it.
    pub(super) fn juniors(&self, filing: &Filing) -> Vec<Arc<Filing>> {
        all_in_common(filing)
            .filter_map(|common| self.juniors_by(filing, common))
            .flatten()
            .collect()
    }

    /// Where two rivals are older than it, it is nobody's elder; where all that are older have one label, only theirs.
    /// So one more of many costs no more than a look at each.
    fn juniors_by(&self, filing: &Filing, common: Common<'_>) -> Option<Vec<Arc<Filing>>> {
        let label = common.label(filing)?;
        self.rivals(filing, label, common).next()?;
        if !self.counts(filing) {
            return None;
        }
        let mut of_older: Option<Label<'_>> = None;
        for older in self.holders(common).filter(|other| other.rank(filing).is_lt()) {
            let label = common.label(older);
            if of_older.is_some() && of_older != label {
                return None;
            }
            of_older = label;
        }
        let juniors = self
            .rivals(filing, label, common)
            .filter(|other| other.age() >= filing.age() && (of_older.is_none() || of_older == common.label(other)));
        Some(juniors.cloned().collect())
    }

    fn rivals<'a>(
        &'a self,
        filing: &'a Filing,
        label: Label<'a>,
        common: Common<'a>,
    ) -> impl Iterator<Item = &'a Arc<Filing>> {
        self.holders(common)
            .filter(move |other| other.key != filing.key && common.label(other) != Some(label))
    }

    /// The filings that claim something and count.
    fn holders<'a>(&'a self, common: Common<'a>) -> impl Iterator<Item = &'a Arc<Filing>> {
        let (numbered, named) = match common {
            Common::Number(number) => (Some(self.filings.with_number(number)), None),
            Common::Domain(domain) => (None, Some(self.filings.with_domain(domain))),
        };
        let all = numbered.into_iter().flatten().chain(named.into_iter().flatten());
        all.filter(move |filing| common.label(filing).is_some() && self.counts(filing))
    }

    fn counts(&self, filing: &Filing) -> bool {
        self.trusts(self.default_policy(), &filing.key.namespace)
    }
}
