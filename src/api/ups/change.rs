//! Taking a study, saying that it has been read, stopping, and what the reader says meanwhile. The claim is the desk's own;
//! the Transaction UID is kept as a hash, because whoever knows it is the reader.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};
use tocsin_domain::ids::{StudyId, Uid};
use tocsin_domain::reading::{self, Change, Ending, Granted, Key, Refusal, Step};

use super::{answer, item};
use crate::api::auth::{Principal, secret};
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::report::dicom_json;
use crate::storage::entity::{reading as reading_row, study};
use crate::storage::{StoreError, Tx, audit, readings, studies, timeline};

const TRANSACTION_UID: &str = "00081195";
const PROCEDURE_STEP_STATE: &str = "00741000";
const REASON_FOR_CANCELLATION: &str = "00741238";
/// What a reader may say of their work: how far it is, and what was done.
const SAID_BY_READER: [&str; 2] = ["00741002", "00741216"];
/// Of that, as DICOM JSON.
const SAID_LONGEST: usize = 64 * 1024;

/// Refuses what others would have read: this list is made from images and orders.
pub async fn create() -> HttpResponse {
    answer::refused(
        StatusCode::CONFLICT,
        "This worklist creates its Workitems itself.",
        "readings are made from the studies that arrive; send the images, or an order, instead",
    )
}

pub async fn state(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    body: Bytes,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    if let Some(answer) = answer::unwritable(request.headers()) {
        return Ok(answer);
    }
    let (study, number) = item::target(&id)?;
    let set = answer::data_set(&body)?;
    let change = asked(&set)?;
    let key = key_of(answer::value(&set, TRANSACTION_UID))?;
    let event = who.did(
        event_of(change),
        format!("study:{study}"),
        &state.settings.site.0,
        serde_json::json!({ "through": "UPS-RS", "reading": number }),
    );
    let by = who.name.clone();
    let done = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let (row, standing, own) = item::standing_of(tx, study, number).await?;
                let compared = compare(key.as_deref(), own.as_ref());
                let granted = match reading::change(standing.step, compared, change) {
                    Ok(granted) => granted,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                apply(tx, study, row, granted, &by, key.as_deref().unwrap_or_default()).await?;
                if !matches!(granted, Granted::Already(_)) {
                    audit::record(tx, event).await?;
                }
                Ok::<_, StoreError>(Ok(granted))
            })
        })
        .await?;
    Ok(match done {
        Err(refusal) => answer::refusal(refusal),
        Ok(Granted::Claimed | Granted::Ended(_)) => answer::plain(StatusCode::OK),
        Ok(Granted::Already(step)) => answer::warned(
            answer::plain(StatusCode::OK),
            &format!("The UPS is already in the requested state of {}.", step.text()),
        ),
    })
}

/// What the state is to become.
fn asked(set: &Map<String, Value>) -> Result<Change, ApiError> {
    match answer::value(set, PROCEDURE_STEP_STATE).and_then(Step::parse) {
        Some(Step::InProgress) => Ok(Change::Claim),
        Some(Step::Completed) => Ok(Change::Complete),
        Some(Step::Canceled) => Ok(Change::Cancel),
        Some(Step::Scheduled) | None => Err(ApiError::BadRequest(
            "ProcedureStepState (0074,1000): expected IN PROGRESS, COMPLETED or CANCELED".to_owned(),
        )),
    }
}

fn event_of(change: Change) -> &'static str {
    match change {
        Change::Claim => "study.claim",
        Change::Complete => "study.read",
        Change::Cancel => "study.release",
    }
}

/// The fingerprint of a key that came.
fn key_of(transaction: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(given) = transaction.filter(|given| !given.is_empty()) else {
        return Ok(None);
    };
    let uid = Uid::parse(given)
        .map_err(|error| ApiError::BadRequest(format!("Transaction UID (0008,1195): {error}")))?;
    Ok(Some(secret::fingerprint(uid.as_str())))
}

fn compare(given: Option<&str>, own: Option<&reading_row::Model>) -> Key {
    match (given, own.and_then(|own| own.key.as_deref())) {
        (None, _) => Key::Missing,
        (Some(given), Some(known)) if given == known => Key::Right,
        // What began at the desk has no key that anybody could show.
        (Some(_), _) => Key::Wrong,
    }
}

async fn apply(
    tx: &Tx,
    study: StudyId,
    row: study::Model,
    granted: Granted,
    by: &str,
    key: &str,
) -> Result<(), StoreError> {
    match granted {
        Granted::Claimed => {
            studies::claim(tx, study, by).await?;
            readings::lock(tx, study, key).await?;
            timeline::note(tx, study, "claimed", format!("by {by}, through UPS-RS")).await
        }
        Granted::Ended(Ending::SaidDone) => {
            readings::end_open(tx, study, Ending::SaidDone).await?;
            // Nobody else is offered the study while its report is on the way.
            studies::renew(tx, row).await?;
            let words = format!("said {by} through UPS-RS; its report takes it off the list");
            timeline::note(tx, study, "reading_done", words).await
        }
        Granted::Ended(ending) => {
            readings::end_open(tx, study, ending).await?;
            studies::let_go(tx, row).await?;
            timeline::note(tx, study, "released", format!("by {by}, through UPS-RS")).await
        }
        Granted::Already(_) => Ok(()),
    }
}

pub async fn update(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    body: Bytes,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    if let Some(answer) = answer::unwritable(request.headers()) {
        return Ok(answer);
    }
    let (study, number) = item::target(&id)?;
    let key = key_of(transaction_in(request.query_string()))?;
    let (said, more) = said(answer::data_set(&body)?)?;
    let event = who.did(
        "study.reading_update",
        format!("study:{study}"),
        &state.settings.site.0,
        serde_json::json!({ "through": "UPS-RS", "reading": number }),
    );
    let done = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let (row, standing, own) = item::standing_of(tx, study, number).await?;
                let compared = compare(key.as_deref(), own.as_ref());
                if let Err(refusal) = reading::update(standing.step, compared) {
                    return Ok(Err((standing.step, refusal)));
                }
                let own = own.ok_or(StoreError::Missing("reading"))?;
                if let Some(said) = said {
                    readings::performed(tx, own, said).await?;
                }
                studies::renew(tx, row).await?;
                audit::record(tx, event).await?;
                Ok::<_, StoreError>(Ok(()))
            })
        })
        .await?;
    Ok(match done {
        // PS3.18 table 11.6.3-1: what is at an end is a bad request here, and a conflict when its state is to change.
        Err((step, refusal)) if step.is_final() => {
            let words = "The submitted request is inconsistent with the current state of the Workitem.";
            answer::refused(StatusCode::BAD_REQUEST, words, &refusal.to_string())
        }
        Err((_, refusal)) => answer::refusal(refusal),
        Ok(()) if more => answer::warned(
            answer::plain(StatusCode::OK),
            "Requested optional Attributes are not supported.",
        ),
        Ok(()) => answer::plain(StatusCode::OK),
    })
}

/// `?1.2.3`, as the standard writes it, or `?transaction-uid=1.2.3`.
fn transaction_in(query: &str) -> Option<&str> {
    let first = query.split('&').next()?;
    match first.split_once('=') {
        Some(("transaction-uid", uid)) => Some(uid),
        Some(_) => None,
        None => Some(first),
    }
}

/// What is kept of an update, as it will be shown; and whether there was more.
fn said(set: Map<String, Value>) -> Result<(Option<String>, bool), ApiError> {
    let (kept, more): (Map<_, _>, Map<_, _>) = set
        .into_iter()
        .partition(|(tag, _)| SAID_BY_READER.contains(&tag.as_str()));
    if kept.is_empty() {
        return Ok((None, !more.is_empty()));
    }
    let document = Value::Object(kept);
    if !dicom_json::is_data_set(&document) {
        return Err(ApiError::BadRequest(
            "body: expected a data set as DICOM JSON".to_owned(),
        ));
    }
    let text = document.to_string();
    if text.len() > SAID_LONGEST {
        return Err(ApiError::TooLarge);
    }
    Ok((Some(text), !more.is_empty()))
}

pub async fn cancel_request(
    state: Data<State>,
    id: Path<String>,
    body: Bytes,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let (study, number) = item::target(&id)?;
    // A stranger's words may name a patient, and the audit chain is for ever: that there are some is kept, not which.
    let reasoned = match body.is_empty() {
        true => false,
        false => answer::value(&answer::data_set(&body)?, REASON_FOR_CANCELLATION).is_some(),
    };
    let event = who.did(
        "study.cancel_request",
        format!("study:{study}"),
        &state.settings.site.0,
        serde_json::json!({ "through": "UPS-RS", "reading": number, "with_reason": reasoned }),
    );
    let by = who.name.clone();
    let done = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let (_, standing, _) = item::standing_of(tx, study, number).await?;
                let stopped = match reading::request_cancel(standing.step) {
                    Ok(stopped) => stopped,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                if !stopped {
                    let words = format!("{by} asks whoever holds the study to give it back");
                    timeline::note(tx, study, "cancel_requested", words).await?;
                    audit::record(tx, event).await?;
                }
                Ok::<Result<bool, Refusal>, StoreError>(Ok(stopped))
            })
        })
        .await?;
    Ok(match done {
        Err(refusal) => answer::refusal(refusal),
        Ok(false) => answer::plain(StatusCode::ACCEPTED),
        Ok(true) => answer::warned(
            answer::plain(StatusCode::ACCEPTED),
            "The UPS is already in the requested state of CANCELED.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_uid_is_found_in_both_ways_of_writing() {
        for (query, found) in [
            ("1.2.3", Some("1.2.3")),
            ("transaction-uid=1.2.3", Some("1.2.3")),
            ("other=1", None),
        ] {
            assert_eq!(transaction_in(query), found, "{query}");
        }
        assert!(key_of(Some("")).expect("none").is_none());
        assert!(key_of(Some("not a uid")).is_err());
    }
}
