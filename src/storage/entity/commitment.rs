//! Rows of `commitment`: what an archive said of the safe keeping of a delivered object; the id is the delivery's.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "commitment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub transaction_uid: String,
    pub destination: String,
    pub state: String,
    pub detail: Option<String>,
    pub failures: i64,
    pub asked_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
