//! Whether a model reads a study, which series of it, and why not. Every answer carries its reason; a model that cannot be
//! asked is "not eligible" with that said, never silently left out (invariant 3).

pub mod criteria;
pub mod quality;

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::criteria::{Criteria, CriteriaProblem, Eligibility, EligibilityRule};
pub use self::quality::{Quality, QualityCode, QualityReason};
use crate::assemble::PLANNING_WORDS;
use crate::ids::Uid;
use crate::study::{SeriesFacts, StudyFacts};
use crate::triage::Facts;

/// What is to be done with one model on one study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "admission", rename_all = "snake_case")]
pub enum Admission {
    Run {
        series_uid: Uid,
        /// Why this series, in words.
        why: String,
        /// What the headers leave open; shown with the result.
        limitations: Vec<String>,
    },
    NotEligible {
        reason: String,
    },
    QualityRejected {
        series_uid: Uid,
        reasons: Vec<QualityReason>,
    },
    /// More images may change the answer.
    Wait {
        reason: String,
    },
}

/// How far the study has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// Of its series, these are ready; more may come.
    Arriving { ready: &'a [Uid] },
    /// Nothing more is expected.
    Settled,
}

impl Arrival<'_> {
    fn is_ready(&self, series: &Uid) -> bool {
        match self {
            Self::Arriving { ready } => ready.contains(series),
            Self::Settled => true,
        }
    }
}

/// One series as a model sees it.
struct Judged<'a> {
    series: &'a SeriesFacts,
    ready: bool,
    suited: Suited,
}

enum Suited {
    Yes {
        preference: f64,
        limitations: Vec<String>,
    },
    /// Rules that held before the one that did not: the series that came furthest gives the reason.
    No {
        held: usize,
        reason: String,
    },
    Poor(Vec<QualityReason>),
}

/// Decides for one model. Among the ready series that it accepts, the most preferred is read, then the one with more
/// images, then the lower UID.
pub fn admit(criteria: &Criteria, study: &StudyFacts, arrival: Arrival<'_>) -> Admission {
    let judge = |series| Judged {
        series,
        ready: arrival.is_ready(&series.series_uid),
        suited: judge(criteria, study, series),
    };
    let judged: Vec<Judged<'_>> = study.series.iter().map(judge).collect();
    if let Some(run) = best(&judged) {
        return run;
    }
    match arrival {
        Arrival::Arriving { .. } => {
            let pending = judged
                .iter()
                .any(|j| !j.ready && matches!(j.suited, Suited::Yes { .. }));
            let reason = if pending {
                "a suitable series is still arriving"
            } else {
                "images are still arriving"
            };
            Admission::Wait {
                reason: reason.to_owned(),
            }
        }
        Arrival::Settled => refusal(judged),
    }
}

/// Series that the model reads, or would if more of them came: worth being decoded before they are complete.
pub fn candidates(criteria: &Criteria, study: &StudyFacts) -> Vec<Uid> {
    let read = |series: &&SeriesFacts| match judge(criteria, study, series) {
        Suited::Yes { .. } | Suited::Poor(_) => true,
        Suited::No { .. } => false,
    };
    study
        .series
        .iter()
        .filter(read)
        .map(|series| series.series_uid.clone())
        .collect()
}

fn best(judged: &[Judged<'_>]) -> Option<Admission> {
    let suited = judged.iter().filter(|j| j.ready).filter_map(|j| match &j.suited {
        Suited::Yes {
            preference,
            limitations,
        } => Some((*preference, j.series, limitations)),
        Suited::No { .. } | Suited::Poor(_) => None,
    });
    let order = |a: &(f64, &SeriesFacts, &Vec<String>), b: &(f64, &SeriesFacts, &Vec<String>)| -> Ordering {
        a.0.total_cmp(&b.0)
            .then(a.1.instances.cmp(&b.1.instances))
            .then(b.1.series_uid.cmp(&a.1.series_uid))
    };
    let (_, series, limitations) = suited.max_by(order)?;
    Some(Admission::Run {
        series_uid: series.series_uid.clone(),
        why: chosen(series),
        limitations: limitations.clone(),
    })
}

/// The chosen series in words: `40 axial slices of 5 mm, kernel UB`.
fn chosen(series: &SeriesFacts) -> String {
    let thick = series
        .slice_thickness_mm
        .map(|mm| format!(" of {mm} mm"))
        .unwrap_or_default();
    let kernel = if series.kernel.is_empty() {
        String::new()
    } else {
        format!(", kernel {}", series.kernel)
    };
    match (series.plane.as_str(), series.instances) {
        // Radiographs have no plane.
        ("unknown", 1) => format!("1 image{kernel}"),
        ("unknown", images) => format!("{images} images{kernel}"),
        (plane, slices) => format!("{slices} {plane} slices{thick}{kernel}"),
    }
}

/// No series can be read, and none will come.
fn refusal(judged: Vec<Judged<'_>>) -> Admission {
    let mut nearest: Option<(usize, u32, String)> = None;
    let mut poor: Option<(u32, Uid, Vec<QualityReason>)> = None;
    for Judged { series, suited, .. } in judged {
        match suited {
            Suited::Poor(reasons) if poor.as_ref().is_none_or(|p| series.instances > p.0) => {
                poor = Some((series.instances, series.series_uid.clone(), reasons));
            }
            Suited::No { held, reason }
                if nearest
                    .as_ref()
                    .is_none_or(|n| (held, series.instances) > (n.0, n.1)) =>
            {
                nearest = Some((held, series.instances, reason));
            }
            Suited::Yes { .. } | Suited::No { .. } | Suited::Poor(_) => {}
        }
    }
    match (poor, nearest) {
        (Some((_, series_uid, reasons)), _) => Admission::QualityRejected { series_uid, reasons },
        (None, Some((_, _, reason))) => Admission::NotEligible { reason },
        (None, None) => Admission::NotEligible {
            reason: "the study has no series".to_owned(),
        },
    }
}

fn judge(criteria: &Criteria, study: &StudyFacts, series: &SeriesFacts) -> Suited {
    if PLANNING_WORDS
        .iter()
        .any(|word| series.image_type.split('\\').any(|said| said.trim() == *word))
    {
        return Suited::No {
            held: 0,
            reason: "only a localizer".to_owned(),
        };
    }
    let facts = Facts::of(&json!({ "study": study, "series": series }));
    for (held, rule) in criteria.rules.iter().enumerate() {
        match rule.when.holds(&facts) {
            Ok(true) => {}
            Ok(false) => {
                return Suited::No {
                    held,
                    reason: rule.reason.clone(),
                };
            }
            Err(error) => {
                let reason = format!("\"{}\" cannot be decided: {error}", rule.reason);
                return Suited::No { held, reason };
            }
        }
    }
    let assessed = criteria.quality.assess(series);
    if !assessed.reasons.is_empty() {
        return Suited::Poor(assessed.reasons);
    }
    // A preference that cannot be evaluated prefers nothing; it must not keep a study from being read.
    let preference = criteria
        .prefer
        .as_ref()
        .and_then(|p| p.number(&facts).ok())
        .unwrap_or(0.0);
    Suited::Yes {
        preference,
        limitations: assessed.limitations,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::CaseFacts;

    pub(in crate::admit) fn series(uid: &str) -> SeriesFacts {
        SeriesFacts {
            series_uid: Uid::parse(uid).unwrap(),
            sop_class_uid: Uid::parse("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            modality: "CT".into(),
            body_part: "BRAIN".into(),
            description: String::new(),
            protocol: String::new(),
            image_type: "ORIGINAL\\PRIMARY\\AXIAL".into(),
            kernel: "UB".into(),
            manufacturer: String::new(),
            device_model: String::new(),
            contrast: false,
            kvp: Some(120.0),
            instances: 28,
            rows: 512,
            columns: 512,
            plane: "axial".into(),
            gantry_tilt_degrees: 0.0,
            slice_thickness_mm: Some(5.0),
            slice_spacing_mm: Some(5.0),
            coverage_mm: Some(140.0),
            field_of_view_mm: Some(231.0),
            pixel_spacing_mm: Some(0.45),
            missing_slices: 0,
            duplicate_positions: 0,
            gap_free: true,
        }
    }

    fn study(series: Vec<SeriesFacts>) -> StudyFacts {
        let mut study = CaseFacts::blank(Uid::parse("1.2").unwrap()).study;
        study.series = series;
        study
    }

    fn criteria() -> Criteria {
        let rule = |when: &str, reason: &str| EligibilityRule {
            when: when.into(),
            reason: reason.into(),
        };
        let eligibility = Eligibility {
            rules: vec![
                rule("series.modality == 'CT'", "not a CT series"),
                rule(
                    "series.sop_class_uid == '1.2.840.10008.5.1.4.1.1.2'",
                    "not a CT image",
                ),
                rule("series.body_part in ['HEAD', 'BRAIN']", "not the head"),
                rule("!series.contrast", "contrast agent was given"),
            ],
            prefer: Some("has(series.slice_thickness_mm) ? -series.slice_thickness_mm : -100.0".into()),
        };
        let quality = Quality {
            missing_slices: Some(0),
            kvp: Some([70.0, 150.0]),
            coverage_mm: Some([80.0, 400.0]),
            ..Quality::default()
        };
        Criteria::compile(&eligibility, &quality).unwrap()
    }

    fn settled(series: Vec<SeriesFacts>) -> Admission {
        admit(&criteria(), &study(series), Arrival::Settled)
    }

    fn run_uid(admission: Admission) -> String {
        match admission {
            Admission::Run { series_uid, .. } => series_uid.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// The series of a published head phantom study: scout, head, exam summary and dose screen.
    #[test]
    fn of_a_real_head_study_the_stack_is_read_and_the_rest_left() {
        let scout = SeriesFacts {
            image_type: "ORIGINAL\\PRIMARY\\LOCALIZER".into(),
            instances: 1,
            ..series("1.1")
        };
        let screen = SeriesFacts {
            sop_class_uid: Uid::parse("1.2.840.10008.5.1.4.1.1.7").unwrap(),
            image_type: "DERIVED\\SECONDARY\\REF_SURVIEW".into(),
            body_part: String::new(),
            ..series("1.3")
        };
        assert_eq!(
            run_uid(settled(vec![scout.clone(), series("1.2"), screen.clone()])),
            "1.2"
        );
        let refused = settled(vec![scout, screen]);
        assert_eq!(
            refused,
            Admission::NotEligible {
                reason: "only a localizer".into()
            }
        );
    }

    #[test]
    fn the_reason_is_that_of_the_series_that_came_furthest() {
        let dog = SeriesFacts {
            modality: "DX".into(),
            body_part: "THORAX".into(),
            ..series("1.1")
        };
        let not_eligible = |reason: &str| Admission::NotEligible {
            reason: reason.into(),
        };
        assert_eq!(settled(vec![dog.clone()]), not_eligible("not a CT series"));
        let chest = SeriesFacts {
            body_part: "CHEST".into(),
            ..series("1.2")
        };
        assert_eq!(
            settled(vec![dog.clone(), chest.clone()]),
            not_eligible("not the head")
        );
        let enhanced = SeriesFacts {
            contrast: true,
            ..series("1.3")
        };
        assert_eq!(
            settled(vec![dog, chest, enhanced]),
            not_eligible("contrast agent was given")
        );
        assert_eq!(settled(vec![]), not_eligible("the study has no series"));
    }

    #[test]
    fn the_preferred_series_is_read_then_the_fuller() {
        let thin = SeriesFacts {
            slice_thickness_mm: Some(1.0),
            instances: 160,
            ..series("1.9")
        };
        let fuller = SeriesFacts {
            instances: 30,
            ..series("1.8")
        };
        assert_eq!(
            run_uid(settled(vec![series("1.2"), thin.clone(), fuller.clone()])),
            "1.9"
        );
        assert_eq!(run_uid(settled(vec![series("1.2"), fuller])), "1.8");
        assert_eq!(run_uid(settled(vec![series("1.7"), series("1.6")])), "1.6");
    }

    #[test]
    fn poor_images_are_named_and_another_series_is_tried_first() {
        let gappy = SeriesFacts {
            missing_slices: 1,
            gap_free: false,
            ..series("1.2")
        };
        let Admission::QualityRejected { series_uid, reasons } = settled(vec![gappy.clone()]) else {
            panic!("expected a rejection");
        };
        assert_eq!(series_uid.as_str(), "1.2");
        assert_eq!(reasons[0].code, QualityCode::MissingSlices);
        assert_eq!(reasons[0].text, "1 slice is missing, at most 0 may be");
        assert_eq!(run_uid(settled(vec![gappy, series("1.3")])), "1.3");
    }

    #[test]
    fn a_ready_series_is_read_while_others_arrive() {
        let ready = [Uid::parse("1.2").unwrap()];
        let arriving = |series| admit(&criteria(), &study(series), Arrival::Arriving { ready: &ready });
        assert_eq!(run_uid(arriving(vec![series("1.2"), series("1.3")])), "1.2");
        let wait = |reason: &str| Admission::Wait {
            reason: reason.into(),
        };
        assert_eq!(
            arriving(vec![series("1.3")]),
            wait("a suitable series is still arriving")
        );
        let chest = SeriesFacts {
            body_part: "CHEST".into(),
            ..series("1.2")
        };
        assert_eq!(arriving(vec![chest]), wait("images are still arriving"));
    }

    #[test]
    fn what_the_header_does_not_say_is_a_limitation() {
        let silent = SeriesFacts {
            kvp: None,
            ..series("1.2")
        };
        match settled(vec![silent]) {
            Admission::Run { limitations, .. } => assert_eq!(limitations, ["tube voltage is not stated"]),
            other => panic!("{other:?}"),
        }
    }
}
