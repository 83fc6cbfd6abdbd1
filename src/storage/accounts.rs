//! Accounts and bearer tokens. Of a password there is an argon2id hash, of a token a SHA-256; neither can be shown again.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{TokenId, UserId};

use super::entity::{account, api_token};
use super::error::StoreError;
use super::store::Tx;

pub async fn create(tx: &Tx, name: &str, role: &str, password_hash: String) -> Result<UserId, StoreError> {
    let (id, now) = (UserId(tx.uuid()), to_micros(tx.now()));
    let row = account::ActiveModel {
        id: Set(id.to_string()),
        name: Set(name.to_owned()),
        role: Set(role.to_owned()),
        password_hash: Set(password_hash),
        disabled: Set(false),
        factor_nonce: Set(None),
        factor_step: Set(0),
        issuer: Set(None),
        subject: Set(None),
        invite_sha256: Set(None),
        invite_until: Set(None),
        last_sign_in_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    account::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(id)
}

pub async fn by_name(conn: &impl ConnectionTrait, name: &str) -> Result<Option<account::Model>, StoreError> {
    Ok(account::Entity::find()
        .filter(account::Column::Name.eq(name))
        .one(conn)
        .await?)
}

pub async fn by_id(conn: &impl ConnectionTrait, id: &str) -> Result<Option<account::Model>, StoreError> {
    Ok(account::Entity::find_by_id(id).one(conn).await?)
}

pub async fn accounts(conn: &impl ConnectionTrait) -> Result<Vec<account::Model>, StoreError> {
    Ok(account::Entity::find()
        .order_by_asc(account::Column::Name)
        .all(conn)
        .await?)
}

/// Changes a password, and ends nothing else: sessions name the account.
pub async fn set_password(tx: &Tx, name: &str, password_hash: String) -> Result<(), StoreError> {
    let mut row = named(tx, name).await?;
    row.password_hash = Set(password_hash);
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(())
}

/// Nobody signs in with a disabled account any more, and its sessions end.
pub async fn disable(tx: &Tx, name: &str) -> Result<(), StoreError> {
    let mut row = named(tx, name).await?;
    row.disabled = Set(true);
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(())
}

/// Whether anybody can sign in yet.
pub async fn any(conn: &impl ConnectionTrait) -> Result<bool, StoreError> {
    Ok(account::Entity::find().one(conn).await?.is_some())
}

/// Sets up a second factor, or takes it away; `step` is that of the code that proved it.
pub async fn set_factor(tx: &Tx, id: &str, nonce: Option<String>, step: i64) -> Result<(), StoreError> {
    let row = account::ActiveModel {
        id: Set(id.to_owned()),
        factor_nonce: Set(nonce),
        factor_step: Set(step),
        updated_at: Set(to_micros(tx.now())),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

/// Uses a code up. `false` when it, or a later one, was used before.
pub async fn spend_code(tx: &Tx, id: &str, step: i64) -> Result<bool, StoreError> {
    let spent = account::Entity::update_many()
        .col_expr(account::Column::FactorStep, Expr::value(step))
        .filter(account::Column::Id.eq(id))
        .filter(account::Column::FactorStep.lt(step))
        .exec(tx.conn())
        .await?;
    Ok(spent.rows_affected == 1)
}

async fn named(tx: &Tx, name: &str) -> Result<account::ActiveModel, StoreError> {
    by_name(tx.conn(), name)
        .await?
        .map(account::ActiveModel::from)
        .ok_or(StoreError::Missing("account"))
}

pub async fn create_token(
    tx: &Tx,
    name: &str,
    role: &str,
    sha256: &str,
    by: &str,
    expires_at: Option<i64>,
) -> Result<TokenId, StoreError> {
    let id = TokenId(tx.uuid());
    let row = api_token::ActiveModel {
        id: Set(id.to_string()),
        name: Set(name.to_owned()),
        role: Set(role.to_owned()),
        sha256: Set(sha256.to_owned()),
        created_by: Set(by.to_owned()),
        revoked: Set(false),
        created_at: Set(to_micros(tx.now())),
        last_used_at: Set(None),
        expires_at: Set(expires_at),
    };
    api_token::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(id)
}

/// The token with this hash, unless it is revoked or has expired.
pub async fn valid_token(
    conn: &impl ConnectionTrait,
    sha256: &str,
    now: i64,
) -> Result<Option<api_token::Model>, StoreError> {
    let found = api_token::Entity::find()
        .filter(api_token::Column::Sha256.eq(sha256))
        .one(conn)
        .await?;
    Ok(found.filter(|token| !token.revoked && token.expires_at.is_none_or(|end| end > now)))
}

/// The token of this id, unless it is revoked or has expired.
pub async fn valid_token_by_id(
    conn: &impl ConnectionTrait,
    id: &str,
    now: i64,
) -> Result<Option<api_token::Model>, StoreError> {
    let found = api_token::Entity::find_by_id(id).one(conn).await?;
    Ok(found.filter(|token| !token.revoked && token.expires_at.is_none_or(|end| end > now)))
}

pub async fn tokens(conn: &impl ConnectionTrait) -> Result<Vec<api_token::Model>, StoreError> {
    Ok(api_token::Entity::find()
        .order_by_desc(api_token::Column::CreatedAt)
        .all(conn)
        .await?)
}

/// Notes that a token was used now.
pub async fn token_used(tx: &Tx, id: &str) -> Result<(), StoreError> {
    api_token::Entity::update_many()
        .col_expr(
            api_token::Column::LastUsedAt,
            Expr::value(Some(to_micros(tx.now()))),
        )
        .filter(api_token::Column::Id.eq(id))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Ends a token. A second time changes nothing.
pub async fn revoke_token(tx: &Tx, id: &str) -> Result<api_token::Model, StoreError> {
    let row = api_token::Entity::find_by_id(id)
        .one(tx.conn())
        .await?
        .ok_or(StoreError::Missing("token"))?;
    let mut row: api_token::ActiveModel = row.into();
    row.revoked = Set(true);
    Ok(row.update(tx.conn()).await?)
}
