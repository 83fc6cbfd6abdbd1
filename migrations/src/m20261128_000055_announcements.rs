//! What modalities and archives say of images beside the images: performed procedure steps and availability notices, the
//! studies and series that they name, and what of it stands on whose timeline already. They may come before the first image.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let announcement = [
            id(),
            text("site"),
            text("kind"),
            text("sop_uid"),
            text("sender"),
            text("state"),
            text("record"),
            text_null("fetch_state"),
            text_null("fetch_detail"),
            big("created_at"),
            big("updated_at"),
        ];
        table(manager, "announcement", announcement).await?;
        unique(manager, "announcement", &["site", "sop_uid"]).await?;
        let study = [id(), text("announcement_id"), text("study_uid")];
        table(manager, "announced_study", study).await?;
        unique(manager, "announced_study", &["announcement_id", "study_uid"]).await?;
        index(manager, "announced_study", &["study_uid"]).await?;
        let series = [
            id(),
            text("announcement_id"),
            text_null("study_uid"),
            text("series_uid"),
            text("instances"),
        ];
        table(manager, "announced_series", series).await?;
        index(manager, "announced_series", &["announcement_id"]).await?;
        index(manager, "announced_series", &["series_uid"]).await?;
        let noted = [id(), text("study_id"), text("announcement_id"), text("state")];
        table(manager, "announcement_noted", noted).await?;
        unique(
            manager,
            "announcement_noted",
            &["study_id", "announcement_id", "state"],
        )
        .await?;
        index(manager, "series", &["series_uid"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "series", &["series_uid"]).await?;
        let tables = [
            "announcement_noted",
            "announced_series",
            "announced_study",
            "announcement",
        ];
        drop_tables(manager, &tables).await
    }
}
