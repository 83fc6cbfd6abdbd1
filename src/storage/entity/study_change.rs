//! Rows of `study_change`: which study changed, in the order it was seen to.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "study_change")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub study_id: String,
    pub at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
