//! Rows of `imaging_order`; the record is a domain `OrderRecord`.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "imaging_order")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub site: String,
    pub patient_id: Option<String>,
    pub accession: Option<String>,
    pub study_uid: Option<String>,
    pub placer_number: Option<String>,
    pub placer_namespace: Option<String>,
    pub filler_number: Option<String>,
    pub filler_namespace: Option<String>,
    pub state: String,
    pub record: String,
    pub raised_from: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
