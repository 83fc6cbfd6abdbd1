//! Rows of `delivery`: one message or object owed to another system.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub site: String,
    pub study_id: String,
    pub result_id: Option<String>,
    pub dedup_key: String,
    pub kind: String,
    pub destination: String,
    pub state: String,
    pub attempts: i64,
    pub message_id: Option<String>,
    pub object_uid: Option<String>,
    pub blob_sha256: Option<String>,
    pub detail: Option<String>,
    pub last_error: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
