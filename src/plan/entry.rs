//! One thing that is due.

use std::fmt::Write as _;

use kube::ResourceExt as _;
use sha2::{Digest as _, Sha256};

use super::facts::{Duration, Paper, RenewalStep};
use crate::api::{AccessServer, Filing};
use crate::domain::Day;
use crate::effects::End;
use crate::registry::SubjectKind;
use crate::rules::Basis;

/// From how many days on something is not urgent yet: as for the Red light.
const SOON: i64 = 30;

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A filing.
    Filing,
    /// A server.
    AccessServer,
    /// A policy.
    FilingPolicy,
}

impl ObjectKind {
    /// As it is written in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filing => "Filing",
            Self::AccessServer => "AccessServer",
            Self::FilingPolicy => "FilingPolicy",
        }
    }
}

/// What it is due for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace; empty for what has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Object {
    pub(super) fn filing(filing: &Filing) -> Self {
        Self {
            kind: ObjectKind::Filing,
            namespace: filing.namespace().unwrap_or_default(),
            name: filing.name_any(),
        }
    }

    pub(super) fn server(server: &AccessServer) -> Self {
        Self {
            kind: ObjectKind::AccessServer,
            namespace: String::new(),
            name: server.name_any(),
        }
    }

    pub(super) fn of(kind: SubjectKind, namespace: &str, name: &str) -> Self {
        Self {
            kind: match kind {
                SubjectKind::Server => ObjectKind::AccessServer,
                SubjectKind::Policy => ObjectKind::FilingPolicy,
                _ => ObjectKind::Filing,
            },
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Its name, with its namespace where it has one.
    pub fn path(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }
}

/// How urgent something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Its last day is over.
    Overdue,
    /// Its last day is within 30 days.
    Soon,
    /// Its last day is later.
    Later,
}

impl Urgency {
    pub(super) fn of(days: i64) -> Self {
        match days {
            ..0 => Self::Overdue,
            0..=SOON => Self::Soon,
            _ => Self::Later,
        }
    }

    /// As it is written in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overdue => "Overdue",
            Self::Soon => "Soon",
            Self::Later => "Later",
        }
    }
}

/// What is to be done, or happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// A step of a renewal.
    Renewal {
        /// What ends.
        end: End,
        /// Its last day.
        last: Day,
        /// The step.
        step: &'static RenewalStep,
    },
    /// The last day of something, or the day of a review.
    Ends {
        /// What ends.
        end: End,
    },
    /// The operator reminds of an end.
    Reminder {
        /// What ends.
        end: End,
        /// Its last day.
        last: Day,
        /// How many days before.
        threshold: u32,
    },
    /// The lease of a server renews itself.
    RenewsItself,
    /// The new access of a migration is to be filed.
    FileAccess {
        /// The new provider.
        provider: String,
        /// The old provider.
        from: String,
        /// The day of the move.
        moves: Day,
    },
    /// A new access is decided on.
    AccessDecision {
        /// The new provider.
        provider: String,
        /// The day of the move, where it is still ahead.
        moves: Option<Day>,
    },
    /// The site moves.
    Move {
        /// The new provider.
        provider: String,
        /// The old provider.
        from: String,
    },
    /// The old access of a migration is to be cancelled.
    CancelAccess {
        /// The old provider.
        from: String,
        /// The new provider.
        provider: String,
        /// The last working day on which to hand it in.
        hand_in: Day,
        /// How many days after the move it may stay.
        grace: u32,
    },
    /// The papers of a filing.
    Papers {
        /// What is needed.
        papers: Vec<&'static Paper>,
        /// Whether it was handed in already.
        is_handed_in: bool,
    },
    /// A filing or a change is to be handed in.
    HandIn {
        /// Whether it is a change of one that is approved.
        is_change: bool,
        /// Whether it was sent back before.
        is_again: bool,
    },
    /// A stage of a filing or a change.
    Stage {
        /// The stage.
        stage: &'static Duration,
        /// Whether it is of a change.
        is_change: bool,
    },
    /// The likely approval of a filing or a change.
    Approval {
        /// Whether it is of a change.
        is_change: bool,
    },
    /// The filing with public security.
    FilePublicSecurity {
        /// The day of the launch.
        launched: Day,
        /// The term.
        term: &'static Duration,
    },
    /// The annual report of a licence.
    ReportLicence {
        /// In which year.
        year: i16,
    },
}

impl Task {
    /// What kind of task it is, for programs.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Renewal { step, .. } => step.step,
            Self::Ends { end } if end.is_loss() => "Ends",
            Self::Ends { .. } => "Review",
            Self::Reminder { .. } => "Reminder",
            Self::RenewsItself => "RenewsItself",
            Self::FileAccess { .. } => "FileAccess",
            Self::AccessDecision { .. } => "AccessDecision",
            Self::Move { .. } => "Move",
            Self::CancelAccess { .. } => "CancelAccess",
            Self::Papers { .. } => "Papers",
            Self::HandIn { .. } => "HandIn",
            Self::Stage { .. } => "Stage",
            Self::Approval { .. } => "Approval",
            Self::FilePublicSecurity { .. } => "FilePublicSecurity",
            Self::ReportLicence { .. } => "ReportLicence",
        }
    }

    /// What tells it from others of its kind for one object. No date is part of it, so that a date that moves moves the entry.
    fn particulars(&self) -> String {
        let of = |end: &End| format!("{} {}", end.rule(), end.path().unwrap_or_default());
        match self {
            Self::Renewal { end, .. } | Self::Ends { end } => of(end),
            Self::Reminder { end, threshold, .. } => format!("{} {threshold}", of(end)),
            Self::FileAccess { provider, .. } | Self::AccessDecision { provider, .. } | Self::Move { provider, .. } => {
                provider.clone()
            }
            Self::CancelAccess { from, provider, .. } => format!("{from} {provider}"),
            Self::HandIn { is_change, .. } | Self::Approval { is_change } => is_change.to_string(),
            Self::Stage { stage, is_change } => format!("{} {is_change}", stage.stage),
            Self::ReportLicence { year } => year.to_string(),
            Self::RenewsItself | Self::Papers { .. } | Self::FilePublicSecurity { .. } => String::new(),
        }
    }

    /// Where it stands among others of the same day: what is done before what it is done for.
    fn place(&self) -> u8 {
        match self {
            Self::Papers { .. } => 0,
            Self::HandIn { .. } | Self::FileAccess { .. } => 1,
            Self::Stage { .. } => 2,
            Self::AccessDecision { .. } | Self::Approval { .. } => 3,
            Self::Move { .. } => 4,
            Self::Renewal { .. } => 5,
            Self::FilePublicSecurity { .. } | Self::ReportLicence { .. } | Self::CancelAccess { .. } => 6,
            Self::Ends { .. } | Self::RenewsItself => 7,
            Self::Reminder { .. } => 8,
        }
    }
}

/// Something that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The day, or the first one.
    pub date: Day,
    /// The last day, where there are several.
    pub until: Option<Day>,
    /// In how many days the last of them is; below none, it is over.
    pub days: i64,
    /// How urgent it is.
    pub urgency: Urgency,
    /// What is to be done.
    pub task: Task,
    /// What for.
    pub object: Object,
    /// The domains that rest on it, in Unicode.
    pub domains: Vec<String>,
    /// The years of those that working days were counted through and whose holidays are not announced.
    pub unknown_years: Vec<i16>,
}

impl Entry {
    /// What tells it from every other, also in a later plan of the same objects: a digest of the object and the task.
    pub fn id(&self) -> String {
        let Object { kind, namespace, name } = &self.object;
        let parts = [kind.as_str(), namespace, name, self.task.id(), &self.task.particulars()];
        let digest = Sha256::digest(parts.join("\0").as_bytes());
        let bytes = digest.iter().take(16);
        bytes.fold(String::with_capacity(32), |mut id, byte| {
            // Writing into a String cannot fail.
            let _ = write!(id, "{byte:02x}");
            id
        })
    }

    /// What it rests on.
    pub fn basis(&self) -> Basis {
        self.task.basis()
    }

    pub(super) fn rank(&self) -> impl Ord + use<> {
        (
            self.urgency != Urgency::Overdue,
            self.date,
            self.task.place(),
            self.object.clone(),
            self.until,
            self.task.particulars(),
        )
    }
}
