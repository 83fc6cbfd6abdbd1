//! Studies and series are found by what their images say (QIDO-RS): the keys that no column held, filled in for what is here already
//! from the first image of each.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;
use serde_json::Value;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut study = [
            text("study_id"),
            text("site"),
            text_null("study_date"),
            text_null("study_time"),
            text_null("study_number"),
            text_null("referring_physician"),
        ];
        study[0].primary_key();
        table(manager, "study_key", study).await?;
        index(manager, "study_key", &["site", "study_date"]).await?;
        let mut series = [
            text("series_id"),
            text("study_id"),
            text("modality"),
            big_null("series_number"),
        ];
        series[0].primary_key();
        table(manager, "series_key", series).await?;
        index(manager, "series_key", &["study_id"]).await?;
        fill(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["series_key", "study_key"]).await
    }
}

async fn fill(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let conn = manager.get_connection();
    let studies = Query::select()
        .columns([Alias::new("id"), Alias::new("site")])
        .from(Alias::new("study"))
        .take();
    for row in conn.query_all(&studies).await? {
        let (id, site): (String, String) = (row.try_get("", "id")?, row.try_get("", "site")?);
        let facts = first_facts(manager, "study_id", &id).await?;
        let text = |name: &str| facts[name].as_str().map(str::to_owned);
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new("study_key"))
            .columns(
                [
                    "study_id",
                    "site",
                    "study_date",
                    "study_time",
                    "study_number",
                    "referring_physician",
                ]
                .map(Alias::new),
            )
            .values_panic([
                id.into(),
                site.into(),
                text("study_date").into(),
                text("study_time").into(),
                text("study_id").into(),
                text("referring_physician").into(),
            ]);
        conn.execute(&insert).await?;
    }
    let series = Query::select()
        .columns([Alias::new("id"), Alias::new("study_id")])
        .from(Alias::new("series"))
        .take();
    for row in conn.query_all(&series).await? {
        let (id, study): (String, String) = (row.try_get("", "id")?, row.try_get("", "study_id")?);
        let facts = first_facts(manager, "series_id", &id).await?;
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new("series_key"))
            .columns(["series_id", "study_id", "modality", "series_number"].map(Alias::new))
            .values_panic([
                id.into(),
                study.into(),
                facts["modality"].as_str().unwrap_or_default().to_owned().into(),
                facts["series_number"].as_i64().into(),
            ]);
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// What the first image says; nothing where there is none.
async fn first_facts(manager: &SchemaManager<'_>, column: &str, id: &str) -> Result<Value, DbErr> {
    let first = Query::select()
        .column(Alias::new("facts"))
        .from(Alias::new("instance"))
        .and_where(Expr::col(Alias::new(column)).eq(id))
        .order_by(Alias::new("received_at"), Order::Asc)
        .limit(1)
        .take();
    let row = manager.get_connection().query_one(&first).await?;
    let facts: Option<String> = row.map(|row| row.try_get("", "facts")).transpose()?;
    Ok(facts
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null))
}
