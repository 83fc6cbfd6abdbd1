//! A study in FHIR R4, with the series that are told of: one that was read, or all of them.

use serde_json::{Value, json};
use tocsin_domain::ids::Uid;
use tocsin_domain::order::Procedure;

use super::fhir_parts::{concept, day, dicom, procedure, typed};
use super::sr_codes;

/// What is known of a study.
#[derive(Clone, Debug)]
pub struct StudyOf<'a> {
    pub uid: &'a Uid,
    pub accession: Option<&'a str>,
    /// `YYYYMMDD`.
    pub date: Option<&'a str>,
    pub description: Option<&'a str>,
    /// What was ordered.
    pub procedure: Option<&'a Procedure>,
    /// References, as they are to stand.
    pub subject: Value,
    pub order: Option<Value>,
    pub series: &'a [SeriesOf<'a>],
}

/// One series, and as many of its instances as are to be named.
#[derive(Clone, Debug)]
pub struct SeriesOf<'a> {
    pub uid: &'a str,
    pub modality: &'a str,
    pub sop_class: Option<&'a Uid>,
    pub instances: &'a [Uid],
    pub count: usize,
    pub description: Option<&'a str>,
}

pub fn imaging_study(of: &StudyOf<'_>) -> Value {
    let mut identifiers = vec![dicom(of.uid)];
    if let Some(accession) = of.accession.filter(|number| !number.is_empty()) {
        identifiers.push(typed("ACSN", "Accession ID", accession, ""));
    }
    let mut modalities: Vec<Value> = Vec::new();
    for series in of.series {
        let modality = coding(series.modality);
        if !modalities.contains(&modality) {
            modalities.push(modality);
        }
    }
    let mut study = json!({
        "resourceType": "ImagingStudy",
        "identifier": identifiers,
        "status": "available",
        "subject": of.subject,
    });
    if !of.series.is_empty() {
        study["modality"] = modalities.into();
        study["numberOfSeries"] = of.series.len().into();
        study["numberOfInstances"] = of.series.iter().map(|series| series.count).sum::<usize>().into();
        study["series"] = of.series.iter().map(|series| series.told()).collect();
    }
    if let Some(date) = of.date.and_then(day) {
        study["started"] = date.into();
    }
    if let Some(description) = said(of.description) {
        study["description"] = description.into();
    }
    if let Some(order) = &of.order {
        study["basedOn"] = json!([order]);
    }
    if let Some(code) = of.procedure.and_then(procedure) {
        study["procedureCode"] = json!([code]);
    }
    study
}

impl SeriesOf<'_> {
    fn told(&self) -> Value {
        let mut series = json!({
            "uid": self.uid,
            "modality": coding(self.modality),
            "numberOfInstances": self.count,
        });
        if let Some(description) = said(self.description) {
            series["description"] = description.into();
        }
        if let (Some(class), false) = (self.sop_class, self.instances.is_empty()) {
            let class = json!({ "system": "urn:ietf:rfc:3986", "code": format!("urn:oid:{class}") });
            let instance = |uid: &Uid| json!({ "uid": uid.as_str(), "sopClass": class });
            series["instance"] = self.instances.iter().map(instance).collect();
        }
        series
    }
}

fn coding(modality: &str) -> Value {
    concept(&sr_codes::modality(modality))["coding"][0].clone()
}

fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
