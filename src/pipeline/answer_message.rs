//! Job: writes the second answer that the sender of a message asked for, once it is known what became of the message, and
//! sends it where that sender takes answers. It is written once, so that every attempt sends the same bytes.

use sha2::{Digest, Sha256};
use tocsin_domain::answer::{Fate, Owed};
use tocsin_domain::ids::{MessageId, SiteId};
use tocsin_domain::order::Hl7Event;

use super::env::{AnswerRoute, Env};
use crate::deliver::mllp::{self, AckCode, AckOutcome, MllpPeer};
use crate::jobs::JobError;
use crate::report::hl7_answer::{Commit, Content, Promise, Stamp, answer};
use crate::report::hl7_keys;
use crate::report::hl7_problem::{ErrorCode, Hl7Problem, Place};
use crate::storage::answers::{self, AnswerState};
use crate::storage::entity::{application_answer, message};
use crate::storage::leases::{self, Lease};
use crate::storage::messages::{Draft, InboundState};
use crate::storage::{StoreError, Tx, document, messages, replay};

/// What is to be done after the transaction.
enum Next {
    Nothing,
    Send(Box<message::Model>),
}

/// Where answers of the sender go, as far as this job is concerned.
#[derive(Clone, Copy)]
enum Way {
    Ours,
    TheirConnection,
    Gone,
}

pub async fn run(env: &Env, lease: &Lease, id: MessageId) -> Result<(), JobError> {
    let Some(row) = answers::get(env.store.read(), id).await? else {
        return Err(JobError::Fail("nobody is owed this answer".to_owned()));
    };
    let route = env.settings.answers.get(&row.peer);
    let way = match route {
        Some(AnswerRoute::To(_)) => Way::Ours,
        Some(AnswerRoute::SameConnection) => Way::TheirConnection,
        None => Way::Gone,
    };
    let (held, time) = (lease.clone(), env.settings.hl7_time(env.store.now()));
    let next = env
        .store
        .write(move |tx| Box::pin(async move { prepare(tx, &held, id, &row, way, &time).await }))
        .await?;
    match (next, route) {
        (Next::Send(reply), Some(AnswerRoute::To(peer))) => send(env, lease, id, &reply, peer).await,
        (Next::Send(_) | Next::Nothing, _) => Ok(()),
    }
}

/// Writes the answer if that was not done before. The job ends here where no connection of ours is to be opened.
async fn prepare(
    tx: &Tx,
    lease: &Lease,
    id: MessageId,
    row: &application_answer::Model,
    way: Way,
    time: &str,
) -> Result<Next, StoreError> {
    leases::fence(tx, lease).await?;
    let reply = match written(tx, row).await? {
        Some(reply) => Some(reply),
        None => compose(tx, id, row, time).await?,
    };
    let (state, words) = match (&reply, way) {
        (None, _) => (AnswerState::NotAsked, None),
        (Some(_), Way::Ours) => return Ok(reply.map_or(Next::Nothing, |reply| Next::Send(Box::new(reply)))),
        (Some(_), Way::TheirConnection) => (AnswerState::Pending, None),
        (Some(_), Way::Gone) => {
            let words = "no way for the answers of this sender is configured any more".to_owned();
            (AnswerState::Refused, Some(words))
        }
    };
    answers::set_state(tx, id, state, words).await?;
    leases::complete(tx, lease).await?;
    Ok(Next::Nothing)
}

async fn written(tx: &Tx, row: &application_answer::Model) -> Result<Option<message::Model>, StoreError> {
    match row.reply_id.as_deref().map(str::parse) {
        Some(Ok(reply)) => messages::by_id(tx.conn(), reply).await,
        Some(Err(_)) | None => Ok(None),
    }
}

/// `None` where the sender asked for none in this case.
async fn compose(
    tx: &Tx,
    id: MessageId,
    row: &application_answer::Model,
    time: &str,
) -> Result<Option<message::Model>, StoreError> {
    let promise: Promise = document::read(&row.promise, "application_answer", "promise", &row.message_id)?;
    let answered = messages::by_id(tx.conn(), id)
        .await?
        .ok_or(StoreError::Missing("message"))?;
    let problem = problem(&answered, &promise);
    let fate = match problem {
        Some(_) => Fate::Failed,
        None => Fate::Done,
    };
    if promise.wants.owes(fate) == Owed::NotAsked {
        return Ok(None);
    }
    let reply = MessageId(tx.uuid());
    let raw = render(
        &promise,
        &answered,
        problem.as_ref(),
        &messages::control_id(reply),
        time,
    )?;
    let draft = Draft {
        keys: hl7_keys::of(&raw),
        id: reply,
        study: answered.study_id.as_deref().and_then(|study| study.parse().ok()),
        site: SiteId(answered.site.clone()),
        peer: row.peer.clone(),
        kind: "application answer".to_owned(),
        sha256: hex::encode(Sha256::digest(&raw)),
        raw,
    };
    messages::compose(tx, draft).await?;
    answers::composed(tx, id, reply).await?;
    messages::by_id(tx.conn(), reply).await
}

/// What went wrong: when the message came, or when it was to be applied.
fn problem(answered: &message::Model, promise: &Promise) -> Option<Hl7Problem> {
    let failed = answered.state == InboundState::Failed.text();
    promise.problem.clone().or_else(|| {
        let expected = "a message that agrees with what is known here; a person was told why it does not";
        failed.then(|| Hl7Problem::new(ErrorCode::Internal, Place::segment("MSH", 1), expected))
    })
}

fn render(
    promise: &Promise,
    answered: &message::Model,
    problem: Option<&Hl7Problem>,
    control_id: &str,
    time: &str,
) -> Result<Vec<u8>, StoreError> {
    let orders = match replay::event_of(answered)? {
        Some(Hl7Event::Orders(orders)) => orders,
        Some(
            Hl7Event::Patient(_)
            | Hl7Event::Merge(_)
            | Hl7Event::Report(_)
            | Hl7Event::VendorResults(_)
            | Hl7Event::Appointment(_)
            | Hl7Event::Answer(_)
            | Hl7Event::Ignored { .. },
        )
        | None => Vec::new(),
    };
    let code = match problem {
        None => AckCode::Accept,
        Some(problem) if problem.code.is_rejection() => AckCode::Reject,
        Some(_) => AckCode::Error,
    };
    let content = Content {
        form: promise.form,
        commit: Commit::Always,
        code: code.text(),
        problem,
        orders: &orders,
    };
    Ok(answer(&promise.to, &content, Stamp { control_id, time }).bytes)
}

async fn send(
    env: &Env,
    lease: &Lease,
    id: MessageId,
    reply: &message::Model,
    peer: &MllpPeer,
) -> Result<(), JobError> {
    let sent = mllp::send(peer, &reply.raw, &reply.control_id).await;
    let (state, outcome, code, raw, words) = match sent {
        Ok(AckOutcome::Accepted { code, raw, .. }) => {
            (AnswerState::Accepted, "acknowledged", code, raw, None)
        }
        // The other side could not store it now.
        Ok(AckOutcome::Refused {
            code: code @ AckCode::CommitError,
            text,
            ..
        }) => return Err(JobError::Retry(format!("{} {text}", code.text()))),
        Ok(AckOutcome::Refused { code, text, raw }) => {
            let words = format!("{} {text}", code.text());
            (AnswerState::Refused, "refused", code, raw, Some(words))
        }
        Err(error) => return Err(JobError::Retry(error.to_string())),
    };
    let reply: MessageId = reply
        .id
        .parse()
        .map_err(|_| JobError::Fail("a message without an id".to_owned()))?;
    let lease = lease.clone();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                messages::answered(tx, reply, outcome, code.text(), raw.to_vec()).await?;
                answers::set_state(tx, id, state, words).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

/// An answer that could not be sent for a week stays, refused, with the reason.
pub async fn given_up(env: &Env, id: MessageId, reason: &str) -> Result<(), StoreError> {
    let reason = reason.to_owned();
    env.store
        .write(move |tx| {
            Box::pin(async move { answers::set_state(tx, id, AnswerState::Refused, Some(reason)).await })
        })
        .await
}
