//! Rows of `quarantine`: other bytes under a UID that is taken.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "quarantine")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub site: String,
    pub sop_uid: String,
    pub study_uid: String,
    pub sha256: String,
    pub length: i64,
    pub transfer_syntax: String,
    pub calling_ae: String,
    pub reason: String,
    pub kept_sha256: String,
    pub state: String,
    pub resolved_by: Option<String>,
    pub resolution: Option<String>,
    pub received_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
