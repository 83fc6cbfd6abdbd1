//! Readings of a study as others see them through UPS-RS: each time somebody takes a study is a step of its own, because a
//! step that ended never starts again. The key is a hash of the Transaction UID that the reader keeps; a reading that began
//! at the desk has none.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let reading = [
            id(),
            text("study_id"),
            big("number"),
            text("by"),
            text_null("key"),
            text_null("performed"),
            big("began_at"),
            text_null("ending"),
            big_null("ended_at"),
        ];
        table(manager, "reading", reading).await?;
        unique(manager, "reading", &["study_id", "number"]).await?;
        index(manager, "reading", &["ended_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["reading"]).await
    }
}
