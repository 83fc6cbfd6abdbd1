//! What templates of drafts may use: of each finding its sentences, and its values by name.

use std::collections::BTreeMap;

use serde::Serialize;
use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Finding, Presence, ResultRecord};

use super::marks::{clean, said};
use super::{Drafted, Exam, files, text};

/// Findings that have a template of their own.
static TEMPLATES: [(Code, &str); 6] = [
    (code::INTRACRANIAL_HEMORRHAGE, "findings/hemorrhage"),
    (code::PULMONARY_EMBOLISM, "findings/embolism"),
    (code::PNEUMOTHORAX, "findings/pneumothorax"),
    (code::OCCLUSION, "findings/occlusion"),
    (code::ISCHEMIC_STROKE, "findings/ischaemia"),
    (code::NODULE, "findings/nodule"),
];

/// What a template may ask for where it was measured.
static MEASURED: [(&str, Code); 20] = [
    ("volume", code::VOLUME),
    ("volume_abc2", code::VOLUME_ABC2),
    ("component_count", code::COMPONENT_COUNT),
    ("largest_component", code::LARGEST_COMPONENT),
    ("midline_shift", code::MIDLINE_SHIFT),
    ("intraparenchymal_volume", code::INTRAPARENCHYMAL_VOLUME),
    ("intraventricular_volume", code::INTRAVENTRICULAR_VOLUME),
    ("extra_axial_volume", code::EXTRA_AXIAL_VOLUME),
    ("ich_score_image", code::ICH_SCORE_IMAGE),
    ("rv_lv_ratio", code::RV_LV_RATIO),
    ("collins", code::COLLINS),
    ("light", code::LIGHT),
    ("pleural_distance_apex", code::PLEURAL_DISTANCE_APEX),
    ("pleural_distance_hilum", code::PLEURAL_DISTANCE_HILUM),
    ("aspects", code::ASPECTS),
    ("largest_diameter", code::LARGEST_DIAMETER),
    ("mean_diameter", code::MEAN_DIAMETER),
    ("long_axis", code::LONG_AXIS),
    ("short_axis", code::SHORT_AXIS),
    ("volume_sphere", code::VOLUME_SPHERE),
];

/// The same of what has no number.
static EVALUATED: [(&str, Code); 6] = [
    ("most_proximal_vessel", code::MOST_PROXIMAL_VESSEL),
    ("laterality", code::LATERALITY),
    ("occluded_segment", code::OCCLUDED_SEGMENT),
    ("aspects_region", code::ASPECTS_REGION),
    ("tension_sign", code::TENSION_SIGN),
    ("lung_zone", code::LUNG_ZONE),
];

/// What a template of a finding sees.
#[derive(Clone, Serialize)]
pub(super) struct FindingContext {
    /// By which it is written.
    #[serde(skip)]
    pub template: &'static str,
    /// The section that is written.
    pub section: &'static str,
    exam: String,
    images: usize,
    model: String,
    /// That this replaces an earlier result, or must not be used.
    replaces: Option<String>,
    /// What changed since an earlier study.
    comparison: Vec<String>,
    finding: Option<FindingWords>,
    measured: BTreeMap<&'static str, Option<String>>,
    evaluated: BTreeMap<&'static str, Option<String>>,
    /// What a radiologist made of it.
    assessed: Vec<String>,
    limits: Vec<String>,
    /// What rules add to the result.
    recommendations: Vec<String>,
}

#[derive(Clone, Serialize)]
struct FindingWords {
    present: bool,
    absent: bool,
    undetermined: bool,
    headline: String,
    numbers: Option<String>,
    lesions: Vec<String>,
    operating_point: String,
}

/// What the layout sees: of each section its lines, those of several findings one after the other.
#[derive(Serialize)]
pub(super) struct LayoutContext {
    notice: String,
    technique: Vec<String>,
    comparison: Vec<String>,
    findings: Vec<String>,
    impression: Vec<String>,
    recommendation: Vec<String>,
}

impl LayoutContext {
    pub fn new(notice: &str) -> Self {
        Self {
            notice: notice.to_owned(),
            technique: Vec::new(),
            comparison: Vec::new(),
            findings: Vec::new(),
            impression: Vec::new(),
            recommendation: Vec::new(),
        }
    }

    /// Lines that were not said yet: two findings of one result share what is said of it.
    pub fn add(&mut self, section: &str, written: &str) {
        let lines = match section {
            "technique" => &mut self.technique,
            "comparison" => &mut self.comparison,
            "findings" => &mut self.findings,
            "impression" => &mut self.impression,
            _ => &mut self.recommendation,
        };
        for line in written.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if !lines.iter().any(|known| known == line) {
                lines.push(line.to_owned());
            }
        }
    }
}

/// Each finding of each result.
pub(super) fn of(records: &[&ResultRecord], exam: Exam<'_>) -> Drafted {
    let mut findings = Vec::new();
    let mut author = 0;
    for record in records {
        let whole = about(record, exam, author);
        if record.findings.is_empty() {
            findings.push(whole.clone());
        }
        let each = record.findings.iter();
        findings.extend(each.map(|finding| whole.clone().of_finding(record, finding, author)));
        author += 1 + record.statements.len();
    }
    Drafted {
        notice: said(0, text::NOT_A_REPORT),
        findings,
    }
}

/// What is said of a result as a whole; its model is this author, its rules come after.
fn about(record: &ResultRecord, exam: Exam<'_>, author: usize) -> FindingContext {
    let model = |sentence: &str| said(author, sentence);
    let statements = record.statements.iter().zip(author + 1..);
    FindingContext {
        template: files::OTHER,
        section: "",
        exam: clean(&exam.words()),
        images: record.instance_uids.len(),
        model: clean(&text::model_name(record)),
        replaces: text::status_sentence(record.status).map(model),
        comparison: text::compared(record).iter().map(|one| model(one)).collect(),
        finding: None,
        measured: MEASURED.iter().map(|(name, _)| (*name, None)).collect(),
        evaluated: EVALUATED.iter().map(|(name, _)| (*name, None)).collect(),
        assessed: Vec::new(),
        limits: text::limits(record).iter().map(|limit| model(limit)).collect(),
        recommendations: statements
            .map(|(statement, by)| said(by, &text::statement_sentence(statement)))
            .collect(),
    }
}

impl FindingContext {
    fn of_finding(mut self, record: &ResultRecord, finding: &Finding, author: usize) -> Self {
        let model = |sentence: &str| said(author, sentence);
        let own = TEMPLATES.iter().find(|(code, _)| finding.code.is(code));
        self.template = own.map_or(files::OTHER, |(_, template)| template);
        for (name, code) in &MEASURED {
            let measured = finding.measurement(code).map(text::quantity);
            self.measured.insert(name, measured.map(|value| model(&value)));
        }
        for (name, code) in &EVALUATED {
            let told: Vec<String> = finding.evaluated(code).into_iter().map(text::label).collect();
            let told = (!told.is_empty()).then(|| model(&told.join(", ")));
            self.evaluated.insert(name, told);
        }
        self.assessed = text::assessed_of(record, finding)
            .iter()
            .map(|one| model(one))
            .collect();
        self.finding = Some(FindingWords {
            present: finding.presence == Presence::Present,
            absent: finding.presence == Presence::Absent,
            undetermined: finding.presence == Presence::Undetermined,
            headline: model(&text::headline_sentence(finding)),
            numbers: text::numbers_sentence(finding).map(|one| model(&one)),
            lesions: finding
                .lesions
                .iter()
                .map(|lesion| model(&text::lesion_sentence(lesion)))
                .collect(),
            operating_point: model(&text::operating_sentence(finding)),
        });
        self
    }

    /// With everything that can be, or with as little.
    fn sample(template: &'static str, everything: bool) -> Self {
        let some = |text: &str| everything.then(|| text.to_owned());
        let list = |text: &str| some(text).into_iter().collect::<Vec<_>>();
        Self {
            template,
            section: "",
            exam: "CT HEAD WO CONTRAST".to_owned(),
            images: 32,
            model: "Model ich 1.0.0".to_owned(),
            replaces: some("This replaces an earlier result."),
            comparison: list("Compared with the study of 2025-06-01 (183 days earlier)."),
            finding: (everything || template != files::OTHER).then(|| FindingWords {
                present: everything,
                absent: !everything,
                undetermined: false,
                headline: "Suspected intracranial hemorrhage, 24.1 mL, left deep.".to_owned(),
                numbers: some("Volume 24.1 mL."),
                lesions: list("Lesion 1: left deep; volume 24.1 mL."),
                operating_point: "Operating point: total volume ≥ 1 mL.".to_owned(),
            }),
            measured: MEASURED.iter().map(|(name, _)| (*name, some("24.1"))).collect(),
            evaluated: EVALUATED.iter().map(|(name, _)| (*name, some("left"))).collect(),
            assessed: list("Confirmed by a radiologist."),
            limits: list("Limitation: thick slices."),
            recommendations: list("Consider a neurosurgical opinion."),
        }
    }
}

/// Every template with as little as there can be and with everything.
pub(super) fn samples() -> [Drafted; 2] {
    [false, true].map(|everything| {
        let own = TEMPLATES.iter().map(|(_, template)| *template);
        let all = own.chain([files::OTHER]);
        Drafted {
            notice: text::NOT_A_REPORT.to_owned(),
            findings: all
                .map(|template| FindingContext::sample(template, everything))
                .collect(),
        }
    })
}
