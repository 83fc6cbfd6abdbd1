//! Maps of where a classifier looked: made after the result, so that nobody waits for them, and kept apart from it, so that lists do
//! not read them.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let map = [text("result_id").primary_key().take(), bytes("stored")];
        table(manager, "heat_map", map).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["heat_map"]).await
    }
}
