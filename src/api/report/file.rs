//! One form of a result as a file, as it was sent or would be. Taking it out is on the audit chain before it is answered.

use tocsin_domain::ids::ResultId;

use super::{Told, compose};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::views;
use crate::report::fhir;
use crate::report::outputs::Composed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    StructuredReport,
    Message,
    Fhir,
}

pub struct File {
    /// Names no patient.
    pub name: String,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

impl Kind {
    fn extension(self) -> &'static str {
        match self {
            Self::StructuredReport => "dcm",
            Self::Message => "hl7",
            Self::Fhir => "json",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::StructuredReport => "application/dicom",
            Self::Message => "x-application/hl7-v2+er7",
            Self::Fhir => "application/fhir+json",
        }
    }
}

pub async fn file(
    state: &State,
    who: &Principal,
    id: &str,
    wanted: Option<ResultId>,
    kind: Kind,
) -> Result<File, ApiError> {
    let told = Told::load(state, id, wanted).await?;
    let record = told.chosen.map(|at| &told.results[at].record);
    let record = record.ok_or(ApiError::NotFound("result of this study"))?;
    let outputs = compose(state, &told.study, record).await?;
    let composed = match kind {
        Kind::StructuredReport => outputs.structured_report,
        Kind::Message => outputs.message,
        Kind::Fhir => match outputs.fhir {
            Ok(bundle) => Composed::Draft(fhir::pretty(&bundle).into_bytes()),
            Err(reason) => Composed::Impossible(reason),
        },
    };
    let bytes = match composed {
        Composed::Fixed(bytes) | Composed::Draft(bytes) => bytes,
        Composed::Impossible(reason) => return Err(ApiError::Conflict(reason)),
    };
    let detail = serde_json::json!({ "result": record.id, "file": kind.extension() });
    views::note(state, who, "report.export", format!("study:{}", told.id), detail).await?;
    Ok(File {
        name: format!("report-{}.{}", record.id, kind.extension()),
        media_type: kind.media_type(),
        bytes,
    })
}
