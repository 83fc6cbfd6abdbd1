//! Rows of `vendor_document`; what was told is a domain `Told`.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "vendor_document")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub site: String,
    pub product: String,
    /// `report` or `message`.
    pub source: String,
    /// The instance, or the message with the place in it.
    pub source_id: String,
    pub study_uid: Option<String>,
    pub accession: Option<String>,
    pub study_id: Option<String>,
    pub told: String,
    pub state: String,
    pub reason: String,
    pub result_id: Option<String>,
    pub told_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
