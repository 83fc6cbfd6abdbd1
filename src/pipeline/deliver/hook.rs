//! Tells a subscriber of a result: the resource as it is shown at that moment, or only that there is something to be read.
//! Receivers that fail too often in a row put their subscription into error; each later notice is then tried once.

use super::Attempt;
use crate::deliver::chain;
use crate::deliver::hook::{HookError, HookPeer};
use crate::fhir::{Kind, MEDIA_TYPE, read, subscription};
use crate::jobs::JobError;
use crate::pipeline::env::Env;
use crate::storage::entity::{delivery, subscription as row};
use crate::storage::subscriptions::{self, SubscriptionStatus};

pub async fn send(env: &Env, owed: &delivery::Model) -> Result<Attempt, JobError> {
    let refused = |reason: &str| {
        Ok(Attempt::Refused {
            reason: reason.to_owned(),
        })
    };
    let Some((id, about)) = owed.detail.as_deref().and_then(|detail| detail.split_once(' ')) else {
        return refused("it does not say whom it is for");
    };
    let Some(subscription) = subscriptions::by_id(env.store.read(), id).await? else {
        return refused("the subscription was deleted");
    };
    if SubscriptionStatus::of(&subscription, env.store.now()) == SubscriptionStatus::Off {
        return refused("the subscription has ended");
    }
    let allowed = subscription::allowed(&env.fhir.receivers, &subscription.endpoint);
    let peer = allowed.and_then(|receiver| env.hooks.iter().find(|peer| peer.name == receiver.name));
    let Some(peer) = peer else {
        return refused("its endpoint is not among fhir.receivers any more");
    };
    match tell(env, peer, &subscription, about).await? {
        Some(Ok(())) => {
            let id = id.to_owned();
            env.store
                .write(move |tx| Box::pin(async move { subscriptions::succeeded(tx, &id).await }))
                .await?;
            Ok(Attempt::Confirmed { note: String::new() })
        }
        Some(Err(error)) => failed(env, id, chain(&error)).await,
        None => refused("the result may not be shown"),
    }
}

/// `None` where there is nothing that may be told.
async fn tell(
    env: &Env,
    peer: &HookPeer,
    subscription: &row::Model,
    about: &str,
) -> Result<Option<Result<(), HookError>>, JobError> {
    let endpoint = subscription.endpoint.trim_end_matches('/');
    let named = about
        .split_once('/')
        .and_then(|(kind, id)| Some((Kind::of(kind)?, id)));
    let Some((kind, id)) = named else { return Ok(None) };
    let conn = env.store.read();
    let Some(entry) = read::read(conn, &env.fhir, kind, id, env.store.now()).await? else {
        return Ok(None);
    };
    Ok(Some(match subscription.payload {
        Some(_) => {
            let address = format!("{endpoint}/{}/{}", kind.name(), entry.id);
            peer.put(&address, MEDIA_TYPE, entry.resource.to_string()).await
        }
        None => peer.nudge(&subscription.endpoint).await,
    }))
}

async fn failed(env: &Env, id: &str, reason: String) -> Result<Attempt, JobError> {
    let (id, error, most) = (id.to_owned(), reason.clone(), env.settings.hook_failures);
    let status = env
        .store
        .write(move |tx| Box::pin(async move { subscriptions::failed(tx, &id, &error, most).await }))
        .await?;
    Ok(match status {
        SubscriptionStatus::Active => Attempt::Retry { reason },
        SubscriptionStatus::Error | SubscriptionStatus::Off => Attempt::Refused { reason },
    })
}
