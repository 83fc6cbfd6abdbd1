//! What the desk needs: the order in which studies changed, so that screens can follow; sessions that somebody ended, so
//! that a copy of their cookie stays worthless after a restart; what people think of a finding and say about a study; views
//! they keep; the place without AI as columns, so that a long worklist is sorted without reading every verdict; and a second
//! factor for accounts.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let change = [counter("seq"), text("study_id"), big("at")];
        table(manager, "study_change", change).await?;
        index(manager, "study_change", &["at"]).await?;
        let ended = [text("session").primary_key().take(), big("until")];
        table(manager, "ended_session", ended).await?;
        index(manager, "ended_session", &["until"]).await?;
        opinions(manager).await?;
        let view = [
            id(),
            text("owner"),
            text("name"),
            text("query"),
            big("created_at"),
        ];
        table(manager, "saved_view", view).await?;
        unique(manager, "saved_view", &["owner", "name"]).await?;
        for (table, column) in added() {
            let mut column = column;
            let alter = Table::alter()
                .table(Alias::new(table))
                .add_column(&mut column)
                .take();
            manager.alter_table(alter).await?;
        }
        index(manager, "study", &["on_worklist", "arrived_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "study", &["on_worklist", "arrived_at"]).await?;
        for (table, column) in added() {
            let alter = Table::alter()
                .table(Alias::new(table))
                .drop_column(Alias::new(column.get_column_name()))
                .take();
            manager.alter_table(alter).await?;
        }
        let tables = [
            "saved_view",
            "study_comment",
            "opinion",
            "ended_session",
            "study_change",
        ];
        drop_tables(manager, &tables).await
    }
}

/// Columns of tables that are there already. Of a second factor only what its secret is derived from is kept, and the last
/// code that was used up.
fn added() -> [(&'static str, ColumnDef); 5] {
    [
        ("study", small("band_without_ai").default(0).take()),
        ("study", number("score_without_ai").default(0.0).take()),
        // What is in force goes on from here when its files are changed or damaged.
        ("active_version", text_null("content")),
        ("account", text_null("factor_nonce")),
        ("account", big("factor_step").default(0).take()),
    ]
}

async fn opinions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let opinion = [
        id(),
        text("study_id"),
        text("result_id"),
        text("finding"),
        text("verdict"),
        text_null("reason"),
        text("by"),
        big("at"),
    ];
    table(manager, "opinion", opinion).await?;
    index(manager, "opinion", &["study_id", "at"]).await?;
    let comment = [id(), text("study_id"), text("text"), text("by"), big("at")];
    table(manager, "study_comment", comment).await?;
    index(manager, "study_comment", &["study_id", "at"]).await
}
