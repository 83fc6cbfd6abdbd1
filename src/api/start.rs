//! What is left to do before a site can rely on the service: each step with what was last seen of it, never with what was
//! configured alone.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};

use super::auth::{Principal, Role};
use super::error::ApiError;
use super::page::Page;
use super::state::State;
use crate::storage::signs::{self, Sign};
use crate::storage::{accounts, audit, messages, studies};

/// A step of setting a site up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// An administrator with a password of their own.
    Administrator,
    /// A modality has verified the connection, or sent images.
    Echo,
    /// Images have come.
    Images,
    /// The RIS has sent a message.
    Message,
    /// A model is in force.
    Model,
    /// Somebody has got a test page.
    TestPage,
    /// Those who read and those who are paged can sign in.
    People,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StepView {
    pub step: Step,
    pub done: bool,
    /// When it was last seen to work.
    pub at: Option<Timestamp>,
    /// What was seen: an AE title, a model. Never a patient.
    pub detail: Option<String>,
}

/// Somebody who can be paged.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reachable {
    pub id: String,
    pub name: String,
}

/// Sends a page that is about nothing, to see that pages arrive.
#[async_trait]
pub trait TestPages: Send + Sync {
    /// What the mail server answered.
    ///
    /// # Errors
    /// Why no server took it, in words for whoever sets the site up.
    async fn send(&self, person: &str) -> Result<String, String>;
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestPage {
    /// Id of a person of `[[alerts.people]]`.
    pub person: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TestPageView {
    /// What the mail server answered.
    pub answer: String,
}

/// `GET /api/v1/start`.
pub async fn list(state: Data<State>) -> Result<Json<Page<StepView>>, ApiError> {
    let items = steps(&state).await?;
    Ok(Json(Page { items, next: None }))
}

/// `POST /api/v1/start/test-page`.
pub async fn post(
    state: Data<State>,
    wanted: Json<TestPage>,
    who: Principal,
) -> Result<Json<TestPageView>, ApiError> {
    let answer = test_page(&state, &who, &wanted.person).await?;
    Ok(Json(TestPageView { answer }))
}

/// Every step, in the order in which they are taken.
pub async fn steps(state: &State) -> Result<Vec<StepView>, ApiError> {
    let conn = state.store.read();
    let mut signs = signs::all(conn).await?;
    let mut sign = |kind: Sign| signs.remove(kind.text());
    let (echo, page) = (sign(Sign::Echo), sign(Sign::TestPage));
    let image = studies::last_image_at(conn).await?;
    let message = messages::last_in(conn).await?;
    let people = accounts::accounts(conn).await?;
    let in_use = || people.iter().filter(|row| !row.disabled);
    let administrators = in_use()
        .filter(|row| Role::parse(&row.role) == Some(Role::Admin))
        .count();
    let models = &state.settings.models;
    let step = |step, done, at, detail| StepView {
        step,
        done,
        at,
        detail,
    };
    Ok(vec![
        step(Step::Administrator, administrators > 0, None, None),
        step(
            Step::Echo,
            echo.is_some() || image.is_some(),
            echo.as_ref().map(|row| from_micros(row.at)).or(image),
            echo.map(|row| row.detail),
        ),
        step(Step::Images, image.is_some(), image, None),
        step(Step::Message, message.is_some(), message, None),
        step(
            Step::Model,
            !models.is_empty(),
            None,
            (!models.is_empty()).then(|| models.values().cloned().collect::<Vec<_>>().join(", ")),
        ),
        step(
            Step::TestPage,
            page.is_some(),
            page.as_ref().map(|row| from_micros(row.at)),
            page.map(|row| row.detail),
        ),
        step(Step::People, in_use().count() > 1, None, None),
    ])
}

/// Those who can be sent a test page.
pub fn reachable(state: &State) -> Vec<Reachable> {
    let people = state.settings.people.iter();
    people
        .map(|(id, name)| Reachable {
            id: id.clone(),
            name: name.clone(),
        })
        .collect()
}

/// Has a test page sent; what the mail server answered.
///
/// # Errors
/// Nobody of this id, or no server that took it.
pub async fn test_page(state: &State, who: &Principal, person: &str) -> Result<String, ApiError> {
    if !state.settings.people.contains_key(person) {
        return Err(ApiError::NotFound("person of [[alerts.people]]"));
    }
    let pages: Arc<dyn TestPages> = state.test_pages.clone();
    let sent = pages.send(person).await;
    let detail = serde_json::json!({ "person": person, "sent": sent.is_ok() });
    let event = who.did(
        "page.test",
        format!("person:{person}"),
        &state.settings.site.0,
        detail,
    );
    let (taken, name) = (sent.is_ok(), state.person(person).to_owned());
    state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                if taken {
                    signs::seen(tx, Sign::TestPage, name).await?;
                }
                audit::record(tx, event).await
            })
        })
        .await?;
    sent.map_err(|reason| ApiError::Conflict(format!("the test page was not sent: {reason}")))
}
