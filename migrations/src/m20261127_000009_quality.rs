//! Repeats of studies whose images a model could not read: who asked, who took it on, and the study that repeats it. And
//! the last sign of life of each way in and out, so that whoever sets a site up sees which of them work.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let repeat = [
            text("study_id").primary_key().take(),
            text("note"),
            text("requested_by"),
            big("requested_at"),
            text_null("acknowledged_by"),
            big_null("acknowledged_at"),
            text_null("repeat_study_id"),
            text_null("linked_by"),
            big_null("linked_at"),
        ];
        table(manager, "repeat", repeat).await?;
        index(manager, "repeat", &["requested_at"]).await?;
        let sign = [text("kind").primary_key().take(), big("at"), text("detail")];
        table(manager, "sign_of_life", sign).await?;
        index(manager, "analysis", &["state", "updated_at"]).await?;
        // The worklist says with every look when an image last came.
        index(manager, "study", &["last_instance_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "study", &["last_instance_at"]).await?;
        drop_index(manager, "analysis", &["state", "updated_at"]).await?;
        drop_tables(manager, &["sign_of_life", "repeat"]).await
    }
}
