//! Rows of `subscription`: somebody who is told of results.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub reason: String,
    pub criteria: String,
    pub receiver: String,
    pub endpoint: String,
    pub payload: Option<String>,
    pub status: String,
    pub error: Option<String>,
    pub failures: i64,
    pub ends_at: Option<i64>,
    pub created_by: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
