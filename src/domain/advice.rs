//! What somebody who is about to order an examination should know of the examinations that are there already. Reads the words
//! of recommendations and of draft orders; where they do not plainly meet, it says nothing.

use crate::clock::Timestamp;
use chrono::TimeDelta;

/// A kind of imaging, as far as words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imaging {
    Ct,
    Mr,
    Ultrasound,
    Radiograph,
    Nuclear,
}

/// A part of the body, as far as words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    Head,
    Neck,
    Chest,
    Abdomen,
    Pelvis,
    Spine,
    Heart,
}

const IMAGINGS: [(&str, Imaging); 21] = [
    ("ct", Imaging::Ct),
    ("cta", Imaging::Ct),
    ("ctpa", Imaging::Ct),
    ("tomography", Imaging::Ct),
    ("mr", Imaging::Mr),
    ("mri", Imaging::Mr),
    ("mra", Imaging::Mr),
    ("magnetic", Imaging::Mr),
    ("ultrasound", Imaging::Ultrasound),
    ("sonography", Imaging::Ultrasound),
    ("us", Imaging::Ultrasound),
    ("echocardiography", Imaging::Ultrasound),
    ("radiograph", Imaging::Radiograph),
    ("radiography", Imaging::Radiograph),
    ("xr", Imaging::Radiograph),
    ("cr", Imaging::Radiograph),
    ("dx", Imaging::Radiograph),
    ("xray", Imaging::Radiograph),
    ("pet", Imaging::Nuclear),
    ("scintigraphy", Imaging::Nuclear),
    ("nm", Imaging::Nuclear),
];

const REGIONS: [(&str, Region); 20] = [
    ("head", Region::Head),
    ("brain", Region::Head),
    ("skull", Region::Head),
    ("cranial", Region::Head),
    ("cerebral", Region::Head),
    ("neck", Region::Neck),
    ("carotid", Region::Neck),
    ("chest", Region::Chest),
    ("thorax", Region::Chest),
    ("lung", Region::Chest),
    ("pulmonary", Region::Chest),
    ("abdomen", Region::Abdomen),
    ("liver", Region::Abdomen),
    ("kidney", Region::Abdomen),
    ("pelvis", Region::Pelvis),
    ("hip", Region::Pelvis),
    ("spine", Region::Spine),
    ("heart", Region::Heart),
    ("cardiac", Region::Heart),
    ("echocardiography", Region::Heart),
];

/// What a text speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    pub imagings: Vec<Imaging>,
    pub regions: Vec<Region>,
}

impl Spoken {
    pub fn of(text: &str) -> Self {
        let text = text.to_lowercase().replace("x-ray", "xray");
        let mut spoken = Self::default();
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            let imaging = IMAGINGS.iter().find(|(known, _)| *known == word);
            spoken.imagings.extend(imaging.map(|(_, imaging)| *imaging));
            let region = REGIONS.iter().find(|(known, _)| *known == word);
            spoken.regions.extend(region.map(|(_, region)| *region));
        }
        spoken
    }

    /// It names an examination: with what, and of which part.
    pub fn names_examination(&self) -> bool {
        !self.imagings.is_empty() && !self.regions.is_empty()
    }

    /// Both plainly speak of one kind of examination.
    pub fn meets(&self, other: &Self) -> bool {
        self.imagings.iter().any(|one| other.imagings.contains(one))
            && self.regions.iter().any(|one| other.regions.contains(one))
    }
}

/// Something that the rules recommended for a study of the patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommended {
    pub text: String,
    pub at: Timestamp,
}

/// An examination of the patient that is there already, or ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Code of the procedure and placer's number of its order; empty where unknown.
    pub code: String,
    pub placer: String,
    /// Its words.
    pub text: String,
    pub at: Timestamp,
    pub state: KnownState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownState {
    /// Ordered, and no image has come.
    Ordered,
    /// Images are here, and nobody has read them.
    Waits,
    Read,
}

/// An order that is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub codes: Vec<String>,
    /// Numbers that it has already.
    pub numbers: Vec<String>,
    pub text: String,
}

/// What is said of a recommendation; by its place in what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// A draft asks for what was recommended.
    Answered { recommended: usize },
    /// It was recommended, not done since, and whoever orders imaging does not order it.
    Open { recommended: usize },
    /// A draft asks for what waits, or was done lately.
    Repeats { known: usize },
}

/// What to say about these drafts.
pub fn advise(
    recommended: &[Recommended],
    known: &[Known],
    drafts: &[Draft],
    recent: TimeDelta,
    now: Timestamp,
) -> Vec<Advice> {
    let drafted: Vec<Spoken> = drafts.iter().map(|draft| Spoken::of(&draft.text)).collect();
    // Whoever orders no imaging is not told what imaging is missing.
    let orders_imaging = drafted.iter().any(|draft| !draft.imagings.is_empty());
    let mut advice = Vec::new();
    for (at, one) in recommended.iter().enumerate() {
        let spoken = Spoken::of(&one.text);
        let done = known
            .iter()
            .any(|known| known.at > one.at && Spoken::of(&known.text).meets(&spoken));
        if !spoken.names_examination() || done || !orders_imaging {
            continue;
        }
        advice.push(match drafted.iter().any(|draft| draft.meets(&spoken)) {
            true => Advice::Answered { recommended: at },
            false => Advice::Open { recommended: at },
        });
    }
    let repeats = known.iter().enumerate().filter(|(_, known)| {
        let counts = match known.state {
            KnownState::Waits => true,
            KnownState::Ordered | KnownState::Read => now - known.at <= recent,
        };
        counts && drafts.iter().any(|draft| draft.repeats(known))
    });
    advice.extend(repeats.map(|(at, _)| Advice::Repeats { known: at }));
    advice
}

impl Draft {
    /// The same procedure by its code, and not this very order.
    fn repeats(&self, known: &Known) -> bool {
        let itself = !known.placer.is_empty() && self.numbers.contains(&known.placer);
        !known.code.is_empty() && self.codes.contains(&known.code) && !itself
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn hours(hours: i64) -> Timestamp {
        from_micros(hours * 3_600_000_000)
    }

    fn draft(code: &str, text: &str) -> Draft {
        Draft {
            codes: vec![code.into()],
            numbers: Vec::new(),
            text: text.into(),
        }
    }

    fn known(code: &str, text: &str, at: i64, state: KnownState) -> Known {
        Known {
            code: code.into(),
            placer: "P1".into(),
            text: text.into(),
            at: hours(at),
            state,
        }
    }

    fn told(recommended: &[&str], known: &[Known], drafts: &[Draft]) -> Vec<Advice> {
        let recommended: Vec<_> = recommended
            .iter()
            .map(|text| Recommended {
                text: (*text).into(),
                at: hours(10),
            })
            .collect();
        advise(&recommended, known, drafts, TimeDelta::hours(48), hours(60))
    }

    const FOLLOW_UP: &str =
        "Consider CT of the chest without contrast to confirm and characterise the nodule.";

    #[test]
    fn a_recommendation_is_answered_by_a_draft_that_plainly_asks_for_it() {
        assert_eq!(
            told(&[FOLLOW_UP], &[], &[draft("1", "CT thorax plain")]),
            [Advice::Answered { recommended: 0 }]
        );
        for other in ["CT head", "Chest x-ray", "MRI chest"] {
            assert_eq!(
                told(&[FOLLOW_UP], &[], &[draft("1", other)]),
                [Advice::Open { recommended: 0 }],
                "{other}"
            );
        }
    }

    #[test]
    fn who_orders_no_imaging_is_told_of_none() {
        for other in ["blood count", ""] {
            assert_eq!(told(&[FOLLOW_UP], &[], &[draft("1", other)]), [], "{other}");
        }
        assert_eq!(told(&[FOLLOW_UP], &[], &[]), []);
    }

    #[test]
    fn what_names_no_examination_and_what_was_done_since_is_not_said() {
        let review = "Consider neurosurgical evaluation; supratentorial hemorrhage above 30 mL.";
        assert_eq!(told(&[review], &[], &[draft("1", "CT head")]), []);
        let since = [known("2", "CT Chest", 20, KnownState::Read)];
        assert_eq!(told(&[FOLLOW_UP], &since, &[draft("1", "CT chest")]), []);
        let before = [known("2", "CT Chest", 9, KnownState::Read)];
        assert_eq!(
            told(&[FOLLOW_UP], &before, &[draft("1", "CT head")]),
            [Advice::Open { recommended: 0 }]
        );
    }

    #[test]
    fn a_repeat_is_the_same_code_that_waits_or_was_done_lately() {
        for (at, state, told_of) in [
            (59, KnownState::Read, true),
            (59, KnownState::Ordered, true),
            (1, KnownState::Read, false),
            (1, KnownState::Ordered, false),
            (1, KnownState::Waits, true),
        ] {
            let known = [known("CTHEAD", "CT head", at, state)];
            let repeats = told(&[], &known, &[draft("CTHEAD", "")]);
            assert_eq!(!repeats.is_empty(), told_of, "{at} {state:?}");
            assert_eq!(told(&[], &known, &[draft("CTNECK", "CT head")]), []);
        }
        let itself = Draft {
            numbers: vec!["P1".into()],
            ..draft("CTHEAD", "")
        };
        assert_eq!(
            told(&[], &[known("CTHEAD", "", 59, KnownState::Ordered)], &[itself]),
            []
        );
    }
}
