//! Rows of `mask`: what a model segmented, compressed, by result.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mask")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub result_id: String,
    pub stored: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
