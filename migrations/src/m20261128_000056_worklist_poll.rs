//! Modality worklists that are asked for orders: how each fared when it was last asked.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let poll = [
            id(),
            text("source"),
            text("state"),
            text("detail"),
            big("items"),
            big_null("answered_at"),
            big("updated_at"),
        ];
        table(manager, "worklist_poll", poll).await?;
        unique(manager, "worklist_poll", &["source"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["worklist_poll"]).await
    }
}
