//! Which order a study belongs to: by Study Instance UID, else by site and accession number, and only when both name the
//! same patient after merges. A disagreement is an answer of its own, never a guess; details name no patient.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{OrderId, SiteId, Uid};
use crate::order::OrderState;
use crate::phi::PatientIdentifier;

/// What the images say of whom and what they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyIdentity {
    pub study_uid: Uid,
    pub site: SiteId,
    pub accession: Option<String>,
    pub patient: Option<PatientIdentifier>,
}

/// One order that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderIdentity {
    pub id: OrderId,
    pub site: SiteId,
    pub study_uid: Option<Uid>,
    pub accession: Option<String>,
    pub patient: Option<PatientIdentifier>,
    pub state: OrderState,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkedBy {
    StudyUid,
    Accession,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnmatchedReason {
    /// The images name no accession number, and no order names their study.
    NothingToMatch,
    NoOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    PatientsDiffer,
    StudyNamesNoPatient,
    OrderNamesNoPatient,
    /// The orders that match belong to different patients.
    OrdersDisagree,
    MergeCycle,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Link {
    Linked {
        order: OrderId,
        by: LinkedBy,
    },
    Unmatched {
        reason: UnmatchedReason,
    },
    /// For a person to resolve; until then nothing leaves that names a patient.
    Conflict {
        kind: ConflictKind,
        order: OrderId,
        detail: String,
    },
}

impl Link {
    /// As `study.link` shows it to rules.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linked { .. } => "linked",
            Self::Unmatched { .. } => "unmatched",
            Self::Conflict { .. } => "conflict",
        }
    }
}

/// Patient merges (ADT^A40): who was retired in favour of whom.
#[derive(Clone, Debug, Default)]
pub struct Merges {
    survivors: HashMap<PatientIdentifier, PatientIdentifier>,
    /// Assigning authority of an identifier that names none.
    default_authority: String,
}

/// A chain of merges that leads back to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("patient merges form a circle")]
pub struct Cycle;

impl Merges {
    pub fn new(
        default_authority: &str,
        merges: impl IntoIterator<Item = (PatientIdentifier, PatientIdentifier)>,
    ) -> Self {
        let blank = Self {
            survivors: HashMap::new(),
            default_authority: default_authority.trim().to_owned(),
        };
        let survivors = merges
            .into_iter()
            .map(|(from, to)| (blank.whole(&from), blank.whole(&to)))
            .collect();
        Self { survivors, ..blank }
    }

    /// The identifier that stands for this patient now.
    pub fn survivor(&self, id: &PatientIdentifier) -> Result<PatientIdentifier, Cycle> {
        resolve(self.whole(id), &self.survivors)
    }

    fn whole(&self, id: &PatientIdentifier) -> PatientIdentifier {
        let authority = id.authority.trim();
        let authority = if authority.is_empty() {
            self.default_authority.as_str()
        } else {
            authority
        };
        PatientIdentifier {
            value: id.value.trim().to_owned(),
            authority: authority.to_owned(),
        }
    }
}

/// Follows a chain of merges to its end.
pub fn resolve<T: Clone + Eq + Hash>(id: T, links: &HashMap<T, T>) -> Result<T, Cycle> {
    let mut seen = HashSet::new();
    let mut current = id;
    while let Some(next) = links.get(&current) {
        if !seen.insert(current) {
            return Err(Cycle);
        }
        current = next.clone();
    }
    Ok(current)
}

/// Which of `orders` the study belongs to.
pub fn link(study: &StudyIdentity, orders: &[OrderIdentity], merges: &Merges) -> Link {
    let accession = said(&study.accession);
    let by_uid = |o: &&OrderIdentity| o.site == study.site && o.study_uid.as_ref() == Some(&study.study_uid);
    let by_accession =
        |o: &&OrderIdentity| o.site == study.site && accession.is_some() && said(&o.accession) == accession;
    let (matches, by): (Vec<&OrderIdentity>, LinkedBy) =
        match orders.iter().filter(by_uid).collect::<Vec<_>>() {
            named if named.is_empty() => (orders.iter().filter(by_accession).collect(), LinkedBy::Accession),
            named => (named, LinkedBy::StudyUid),
        };
    let Some(best) = matches.iter().copied().min_by_key(|o| preference(o)) else {
        let reason = if accession.is_none() {
            UnmatchedReason::NothingToMatch
        } else {
            UnmatchedReason::NoOrder
        };
        return Link::Unmatched { reason };
    };
    match disagreement(study, &matches, merges) {
        None => Link::Linked { order: best.id, by },
        Some((kind, detail)) => Link::Conflict {
            kind,
            order: best.id,
            detail,
        },
    }
}

/// Standing orders first, then the newest, then the id, so that the answer does not depend on the order of rows.
fn preference(order: &OrderIdentity) -> (u8, std::cmp::Reverse<Timestamp>, OrderId) {
    let state = match order.state {
        OrderState::Placed => 0,
        OrderState::Completed => 1,
        OrderState::Cancelled => 2,
    };
    (state, std::cmp::Reverse(order.at), order.id)
}

fn said(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|t| !t.is_empty())
}

fn disagreement(
    study: &StudyIdentity,
    matches: &[&OrderIdentity],
    merges: &Merges,
) -> Option<(ConflictKind, String)> {
    let whom = |id: &Option<PatientIdentifier>| {
        id.as_ref()
            .filter(|p| !p.value.trim().is_empty())
            .map(|p| merges.survivor(p))
            .transpose()
    };
    let Ok(of_study) = whom(&study.patient) else {
        return Some((ConflictKind::MergeCycle, Cycle.to_string()));
    };
    let Some(of_study) = of_study else {
        return Some((
            ConflictKind::StudyNamesNoPatient,
            "the images carry no patient identifier".into(),
        ));
    };
    let mut of_orders = Vec::new();
    for order in matches {
        match whom(&order.patient) {
            Err(cycle) => return Some((ConflictKind::MergeCycle, cycle.to_string())),
            Ok(None) => {
                return Some((
                    ConflictKind::OrderNamesNoPatient,
                    "the order carries no patient identifier".into(),
                ));
            }
            Ok(Some(patient)) => of_orders.push(patient),
        }
    }
    if of_orders.windows(2).any(|pair| pair[0] != pair[1]) {
        let detail = format!("{} orders match and name different patients", matches.len());
        return Some((ConflictKind::OrdersDisagree, detail));
    }
    let first = of_orders.first()?;
    if *first == of_study {
        return None;
    }
    let detail = if first.value == of_study.value {
        "images and order name the same number of different assigning authorities"
    } else {
        "images and order name different patients"
    };
    Some((ConflictKind::PatientsDiffer, detail.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn patient(value: &str) -> Option<PatientIdentifier> {
        Some(PatientIdentifier {
            value: value.into(),
            authority: String::new(),
        })
    }

    fn order(n: u128, uid: Option<&str>, accession: Option<&str>, mrn: &str) -> OrderIdentity {
        OrderIdentity {
            id: OrderId(Uuid::from_u128(n)),
            site: SiteId("main".into()),
            study_uid: uid.map(|u| Uid::parse(u).unwrap()),
            accession: accession.map(str::to_owned),
            patient: patient(mrn),
            state: OrderState::Placed,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn study() -> StudyIdentity {
        StudyIdentity {
            study_uid: Uid::parse("1.2.3").unwrap(),
            site: SiteId("main".into()),
            accession: Some("A1 ".into()),
            patient: patient("MRN1"),
        }
    }

    fn merges(pairs: &[(&str, &str)]) -> Merges {
        Merges::new(
            "EGH",
            pairs
                .iter()
                .map(|(a, b)| (patient(a).unwrap(), patient(b).unwrap())),
        )
    }

    fn check(orders: &[OrderIdentity], merged: &[(&str, &str)]) -> Link {
        link(&study(), orders, &merges(merged))
    }

    fn linked(n: u128, by: LinkedBy) -> Link {
        Link::Linked {
            order: OrderId(Uuid::from_u128(n)),
            by,
        }
    }

    fn kind(link: Link) -> Option<ConflictKind> {
        match link {
            Link::Conflict { kind, detail, .. } => {
                assert!(!detail.contains("MRN"), "{detail}");
                Some(kind)
            }
            Link::Linked { .. } | Link::Unmatched { .. } => None,
        }
    }

    #[test]
    fn the_study_uid_wins_over_the_accession_number() {
        let orders = [
            order(1, None, Some("A1"), "MRN1"),
            order(2, Some("1.2.3"), Some("B7"), "MRN1"),
        ];
        assert_eq!(check(&orders, &[]), linked(2, LinkedBy::StudyUid));
        assert_eq!(check(&orders[..1], &[]), linked(1, LinkedBy::Accession));
    }

    #[test]
    fn another_site_with_the_same_accession_number_is_another_order() {
        let mut elsewhere = order(1, None, Some("A1"), "MRN1");
        elsewhere.site = SiteId("other".into());
        assert_eq!(
            check(&[elsewhere], &[]),
            Link::Unmatched {
                reason: UnmatchedReason::NoOrder
            }
        );
    }

    #[test]
    fn patients_agree_after_merges_only() {
        let orders = [order(1, None, Some("A1"), "OLD")];
        assert_eq!(kind(check(&orders, &[])), Some(ConflictKind::PatientsDiffer));
        assert_eq!(
            check(&orders, &[("OLD", "MID"), ("MID", "MRN1")]),
            linked(1, LinkedBy::Accession)
        );
        assert_eq!(
            kind(check(&orders, &[("OLD", "X"), ("X", "OLD")])),
            Some(ConflictKind::MergeCycle)
        );
    }

    #[test]
    fn an_authority_that_is_named_differs_from_another() {
        let mut orders = [order(1, None, Some("A1"), "MRN1")];
        orders[0].patient.as_mut().unwrap().authority = "EGH".into();
        assert_eq!(check(&orders, &[]), linked(1, LinkedBy::Accession));
        orders[0].patient.as_mut().unwrap().authority = "ELSEWHERE".into();
        assert_eq!(kind(check(&orders, &[])), Some(ConflictKind::PatientsDiffer));
    }

    #[test]
    fn a_missing_patient_is_a_conflict_and_not_a_match() {
        let mut nameless = order(1, None, Some("A1"), "MRN1");
        nameless.patient = None;
        assert_eq!(
            kind(check(&[nameless], &[])),
            Some(ConflictKind::OrderNamesNoPatient)
        );
        let anonymous = StudyIdentity {
            patient: patient(" "),
            ..study()
        };
        let found = link(&anonymous, &[order(1, None, Some("A1"), "MRN1")], &merges(&[]));
        assert_eq!(kind(found), Some(ConflictKind::StudyNamesNoPatient));
    }

    #[test]
    fn several_orders_of_one_patient_give_the_standing_newest_one() {
        let mut cancelled = order(1, None, Some("A1"), "MRN1");
        cancelled.state = OrderState::Cancelled;
        let orders = [
            cancelled,
            order(3, None, Some("A1"), "MRN1"),
            order(2, None, Some("A1"), "MRN1"),
        ];
        assert_eq!(check(&orders, &[]), linked(2, LinkedBy::Accession));
        let strangers = [
            order(1, None, Some("A1"), "MRN1"),
            order(2, None, Some("A1"), "MRN2"),
        ];
        assert_eq!(kind(check(&strangers, &[])), Some(ConflictKind::OrdersDisagree));
    }
}
