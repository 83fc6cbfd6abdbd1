//! What changes about the people behind accounts: their role, their link to choose a password, their identity elsewhere, and
//! whether they may come in. An account is never deleted: what was done under its name stays attributable.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::UserId;

use super::accounts;
use super::entity::account::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

/// Stands where there is no password; no hash looks like it.
pub const NO_PASSWORD: &str = "";

/// Somebody as an identity provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
}

pub async fn by_identity(
    conn: &impl ConnectionTrait,
    identity: &Identity,
) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Issuer.eq(&identity.issuer))
        .filter(Column::Subject.eq(&identity.subject))
        .one(conn)
        .await?)
}

/// An account for somebody of an identity provider, under the first of `names` that nobody has.
pub async fn adopt(tx: &Tx, identity: &Identity, names: &[String], role: &str) -> Result<UserId, StoreError> {
    for name in names {
        if accounts::by_name(tx.conn(), name).await?.is_some() {
            continue;
        }
        let id = accounts::create(tx, name, role, NO_PASSWORD.to_owned()).await?;
        change(tx, &id.to_string(), |row| {
            row.issuer = Set(Some(identity.issuer.clone()));
            row.subject = Set(Some(identity.subject.clone()));
        })
        .await?;
        return Ok(id);
    }
    Err(StoreError::Conflict)
}

pub async fn set_role(tx: &Tx, id: &str, role: &str) -> Result<(), StoreError> {
    change(tx, id, |row| row.role = Set(role.to_owned())).await
}

pub async fn set_disabled(tx: &Tx, id: &str, disabled: bool) -> Result<(), StoreError> {
    change(tx, id, |row| row.disabled = Set(disabled)).await
}

pub async fn signed_in(tx: &Tx, id: &str) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    change(tx, id, |row| row.last_sign_in_at = Set(Some(now))).await
}

/// Takes the second factor away; the codes of its authenticator are worth nothing any more.
pub async fn reset_factor(tx: &Tx, id: &str) -> Result<(), StoreError> {
    change(tx, id, |row| row.factor_nonce = Set(None)).await
}

/// Keeps the fingerprint of a link by which the person chooses a password; an earlier link ends.
pub async fn invite(tx: &Tx, id: &str, sha256: &str, until: Timestamp) -> Result<(), StoreError> {
    change(tx, id, |row| {
        row.invite_sha256 = Set(Some(sha256.to_owned()));
        row.invite_until = Set(Some(to_micros(until)));
    })
    .await
}

/// Whom a link was made for, while it is good.
pub async fn invited(
    conn: &impl ConnectionTrait,
    sha256: &str,
    now: Timestamp,
) -> Result<Option<Model>, StoreError> {
    let found = Entity::find()
        .filter(Column::InviteSha256.eq(sha256))
        .filter(Column::InviteUntil.gt(to_micros(now)))
        .filter(Column::Disabled.eq(false))
        .one(conn)
        .await?;
    Ok(found)
}

/// Keeps the password that the person chose, and uses their link up.
pub async fn accept(tx: &Tx, sha256: &str, password_hash: String) -> Result<Model, StoreError> {
    let row = invited(tx.conn(), sha256, tx.now())
        .await?
        .ok_or(StoreError::Missing("link of this kind"))?;
    change(tx, &row.id, |changed| {
        changed.password_hash = Set(password_hash);
        changed.invite_sha256 = Set(None);
        changed.invite_until = Set(None);
    })
    .await?;
    Ok(row)
}

async fn change(tx: &Tx, id: &str, edit: impl FnOnce(&mut ActiveModel)) -> Result<(), StoreError> {
    let mut row = ActiveModel {
        id: Set(id.to_owned()),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    edit(&mut row);
    row.update(tx.conn()).await?;
    Ok(())
}
