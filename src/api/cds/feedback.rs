//! What people did with cards. Kept for the site; the audit chain says that it came, and holds none of their own words.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::services::Service;
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::storage::card_feedback::{self, Feedback};
use crate::storage::{StoreError, audit};

/// Cards that one message speaks of.
const CARDS: usize = 50;
/// Characters of what somebody wrote, and of a code.
const COMMENT: usize = 2_000;
const CODE: usize = 128;

/// What became of cards.
#[derive(Deserialize, JsonSchema)]
pub struct Message {
    #[schemars(length(min = 1, max = CARDS))]
    feedback: Vec<Said>,
}

/// What became of one.
#[derive(Deserialize, JsonSchema)]
pub struct Said {
    card: Uuid,
    outcome: Outcome,
    #[serde(default, rename = "overrideReason")]
    override_reason: Option<Override>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Accepted,
    Overridden,
}

#[derive(Deserialize, JsonSchema)]
struct Override {
    #[serde(default)]
    reason: Option<Reason>,
    #[serde(default, rename = "userComment")]
    user_comment: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Reason {
    #[serde(default)]
    code: Option<String>,
}

impl Outcome {
    fn text(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Overridden => "overridden",
        }
    }
}

pub async fn post(
    state: Data<State>,
    id: Path<String>,
    message: Json<Message>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let service = Service::find(&id).ok_or(ApiError::NotFound("service"))?;
    let said = message.into_inner().feedback;
    if said.is_empty() || said.len() > CARDS {
        return Err(ApiError::BadRequest(format!(
            "feedback: expected 1 to {CARDS} entries"
        )));
    }
    let kept: Vec<Feedback> = said.into_iter().map(|said| kept(service, said, &who)).collect();
    let events: Vec<_> = kept
        .iter()
        .map(|feedback| {
            who.did(
                "cds.feedback",
                format!("card:{}", feedback.card),
                &state.settings.site.0,
                serde_json::json!({
                    "service": feedback.service,
                    "outcome": feedback.outcome,
                    "with_reason": feedback.reason.is_some(),
                    "with_comment": feedback.comment.is_some(),
                }),
            )
        })
        .collect();
    state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                for (feedback, event) in kept.into_iter().zip(events) {
                    card_feedback::add(tx, feedback).await?;
                    audit::record(tx, event).await?;
                }
                Ok::<(), StoreError>(())
            })
        })
        .await?;
    Ok(HttpResponse::Ok().finish())
}

fn kept(service: Service, said: Said, who: &Principal) -> Feedback {
    let (reason, comment) = match said.override_reason {
        Some(why) => (why.reason.and_then(|reason| reason.code), why.user_comment),
        None => (None, None),
    };
    let short = |text: String, most: usize| text.chars().take(most).collect::<String>();
    Feedback {
        service: service.id(),
        card: said.card.to_string(),
        outcome: said.outcome.text(),
        reason: reason.map(|code| short(code, CODE)),
        comment: comment.map(|words| short(words, COMMENT)),
        by: who.name.clone(),
    }
}
