//! C-MOVE: the archive sends to our own listener, which knows by then what is expected. What is refused there is counted by
//! the archive as failed.

use tocsin_domain::dimse::STATUS_SUCCESS;
use tocsin_domain::dimse::query::{
    Command, STATUS_SUB_OPERATIONS_FAILED, STUDY_ROOT_MOVE, SubOperations, is_pending, move_request,
};
use tocsin_domain::ids::Uid;
use tocsin_domain::priors::Chosen;

use super::asking::{Asking, Service, refused, unexpected};
use super::identifier;
use super::{Fetched, RetrieveError};
use crate::deliver::dicom::DicomPeer;

const MOVE: Service = Service {
    sop_class: STUDY_ROOT_MOVE,
    name: "C-MOVE",
};

pub async fn fetch(peer: &DicomPeer, chosen: &Chosen) -> Result<Fetched, RetrieveError> {
    let mut asking = Asking::open(peer, MOVE, Vec::new(), Vec::new()).await?;
    match all(&mut asking, peer, chosen).await {
        Ok(fetched) => {
            asking.association.release().await;
            Ok(fetched)
        }
        Err(error) => {
            asking.association.abort().await;
            Err(error)
        }
    }
}

async fn all(asking: &mut Asking, peer: &DicomPeer, chosen: &Chosen) -> Result<Fetched, RetrieveError> {
    let mut fetched = Fetched::default();
    for series in &chosen.series {
        let done = one(asking, &peer.our_ae, &chosen.study_uid, series).await?;
        fetched.instances += u32::from(done.completed.unwrap_or(0)) + u32::from(done.warning.unwrap_or(0));
        if let Some(failed @ 1..) = done.failed {
            fetched.refuse(format!("{failed} were not sent, or not taken"));
        }
    }
    Ok(fetched)
}

async fn one(
    asking: &mut Asking,
    to: &str,
    study: &Uid,
    series: &Uid,
) -> Result<SubOperations, RetrieveError> {
    let message = asking.association.number();
    asking
        .ask(move_request(message, to), &identifier::one_series(study, series))
        .await?;
    loop {
        let (_, command) = asking.association.command().await.map_err(RetrieveError::Peer)?;
        let Command::Response(response) = command else {
            return Err(unexpected());
        };
        asking.data_of(&response).await?;
        if response.head.message_id != message {
            continue;
        }
        match response.status {
            STATUS_SUCCESS | STATUS_SUB_OPERATIONS_FAILED => return Ok(response.sub_operations),
            status if is_pending(status) => {}
            _ => return Err(refused(MOVE, &response)),
        }
    }
}
