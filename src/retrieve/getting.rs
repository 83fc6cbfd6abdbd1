//! C-GET: the archive sends over the association in which it was asked, and we answer each instance once it is on stable
//! storage and filed (PS3.4 C.4.3).

use dicom_ul::pdu::{PDataValueType, PresentationContextProposed, RequestorRoles, UserVariableItem};
use tocsin_domain::dimse::query::{
    Command, STATUS_SUB_OPERATIONS_FAILED, STUDY_ROOT_GET, get_request, is_pending,
};
use tocsin_domain::dimse::{Head, Request, Response, STATUS_SUCCESS};
use tocsin_domain::ids::Uid;
use tocsin_domain::priors::Chosen;

use super::asking::{Asking, Service, refused, unexpected};
use super::identifier;
use super::{Fetched, RetrieveError, Taker};
use crate::deliver::dicom::association::{EXPLICIT_LITTLE, IMPLICIT_LITTLE, context};
use crate::deliver::dicom::{DeliverError, DicomPeer};
use crate::ingest::dicom::intake::Endless;

const GET: Service = Service {
    sop_class: STUDY_ROOT_GET,
    name: "C-GET",
};

/// Images that models read (PS3.4 B.5): computed and digital radiography, CT and MR, plain and enhanced.
pub const IMAGES: [&str; 8] = [
    "1.2.840.10008.5.1.4.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.4.1",
];

/// Compressed encodings in which archives keep images; each in a context of its own, so that none is decompressed for us.
pub const COMPRESSED: [&str; 8] = [
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.5",
];

pub async fn fetch(peer: &DicomPeer, chosen: &Chosen, taker: &Taker<'_>) -> Result<Fetched, RetrieveError> {
    let mut asking = Asking::open(peer, GET, contexts(), roles()).await?;
    let mut fetched = Fetched::default();
    for series in &chosen.series {
        if let Err(error) = one(&mut asking, &chosen.study_uid, series, taker, &mut fetched).await {
            asking.association.abort().await;
            return Err(error);
        }
    }
    asking.association.release().await;
    Ok(fetched)
}

/// 72 contexts of the 128 that an association may have.
fn contexts() -> Vec<PresentationContextProposed> {
    let plain: &[&str] = &[EXPLICIT_LITTLE, IMPLICIT_LITTLE];
    let syntaxes = || std::iter::once(plain).chain(COMPRESSED.iter().map(std::slice::from_ref));
    let kinds = IMAGES
        .iter()
        .flat_map(|class| syntaxes().map(move |syntaxes| (class, syntaxes)));
    kinds
        .zip((3..=u8::MAX).step_by(2))
        .map(|((class, syntaxes), id)| context(id, class, syntaxes))
        .collect()
}

/// That we take these objects, though we asked for the association.
fn roles() -> Vec<UserVariableItem> {
    let role = RequestorRoles {
        scu: false,
        scp: true,
    };
    let item = |class: &&str| UserVariableItem::ScuScpRoleSelectionSubItem((*class).to_owned(), role);
    IMAGES.iter().map(item).collect()
}

async fn one(
    asking: &mut Asking,
    study: &Uid,
    series: &Uid,
    taker: &Taker<'_>,
    fetched: &mut Fetched,
) -> Result<(), RetrieveError> {
    let message = asking.association.number();
    asking
        .ask(get_request(message), &identifier::one_series(study, series))
        .await?;
    loop {
        let (context, command) = asking.association.command().await.map_err(RetrieveError::Peer)?;
        match command {
            Command::Request(Request::Store(head)) if head.has_data_set => {
                take(asking, context, head, taker, fetched).await?;
            }
            Command::Request(_) => return Err(unexpected()),
            Command::Response(response) => {
                asking.data_of(&response).await?;
                if response.head.message_id == message && ended(&response, fetched)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Whether the archive has sent what it had.
fn ended(response: &Response, fetched: &mut Fetched) -> Result<bool, RetrieveError> {
    match response.status {
        STATUS_SUCCESS => Ok(true),
        STATUS_SUB_OPERATIONS_FAILED => {
            if fetched.refused.is_empty() {
                fetched.refuse("some could not be sent in an encoding that is read here".to_owned());
            }
            Ok(true)
        }
        status if is_pending(status) => Ok(false),
        _ => Err(refused(GET, response)),
    }
}

/// Takes one instance in and answers it.
async fn take(
    asking: &mut Asking,
    context: u8,
    head: Head,
    taker: &Taker<'_>,
    fetched: &mut Fetched,
) -> Result<(), RetrieveError> {
    let proposed = asking.association.class_of(context) == Some(head.sop_class.as_str());
    let Some(syntax) = asking.association.syntax_of(context).filter(|_| proposed) else {
        return Err(unexpected());
    };
    if fetched.instances >= taker.most {
        return Err(RetrieveError::TooManyInstances { limit: taker.most });
    }
    let mut taking = taker.intake.begin(taker.origin, head.clone(), syntax);
    loop {
        let value = asking.association.value().await.map_err(RetrieveError::Peer)?;
        if value.value_type != PDataValueType::Data || value.presentation_context_id != context {
            return Err(RetrieveError::Peer(DeliverError::Unexpected));
        }
        taking
            .push(&value.data)
            .await
            .map_err(|Endless| RetrieveError::Endless)?;
        if value.is_last {
            break;
        }
    }
    let answer = match taker.intake.finish(taker.origin, taking).await {
        Ok(_) => {
            fetched.instances += 1;
            Response::to(&head, STATUS_SUCCESS, "")
        }
        Err(refusal) => {
            let answer = Response::to(&head, refusal.status, &refusal.reason);
            fetched.refuse(refusal.reason);
            answer
        }
    };
    let said = asking.association.say(context, answer.to_bytes(), None).await;
    said.map_err(RetrieveError::Peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_context_has_an_odd_number_of_its_own_and_all_fit_into_one_association() {
        let contexts = contexts();
        let ids: std::collections::BTreeSet<u8> = contexts.iter().map(|c| c.id).collect();
        assert_eq!((contexts.len(), ids.len()), (72, 72));
        assert!(ids.iter().all(|id| id % 2 == 1 && *id > 1));
    }
}
