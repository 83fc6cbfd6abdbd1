//! Engineers look for messages and associations by the numbers in them: keys of their own, so that a million rows are not
//! read for one. Associations are kept, also those that were turned away.
//!
//! Messages from before have the keys that their columns tell: control id, sender, type, and the study that they are about.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, owner) in [
            ("message_key", "message_id"),
            ("association_key", "association_id"),
        ] {
            let term = by_bytes(manager, text("term"));
            table(manager, name, [term, big("created_at"), text(owner)]).await?;
            unique(manager, name, &["term", "created_at", owner]).await?;
        }
        associations(manager).await?;
        index(manager, "message", &["state", "created_at"]).await?;
        for column in ["control_id", "peer", "kind", "study_id"] {
            backfill(manager, column).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "message", &["state", "created_at"]).await?;
        drop_tables(manager, &["association_key", "association", "message_key"]).await
    }
}

/// Terms are looked for by how they begin, which an index knows where texts are ordered by their bytes.
fn by_bytes(manager: &SchemaManager<'_>, mut column: ColumnDef) -> ColumnDef {
    match manager.get_database_backend() {
        DatabaseBackend::Postgres => column.extra(r#"COLLATE "C""#).take(),
        _ => column,
    }
}

async fn associations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = [
        id(),
        text("calling_ae"),
        text("called_ae"),
        text("peer"),
        text("outcome"),
        text_null("reason"),
        big("stored"),
        big("refused"),
        big("times"),
        big("created_at"),
    ];
    table(manager, "association", columns).await?;
    index(manager, "association", &["created_at"]).await?;
    index(manager, "association", &["outcome", "created_at"]).await
}

async fn backfill(manager: &SchemaManager<'_>, column: &str) -> Result<(), DbErr> {
    let column = Alias::new(column);
    let key = Func::upper(Expr::col(column.clone()));
    let select = Query::select()
        .distinct()
        .expr(key)
        .columns([Alias::new("created_at"), Alias::new("id")])
        .from(Alias::new("message"))
        .and_where(Expr::col(column.clone()).is_not_null())
        .and_where(Expr::col(column).ne(""))
        .to_owned();
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("message_key"))
        .columns(["term", "created_at", "message_id"].map(Alias::new))
        .on_conflict(OnConflict::new().do_nothing().to_owned());
    insert
        .select_from(select)
        .map_err(|error| DbErr::Migration(error.to_string()))?;
    manager.exec_stmt(insert).await
}
