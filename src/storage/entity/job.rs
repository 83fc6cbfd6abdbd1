//! Rows of `job`.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub lane: i16,
    pub kind: String,
    pub order_key: Option<String>,
    pub dedup_key: Option<String>,
    pub payload: String,
    pub state: i16,
    pub run_at: i64,
    pub lease_until: Option<i64>,
    pub lease_token: i64,
    pub lease_owner: Option<String>,
    pub attempts: i64,
    pub deaths: i64,
    pub last_error: Option<String>,
    pub created_at: i64,
    pub done_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
