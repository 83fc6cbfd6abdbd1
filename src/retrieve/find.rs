//! C-FIND in the study root model: the studies of a patient, then the series of those that may be compared with, over one
//! association.

use dicom_object::InMemDicomObject;
use tocsin_domain::dimse::STATUS_SUCCESS;
use tocsin_domain::dimse::query::{Command, STUDY_ROOT_FIND, cancel_request, find_request, is_pending};
use tocsin_domain::priors::{Bounds, Described, Wanted, may_be_prior};

use super::RetrieveError;
use super::asking::{Asking, Service, refused, unexpected};
use super::identifier;
use crate::deliver::dicom::DicomPeer;

const FIND: Service = Service {
    sop_class: STUDY_ROOT_FIND,
    name: "C-FIND",
};

pub async fn search(
    peer: &DicomPeer,
    wanted: &Wanted,
    bounds: &Bounds,
    most: usize,
) -> Result<Vec<Described>, RetrieveError> {
    let mut asking = Asking::open(peer, FIND, Vec::new(), Vec::new()).await?;
    match described(&mut asking, wanted, bounds, most).await {
        Ok(found) => {
            asking.association.release().await;
            Ok(found)
        }
        Err(error) => {
            asking.association.abort().await;
            Err(error)
        }
    }
}

async fn described(
    asking: &mut Asking,
    wanted: &Wanted,
    bounds: &Bounds,
    most: usize,
) -> Result<Vec<Described>, RetrieveError> {
    let answers = answers(asking, FIND, &identifier::studies_of(&wanted.patient), most).await?;
    let mut studies: Vec<Described> = answers.iter().filter_map(identifier::described).collect();
    for study in &mut studies {
        if may_be_prior(study, wanted, bounds).is_ok() {
            let asked = identifier::series_of(&study.study_uid);
            let answers = self::answers(asking, FIND, &asked, most).await?;
            study.series = answers.iter().filter_map(identifier::described_series).collect();
        }
    }
    Ok(studies)
}

/// Every answer to one question; an archive that does not come to an end is not listened to any longer.
pub(super) async fn answers(
    asking: &mut Asking,
    service: Service,
    asked: &InMemDicomObject,
    most: usize,
) -> Result<Vec<InMemDicomObject>, RetrieveError> {
    let message = asking.association.number();
    asking
        .ask(find_request(message, service.sop_class), asked)
        .await?;
    let mut answers = Vec::new();
    loop {
        let (_, command) = asking.association.command().await.map_err(RetrieveError::Peer)?;
        let Command::Response(response) = command else {
            return Err(unexpected());
        };
        let data = asking.data_of(&response).await?;
        if response.head.message_id != message {
            continue;
        }
        match response.status {
            STATUS_SUCCESS => return Ok(answers),
            status if is_pending(status) => answers.extend(data),
            _ => return Err(refused(service, &response)),
        }
        if answers.len() > most {
            let cancel = cancel_request(message);
            let said = asking.association.say(asking.context, cancel, None).await;
            said.map_err(RetrieveError::Peer)?;
            return Err(RetrieveError::TooManyAnswers { limit: most });
        }
    }
}
