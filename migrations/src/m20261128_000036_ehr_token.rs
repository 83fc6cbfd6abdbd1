//! Tokens of EHRs that were used (CDS Hooks): each may be used once, also by another process of ours and after a restart.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut fingerprint = ColumnDef::new(Alias::new("fingerprint"));
        let fingerprint = fingerprint.string_len(64).not_null().primary_key().take();
        table(manager, "ehr_token", [fingerprint, big("expires_at")]).await?;
        index(manager, "ehr_token", &["expires_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["ehr_token"]).await
    }
}
