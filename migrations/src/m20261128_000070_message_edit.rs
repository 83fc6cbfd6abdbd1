//! A message that a person has edited is a message of its own; this says of which it was made, by whom and why.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let edit = [
            text("message_id").primary_key().take(),
            text("original_id"),
            text("edited_by"),
            text("reason"),
            big("created_at"),
        ];
        table(manager, "message_edit", edit).await?;
        index(manager, "message_edit", &["original_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["message_edit"]).await
    }
}
