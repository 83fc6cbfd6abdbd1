//! Who somebody is, and whether they are still there. Sessions become rows: when a person last did something, when they last
//! proved who they are, and whether the screen is locked must be the same for every process and after a restart. They take
//! the place of `ended_session`, so whoever is signed in signs in once more. Accounts may belong to an identity provider, and
//! may wait for a person to choose a password by a link.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["ended_session"]).await?;
        let session = [
            text("session").primary_key().take(),
            text("subject"),
            big("acted_at"),
            big("proved_at"),
            big_null("locked_at"),
            flag("ended"),
            big("until"),
            // Of the way to the provider and back that opened it: each opens one session.
            text_null("journey"),
        ];
        table(manager, "session", session).await?;
        index(manager, "session", &["subject"]).await?;
        index(manager, "session", &["until"]).await?;
        unique(manager, "session", &["journey"]).await?;
        for mut column in added() {
            let alter = Table::alter()
                .table(Alias::new("account"))
                .add_column(&mut column)
                .take();
            manager.alter_table(alter).await?;
        }
        unique(manager, "account", &["issuer", "subject"]).await?;
        unique(manager, "account", &["invite_sha256"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["uq_account_issuer_subject", "uq_account_invite_sha256"] {
            let mut gone = Index::drop();
            gone.name(name).table(Alias::new("account"));
            manager.drop_index(gone).await?;
        }
        for column in added() {
            let alter = Table::alter()
                .table(Alias::new("account"))
                .drop_column(Alias::new(column.get_column_name()))
                .take();
            manager.alter_table(alter).await?;
        }
        drop_tables(manager, &["session"]).await?;
        let ended = [text("session").primary_key().take(), big("until")];
        table(manager, "ended_session", ended).await?;
        index(manager, "ended_session", &["until"]).await
    }
}

/// Of accounts: whose they are elsewhere, the link that waits to be used, and when somebody last signed in.
fn added() -> [ColumnDef; 5] {
    [
        text_null("issuer"),
        text_null("subject"),
        text_null("invite_sha256"),
        big_null("invite_until"),
        big_null("last_sign_in_at"),
    ]
}
