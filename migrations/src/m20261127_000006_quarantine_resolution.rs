//! Why a person closed an entry of the quarantine: until now only who did was kept.

use sea_orm_migration::prelude::*;

use crate::columns::text_null;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut column = text_null("resolution");
        let alter = Table::alter()
            .table(Alias::new("quarantine"))
            .add_column(&mut column)
            .take();
        manager.alter_table(alter).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alter = Table::alter()
            .table(Alias::new("quarantine"))
            .drop_column(Alias::new("resolution"))
            .take();
        manager.alter_table(alter).await
    }
}
