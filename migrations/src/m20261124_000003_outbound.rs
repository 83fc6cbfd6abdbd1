//! What is owed to others: alerts and their pages, and objects and messages for other systems.
//! Escalation timers are the `due_at` of an alert, so that a restart forgets none.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alert = [
            id(),
            text("site"),
            text("study_id"),
            text_null("result_id"),
            text("dedup_key"),
            text("title"),
            text("content"),
            text("policy"),
            text("state"),
            text("status"),
            big_null("due_at"),
            text_null("acknowledged_by"),
            big_null("acknowledged_at"),
            big("created_at"),
            big("updated_at"),
        ];
        table(manager, "alert", alert).await?;
        unique(manager, "alert", &["dedup_key"]).await?;
        index(manager, "alert", &["study_id"]).await?;
        index(manager, "alert", &["status"]).await?;
        let notification = [
            id(),
            text("alert_id"),
            text("step_key"),
            text("recipient"),
            text("channel"),
            text("message_id"),
            text("reason"),
            text("state"),
            big("attempts"),
            text_null("last_error"),
            big("created_at"),
            big_null("started_at"),
            big_null("sent_at"),
        ];
        table(manager, "notification", notification).await?;
        unique(
            manager,
            "notification",
            &["alert_id", "step_key", "recipient", "channel"],
        )
        .await?;
        unique(manager, "notification", &["message_id"]).await?;
        let delivery = [
            id(),
            text("site"),
            text("study_id"),
            text_null("result_id"),
            text("dedup_key"),
            text("kind"),
            text("destination"),
            text("state"),
            big("attempts"),
            text_null("message_id"),
            text_null("object_uid"),
            text_null("blob_sha256"),
            text_null("detail"),
            text_null("last_error"),
            big("created_at"),
            big("updated_at"),
        ];
        table(manager, "delivery", delivery).await?;
        unique(manager, "delivery", &["dedup_key"]).await?;
        index(manager, "delivery", &["study_id"]).await?;
        index(manager, "delivery", &["state"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["delivery", "notification", "alert"]).await
    }
}
