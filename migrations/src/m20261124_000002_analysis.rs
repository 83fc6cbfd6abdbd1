//! What the models did: one row per model, version and set of inputs, its result, and the verdict of the rules.
//! The unique key keeps a model from running twice on the same images.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let analysis = [
            id(),
            text("study_id"),
            text_null("series_id"),
            text("model"),
            text("version"),
            text("sha256"),
            text("input_key"),
            text("state"),
            text("reason"),
            text_null("result_id"),
            text_null("provider"),
            big_null("inference_ms"),
            big("created_at"),
            big_null("started_at"),
            big_null("finished_at"),
            big("updated_at"),
        ];
        table(manager, "analysis", analysis).await?;
        unique(
            manager,
            "analysis",
            &["study_id", "model", "version", "input_key"],
        )
        .await?;
        let result = [
            id(),
            text("study_id"),
            text("analysis_id"),
            text("record"),
            text_null("superseded_by"),
            big("created_at"),
        ];
        table(manager, "result", result).await?;
        index(manager, "result", &["study_id"]).await?;
        // Apart from the results, so that lists do not read it.
        let mask = [text("result_id").primary_key().take(), bytes("stored")];
        table(manager, "mask", mask).await?;
        let verdict = [
            id(),
            text("study_id"),
            text("pack"),
            text("version"),
            text("sha256"),
            text("verdict"),
            big("created_at"),
        ];
        table(manager, "verdict", verdict).await?;
        index(manager, "verdict", &["study_id"]).await?;
        let event = [
            counter("seq"),
            text("study_id"),
            big("at"),
            text("event"),
            text("detail"),
        ];
        table(manager, "timeline", event).await?;
        index(manager, "timeline", &["study_id", "seq"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["timeline", "verdict", "mask", "result", "analysis"]).await
    }
}
