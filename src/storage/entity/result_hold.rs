//! Rows of `result_hold`: readings whose results wait for a radiologist, or did.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "result_hold")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub analysis_id: String,
    pub study_id: String,
    pub finding: String,
    pub created_at: i64,
    pub released_at: Option<i64>,
    pub released_by: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
