//! Rows of `study_key`: what a study is found by besides what `study` holds, as its first image says it.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "study_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub study_id: String,
    pub site: String,
    pub study_date: Option<String>,
    pub study_time: Option<String>,
    pub study_number: Option<String>,
    pub referring_physician: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::study::Entity",
        from = "Column::StudyId",
        to = "super::study::Column::Id"
    )]
    Study,
}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
