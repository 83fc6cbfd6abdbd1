//! Site profiles: where each fact is found in the messages of a system, what its words mean, what is written to it, and what
//! its sample messages are read as. A message can be tried on one: it is read as the listener would, and nothing is kept of it.

use actix_web::web::{self, Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tocsin_domain::clock::Timestamp;

use super::auth::Principal;
use super::error::ApiError;
use super::page::Page;
use super::state::State;
use super::views;
use crate::report::hl7_edit::{self, Form};
use crate::report::hl7_fields;
use crate::report::read_profile::{FieldPath, ReadProfile, Words};
use crate::report::site_profile::SiteProfile;

/// Facts of one message that are listed.
const MOST_ROWS: usize = 2_000;

/// A profile and what came of its samples.
pub struct KnownProfile {
    pub id: String,
    /// As the configuration names it.
    pub name: String,
    /// The systems whose messages it is for.
    pub used_by: Vec<String>,
    /// The file was changed since this service was started.
    pub changed: bool,
    /// As the file stands now.
    pub profile: Result<SiteProfile, String>,
    pub samples: Result<Vec<SampleView>, String>,
}

/// The profiles of this installation; whoever reads messages knows them.
pub trait Profiles: Send + Sync {
    /// Those in use first, in the order of their names.
    fn all(&self) -> Vec<KnownProfile>;

    /// What is read of a message under the profile as its file stands now; `None` where there is none of this id.
    fn read(&self, id: &str, message: &[u8], at: Timestamp) -> Option<Result<Value, String>>;
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProfileView {
    pub id: String,
    /// As the configuration names it.
    pub name: String,
    /// The systems whose messages are read or written so, by their names in the configuration.
    pub used_by: Vec<String>,
    /// The file was changed since this service was started; what is said here is of the file.
    pub changed: bool,
    /// Why the profile, or a sample of it, cannot be read.
    pub problem: Option<String>,
    pub samples: usize,
    /// Samples that are read otherwise than is written beside them.
    pub failed: usize,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProfileDetail {
    #[serde(flatten)]
    pub profile: ProfileView,
    pub facts: Vec<FactView>,
    /// The site's own words.
    pub words: Vec<WordView>,
    pub procedures: Vec<ProcedureView>,
    /// What is written to the system, by the keys of the file.
    pub writes: Vec<Row>,
    pub sample_messages: Vec<SampleView>,
}

/// Where a fact is found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FactView {
    /// Its key below `read` in the file.
    pub fact: &'static str,
    /// The first that has a value counts.
    pub places: Vec<PlaceView>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlaceView {
    /// `ORC-7.6`
    pub place: String,
    /// As the standard calls the field; null in segments of the site's own.
    pub name: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WordView {
    /// What the word is for.
    pub fact: &'static str,
    pub word: String,
    /// The standard's.
    pub means: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProcedureView {
    pub code: String,
    pub body_part: Option<String>,
    pub contrast: Option<String>,
    pub modality: Option<String>,
}

/// A value and where it stands in its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Row {
    pub place: String,
    pub value: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SampleView {
    pub name: String,
    pub passed: bool,
    /// Where it is read otherwise than is written beside it.
    pub differences: Vec<String>,
    pub read: ReadView,
}

/// What is read of a message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReadView {
    /// Why it would be refused.
    pub refused: Option<String>,
    /// What is read, as `tocsin hl7 read` prints it.
    pub read: Value,
    /// The same, a row for each fact that has a value.
    pub facts: Vec<Row>,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// A message, one segment a line; `⟦1B⟧` stands for bytes.
    pub message: String,
}

impl ReadView {
    pub fn of(read: Value) -> Self {
        let mut facts = Vec::new();
        rows("", &read, &mut facts);
        Self {
            refused: read["refused"].as_str().map(str::to_owned),
            read,
            facts,
        }
    }
}

/// `GET /api/v1/site-profiles`.
pub async fn list(state: Data<State>) -> Result<Json<Page<ProfileView>>, ApiError> {
    let items = load(&state).await?;
    Ok(Json(Page { items, next: None }))
}

/// `GET /api/v1/site-profiles/{id}`.
pub async fn get(state: Data<State>, id: Path<String>) -> Result<Json<ProfileDetail>, ApiError> {
    Ok(Json(one(&state, &id).await?))
}

/// `POST /api/v1/site-profiles/{id}/read`.
pub async fn post(
    state: Data<State>,
    id: Path<String>,
    asked: Json<Try>,
    who: Principal,
) -> Result<Json<ReadView>, ApiError> {
    Ok(Json(read(&state, &who, &id, &asked.message).await?))
}

pub async fn load(state: &State) -> Result<Vec<ProfileView>, ApiError> {
    Ok(known(state).await?.iter().map(summary).collect())
}

pub async fn one(state: &State, id: &str) -> Result<ProfileDetail, ApiError> {
    let known = known(state).await?;
    let found = known.into_iter().find(|one| one.id == id);
    found.map(detail).ok_or(ApiError::NotFound("site profile"))
}

/// Reads a message under a profile. Nothing is kept of it; that somebody did so is on the audit chain.
///
/// # Errors
/// A text that is no message, or that cannot be written in its character set.
pub async fn read(state: &State, who: &Principal, id: &str, message: &str) -> Result<ReadView, ApiError> {
    let bytes = hl7_edit::edited(message.trim_start(), Form::default())
        .map_err(|error| ApiError::BadRequest(format!("message: {error}")))?;
    let (profiles, profile, at) = (state.profiles.clone(), id.to_owned(), state.now());
    let read = blocking(move || profiles.read(&profile, &bytes, at)).await?;
    let read = read.ok_or(ApiError::NotFound("site profile"))?;
    let detail = serde_json::json!({});
    views::note(
        state,
        who,
        "site_profile.read",
        format!("site_profile:{id}"),
        detail,
    )
    .await?;
    read.map(ReadView::of).map_err(ApiError::Conflict)
}

async fn known(state: &State) -> Result<Vec<KnownProfile>, ApiError> {
    let profiles = state.profiles.clone();
    blocking(move || profiles.all()).await
}

/// Profiles and samples are read from files.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    web::block(work).await.map_err(|_| ApiError::Unavailable)
}

fn summary(known: &KnownProfile) -> ProfileView {
    let samples = known.samples.as_ref().map(Vec::as_slice).unwrap_or_default();
    let problem = known.profile.as_ref().err().or(known.samples.as_ref().err());
    ProfileView {
        id: known.id.clone(),
        name: known.name.clone(),
        used_by: known.used_by.clone(),
        changed: known.changed,
        problem: problem.cloned(),
        samples: samples.len(),
        failed: samples.iter().filter(|sample| !sample.passed).count(),
    }
}

fn detail(known: KnownProfile) -> ProfileDetail {
    let profile = summary(&known);
    let samples = known.samples.unwrap_or_default();
    let mut detail = ProfileDetail {
        profile,
        facts: Vec::new(),
        words: Vec::new(),
        procedures: Vec::new(),
        writes: Vec::new(),
        sample_messages: samples,
    };
    if let Ok(profile) = &known.profile {
        detail.facts = facts(&profile.read);
        detail.words = words(&profile.read);
        detail.procedures = procedures(&profile.read);
        let order_answer = serde_json::to_value(profile.read.order_answer).unwrap_or_default();
        rows(
            "send",
            &serde_json::to_value(&profile.send).unwrap_or_default(),
            &mut detail.writes,
        );
        rows("read.order_answer", &order_answer, &mut detail.writes);
    }
    detail
}

fn facts(read: &ReadProfile) -> Vec<FactView> {
    let patient = match read.patient_authority.as_str() {
        "" => "PID-3".to_owned(),
        authority => format!("PID-3 ({authority})"),
    };
    let patient = FactView {
        fact: "patient_authority",
        places: vec![PlaceView {
            place: patient,
            name: hl7_fields::name("PID", 3),
        }],
    };
    let places: [(&'static str, &[FieldPath]); 9] = [
        ("accession", &read.accession),
        ("priority", &read.priority),
        ("procedure", &read.procedure),
        ("modality", &read.modality),
        ("requested_procedure", &read.requested_procedure),
        ("scheduled_step", &read.scheduled_step),
        ("patient_class", &read.patient_class),
        ("visit", &read.visit),
        ("clinical_information", &read.clinical_information),
    ];
    let found = places.into_iter().map(|(fact, paths)| FactView {
        fact,
        places: paths.iter().map(place).collect(),
    });
    std::iter::once(patient).chain(found).collect()
}

fn place(path: &FieldPath) -> PlaceView {
    PlaceView {
        place: path.to_string(),
        name: hl7_fields::name(&path.segment, path.field),
    }
}

fn words(read: &ReadProfile) -> Vec<WordView> {
    let of = |fact: &'static str, words: &Words| {
        let view = |(word, means): (&str, &str)| WordView {
            fact,
            word: word.to_owned(),
            means: means.to_owned(),
        };
        words.entries().map(view).collect::<Vec<_>>()
    };
    [
        of("priority", &read.priorities),
        of("modality", &read.modalities),
        of("patient_class", &read.patient_classes),
    ]
    .concat()
}

fn procedures(read: &ReadProfile) -> Vec<ProcedureView> {
    let view = |(code, meaning): (&String, &crate::report::read_profile::ProcedureMeaning)| ProcedureView {
        code: code.clone(),
        body_part: meaning.body_part.clone(),
        contrast: meaning.contrast.map(|contrast| contrast.text().to_owned()),
        modality: meaning.modality.clone(),
    };
    read.procedures.iter().map(view).collect()
}

/// A row for each value of a document that says something.
fn rows(place: &str, value: &Value, all: &mut Vec<Row>) {
    let below = |key: &str| match place {
        "" => key.to_owned(),
        _ => format!("{place}.{key}"),
    };
    let mut add = |value: String| {
        if !value.is_empty() && all.len() < MOST_ROWS {
            all.push(Row {
                place: place.to_owned(),
                value,
            });
        }
    };
    match value {
        Value::Null => {}
        Value::Bool(said) => add(said.to_string()),
        Value::Number(number) => add(number.to_string()),
        Value::String(text) => add(text.clone()),
        Value::Array(entries) if entries.iter().all(Value::is_string) => {
            add(entries
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(", "));
        }
        Value::Array(entries) => {
            for (at, entry) in entries.iter().enumerate() {
                rows(&below(&(at + 1).to_string()), entry, all);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                rows(&below(key), field, all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::site_profile::DEFAULT_251;

    #[test]
    fn what_says_something_is_a_row_with_its_place() {
        let view =
            ReadView::of(json!({ "event": "orders", "data": [{ "a": null, "b": "", "c": { "d": 1 } }] }));
        let row = |place: &str, value: &str| Row {
            place: place.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(view.facts, [row("data.1.c.d", "1"), row("event", "orders")]);
        assert_eq!(view.refused, None);
        let refused = ReadView::of(json!({ "refused": "OBR-4: missing" }));
        assert_eq!(refused.refused.as_deref(), Some("OBR-4: missing"));
    }

    #[test]
    fn a_profile_says_where_each_fact_is_and_what_is_written() {
        let known = KnownProfile {
            id: "default-251".to_owned(),
            name: "default".to_owned(),
            used_by: vec!["RIS".to_owned()],
            changed: false,
            profile: SiteProfile::parse(DEFAULT_251).map_err(|error| error.to_string()),
            samples: Ok(Vec::new()),
        };
        let view = detail(known);
        let accession = &view.facts[1];
        let places: Vec<_> = accession
            .places
            .iter()
            .map(|p| (p.place.as_str(), p.name))
            .collect();
        assert_eq!(accession.fact, "accession");
        assert_eq!(places[1], ("OBR-18", Some("Placer field 1")));
        let value = |place: &str| {
            let row = view.writes.iter().find(|row| row.place == place);
            row.map(|row| row.value.as_str())
        };
        assert_eq!(value("send.charset"), Some("UNICODE UTF-8"));
        assert_eq!(value("send.priority.critical.code"), Some("S"));
        assert_eq!(
            value("send.priority.fields"),
            Some("TQ1-9, ORC-7.6, OBR-27.6, OBR-5")
        );
        assert_eq!(value("send.application_answers.order"), Some("AL"));
        assert_eq!(value("read.order_answer"), Some("ACK"));
    }
}
