//! Rows of `analysis`: one model, one version, one set of inputs.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "analysis")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub study_id: String,
    pub series_id: Option<String>,
    pub model: String,
    pub version: String,
    pub sha256: String,
    pub input_key: String,
    pub state: String,
    pub reason: String,
    pub result_id: Option<String>,
    pub provider: Option<String>,
    pub inference_ms: Option<i64>,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
