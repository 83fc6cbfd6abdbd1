//! Patient: a record of the site's messages, or, where a person has decided that a study has no order, whom its images name.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tocsin_domain::phi::{Demographics, PatientIdentifier};

use super::sources::demographics;
use super::{Entry, Kind, Server, entry};
use crate::report::fhir_parts;
use crate::storage::entity::{patient, study};
use crate::storage::{StoreError, patients};

/// In front of the id of a study whose images alone name the patient.
const OF_IMAGES: &str = "images-";

pub fn imaged_id(study: &str) -> String {
    format!("{OF_IMAGES}{study}")
}

/// The study whose images name this patient; `None` of an id that is none of those.
pub fn study_of(id: &str) -> Option<&str> {
    id.strip_prefix(OF_IMAGES)
}

/// A record that was merged into another says so, and is not in use.
pub async fn load(
    conn: &impl ConnectionTrait,
    server: &Server,
    row: patient::Model,
) -> Result<Entry, StoreError> {
    let identifier = PatientIdentifier {
        value: row.identifier.clone(),
        authority: row.authority.clone(),
    };
    let mut resource = fhir_parts::patient(Some(&identifier), &demographics(&row));
    resource["active"] = row.merged_into.is_none().into();
    let (id, updated_at) = (row.id.clone(), row.updated_at);
    if row.merged_into.is_some() {
        let stays = patients::survivor(conn, row).await?;
        let other = super::reference(Kind::Patient, &stays.id);
        resource["link"] = json!([{ "other": other, "type": "replaced-by" }]);
    }
    Ok(entry(server, id, Some(updated_at), resource, None))
}

pub fn of_images(server: &Server, row: &study::Model) -> Entry {
    let identifier = row.patient_identifier.clone().map(|value| {
        let authority = row.patient_authority.clone().unwrap_or_default();
        PatientIdentifier { value, authority }.qualified(&server.default_authority)
    });
    let said = Demographics {
        name: row.patient_name.clone().map(Into::into),
        birth_date: row.birth_date.clone().map(Into::into),
        sex: row.sex.clone().map(Into::into),
    };
    let resource = fhir_parts::patient(identifier.as_ref(), &said);
    entry(server, imaged_id(&row.id), None, resource, Some(&row.id))
}
