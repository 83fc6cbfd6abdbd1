//! Job: hands one page to its channel. What is not known to have arrived is sent again under the same Message-ID and says
//! that it may be a repeat; a page of an alert that somebody has acknowledged is not sent any more.

use chrono::TimeDelta;
use tocsin_domain::alert::link_token::{self, Claim};
use tocsin_domain::alert::{AlertState, NotifyReason, Person};
use tocsin_domain::clock::from_micros;
use tocsin_domain::ids::NotificationId;

use super::env::Env;
use crate::jobs::JobError;
use crate::notify::{Email, PageContext, SendError};
use crate::storage::entity::{alert, notification, study};
use crate::storage::leases::{self, Lease};
use crate::storage::{StoreError, Tx, alerts, studies, timeline};

/// What is needed to write the page.
struct Prepared {
    page: notification::Model,
    alert: alert::Model,
    study: study::Model,
    may_repeat: bool,
}

pub async fn run(env: &Env, lease: &Lease, id: NotificationId) -> Result<(), JobError> {
    let held = lease.clone();
    let prepared = env
        .store
        .write(move |tx| Box::pin(async move { prepare(tx, &held, id).await }))
        .await?;
    let Some(prepared) = prepared else { return Ok(()) };
    let Some(person) = env
        .settings
        .people
        .iter()
        .find(|p| p.id == prepared.page.recipient)
    else {
        return Err(JobError::Fail("the recipient is no longer configured".to_owned()));
    };
    let mail = compose(env, &prepared, person)?;
    match env.mailer.send(&mail).await {
        Ok(_) => accepted(env, lease, id, &prepared).await,
        Err(error) => Err(refused(env, id, error).await?),
    }
}

/// Marks the page as being sent; `None` when there is nothing to send any more, and the job is done.
async fn prepare(tx: &Tx, lease: &Lease, id: NotificationId) -> Result<Option<Prepared>, StoreError> {
    leases::fence(tx, lease).await?;
    let page = alerts::page(tx.conn(), id).await?;
    let alert_id = page.alert_id.parse().map_err(|_| StoreError::Missing("alert"))?;
    let alert = alerts::lock(tx, alert_id).await?;
    let over = match alerts::state_of(&alert)? {
        AlertState::Raised { .. } | AlertState::Notified { .. } => {
            matches!(page.state.as_str(), "sent" | "cancelled")
        }
        AlertState::Acknowledged { .. } | AlertState::Withheld { .. } | AlertState::Retracted { .. } => true,
    };
    if over {
        if page.state != "sent" {
            alerts::not_sent(
                tx,
                id,
                "cancelled",
                "the alert was settled before this page went out".to_owned(),
            )
            .await?;
        }
        leases::complete(tx, lease).await?;
        return Ok(None);
    }
    // A process that died while sending cannot say whether the page arrived.
    let may_repeat = matches!(page.state.as_str(), "sending" | "unknown");
    alerts::sending(tx, id).await?;
    let study = studies::get(tx.conn(), alerts::study_of(&alert)?).await?;
    Ok(Some(Prepared {
        page,
        alert,
        study,
        may_repeat,
    }))
}

fn compose(env: &Env, prepared: &Prepared, person: &Person) -> Result<Email, JobError> {
    let now = env.store.now();
    let content: PageContent = serde_json::from_str(&prepared.alert.content)
        .map_err(|_| JobError::Fail("the content of the alert cannot be read".to_owned()))?;
    let alert = alerts::id_of(&prepared.alert)?;
    let expires_at = now + TimeDelta::hours(env.settings.link_hours);
    let token = link_token::mint(
        &env.settings.link_key,
        &Claim {
            alert,
            recipient: person.id.clone(),
            expires_at,
        },
    );
    let rendered = env.templates.render(&PageContext {
        site: env.settings.site_name.clone(),
        study_ref: short(&prepared.study.id),
        urgency: content.urgency,
        headline: content.headline,
        details: content.details,
        location: content.location,
        raised_at: env.settings.local_time(from_micros(prepared.alert.created_at)),
        escalation: escalation(&prepared.page),
        ack_url: format!("{}/a/{token}", env.settings.base_url),
        repeat: prepared.may_repeat,
        notice: content.notice,
    });
    if let Some(fault) = rendered.fault {
        tracing::error!(
            template = fault.name,
            problem = fault.problem,
            "a page template failed; the built-in text was sent"
        );
    }
    Ok(Email {
        message_id: prepared.page.message_id.clone(),
        from: env.settings.mail_from.clone(),
        to: person.email.clone(),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        date: now,
    })
}

fn escalation(page: &notification::Model) -> Option<String> {
    match page.reason.as_str() {
        "not_acknowledged" => Some("Nobody acknowledged the pages before this one.".to_owned()),
        "repeat" => Some("Still not acknowledged.".to_owned()),
        _ => None,
    }
}

/// What a page says, fixed when the alert was raised.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct PageContent {
    pub urgency: String,
    pub headline: String,
    pub details: Vec<String>,
    pub location: Option<String>,
    /// The disclaimer of the model that spoke.
    pub notice: String,
}

/// Enough of a study's id for two people on the phone to agree which one they mean.
pub fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

async fn accepted(env: &Env, lease: &Lease, id: NotificationId, prepared: &Prepared) -> Result<(), JobError> {
    let (lease, recipient, study) = (
        lease.clone(),
        prepared.page.recipient.clone(),
        studies::id_of(&prepared.study)?,
    );
    env.store
        .write(move |tx| {
            Box::pin(async move {
                alerts::sent(tx, id, tx.now()).await?;
                timeline::note(
                    tx,
                    study,
                    "page_accepted",
                    format!("by the mail server, for {recipient}"),
                )
                .await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    // A page that follows because nobody acknowledged says nothing of how fast the first one was.
    if prepared.page.reason == NotifyReason::FirstNotice.text() {
        let since = env.store.now() - from_micros(prepared.study.last_instance_at);
        env.metrics.last_image_to_page.observe(since.as_seconds_f64());
    }
    Ok(())
}

async fn refused(env: &Env, id: NotificationId, error: SendError) -> Result<JobError, JobError> {
    let state = match &error {
        SendError::Transient { .. } | SendError::Permanent { .. } => "failed",
        SendError::Unknown { .. } => "unknown",
    };
    let text = error.to_string();
    let kept = text.clone();
    env.store
        .write(move |tx| Box::pin(async move { alerts::not_sent(tx, id, state, kept).await }))
        .await?;
    Ok(match error {
        SendError::Transient { .. } | SendError::Unknown { .. } => JobError::Retry(text),
        // Nothing will make this address take it; escalation reaches somebody else.
        SendError::Permanent { .. } => JobError::Fail(text),
    })
}
