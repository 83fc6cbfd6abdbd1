//! How the system runs: jobs with leases, the audit chain, accounts, and which versions are active.
//! A job's `dedup_key` is cleared when it is claimed, so that news which arrives while it runs queues a second run.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        jobs(manager).await?;
        audit(manager).await?;
        accounts(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "active_version",
                "api_token",
                "account",
                "audit_head",
                "audit_entry",
                "job",
            ],
        )
        .await
    }
}

async fn jobs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let job = [
        counter("seq"),
        small("lane"),
        text("kind"),
        text_null("order_key"),
        text_null("dedup_key"),
        text("payload"),
        small("state"),
        big("run_at"),
        big_null("lease_until"),
        big("lease_token"),
        text_null("lease_owner"),
        big("attempts"),
        text_null("last_error"),
        big("created_at"),
        big_null("done_at"),
    ];
    table(manager, "job", job).await?;
    unique(manager, "job", &["dedup_key"]).await?;
    index(manager, "job", &["state", "lane", "run_at"]).await?;
    index(manager, "job", &["order_key", "state", "seq"]).await
}

async fn audit(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let entry = [
        ColumnDef::new(Alias::new("seq"))
            .big_integer()
            .not_null()
            .primary_key()
            .take(),
        big("at"),
        text("actor"),
        text("actor_kind"),
        text("action"),
        text("object"),
        text("site"),
        text("outcome"),
        text("request_id"),
        text("detail"),
        text("prev_hash"),
        text("hash"),
    ];
    table(manager, "audit_entry", entry).await?;
    // Database sequences leave gaps when a transaction rolls back; this one row does not.
    let head = [
        ColumnDef::new(Alias::new("id"))
            .small_integer()
            .not_null()
            .primary_key()
            .take(),
        big("seq"),
        text("hash"),
    ];
    table(manager, "audit_head", head).await
}

async fn accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let account = [
        id(),
        text("name"),
        text("role"),
        text("password_hash"),
        flag("disabled"),
        big("created_at"),
        big("updated_at"),
    ];
    table(manager, "account", account).await?;
    unique(manager, "account", &["name"]).await?;
    let token = [
        id(),
        text("name"),
        text("role"),
        text("sha256"),
        text("created_by"),
        flag("revoked"),
        big("created_at"),
        big_null("last_used_at"),
        big_null("expires_at"),
    ];
    table(manager, "api_token", token).await?;
    unique(manager, "api_token", &["sha256"]).await?;
    let active = [
        text("subject").primary_key().take(),
        text("kind"),
        text("name"),
        text("version"),
        text("sha256"),
        text("activated_by"),
        big("activated_at"),
    ];
    table(manager, "active_version", active).await
}
