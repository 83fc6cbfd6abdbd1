//! What people at an EHR did with the advice they were shown (CDS Hooks), so that a site can see which advice is of use. What
//! they wrote in their own words stays here and goes nowhere.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let feedback = [
            id(),
            text("service"),
            text("card"),
            text("outcome"),
            text_null("reason"),
            text_null("comment"),
            text("by"),
            big("at"),
        ];
        table(manager, "card_feedback", feedback).await?;
        index(manager, "card_feedback", &["card"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["card_feedback"]).await
    }
}
