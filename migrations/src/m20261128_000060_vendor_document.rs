//! What products of other vendors said of studies, as it was read from their reports and messages: it may come before its
//! images, be of another patient, or be taken back, and is looked at again then.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let document = [
            id(),
            text("site"),
            text("product"),
            text("source"),
            text("source_id"),
            text_null("study_uid"),
            text_null("accession"),
            text_null("study_id"),
            text("told"),
            text("state"),
            text("reason"),
            text_null("result_id"),
            big("told_at"),
            big("created_at"),
            big("updated_at"),
        ];
        table(manager, "vendor_document", document).await?;
        unique(manager, "vendor_document", &["source_id", "product"]).await?;
        index(manager, "vendor_document", &["site", "study_uid"]).await?;
        index(manager, "vendor_document", &["site", "accession"]).await?;
        index(manager, "vendor_document", &["study_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["vendor_document"]).await
    }
}
