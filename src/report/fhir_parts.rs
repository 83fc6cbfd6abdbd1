//! The small parts of FHIR R4 that resources share: codings, identifiers, quantities, dates. A code keeps the system that
//! defines it; a system without a known address is left out, never guessed.

use serde_json::{Map, Value, json};
use tocsin_domain::code::Code;
use tocsin_domain::ids::Uid;
use tocsin_domain::order::{EntityId, Procedure};
use tocsin_domain::phi::{Demographics, PatientIdentifier};

use super::dataset::decimal;

const UCUM: &str = "http://unitsofmeasure.org";
const IDENTIFIER_TYPES: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// The address of a coding scheme, by its designator in DICOM PS3.16 chapter 8 or HL7 table 0396.
pub fn system(designator: &str) -> Option<&'static str> {
    match designator {
        "SCT" => Some("http://snomed.info/sct"),
        "DCM" => Some("http://dicom.nema.org/resources/ontology/DCM"),
        "LN" => Some("http://loinc.org"),
        "UCUM" => Some(UCUM),
        "RADELEMENT" | "99RADELEMENT" => Some("https://radelement.org"),
        "99TOCSIN" => Some("urn:tocsin:codes"),
        _ => None,
    }
}

pub fn concept(code: &Code) -> Value {
    let mut coding = Map::new();
    if let Some(system) = system(&code.system) {
        coding.insert("system".into(), system.into());
    }
    coding.insert("code".into(), code.code.as_ref().into());
    coding.insert("display".into(), code.display.as_ref().into());
    json!({ "coding": [coding], "text": code.display })
}

/// A concept of a system that HL7 defines.
pub fn defined(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": display }] })
}

/// What was ordered; the code stands alone where its system has no known address.
pub fn procedure(procedure: &Procedure) -> Option<Value> {
    let code = Code {
        system: procedure.system.clone().into(),
        code: procedure.code.clone().into(),
        display: procedure.text.clone().into(),
    };
    match (procedure.code.is_empty(), procedure.text.is_empty()) {
        (true, true) => None,
        (true, false) => Some(json!({ "text": procedure.text })),
        (false, true) => Some(json!({ "text": procedure.code })),
        (false, false) => Some(concept(&code)),
    }
}

/// A number as every output writes it.
pub fn quantity(value: f64, unit: &Code) -> Value {
    let number: Value = serde_json::from_str(&decimal(value)).unwrap_or_else(|_| value.into());
    json!({ "value": number, "unit": unit.code, "system": UCUM, "code": unit.code })
}

/// A DICOM UID as FHIR names it.
pub fn dicom(uid: &Uid) -> Value {
    json!({ "system": "urn:dicom:uid", "value": format!("urn:oid:{uid}") })
}

/// An identifier of table 0203: `ACSN`, `PLAC`, `FILL`.
pub fn typed(kind: &str, display: &str, value: &str, assigner: &str) -> Value {
    let mut identifier = json!({ "type": defined(IDENTIFIER_TYPES, kind, display), "value": value });
    if !assigner.is_empty() {
        identifier["assigner"] = json!({ "display": assigner });
    }
    identifier
}

pub fn entity(kind: &str, display: &str, id: &EntityId) -> Option<Value> {
    (!id.number.is_empty()).then(|| typed(kind, display, &id.number, &id.namespace))
}

/// A patient as HL7 messages name him.
pub fn patient(identifier: Option<&PatientIdentifier>, known: &Demographics) -> Value {
    let mut patient = json!({ "resourceType": "Patient" });
    if let Some(id) = identifier.filter(|id| !id.value.is_empty()) {
        let number = typed("MR", "Medical record number", &id.value, &id.authority);
        patient["identifier"] = json!([number]);
    }
    if let Some(name) = known.name.as_ref().and_then(|name| human(name.expose())) {
        patient["name"] = json!([name]);
    }
    if let Some(date) = known.birth_date.as_ref().and_then(|date| day(date.expose())) {
        patient["birthDate"] = date.into();
    }
    if let Some(sex) = &known.sex {
        patient["gender"] = gender(sex.expose()).into();
    }
    patient
}

/// From the stored order of a name: family, given, middle, prefix, suffix. Of several ways of writing it the first.
fn human(name: &str) -> Option<Value> {
    let group = name.split('=').next().unwrap_or_default();
    let mut parts = group.split('^').map(str::trim);
    let mut next = || parts.next().filter(|part| !part.is_empty());
    let (family, given, middle, prefix, suffix) = (next(), next(), next(), next(), next());
    let mut human = Map::new();
    if let Some(family) = family {
        human.insert("family".into(), family.into());
    }
    for (name, parts) in [
        ("given", [given, middle].as_slice()),
        ("prefix", [prefix].as_slice()),
        ("suffix", [suffix].as_slice()),
    ] {
        let said: Vec<&str> = parts.iter().copied().flatten().collect();
        if !said.is_empty() {
            human.insert(name.into(), said.into());
        }
    }
    (!human.is_empty()).then_some(Value::Object(human))
}

fn gender(sex: &str) -> &'static str {
    match sex {
        "M" => "male",
        "F" => "female",
        "O" => "other",
        _ => "unknown",
    }
}

/// `YYYYMMDD`, possibly shortened, with hyphens; nothing for what is no date.
pub fn day(date: &str) -> Option<String> {
    let number = |range| date.get(range).and_then(|text: &str| text.parse::<u32>().ok());
    let digits = date.bytes().all(|byte| byte.is_ascii_digit());
    let month = || number(4..6).filter(|month| (1..=12).contains(month));
    match date.len() {
        4 if digits => Some(date.to_owned()),
        6 if digits => month().map(|_| format!("{}-{}", &date[..4], &date[4..])),
        8 if digits => {
            chrono::NaiveDate::from_ymd_opt(number(0..4)?.try_into().ok()?, month()?, number(6..8)?)
                .map(|day| day.format("%Y-%m-%d").to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_exact_as_they_were_sent() {
        for (sent, written) in [
            ("19500102", Some("1950-01-02")),
            ("195001", Some("1950-01")),
            ("1950", Some("1950")),
            ("19500231", None),
            ("195013", None),
            ("1950-1-2", None),
            ("ÄÄ", None),
            ("", None),
        ] {
            assert_eq!(day(sent).as_deref(), written, "{sent}");
        }
    }

    #[test]
    fn a_code_of_an_unknown_system_keeps_its_code_and_claims_no_system() {
        let local = concept(&Code::new("L", "7", "Local"));
        assert_eq!(local["coding"][0], json!({ "code": "7", "display": "Local" }));
        assert_eq!(
            concept(&Code::new("SCT", "7", "x"))["coding"][0]["system"],
            "http://snomed.info/sct"
        );
    }

    #[test]
    fn a_number_is_written_as_in_every_other_output() {
        let unit = tocsin_domain::code::MILLILITER;
        assert_eq!(quantity(0.1 + 0.2, &unit)["value"], json!(0.3));
        assert_eq!(quantity(24.130_000_1, &unit)["value"].to_string(), "24.13");
    }
}
