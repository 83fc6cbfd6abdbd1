//! Rows of `announcement`: a performed procedure step, or a notice of what an archive keeps.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "announcement")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub site: String,
    pub kind: String,
    pub sop_uid: String,
    pub sender: String,
    pub state: String,
    pub record: String,
    pub fetch_state: Option<String>,
    pub fetch_detail: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::redacted!(Model);
