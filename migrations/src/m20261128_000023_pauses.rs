//! An engineer stops what goes to a neighbour for a while, and says why.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let destination = text("destination").primary_key().take();
        let columns = [destination, text("reason"), text("paused_by"), big("created_at")];
        table(manager, "pause", columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["pause"]).await
    }
}
