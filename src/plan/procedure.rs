//! A first filing that is not approved yet, and a change (变更) of one that is: the papers, the stages ahead, and the likely
//! approval.

use super::facts::{self, Duration, duration};
use super::{Object, Planner, Task, When};
use crate::api::{Change, ContentType, Filing, Stage};
use crate::domain::Day;

/// How far it is, and since when.
struct Progress {
    /// The day from which the stages ahead are reckoned, at the earliest.
    earliest: Day,
    /// And at the latest.
    latest: Day,
    ahead: Vec<&'static Duration>,
    is_handed_in: bool,
}

impl Progress {
    fn of(stage: Stage, submitted: Option<Day>, is_domain_verified: bool, today: Day) -> Self {
        let review = ["provider-review", "sms-check"].map(duration);
        let bureau = duration("bureau-review");
        let is_handed_in = !matches!(stage, Stage::Draft | Stage::Rejected);
        let since = submitted.filter(|_| is_handed_in).unwrap_or(today);
        let mut progress = Self {
            earliest: since,
            latest: since,
            ahead: Vec::new(),
            is_handed_in,
        };
        match stage {
            Stage::Draft | Stage::Rejected => {
                progress
                    .ahead
                    .extend((!is_domain_verified).then(|| duration("domain-data")));
                progress.ahead.extend(review);
            }
            Stage::SecondReview | Stage::Publicity if submitted.is_some() => {
                // When it came to the bureau is not declared: as soon, or as late, as the first stages let it.
                for passed in review {
                    progress.pass(passed);
                }
            }
            Stage::SecondReview | Stage::Publicity => {}
            _ => progress.ahead.extend(review),
        }
        progress.ahead.push(bureau);
        progress
    }

    /// A stage passes: over which days, and through which years that are not announced.
    fn pass(&mut self, stage: &Duration) -> When {
        let begin = self.earliest;
        let least = stage.after(self.earliest, stage.min);
        let most = stage.after(self.latest, stage.max);
        (self.earliest, self.latest) = (least.day, most.day);
        When::between(begin, most.day).through(most.unknown_years)
    }
}

impl Planner<'_> {
    /// A first filing.
    pub(super) fn first_filing(&mut self, object: &Object, filing: &Filing) {
        let spec = &filing.spec;
        let today = self.horizon.today;
        let is_verified = spec
            .registration
            .as_ref()
            .and_then(|registration| registration.verified)
            == Some(true);
        let progress = Progress::of(spec.stage, spec.submitted_at, is_verified, today);
        let mut contents = spec
            .service
            .as_ref()
            .map_or_else(Vec::new, |service| service.content_types.clone());
        if spec.service.as_ref().is_some_and(|service| service.paid) {
            contents.push(ContentType::CommercialIcp);
        }
        let task = Task::Papers {
            papers: facts::papers(spec.subject.nature, &contents),
            is_handed_in: progress.is_handed_in,
        };
        self.add(object, When::on(today), task);
        self.procedure(object, progress, spec.stage, false);
    }

    /// A change that is under way.
    pub(super) fn change(&mut self, object: &Object, filing: &Filing) {
        let Some(Change { stage, submitted_at }) = filing.spec.change else {
            return;
        };
        if !matches!(stage, Stage::Approved | Stage::Cancelled) {
            let progress = Progress::of(stage, submitted_at, true, self.horizon.today);
            self.procedure(object, progress, stage, true);
        }
    }

    fn procedure(&mut self, object: &Object, mut progress: Progress, stage: Stage, is_change: bool) {
        let mut years = Vec::new();
        if !progress.is_handed_in {
            let is_again = stage == Stage::Rejected;
            // The data of the domain have to be there before.
            let (before, rest): (Vec<_>, Vec<_>) =
                progress.ahead.iter().partition(|stage| stage.stage == "domain-data");
            for stage in before {
                let when = progress.pass(stage);
                years.extend(&when.unknown_years);
                self.add(object, when, Task::Stage { stage, is_change });
            }
            progress.ahead = rest;
            let when = When::on(progress.earliest).through(years.clone());
            self.add(object, when, Task::HandIn { is_change, is_again });
        }
        for stage in std::mem::take(&mut progress.ahead) {
            let when = progress.pass(stage);
            years.extend(&when.unknown_years);
            self.add(object, when, Task::Stage { stage, is_change });
        }
        // What is likely is never in the past; what should have come is overdue.
        let earliest = progress.earliest.max(self.horizon.today.min(progress.latest));
        let when = When::between(earliest, progress.latest).through(years);
        self.add(object, when, Task::Approval { is_change });
    }
}
