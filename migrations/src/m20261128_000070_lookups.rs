//! What is looked up for each message, image and answer is found along an index: without these, every visit message read all orders, and
//! every order message all studies.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const LOOKUPS: [(&str, &[&str]); 8] = [
    ("imaging_order", &["patient_id", "state"]),
    ("imaging_order", &["state"]),
    ("study", &["order_id"]),
    ("patient", &["merged_into"]),
    ("report", &["message_id"]),
    ("delivery", &["object_uid"]),
    ("analysis", &["sha256"]),
    ("association_key", &["created_at"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in LOOKUPS {
            index(manager, table, columns).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, columns) in LOOKUPS {
            drop_index(manager, table, columns).await?;
        }
        Ok(())
    }
}
