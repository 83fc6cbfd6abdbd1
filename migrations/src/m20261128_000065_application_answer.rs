//! A sender of HL7's enhanced mode is owed a second answer once its message was applied: one row for each, until it is taken.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let answer = [
            text("message_id").primary_key().take(),
            text("peer"),
            text("promise"),
            text("state"),
            text_null("reply_id"),
            big("attempts"),
            big_null("claimed_until"),
            text_null("last_error"),
            big("created_at"),
            big("updated_at"),
        ];
        table(manager, "application_answer", answer).await?;
        index(manager, "application_answer", &["peer", "state"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["application_answer"]).await
    }
}
