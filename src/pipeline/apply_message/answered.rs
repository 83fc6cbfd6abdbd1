//! The application of the RIS answers a message of ours, later than its commit answer: what was owed is then done, or
//! refused with the reason.

use tocsin_domain::answer::{AnswerEvent, Said};
use tocsin_domain::ids::MessageId;

use super::Applied;
use crate::pipeline::tell_ris::RIS;
use crate::storage::deliveries::{self, DeliveryState};
use crate::storage::{StoreError, Tx, messages, timeline};

pub async fn apply(tx: &Tx, event: &AnswerEvent, raw: &[u8]) -> Result<Applied, StoreError> {
    let nothing = |reason: &str| {
        Ok(Applied::ToNothing {
            reason: reason.to_owned(),
        })
    };
    let (state, outcome, words) = match event.said() {
        Said::OnlyStored => {
            return nothing("a commit answer belongs to the connection that the message went out on");
        }
        Said::Done => (DeliveryState::Confirmed, "acknowledged", None),
        Said::Refused => {
            let words = format!("refused by the RIS: {}", event.reason());
            (DeliveryState::Refused, "refused", Some(words))
        }
    };
    let Some(message) = messages::sent_as(tx.conn(), RIS, &event.control_id).await? else {
        return nothing("it answers a message that was not sent to the RIS");
    };
    let Some(delivery) = deliveries::of_message(tx.conn(), &message.id).await? else {
        return nothing("what it answers is owed no more");
    };
    let id: MessageId = message.id.parse().map_err(|_| StoreError::Missing("message"))?;
    messages::answered(tx, id, outcome, &event.code, raw.to_vec()).await?;
    deliveries::settle(tx, deliveries::id_of(&delivery)?, state, words).await?;
    let study = delivery
        .study_id
        .parse()
        .map_err(|_| StoreError::Missing("study of the delivery"))?;
    let detail = format!("{} {} by the application of {RIS}", delivery.kind, state.text());
    timeline::note(tx, study, "delivery", detail).await?;
    Ok(Applied::To(vec![study]))
}
