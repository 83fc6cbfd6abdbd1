//! The accounts of people: the list without their secrets, making one, and changing one. An account is never deleted, and
//! nobody takes their own rights away by a slip of the hand.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, Query};
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::UserId;

use super::auth::session::Subject;
use super::auth::{Principal, Role, secret};
use super::error::ApiError;
use super::page::{Page, PageQuery};
use super::state::State;
use crate::storage::entity::account;
use crate::storage::{StoreError, Tx, accounts, audit, people, sessions};

/// Characters of a name.
const NAME: usize = 100;
/// No control character, and something that can be seen.
const PRINTABLE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// How long a link to choose a password is good.
const INVITE_LASTS: TimeDelta = TimeDelta::hours(72);

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PersonView {
    pub id: String,
    pub name: String,
    pub role: String,
    /// `active`, `invited` (nobody has chosen a password yet) or `deactivated`.
    pub state: String,
    /// The identity provider that says who this is; null for an account of ours.
    pub provider: Option<String>,
    /// Whether a second factor of ours is set up.
    pub has_factor: bool,
    pub last_sign_in_at: Option<Timestamp>,
    /// Until when the link to choose a password is good; null where none waits.
    pub invited_until: Option<Timestamp>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    #[schemars(length(min = 1, max = NAME), regex(pattern = PRINTABLE))]
    pub name: String,
    /// `radiologist`, `integration_engineer`, `admin`, …
    #[schemars(with = "Role")]
    pub role: String,
}

/// What can be changed about an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    Role {
        #[schemars(with = "Role")]
        role: String,
    },
    /// A new link to choose a password; the old password holds until it is used.
    Invite,
    /// Nobody comes in with it any more; it can be undone.
    Deactivate,
    Reactivate,
    EndSessions,
    ResetFactor,
}

/// The account as it is now, and the only time its link is shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangedPerson {
    pub person: PersonView,
    /// Path of the page where the person chooses a password; null where no link was made.
    pub invite: Option<String>,
}

pub async fn list(state: Data<State>, query: Query<PageQuery>) -> Result<Json<Page<PersonView>>, ApiError> {
    Ok(Json(Page::piece(&query, load(&state).await?)?))
}

pub async fn load(state: &State) -> Result<Vec<PersonView>, ApiError> {
    let rows = accounts::accounts(state.store.read()).await?;
    Ok(rows.into_iter().map(view).collect())
}

pub async fn create(
    state: Data<State>,
    wanted: Json<NewPerson>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let made = make(&state, &who, wanted.into_inner()).await?;
    Ok(HttpResponse::Created().json(made))
}

/// Makes an account without a password, and the link by which its person chooses one.
pub async fn make(state: &State, who: &Principal, wanted: NewPerson) -> Result<ChangedPerson, ApiError> {
    let name = wanted.name.trim().to_owned();
    if !(1..=NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::BadRequest(format!(
            "name: expected 1 to {NAME} printable characters"
        )));
    }
    let role = role(&wanted.role)?;
    let token = secret::token((state.entropy)());
    let (sha256, site, who) = (
        secret::fingerprint(&token),
        state.settings.site.0.clone(),
        who.clone(),
    );
    let made = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let no_password = people::NO_PASSWORD.to_owned();
                let id = accounts::create(tx, &name, role.text(), no_password)
                    .await?
                    .to_string();
                people::invite(tx, &id, &sha256, tx.now() + INVITE_LASTS).await?;
                let detail = serde_json::json!({ "role": role.text() });
                let event = who.did("account.create", format!("account:{id}"), &site, detail);
                audit::record(tx, event).await?;
                reload(tx, &id).await
            })
        })
        .await;
    match made {
        Ok(row) => Ok(ChangedPerson {
            person: view(row),
            invite: Some(link(&token)),
        }),
        Err(StoreError::Conflict) => Err(ApiError::Conflict(
            "an account of this name exists already".into(),
        )),
        Err(error) => Err(error.into()),
    }
}

pub async fn change(
    state: Data<State>,
    id: Path<String>,
    change: Json<Change>,
    who: Principal,
) -> Result<Json<ChangedPerson>, ApiError> {
    Ok(Json(apply(&state, &who, &id, change.into_inner()).await?))
}

/// Changes an account, or says why not.
pub async fn apply(
    state: &State,
    who: &Principal,
    id: &str,
    change: Change,
) -> Result<ChangedPerson, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::NotFound("account"))?;
    if let Change::Role { role: wanted } = &change {
        role(wanted)?;
    }
    let token = matches!(change, Change::Invite).then(|| secret::token((state.entropy)()));
    let sha256 = token.as_deref().map(secret::fingerprint);
    let (site, who) = (state.settings.site.0.clone(), who.clone());
    let row = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = reload(tx, &id.to_string()).await?;
                if let Some(why) = why_not(&change, &row, who.account_id()) {
                    return Err(StoreError::Refused(why.to_owned()));
                }
                let detail = match &change {
                    Change::Role { role } => serde_json::json!({ "role": role, "before": row.role }),
                    _ => serde_json::json!({}),
                };
                write(tx, &row.id, &change, sha256).await?;
                let event = who.did(action(&change), format!("account:{}", row.id), &site, detail);
                audit::record(tx, event).await?;
                reload(tx, &row.id).await
            })
        })
        .await?;
    Ok(ChangedPerson {
        person: view(row),
        invite: token.as_deref().map(link),
    })
}

/// Why this is not done to this account; `None` when it may be.
fn why_not(change: &Change, row: &account::Model, own: Option<&str>) -> Option<&'static str> {
    let (own, elsewhere) = (own == Some(row.id.as_str()), row.issuer.is_some());
    match change {
        Change::Role { .. } | Change::Deactivate | Change::ResetFactor if own => {
            Some("this is your own account; another administrator has to do that")
        }
        Change::Role { .. } if elsewhere => Some("the identity provider says which role this person has"),
        Change::Invite if elsewhere => Some("this person signs in with the identity provider"),
        Change::Invite if row.disabled => Some("the account is deactivated; reactivate it first"),
        Change::Role { .. }
        | Change::Invite
        | Change::Deactivate
        | Change::Reactivate
        | Change::EndSessions
        | Change::ResetFactor => None,
    }
}

async fn write(tx: &Tx, id: &str, change: &Change, sha256: Option<String>) -> Result<(), StoreError> {
    match change {
        Change::Role { role } => people::set_role(tx, id, role).await,
        Change::Invite => {
            let until = tx.now() + INVITE_LASTS;
            people::invite(tx, id, &sha256.unwrap_or_default(), until).await
        }
        Change::Deactivate => {
            people::set_disabled(tx, id, true).await?;
            end_sessions(tx, id).await
        }
        Change::Reactivate => people::set_disabled(tx, id, false).await,
        Change::EndSessions => end_sessions(tx, id).await,
        Change::ResetFactor => people::reset_factor(tx, id).await,
    }
}

pub async fn end_sessions(tx: &Tx, id: &str) -> Result<(), StoreError> {
    sessions::end_all(tx, &Subject::Account(id.to_owned()).text()).await
}

fn action(change: &Change) -> &'static str {
    match change {
        Change::Role { .. } => "account.role",
        Change::Invite => "account.invite",
        Change::Deactivate => "account.disable",
        Change::Reactivate => "account.enable",
        Change::EndSessions => "account.sessions_end",
        Change::ResetFactor => "account.factor_reset",
    }
}

async fn reload(tx: &Tx, id: &str) -> Result<account::Model, StoreError> {
    let row = accounts::by_id(tx.conn(), id).await?;
    row.ok_or(StoreError::Missing("account"))
}

fn role(text: &str) -> Result<Role, ApiError> {
    Role::ALL
        .into_iter()
        .find(|role| role.text() == text)
        .ok_or_else(|| {
            ApiError::BadRequest(format!(
                "role: expected one of {}",
                Role::ALL.map(Role::text).join(", ")
            ))
        })
}

fn link(token: &str) -> String {
    format!("/invite/{token}")
}

fn view(row: account::Model) -> PersonView {
    let has_password = row.password_hash != people::NO_PASSWORD;
    let state = match (row.disabled, has_password || row.issuer.is_some()) {
        (true, _) => "deactivated",
        (false, false) => "invited",
        (false, true) => "active",
    };
    PersonView {
        id: row.id,
        name: row.name,
        role: row.role,
        state: state.to_owned(),
        provider: row.issuer,
        has_factor: row.factor_nonce.is_some(),
        last_sign_in_at: row.last_sign_in_at.map(from_micros),
        invited_until: row.invite_until.map(from_micros),
        created_at: from_micros(row.created_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(issuer: Option<&str>, disabled: bool) -> account::Model {
        account::Model {
            id: "1".into(),
            name: "mia".into(),
            role: "radiologist".into(),
            password_hash: String::new(),
            disabled,
            factor_nonce: None,
            factor_step: 0,
            issuer: issuer.map(str::to_owned),
            subject: None,
            invite_sha256: None,
            invite_until: None,
            last_sign_in_at: None,
            created_at: 0,
            updated_at: 0,
        }
    }

    #[test]
    fn nobody_takes_their_own_rights_away_and_a_provider_keeps_its_own() {
        let role = Change::Role { role: "admin".into() };
        let (ours, theirs) = (row(None, false), row(Some("https://id"), false));
        for change in [&role, &Change::Deactivate, &Change::ResetFactor] {
            assert!(why_not(change, &ours, Some("1")).is_some(), "{change:?}");
            assert!(why_not(change, &ours, Some("2")).is_none(), "{change:?}");
        }
        assert!(why_not(&role, &theirs, None).is_some());
        assert!(why_not(&Change::Invite, &theirs, None).is_some());
        assert!(why_not(&Change::Invite, &row(None, true), None).is_some());
        assert!(why_not(&Change::EndSessions, &theirs, Some("1")).is_none());
    }

    #[test]
    fn an_account_without_a_password_waits_for_its_person() {
        assert_eq!(view(row(None, false)).state, "invited");
        assert_eq!(view(row(Some("https://id"), false)).state, "active");
        assert_eq!(view(row(None, true)).state, "deactivated");
    }
}
