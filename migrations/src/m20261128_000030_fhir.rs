//! Other systems ask for resources and wait for results: subscriptions, and indexes for lists that are read newest first.

use sea_orm_migration::prelude::*;

use crate::columns::*;

/// Lists that had no order of their own so far.
const LISTED: [(&str, &str); 4] = [
    ("study", "arrived_at"),
    ("result", "created_at"),
    ("notification", "created_at"),
    ("imaging_order", "created_at"),
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let subscription = [
            id(),
            text("reason"),
            text("criteria"),
            text("receiver"),
            text("endpoint"),
            text_null("payload"),
            text("status"),
            text_null("error"),
            big("failures"),
            big_null("ends_at"),
            text("created_by"),
            big("created_at"),
            big("updated_at"),
        ];
        table(manager, "subscription", subscription).await?;
        for (table, column) in LISTED {
            index(manager, table, &[column]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in LISTED {
            drop_index(manager, table, &[column]).await?;
        }
        drop_tables(manager, &["subscription"]).await
    }
}
