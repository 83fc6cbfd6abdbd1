//! Rows of `repeat`: a study whose images are to be taken again.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "repeat")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub study_id: String,
    pub note: String,
    pub requested_by: String,
    pub requested_at: i64,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<i64>,
    pub repeat_study_id: Option<String>,
    pub linked_by: Option<String>,
    pub linked_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
