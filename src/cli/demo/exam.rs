//! The exams of the demonstration's department: what is ordered, what the phantom shows, and what its report says.

use rand::{Rng, RngExt};

use crate::cli::Failure;
use crate::imaging::phantom::chest_xray::{
    ChestXraySpec, NoduleSpec, PneumothoraxSpec, chest_xray, chest_xray_identity, dicom_image,
};
use crate::imaging::phantom::{
    CTPA, Ct, CtaFinding, CtaHeadSpec, CtpaSpec, HeadCtSpec, HeadFinding, IschaemiaFinding, IschaemiaSpec,
    PeFinding, PhantomIdentity, cta_head, ctpa, dicom_slice, head_ct, ischaemia,
};

/// Slices as thick as an emergency department's, so that a round takes seconds.
const HEAD_SLICE_MM: f64 = 5.0;
const ANGIOGRAM_SLICE_MM: f64 = 2.0;
const ANGIOGRAM_MATRIX: usize = 256;

/// At the apex, and the diameter of a nodule: sizes that are found.
const PNEUMOTHORAX_CM: f64 = 3.0;
const NODULE_MM: f64 = 23.0;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    HeadCt,
    Ischaemia,
    CtaHead,
    Ctpa,
    Pneumothorax,
    Nodule,
}

/// What one patient comes for. The seed of a visit decides what is left open.
#[derive(Clone, Debug, PartialEq)]
pub enum Exam {
    HeadCt {
        finding: HeadFinding,
        volume_ml: Option<f64>,
    },
    Ischaemia(IschaemiaFinding),
    CtaHead(CtaFinding),
    Ctpa(PeFinding),
    ChestXray {
        pneumothorax_cm: Option<f64>,
        nodule_mm: Option<f64>,
    },
}

/// Images as DICOM files in memory, and what they show.
pub struct Scan {
    pub files: Vec<Vec<u8>>,
    /// Of blood; 0 where there is none or something else is looked for.
    pub blood_ml: f64,
    /// What the phantom holds, in words: `a phantom with 30 mL of blood`.
    pub holds: String,
    pub impression: &'static str,
}

impl Exam {
    pub fn head_ct(finding: HeadFinding) -> Self {
        Self::HeadCt {
            finding,
            volume_ml: None,
        }
    }

    /// An exam that has what is looked for, or has not.
    pub fn of(kind: Kind, ill: bool) -> Self {
        let chest = |pneumothorax_cm: Option<f64>, nodule_mm: Option<f64>| Self::ChestXray {
            pneumothorax_cm: pneumothorax_cm.filter(|_| ill),
            nodule_mm: nodule_mm.filter(|_| ill),
        };
        match (kind, ill) {
            (Kind::HeadCt, true) => Self::head_ct(HeadFinding::Any),
            (Kind::HeadCt, false) => Self::head_ct(HeadFinding::None),
            (Kind::Ischaemia, true) => Self::Ischaemia(IschaemiaFinding::Early),
            (Kind::Ischaemia, false) => Self::Ischaemia(IschaemiaFinding::None),
            (Kind::CtaHead, true) => Self::CtaHead(CtaFinding::Any),
            (Kind::CtaHead, false) => Self::CtaHead(CtaFinding::None),
            (Kind::Ctpa, true) => Self::Ctpa(PeFinding::Any),
            (Kind::Ctpa, false) => Self::Ctpa(PeFinding::None),
            (Kind::Pneumothorax, _) => chest(Some(PNEUMOTHORAX_CM), None),
            (Kind::Nodule, _) => chest(None, Some(NODULE_MM)),
        }
    }

    /// A patient of an emergency department; about half of them have what is looked for.
    pub fn drawn(dice: &mut impl Rng) -> Self {
        let kind = match dice.random_range(0..8) {
            0..3 => Kind::HeadCt,
            3 => Kind::Ischaemia,
            4 => Kind::CtaHead,
            5 => Kind::Ctpa,
            6 => Kind::Pneumothorax,
            _ => Kind::Nodule,
        };
        Self::of(kind, dice.random_bool(0.5))
    }

    /// Universal service identifier (OBR-4).
    pub fn procedure(&self) -> &'static str {
        match self {
            Self::HeadCt { .. } | Self::Ischaemia(_) => "CTHEAD^CT HEAD WO CONTRAST^L",
            Self::CtaHead(_) => "CTAHEAD^CTA HEAD^L",
            Self::Ctpa(_) => "CTPA^CT PULMONARY ANGIOGRAM^L",
            Self::ChestXray { .. } => "XRCHEST^XR CHEST 1 VIEW^L",
        }
    }

    /// Diagnostic service section (OBR-24) and modality.
    pub fn section(&self) -> &'static str {
        match self {
            Self::ChestXray { .. } => "RAD",
            Self::HeadCt { .. } | Self::Ischaemia(_) | Self::CtaHead(_) | Self::Ctpa(_) => "CT",
        }
    }

    /// As people say it: `a head CT`.
    pub fn said(&self) -> &'static str {
        match self {
            Self::HeadCt { .. } | Self::Ischaemia(_) => "a head CT",
            Self::CtaHead(_) => "a CT angiogram of the head",
            Self::Ctpa(_) => "a CT pulmonary angiogram",
            Self::ChestXray { .. } => "a chest radiograph",
        }
    }

    pub fn reason(&self) -> &'static str {
        match self {
            Self::HeadCt { .. } => "SYNTHETIC CASE: HEADACHE",
            Self::Ischaemia(_) | Self::CtaHead(_) => "SYNTHETIC CASE: SUDDEN WEAKNESS OF ONE SIDE",
            Self::Ctpa(_) => "SYNTHETIC CASE: CHEST PAIN, SHORT OF BREATH",
            Self::ChestXray { .. } => "SYNTHETIC CASE: SHORT OF BREATH",
        }
    }

    /// Who the patient is; `date` is `YYYYMMDD`.
    pub fn identity(&self, seed: u64, date: &str) -> PhantomIdentity {
        match self {
            Self::HeadCt { .. } | Self::Ischaemia(_) => PhantomIdentity::for_seed(seed),
            Self::CtaHead(_) => PhantomIdentity::for_study(&cta_head::STUDY, seed),
            Self::Ctpa(_) => PhantomIdentity::for_study(&CTPA, seed),
            Self::ChestXray { .. } => chest_xray_identity(seed, seed, date),
        }
    }

    /// Makes the images; takes some seconds of computing.
    pub fn scan(&self, seed: u64, identity: &PhantomIdentity) -> Result<Scan, Failure> {
        match self {
            Self::HeadCt { finding, volume_ml } => {
                let ct = head_ct(&HeadCtSpec {
                    volume_ml: *volume_ml,
                    slice_mm: Some(HEAD_SLICE_MM),
                    ..HeadCtSpec::new(seed, *finding)
                });
                let ml = ct.truth.volume_ml;
                let scan = scan(files(&ct, identity)?, ct.truth.finding_present, &BLEED);
                let holds = if ml > 0.0 {
                    format!("a phantom with {ml:.1} mL of blood")
                } else {
                    scan.holds
                };
                Ok(Scan {
                    holds,
                    blood_ml: ml,
                    ..scan
                })
            }
            Self::Ischaemia(finding) => {
                let mut spec = IschaemiaSpec::new(seed, *finding);
                spec.head.slice_mm = Some(HEAD_SLICE_MM);
                let ct = ischaemia(&spec);
                Ok(scan(files(&ct, identity)?, ct.truth.finding_present, &ISCHAEMIA))
            }
            Self::CtaHead(finding) => {
                let ct = cta_head(&CtaHeadSpec {
                    matrix: ANGIOGRAM_MATRIX,
                    ..CtaHeadSpec::new(seed, *finding)
                });
                Ok(scan(files(&ct, identity)?, ct.truth.finding_present, &OCCLUSION))
            }
            Self::Ctpa(finding) => {
                let ct = ctpa(&CtpaSpec {
                    matrix: ANGIOGRAM_MATRIX,
                    slice_mm: Some(ANGIOGRAM_SLICE_MM),
                    ..CtpaSpec::new(seed, *finding)
                });
                Ok(scan(files(&ct, identity)?, ct.truth.finding_present, &EMBOLISM))
            }
            Self::ChestXray {
                pneumothorax_cm,
                nodule_mm,
            } => {
                let image = chest_xray(&ChestXraySpec {
                    pneumothorax: pneumothorax_cm.map(PneumothoraxSpec::new),
                    nodule: nodule_mm.map(NoduleSpec::new),
                    ..ChestXraySpec::new(seed)
                });
                let mut file = Vec::new();
                dicom_image(&image, identity)?.write_all(&mut file)?;
                let words = if nodule_mm.is_some() {
                    &NODULE
                } else {
                    &PNEUMOTHORAX
                };
                Ok(scan(vec![file], image.truth.finding_present, words))
            }
        }
    }
}

/// What is looked for, and the impressions of a report that has it and of one that has not.
struct Words {
    what: &'static str,
    there: &'static str,
    absent: &'static str,
}

const BLEED: Words = Words {
    what: "blood",
    there: "SYNTHETIC REPORT: INTRACRANIAL HEMORRHAGE.",
    absent: "SYNTHETIC REPORT: NO INTRACRANIAL HEMORRHAGE.",
};
const ISCHAEMIA: Words = Words {
    what: "early ischaemia",
    there: "SYNTHETIC REPORT: EARLY ISCHAEMIC CHANGE.",
    absent: "SYNTHETIC REPORT: NO EARLY ISCHAEMIC CHANGE.",
};
const OCCLUSION: Words = Words {
    what: "an occluded artery",
    there: "SYNTHETIC REPORT: OCCLUSION OF A CEREBRAL ARTERY.",
    absent: "SYNTHETIC REPORT: NO OCCLUSION OF A LARGE ARTERY.",
};
const EMBOLISM: Words = Words {
    what: "clot in pulmonary arteries",
    there: "SYNTHETIC REPORT: PULMONARY EMBOLISM.",
    absent: "SYNTHETIC REPORT: NO PULMONARY EMBOLISM.",
};
const PNEUMOTHORAX: Words = Words {
    what: "a pneumothorax",
    there: "SYNTHETIC REPORT: PNEUMOTHORAX.",
    absent: "SYNTHETIC REPORT: NO PNEUMOTHORAX, NO NODULE.",
};
const NODULE: Words = Words {
    what: "a nodule",
    there: "SYNTHETIC REPORT: PULMONARY NODULE.",
    absent: "SYNTHETIC REPORT: NO NODULE.",
};

fn scan(files: Vec<Vec<u8>>, present: bool, words: &Words) -> Scan {
    let (with, impression) = match present {
        true => ("with", words.there),
        false => ("without", words.absent),
    };
    Scan {
        files,
        blood_ml: 0.0,
        holds: format!("a phantom {with} {}", words.what),
        impression,
    }
}

fn files<T>(ct: &Ct<T>, identity: &PhantomIdentity) -> Result<Vec<Vec<u8>>, Failure> {
    let slices = 0..ct.volume.geometry.slices;
    slices
        .map(|slice| {
            let mut file = Vec::new();
            dicom_slice(ct, identity, slice)?.write_all(&mut file)?;
            Ok(file)
        })
        .collect()
}
