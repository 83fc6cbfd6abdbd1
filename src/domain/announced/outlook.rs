//! What is still to come of a study, from all that was announced of it and what is here. A list counts once its step is
//! final; what an archive says cannot be had is not waited for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Announcement, Availability, Listed, Said, StepState};
use crate::ids::Uid;

/// Whose list was fulfilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListedBy {
    /// The modality's, and it has made no more.
    CompletedStep,
    /// The modality's, which gave up before the end.
    DiscontinuedStep,
    /// An archive's; the modality may still make more.
    Notice,
}

/// What announcements say of a series or a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    Nothing,
    /// A modality is still at work on the study.
    Working,
    /// So many listed images are not here.
    Missing(u32),
    /// All that was listed is here.
    AllHere(ListedBy),
}

/// How much was announced of a study.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that can come.
    pub listed: u32,
    pub missing: u32,
    /// Kept elsewhere so that they come only by a person's hand, or lost.
    pub out_of_reach: u32,
}

/// What is here: the instances of each series.
pub type Here = BTreeMap<Uid, BTreeSet<Uid>>;

/// All announcements of one study, joined.
#[derive(Clone, Debug, Default)]
pub struct Outlook {
    working: bool,
    completed: bool,
    discontinued: bool,
    series: BTreeMap<Uid, SeriesOutlook>,
}

#[derive(Clone, Debug, Default)]
struct SeriesOutlook {
    by: Option<ListedBy>,
    instances: BTreeMap<Uid, Standing>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    availability: Availability,
    here: bool,
}

impl Outlook {
    /// `announcements` in the order in which they were heard: the latest word on an instance counts.
    pub fn of(study: &Uid, announcements: &[Announcement], here: &Here) -> Self {
        let mut outlook = Self::default();
        for one in announcements {
            match one.said {
                Said::Step(StepState::InProgress) => outlook.working = true,
                Said::Step(StepState::Completed) => {
                    outlook.completed = true;
                    outlook.take(study, one, ListedBy::CompletedStep, here);
                }
                Said::Step(StepState::Discontinued) => {
                    outlook.discontinued = true;
                    outlook.take(study, one, ListedBy::DiscontinuedStep, here);
                }
                Said::Availability => outlook.take(study, one, ListedBy::Notice, here),
            }
        }
        outlook
    }

    fn take(&mut self, study: &Uid, one: &Announcement, by: ListedBy, here: &Here) {
        // Unscheduled work may name another study than its images: then it was found by its series, and is of this one.
        let misnamed = !one.studies.contains(study);
        for listed in &one.series {
            let own = here.get(&listed.series_uid);
            if own.is_none() && !misnamed && listed.study_uid.as_ref() != Some(study) {
                continue;
            }
            let series = self.series.entry(listed.series_uid.clone()).or_default();
            series.add(&listed.instances, by, own);
        }
    }

    /// What the modalities say of their work, as facts have it; empty where none says anything.
    pub fn acquisition(&self) -> &'static str {
        if self.working {
            "in_progress"
        } else if self.discontinued {
            "discontinued"
        } else if self.completed {
            "completed"
        } else {
            ""
        }
    }

    pub fn of_series(&self, uid: &Uid) -> Announced {
        match self.series.get(uid).and_then(SeriesOutlook::answer) {
            Some(answer) => answer,
            None if self.working => Announced::Working,
            None => Announced::Nothing,
        }
    }

    pub fn of_study(&self) -> Announced {
        if self.working {
            return Announced::Working;
        }
        let missing = self.counts().missing;
        if missing > 0 {
            return Announced::Missing(missing);
        }
        let lists = self.series.values().filter_map(|series| series.by);
        lists
            .reduce(weaker)
            .map_or(Announced::Nothing, Announced::AllHere)
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for one in self.series.values().flat_map(|series| series.instances.values()) {
            if !one.here && !one.availability.may_come() {
                counts.out_of_reach += 1;
                continue;
            }
            counts.listed += 1;
            counts.missing += u32::from(!one.here);
        }
        counts
    }
}

impl SeriesOutlook {
    fn add(&mut self, listed: &[Listed], by: ListedBy, here: Option<&BTreeSet<Uid>>) {
        if listed.is_empty() {
            return;
        }
        self.by = Some(self.by.map_or(by, |known| stronger(known, by)));
        for one in listed {
            let here = here.is_some_and(|here| here.contains(&one.sop_uid));
            let new = Standing {
                availability: one.availability,
                here,
            };
            let known = self.instances.entry(one.sop_uid.clone()).or_insert(new);
            // A modality's list says that an image was made, not that it can still be had.
            if by == ListedBy::Notice {
                *known = new;
            }
        }
    }

    fn answer(&self) -> Option<Announced> {
        let by = self.by?;
        let missing = self
            .instances
            .values()
            .filter(|one| !one.here && one.availability.may_come());
        let missing = u32::try_from(missing.count()).unwrap_or(u32::MAX);
        Some(match missing {
            0 => Announced::AllHere(by),
            _ => Announced::Missing(missing),
        })
    }
}

/// A modality knows better than an archive what there is of a series.
fn stronger(a: ListedBy, b: ListedBy) -> ListedBy {
    match (a, b) {
        (ListedBy::DiscontinuedStep, _) | (_, ListedBy::DiscontinuedStep) => ListedBy::DiscontinuedStep,
        (ListedBy::CompletedStep, _) | (_, ListedBy::CompletedStep) => ListedBy::CompletedStep,
        (ListedBy::Notice, ListedBy::Notice) => ListedBy::Notice,
    }
}

/// Of several series the least certain list speaks for the study.
fn weaker(a: ListedBy, b: ListedBy) -> ListedBy {
    match (a, b) {
        (ListedBy::Notice, _) | (_, ListedBy::Notice) => ListedBy::Notice,
        (ListedBy::DiscontinuedStep, _) | (_, ListedBy::DiscontinuedStep) => ListedBy::DiscontinuedStep,
        (ListedBy::CompletedStep, ListedBy::CompletedStep) => ListedBy::CompletedStep,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ListedSeries;
    use super::*;
    use crate::clock::from_micros;
    use crate::ids::AnnouncementId;

    fn uid(text: &str) -> Uid {
        Uid::parse(text).unwrap()
    }

    fn announcement(said: Said, study: &str, series: &[(&str, &[&str], Availability)]) -> Announcement {
        let listed = |sop: &&str, availability| Listed {
            sop_uid: uid(sop),
            availability,
            retrieve_ae: String::new(),
        };
        let series = series.iter().map(|(series, sops, availability)| ListedSeries {
            study_uid: Some(uid(study)),
            series_uid: uid(series),
            instances: sops.iter().map(|sop| listed(sop, *availability)).collect(),
        });
        Announcement {
            id: AnnouncementId(uuid::Uuid::nil()),
            said,
            from: "CT1".into(),
            at: from_micros(0),
            studies: vec![uid(study)],
            series: series.collect(),
        }
    }

    fn here(series: &[(&str, &[&str])]) -> Here {
        series
            .iter()
            .map(|(series, sops)| (uid(series), sops.iter().map(|sop| uid(sop)).collect()))
            .collect()
    }

    const COMPLETED: Said = Said::Step(StepState::Completed);
    const WORKING: Said = Said::Step(StepState::InProgress);
    use Availability::{Offline, Online};

    #[test]
    fn a_list_is_fulfilled_when_each_of_its_images_is_here() {
        let step = [announcement(COMPLETED, "1", &[("1.1", &["5", "6"], Online)])];
        let of = |present: &[&str]| {
            let outlook = Outlook::of(&uid("1"), &step, &here(&[("1.1", present)]));
            (outlook.of_series(&uid("1.1")), outlook.counts().missing)
        };
        assert_eq!(of(&["5"]), (Announced::Missing(1), 1));
        assert_eq!(
            of(&["5", "7"]),
            (Announced::Missing(1), 1),
            "another one is not it"
        );
        let all = Announced::AllHere(ListedBy::CompletedStep);
        assert_eq!(of(&["5", "6", "7"]), (all, 0));
    }

    #[test]
    fn one_step_at_work_keeps_the_study_open_and_not_the_series_of_another() {
        let steps = [
            announcement(COMPLETED, "1", &[("1.1", &["5"], Online)]),
            announcement(WORKING, "1", &[]),
        ];
        let outlook = Outlook::of(&uid("1"), &steps, &here(&[("1.1", &["5"]), ("1.2", &["9"])]));
        assert_eq!(
            outlook.of_series(&uid("1.1")),
            Announced::AllHere(ListedBy::CompletedStep)
        );
        assert_eq!(outlook.of_series(&uid("1.2")), Announced::Working);
        assert_eq!(outlook.of_study(), Announced::Working);
    }

    #[test]
    fn a_step_that_names_another_study_counts_for_the_one_that_has_its_images() {
        let step = [announcement(
            COMPLETED,
            "8",
            &[("1.1", &["5"], Online), ("1.2", &["6"], Online)],
        )];
        let outlook = Outlook::of(&uid("1"), &step, &here(&[("1.1", &["5"])]));
        assert_eq!(outlook.of_study(), Announced::Missing(1));
    }

    #[test]
    fn what_an_archive_cannot_give_is_not_waited_for() {
        let said = [
            announcement(COMPLETED, "1", &[("1.1", &["5", "6"], Online)]),
            announcement(Said::Availability, "1", &[("1.1", &["6"], Offline)]),
        ];
        let outlook = Outlook::of(&uid("1"), &said, &here(&[("1.1", &["5"])]));
        assert_eq!(outlook.of_study(), Announced::AllHere(ListedBy::CompletedStep));
        let counts = outlook.counts();
        assert_eq!((counts.listed, counts.missing, counts.out_of_reach), (1, 0, 1));
    }

    #[test]
    fn a_step_without_images_says_nothing_of_them() {
        let steps = [announcement(COMPLETED, "1", &[("1.9", &[], Online)])];
        let outlook = Outlook::of(&uid("1"), &steps, &here(&[("1.1", &["5"])]));
        assert_eq!(outlook.of_series(&uid("1.1")), Announced::Nothing);
        assert_eq!(outlook.of_study(), Announced::Nothing);
        let given_up = [announcement(Said::Step(StepState::Discontinued), "1", &[])];
        let outlook = Outlook::of(&uid("1"), &given_up, &Here::new());
        assert_eq!(outlook.acquisition(), "discontinued");
    }
}
