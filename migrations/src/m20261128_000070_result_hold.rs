//! What a model said may be held by policy until a radiologist lets it go: one row for each reading that was, kept once it was let go, so
//! that later versions of it know.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let hold = [
            text("analysis_id").primary_key().take(),
            text("study_id"),
            text("finding"),
            big("created_at"),
            big_null("released_at"),
            text_null("released_by"),
        ];
        table(manager, "result_hold", hold).await?;
        index(manager, "result_hold", &["study_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["result_hold"]).await
    }
}
