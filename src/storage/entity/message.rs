//! Rows of `message`: HL7 in and out, with the bytes as they were.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub site: String,
    pub direction: String,
    pub peer: String,
    pub control_id: String,
    pub sha256: String,
    pub kind: String,
    pub state: String,
    pub ack_code: Option<String>,
    pub ack: Option<Vec<u8>>,
    pub raw: Vec<u8>,
    pub event: Option<String>,
    pub problem: Option<String>,
    pub flagged: bool,
    pub study_id: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
