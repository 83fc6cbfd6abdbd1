//! The fact schema, version 1: everything a rule may read. Facts name no patient. A number that was not measured is absent
//! (`has(…)` is false); texts, lists and truth values are always there, empty or false when nothing is known.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::{self, Code};
use crate::comparison::Comparison;
use crate::comparison::course::Course;
use crate::finding::{Finding, ResultRecord};
use crate::ids::Uid;
use crate::study::StudyFacts;
use crate::worklist::Band;

/// Version of this schema; a pack names the one it was written for.
pub const FACT_SCHEMA_VERSION: u32 = 1;

/// All that is known of one study when its rules run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseFacts {
    pub study: StudyFacts,
    pub order: OrderFacts,
    /// By the model's key, e.g. `ai.ich`.
    pub ai: BTreeMap<String, AiFacts>,
    pub wait: WaitFacts,
}

/// What the order says; blank without one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderFacts {
    /// An order is linked and stands.
    pub placed: bool,
    /// As sent.
    pub priority: String,
    /// The priority a person gave, by the site's map.
    pub band: Band,
    /// PV1-2: `E` emergency, `I` inpatient, `O` outpatient, or empty.
    pub patient_class: String,
    pub location: String,
    pub modality: String,
    pub procedure_code: String,
    pub procedure_text: String,
    /// By the site's map of procedure codes; empty where it has none.
    #[serde(default)]
    pub body_part: String,
    /// `with`, `without`, `both`, or empty, likewise.
    #[serde(default)]
    pub contrast: String,
}

impl Default for OrderFacts {
    fn default() -> Self {
        Self {
            placed: false,
            priority: String::new(),
            band: Band::Routine,
            patient_class: String::new(),
            location: String::new(),
            modality: String::new(),
            procedure_code: String::new(),
            procedure_text: String::new(),
            body_part: String::new(),
            contrast: String::new(),
        }
    }
}

/// How far a model came with the study.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AiState {
    /// No such model is installed, or it is in shadow.
    #[default]
    Absent,
    Waiting,
    Queued,
    Running,
    Flagged,
    NotFlagged,
    Indeterminate,
    NotEligible,
    QualityRejected,
    Failed,
    Superseded,
    Withdrawn,
}

/// What one model says of the study.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AiFacts {
    pub state: AiState,
    /// Why the model did not run, in words; empty when it did.
    pub reason: String,
    pub flagged: bool,
    /// P(present) in 0..=1; absent unless calibrated.
    pub probability: Option<f64>,
    pub volume_ml: Option<f64>,
    pub largest_component_ml: Option<f64>,
    pub largest_diameter_mm: Option<f64>,
    pub midline_shift_mm: Option<f64>,
    pub components: Option<i64>,
    pub deep: bool,
    pub lobar: bool,
    pub infratentorial: bool,
    pub intraventricular: bool,
    pub extra_axial: bool,
    /// Of any finding with a side: `left`, `right`, `bilateral`, or empty.
    pub side: String,
    /// `central`, `lobar`, `segmental`, `subsegmental`, or empty: the most proximal pulmonary artery with clot.
    pub most_proximal_vessel: String,
    /// Only where an embolism is flagged.
    pub rv_lv_ratio: Option<f64>,
    pub pleural_distance_apex_mm: Option<f64>,
    pub pleural_distance_hilum_mm: Option<f64>,
    pub collins_percent: Option<f64>,
    pub light_percent: Option<f64>,
    /// The mediastinum lies away from a pneumothorax.
    pub mediastinal_shift: bool,
    pub depressed_diaphragm: bool,
    pub mean_diameter_mm: Option<f64>,
    /// `upper`, `middle`, `lower`, or empty.
    pub lung_zone: String,
    /// `ica`, `m1`, `m2`, or empty.
    pub occluded_segment: String,
    pub aspects: Option<i64>,
    /// Codes of the affected regions of ASPECTS.
    pub aspects_regions: Vec<String>,
    pub intraparenchymal_volume_ml: Option<f64>,
    pub intraventricular_volume_ml: Option<f64>,
    /// Every measurement of the finding by its code, in the unit the model's manifest gives.
    pub measurements: BTreeMap<String, f64>,
    /// Against the latest earlier study that the same model has read.
    pub change: ChangeFacts,
    pub model: String,
    pub version: String,
    /// Conditions of the input that limit the result.
    pub limitations: Vec<String>,
}

/// What became of the finding since an earlier study.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeFacts {
    pub course: Course,
    /// Between the images.
    pub interval_days: Option<f64>,
    /// In which time the volume doubles if it goes on so; absent unless it has grown beyond the error of measurement. By
    /// the volume where it was measured on both, else by the diameter.
    pub doubling_days: Option<f64>,
    pub diameter_before_mm: Option<f64>,
    pub volume_before_ml: Option<f64>,
}

/// How long the study has been waiting, and the hour at the site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WaitFacts {
    /// Since the first image arrived.
    pub minutes: f64,
    /// 0 to 23, the site's local time.
    pub hour: i64,
    /// 1 Monday to 7 Sunday, the site's local time.
    pub weekday: i64,
}

impl ChangeFacts {
    /// Blank where the finding was not compared.
    fn of(finding: &Finding, comparison: &Comparison) -> Self {
        let change = comparison
            .findings
            .iter()
            .find(|change| change.finding.is(&finding.code));
        let Some(change) = change else {
            return Self::default();
        };
        let before = |code: &Code| {
            change
                .measurements
                .iter()
                .find(|m| m.measurement.is(code))
                .map(|m| m.before)
        };
        Self {
            course: change.course,
            interval_days: Some(comparison.interval_days),
            doubling_days: change.doubling_days(),
            diameter_before_mm: before(&code::LARGEST_DIAMETER).or_else(|| before(&code::LONG_AXIS)),
            volume_before_ml: before(&code::VOLUME),
        }
    }
}

impl CaseFacts {
    /// Facts of a study of which nothing is known.
    pub fn blank(study_uid: Uid) -> Self {
        let study = StudyFacts {
            study_uid,
            modality: String::new(),
            description: String::new(),
            body_part: String::new(),
            sender_ae: String::new(),
            instances: 0,
            series: Vec::new(),
            age_years: None,
            sex: String::new(),
            link: "unmatched".into(),
            procedure_code: String::new(),
            procedure_text: String::new(),
            patient_class: String::new(),
            location: String::new(),
            acquisition: String::new(),
        };
        Self {
            study,
            order: OrderFacts::default(),
            ai: BTreeMap::new(),
            wait: WaitFacts::default(),
        }
    }

    /// Takes in what somebody says under a model's key. Where several speak under one key, the one whose word asks for more
    /// attention is heard: that one product sees nothing must not hide what another sees.
    pub fn hear(&mut self, key: &str, said: AiFacts) {
        match self.ai.get(key) {
            Some(known) if known.state.weight() >= said.state.weight() => {}
            Some(_) | None => {
                self.ai.insert(key.to_owned(), said);
            }
        }
    }
}

impl AiState {
    fn weight(self) -> u8 {
        match self {
            Self::Flagged => 4,
            Self::Indeterminate => 3,
            Self::NotFlagged => 2,
            Self::Waiting | Self::Queued | Self::Running | Self::QualityRejected | Self::Failed => 1,
            Self::Absent | Self::NotEligible | Self::Superseded | Self::Withdrawn => 0,
        }
    }

    /// The state by its name in snake case, as stored and as the API shows it.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
    }
}

impl AiFacts {
    /// A model that has no result, with the reason.
    pub fn without_result(state: AiState, reason: &str) -> Self {
        Self {
            state,
            reason: reason.to_owned(),
            ..Self::default()
        }
    }

    /// What a result says: its flagged finding, else its first.
    pub fn of_result(record: &ResultRecord, state: AiState) -> Self {
        let finding = record
            .findings
            .iter()
            .find(|f| f.flagged)
            .or_else(|| record.findings.first());
        let base = Self {
            state,
            model: record.model.name.clone(),
            version: record.model.version.clone(),
            limitations: record.limitations.clone(),
            ..Self::default()
        };
        let change = finding.zip(record.comparison.as_ref());
        let base = Self {
            change: change.map_or_else(ChangeFacts::default, |(finding, c)| ChangeFacts::of(finding, c)),
            ..base
        };
        finding.map_or(base.clone(), |finding| base.with_finding(finding))
    }

    fn with_finding(self, finding: &Finding) -> Self {
        let value = |code: &Code| finding.measurement(code).map(|m| m.value);
        let seen =
            |place: &Code| finding.site.is(place) || finding.lesions.iter().any(|l| l.location.is(place));
        let told = |what: &Code, words: &[(Code, &'static str)]| word(finding.evaluated(what).first(), words);
        let sign = |sign: &Code| {
            finding
                .evaluated(&code::TENSION_SIGN)
                .iter()
                .any(|told| told.is(sign))
        };
        let regions = finding.evaluated(&code::ASPECTS_REGION);
        Self {
            flagged: finding.flagged,
            probability: finding.probability,
            volume_ml: value(&code::VOLUME),
            largest_component_ml: value(&code::LARGEST_COMPONENT),
            largest_diameter_mm: value(&code::LARGEST_DIAMETER).or_else(|| value(&code::LONG_AXIS)),
            midline_shift_mm: value(&code::MIDLINE_SHIFT),
            components: value(&code::COMPONENT_COUNT).map(|n| n.round() as i64),
            deep: seen(&code::DEEP),
            lobar: seen(&code::LOBAR),
            infratentorial: seen(&code::INFRATENTORIAL),
            intraventricular: seen(&code::BRAIN_VENTRICLE),
            extra_axial: seen(&code::EXTRA_AXIAL),
            side: told(&code::LATERALITY, &SIDES),
            most_proximal_vessel: told(&code::MOST_PROXIMAL_VESSEL, &VESSELS),
            rv_lv_ratio: value(&code::RV_LV_RATIO),
            pleural_distance_apex_mm: value(&code::PLEURAL_DISTANCE_APEX),
            pleural_distance_hilum_mm: value(&code::PLEURAL_DISTANCE_HILUM),
            collins_percent: value(&code::COLLINS),
            light_percent: value(&code::LIGHT),
            mediastinal_shift: sign(&code::MEDIASTINAL_SHIFT),
            depressed_diaphragm: sign(&code::DEPRESSED_DIAPHRAGM),
            mean_diameter_mm: value(&code::MEAN_DIAMETER),
            lung_zone: told(&code::LUNG_ZONE, &ZONES),
            occluded_segment: told(&code::OCCLUDED_SEGMENT, &SEGMENTS),
            aspects: value(&code::ASPECTS).map(|n| n.round() as i64),
            aspects_regions: regions.iter().map(|region| region.code.to_string()).collect(),
            intraparenchymal_volume_ml: value(&code::INTRAPARENCHYMAL_VOLUME),
            intraventricular_volume_ml: value(&code::INTRAVENTRICULAR_VOLUME),
            measurements: finding
                .measurements
                .iter()
                .map(|m| (m.code.code.to_string(), m.value))
                .collect(),
            ..self
        }
    }
}

/// What rules call a coded value.
const SIDES: [(Code, &str); 3] = [
    (code::LEFT, "left"),
    (code::RIGHT, "right"),
    (code::BILATERAL, "bilateral"),
];
const VESSELS: [(Code, &str); 4] = [
    (code::CENTRAL_PULMONARY_ARTERY, "central"),
    (code::LOBAR_PULMONARY_ARTERY, "lobar"),
    (code::SEGMENTAL_PULMONARY_ARTERY, "segmental"),
    (code::SUBSEGMENTAL_PULMONARY_ARTERY, "subsegmental"),
];
const ZONES: [(Code, &str); 3] = [
    (code::UPPER_LUNG_ZONE, "upper"),
    (code::MIDDLE_LUNG_ZONE, "middle"),
    (code::LOWER_LUNG_ZONE, "lower"),
];
const SEGMENTS: [(Code, &str); 3] = [
    (code::TERMINAL_CAROTID, "ica"),
    (code::M1_SEGMENT, "m1"),
    (code::M2_SEGMENT, "m2"),
];

/// The word for a value; empty when it was not told.
fn word(value: Option<&&Code>, words: &[(Code, &str)]) -> String {
    let named = value.and_then(|value| words.iter().find(|(code, _)| code.is(value)));
    named.map_or_else(String::new, |(_, word)| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Evaluation, Presence};
    use crate::quantify::reading::{points, ratio};

    #[test]
    fn measurements_and_places_of_every_finding_have_names_for_rules() {
        let told = |code, value| Evaluation { code, value };
        let finding = Finding {
            code: code::INTRACRANIAL_HEMORRHAGE,
            site: code::BRAIN,
            presence: Presence::Present,
            flagged: true,
            probability: None,
            operating_point: String::new(),
            measurements: vec![ratio(code::RV_LV_RATIO, 1.23), points(code::ASPECTS, 7.0)],
            evaluations: vec![
                told(code::LATERALITY, code::LEFT),
                told(code::MOST_PROXIMAL_VESSEL, code::LOBAR_PULMONARY_ARTERY),
                told(code::LUNG_ZONE, code::UPPER_LUNG_ZONE),
                told(code::OCCLUDED_SEGMENT, code::M1_SEGMENT),
                told(code::TENSION_SIGN, code::DEPRESSED_DIAPHRAGM),
                told(code::ASPECTS_REGION, code::INSULA),
                told(code::ASPECTS_REGION, code::ASPECTS_M2),
            ],
            lesions: Vec::new(),
            lines: Vec::new(),
            key_instance: None,
        };
        let facts = AiFacts::default().with_finding(&finding);
        assert_eq!((facts.rv_lv_ratio, facts.aspects), (Some(1.23), Some(7)));
        assert_eq!(
            [
                &facts.side,
                &facts.most_proximal_vessel,
                &facts.lung_zone,
                &facts.occluded_segment
            ],
            ["left", "lobar", "upper", "m1"]
        );
        assert!(facts.depressed_diaphragm && !facts.mediastinal_shift);
        assert_eq!(facts.aspects_regions, ["36169008", "ASPECTSM2"]);
        assert_eq!(facts.measurements["RVLV"], 1.23);
        assert_eq!(AiFacts::default().side, "");
    }
}
