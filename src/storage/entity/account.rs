//! Rows of `account`.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub role: String,
    pub password_hash: String,
    pub disabled: bool,
    pub factor_nonce: Option<String>,
    pub factor_step: i64,
    /// Of the identity provider that the person signs in with, and who they are there.
    pub issuer: Option<String>,
    pub subject: Option<String>,
    /// Of the link by which the person chooses a password.
    pub invite_sha256: Option<String>,
    pub invite_until: Option<i64>,
    pub last_sign_in_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
