//! N-EVENT-REPORT of storage commitment: an archive says what it keeps of what we have sent to it (PS3.4 J.3.3), over an
//! association that it opens.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::commitment::Said;
use tocsin_domain::dimse::{self, Head};
use tocsin_domain::ids::Uid;
use tracing::{info, warn};

use super::services::{Asked, Reply, Served};
use super::small::text;
use crate::storage::{StoreError, commitments};

/// All is kept; or not all.
const EVENTS: [u16; 2] = [1, 2];
/// Objects of which one report speaks at most. We ask about one at a time.
const MOST_OBJECTS: usize = 1_000;

pub(super) async fn take(served: &Served, archive: &str, asked: &Asked, head: &Head, event: u16) -> Reply {
    if !EVENTS.contains(&event) {
        return Reply::status(head, dimse::STATUS_NO_SUCH_EVENT, "expected event 1 or 2");
    }
    let Some((transaction, said)) = asked.data.as_ref().and_then(report) else {
        return Reply::status(
            head,
            dimse::STATUS_MISSING_ATTRIBUTE,
            "no Transaction UID, or no objects",
        );
    };
    let failed = said.iter().filter(|(_, said)| *said != Said::Kept).count();
    match note(served, archive, transaction, said).await {
        Ok(true) => {
            info!(failed, "an archive has said what it keeps");
            Reply::status(head, dimse::STATUS_SUCCESS, "")
        }
        Ok(false) => {
            warn!("an archive speaks of a transaction or object that it was not asked about");
            Reply::status(head, dimse::STATUS_INVALID_ARGUMENT, "this was not asked")
        }
        Err(error) => {
            warn!(%error, "what an archive keeps could not be noted");
            Reply::status(head, dimse::STATUS_PROCESSING_FAILURE, "try again later")
        }
    }
}

async fn note(
    served: &Served,
    archive: &str,
    transaction: String,
    said: Vec<(Uid, Said)>,
) -> Result<bool, StoreError> {
    let archive = archive.to_owned();
    served
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let mut all = true;
                for (object, said) in &said {
                    all &= commitments::told(tx, &archive, &transaction, object, *said).await?;
                }
                Ok(all)
            })
        })
        .await
}

/// The transaction, and what is said of each object.
fn report(told: &InMemDicomObject) -> Option<(String, Vec<(Uid, Said)>)> {
    let transaction = text(told, tags::TRANSACTION_UID)?;
    let mut said = Vec::new();
    for item in items(told, tags::REFERENCED_SOP_SEQUENCE) {
        said.push((object(item)?, Said::Kept));
    }
    for item in items(told, tags::FAILED_SOP_SEQUENCE) {
        let reason = item.element(tags::FAILURE_REASON).ok()?.to_int::<u16>().ok()?;
        said.push((object(item)?, Said::NotKept(reason)));
    }
    (!said.is_empty()).then_some((transaction, said))
}

fn items(object: &InMemDicomObject, tag: Tag) -> impl Iterator<Item = &InMemDicomObject> {
    let sequence = object.element_opt(tag).ok().flatten();
    let items = sequence.and_then(|element| element.items()).unwrap_or_default();
    items.iter().take(MOST_OBJECTS)
}

fn object(item: &InMemDicomObject) -> Option<Uid> {
    Uid::parse(&text(item, tags::REFERENCED_SOP_INSTANCE_UID)?).ok()
}
