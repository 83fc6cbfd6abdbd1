//! Rows of `study`, with what the worklist sorts by.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "study")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub site: String,
    pub study_uid: String,
    pub accession: Option<String>,
    pub patient_identifier: Option<String>,
    pub patient_authority: Option<String>,
    pub patient_name: Option<String>,
    pub birth_date: Option<String>,
    pub sex: Option<String>,
    pub modality: String,
    pub description: String,
    pub sender_ae: String,
    pub order_id: Option<String>,
    pub link: String,
    pub link_detail: Option<String>,
    pub link_resolved_by: Option<String>,
    pub state: String,
    pub facts: Option<String>,
    pub instances: i64,
    pub arrived_at: i64,
    pub last_instance_at: i64,
    pub human_band: i16,
    pub band: i16,
    pub score: f64,
    pub reasons: String,
    pub verdict: Option<String>,
    pub band_without_ai: i16,
    pub score_without_ai: f64,
    pub on_worklist: bool,
    pub claimed_by: Option<String>,
    pub claimed_at: Option<i64>,
    pub report_status: Option<String>,
    pub purpose: String,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
