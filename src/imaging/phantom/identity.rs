//! Who a phantom pretends to be. Names are clearly made up; identifiers come from the seed unless given, so that an order
//! and its images can agree.

use tocsin_domain::ids::Uid;
use uuid::Uuid;

use super::head::HEAD_CT;
use super::study::Study;

/// Header values that tie images to a patient, a study and a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhantomIdentity {
    pub patient_name: String,
    pub patient_id: String,
    /// `YYYYMMDD`, or empty.
    pub birth_date: String,
    /// `M`, `F`, `O` or empty.
    pub sex: String,
    pub accession: String,
    pub study_id: String,
    pub study_uid: Uid,
    /// Instance UIDs are derived from it.
    pub series_uid: Uid,
    /// `YYYYMMDD` and `HHMMSS`.
    pub date: String,
    pub time: String,
    pub study_description: String,
    pub series_description: String,
    pub protocol: String,
    pub station: String,
}

impl PhantomIdentity {
    /// An identity of a non-contrast head CT that the seed decides.
    pub fn for_seed(seed: u64) -> Self {
        Self::for_study(&HEAD_CT, seed)
    }

    /// An identity that the kind of study and the seed decide.
    pub fn for_study(study: &Study, seed: u64) -> Self {
        let year = 1935 + seed % 70;
        Self {
            patient_name: format!("PHANTOM^{} {}", study.patient_name, seed % 1_000_000),
            patient_id: format!("{}-{:06}", study.patient_code, seed % 1_000_000),
            birth_date: format!("{year}{:02}{:02}", 1 + seed / 7 % 12, 1 + seed / 3 % 28),
            sex: ["F", "M"][(seed % 2) as usize].to_owned(),
            accession: format!("{}{:08}", study.accession_code, seed % 100_000_000),
            study_id: format!("{}", seed % 100_000),
            study_uid: Uid::from_uuid(derived_uuid(study.kind, seed, "study")),
            series_uid: series_uid(study, seed),
            date: "20260101".to_owned(),
            time: format!("{:02}{:02}{:02}", seed % 24, seed / 24 % 60, seed / 11 % 60),
            study_description: study.study_description.to_owned(),
            series_description: study.series_description.to_owned(),
            protocol: study.protocol.to_owned(),
            station: "PHANTOMCT".to_owned(),
        }
    }
}

/// Name space of instance UIDs, the same for all kinds: the UID of the series tells them apart.
const INSTANCES: &str = "head-ct";

pub(super) fn series_uid(study: &Study, seed: u64) -> Uid {
    Uid::from_uuid(derived_uuid(study.kind, seed, "series"))
}

/// UID of the instance at index `k` of a series.
pub(super) fn instance_uid(series: &Uid, k: usize) -> Uid {
    Uid::from_uuid(derived_uuid(INSTANCES, k as u64, series.as_str()))
}

/// A UUID that a kind of study, a seed and a name decide (version 5).
fn derived_uuid(kind: &str, seed: u64, name: &str) -> Uuid {
    Uuid::new_v5(
        &Uuid::NAMESPACE_OID,
        format!("tocsin {kind} phantom {seed} {name}").as_bytes(),
    )
}
