//! Rows of `heat_map`: where a classifier looked, by result; empty where no place mattered.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "heat_map")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub result_id: String,
    pub stored: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
