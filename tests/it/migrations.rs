//! The schema goes up, down and up again on both databases, and both end with the same tables and columns.

use std::collections::BTreeSet;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tocsin_migrations::{Migrator, MigratorTrait};

use crate::database::databases;

async fn open(url: &str) -> DatabaseConnection {
    let url = if url.starts_with("sqlite") {
        format!("{url}?mode=rwc")
    } else {
        url.to_owned()
    };
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

/// `table.column` of every table of ours.
async fn columns(database: &DatabaseConnection) -> BTreeSet<String> {
    let query = match database.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
        _ => {
            "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let statement = Statement::from_string(database.get_database_backend(), query);
    let rows = database.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| {
            (
                row.try_get::<String>("", "t").unwrap(),
                row.try_get::<String>("", "c").unwrap(),
            )
        })
        .filter(|(table, _)| table != "seaql_migrations")
        .map(|(table, column)| format!("{table}.{column}"))
        .collect()
}

#[tokio::test]
async fn the_schema_goes_up_down_and_up_again_the_same_on_both_databases() {
    let mut schemas = Vec::new();
    for database in databases().await {
        let connection = open(&database.url).await;
        Migrator::up(&connection, None).await.unwrap();
        let first = columns(&connection).await;
        assert!(first.len() > 50, "{}: {} columns", database.name, first.len());
        Migrator::down(&connection, None).await.unwrap();
        assert_eq!(
            columns(&connection).await,
            BTreeSet::new(),
            "{} after going down",
            database.name
        );
        Migrator::up(&connection, None).await.unwrap();
        assert_eq!(
            columns(&connection).await,
            first,
            "{} after going up again",
            database.name
        );
        schemas.push(first);
    }
    for schema in &schemas {
        assert_eq!(schema, &schemas[0]);
    }
}
