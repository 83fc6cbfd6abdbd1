//! Rows of `association`: who called, and what came of it.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "association")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub calling_ae: String,
    pub called_ae: String,
    /// The address it came from.
    pub peer: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub stored: i64,
    pub refused: i64,
    /// How many alike this row stands for.
    pub times: i64,
    /// When it ended, or was turned away.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
