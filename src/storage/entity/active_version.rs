//! Rows of `active_version`: which version of a model or rule pack is in force.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "active_version")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    pub kind: String,
    pub name: String,
    pub version: String,
    pub sha256: String,
    /// The files of a rule pack, as JSON; models are too large to be kept twice.
    pub content: Option<String>,
    pub activated_by: String,
    pub activated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
