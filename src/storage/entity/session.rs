//! Rows of `session`: browsers that are, or were, signed in.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// The token of its forms.
    #[sea_orm(primary_key, auto_increment = false)]
    pub session: String,
    pub subject: String,
    pub acted_at: i64,
    pub proved_at: i64,
    pub locked_at: Option<i64>,
    pub ended: bool,
    pub until: i64,
    pub journey: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
