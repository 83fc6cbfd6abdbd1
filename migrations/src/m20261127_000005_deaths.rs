//! How often the process died while a job ran, apart from how often the job failed: a machine that is switched off three
//! times must not cost a study its analysis, and a job that takes the process down with it must not do so for ever.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut deaths = ColumnDef::new(Alias::new("deaths"))
            .big_integer()
            .not_null()
            .default(0)
            .take();
        let job = Table::alter()
            .table(Alias::new("job"))
            .add_column(&mut deaths)
            .take();
        manager.alter_table(job).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let job = Table::alter()
            .table(Alias::new("job"))
            .drop_column(Alias::new("deaths"))
            .take();
        manager.alter_table(job).await
    }
}
