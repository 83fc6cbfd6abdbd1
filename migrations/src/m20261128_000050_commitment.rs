//! An archive that has taken an object may still lose it: what it was asked to commit itself to, and what it said.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The id is that of the delivery.
        let commitment = [
            id(),
            text("transaction_uid"),
            text("destination"),
            text("state"),
            text_null("detail"),
            big("failures"),
            big("asked_at"),
            big("updated_at"),
        ];
        table(manager, "commitment", commitment).await?;
        unique(manager, "commitment", &["transaction_uid"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["commitment"]).await
    }
}
