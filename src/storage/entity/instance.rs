//! Rows of `instance`: one stored object; its bytes are the blob of that hash.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instance")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub site: String,
    pub study_id: String,
    pub series_id: String,
    pub sop_uid: String,
    pub sop_class: String,
    pub transfer_syntax: String,
    pub sha256: String,
    pub length: i64,
    pub calling_ae: String,
    pub facts: String,
    pub problems: Option<String>,
    pub received_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
