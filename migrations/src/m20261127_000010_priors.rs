//! Earlier studies that are fetched to be compared with: what a study is here for, which archives were asked about a study
//! and what came of it, and which studies are on their way, so that their images are known when they arrive.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut study = Table::alter();
        study
            .table(Alias::new("study"))
            .add_column(text("purpose").default("reading"));
        manager.alter_table(study.take()).await?;
        let search = [
            id(),
            text("study_id"),
            text("source"),
            text("state"),
            text("detail"),
            big("created_at"),
            big("updated_at"),
        ];
        table(manager, "prior_search", search).await?;
        unique(manager, "prior_search", &["study_id", "source"]).await?;
        let fetch = [
            id(),
            text("study_id"),
            text("source"),
            text("sender"),
            text("site"),
            text("prior_uid"),
            text("state"),
            big("updated_at"),
        ];
        table(manager, "prior_fetch", fetch).await?;
        unique(manager, "prior_fetch", &["study_id", "source", "prior_uid"]).await?;
        index(manager, "prior_fetch", &["prior_uid"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["prior_fetch", "prior_search"]).await?;
        let mut study = Table::alter();
        study
            .table(Alias::new("study"))
            .drop_column(Alias::new("purpose"));
        manager.alter_table(study.take()).await
    }
}
