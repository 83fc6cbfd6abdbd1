//! Query and retrieve over what is stored (PS3.4 annex C): C-FIND, C-GET and C-MOVE. Nothing is told or sent before the audit
//! chain says who asked; what lies in the quarantine is not found.

mod card;
mod finding;
mod question;
mod retrieving;
mod search;
mod sending;

use tocsin_domain::audit::{ActorKind, Event, Outcome};
use tocsin_domain::dimse::query::{PATIENT_ROOT_FIND, PATIENT_ROOT_GET, PATIENT_ROOT_MOVE};

use question::Root;

use super::services::Served;
use crate::storage::{StoreError, audit};

/// Cannot understand, unable to process (PS3.4 tables C.4-1 to C.4-3): the fault is here.
const STATUS_UNABLE: u16 = 0xC001;

fn root_of(sop_class: &str) -> Root {
    match sop_class {
        PATIENT_ROOT_FIND | PATIENT_ROOT_GET | PATIENT_ROOT_MOVE => Root::Patient,
        _ => Root::Study,
    }
}

/// Says who asked for what, before it is given.
async fn noted(
    served: &Served,
    calling_ae: &str,
    action: &str,
    studies: impl IntoIterator<Item = String>,
    about: (&str, serde_json::Value),
) -> Result<(), StoreError> {
    let studies: Vec<String> = studies.into_iter().collect();
    let object = match &studies[..] {
        [only] => format!("study:{only}"),
        _ => "studies".to_owned(),
    };
    let event = Event {
        actor: calling_ae.to_owned(),
        actor_kind: ActorKind::Peer,
        action: action.to_owned(),
        object,
        site: (served.site_of)(calling_ae).0,
        outcome: Outcome::Success,
        request_id: String::new(),
        detail: serde_json::json!({ "studies": studies, (about.0): about.1 }),
    };
    served
        .store
        .write_together(move |tx| Box::pin(async move { audit::record(tx, event).await }))
        .await?;
    Ok(())
}
