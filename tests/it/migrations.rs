//! The schema goes up, down and up again on both databases, and both end with the same tables and columns.

use std::collections::BTreeSet;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tocsin::storage::instances::{self, Received};
use tocsin::storage::prior_searches::Purpose;
use tocsin::storage::{Store, studies};
use tocsin_domain::clock::ManualClock;
use tocsin_domain::ids::SiteId;
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

/// What is looked up for each message and image, and must not get slower as years of rows gather.
const LOOKUPS: [&str; 14] = [
    "SELECT * FROM imaging_order WHERE patient_id = ? AND state = ?",
    "SELECT * FROM imaging_order WHERE site = ? AND filler_number = ? AND filler_namespace = ?",
    "SELECT * FROM imaging_order WHERE site = ? AND placer_number = ? AND placer_namespace = ?",
    "SELECT * FROM imaging_order WHERE site = ? AND accession = ? ORDER BY updated_at DESC",
    "SELECT * FROM imaging_order WHERE site = ? AND study_uid = ?",
    "SELECT * FROM patient WHERE site = ? AND authority = ? AND identifier = ?",
    "SELECT * FROM patient WHERE merged_into = ?",
    "SELECT * FROM study WHERE order_id = ?",
    "SELECT * FROM study WHERE site = ? AND study_uid = ?",
    "SELECT * FROM study WHERE site = ? AND accession = ?",
    "SELECT * FROM message WHERE direction = ? AND peer IN (?, ?) AND control_id IN (?, ?)",
    "SELECT * FROM report WHERE message_id = ? AND event = ?",
    "SELECT * FROM delivery WHERE object_uid = ?",
    "SELECT * FROM job WHERE lane = ? AND state = 0 AND run_at <= ? ORDER BY run_at, seq",
];

#[tokio::test]
async fn what_every_message_and_image_looks_up_is_found_along_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open(&format!("sqlite://{}", folder.path().join("tocsin.db").display())).await;
    Migrator::up(&connection, None).await.unwrap();
    for lookup in LOOKUPS {
        let plan = format!("EXPLAIN QUERY PLAN {lookup}");
        let values = (0..lookup.matches('?').count()).map(|_| "x".into());
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, plan, values);
        let steps = connection.query_all_raw(statement).await.unwrap();
        let steps: Vec<String> = steps
            .iter()
            .map(|step| step.try_get("", "detail").unwrap())
            .collect();
        assert!(
            steps.iter().any(|step| step.starts_with("SEARCH"))
                && !steps.iter().any(|step| step.starts_with("SCAN")),
            "{lookup}: {steps:?}"
        );
    }
}

/// Keys by which studies are found are filled in for those that were here before there were any.
#[tokio::test]
async fn keys_are_filled_in_for_studies_that_were_here_before() {
    for database in databases().await {
        let clock = std::sync::Arc::new(ManualClock::at("2026-03-14T09:00:00Z".parse().unwrap()));
        let store = Store::open(
            &database.url,
            clock,
            tocsin::app::machine::ids(),
            b"audit key".to_vec(),
        )
        .await
        .unwrap();
        let kept = store.write(|tx| {
            Box::pin(async move {
                let received = received();
                let (study, series, _) = studies::place(
                    tx,
                    &received.site,
                    &received.facts,
                    &received.calling_ae,
                    Purpose::Reading,
                )
                .await?;
                instances::insert(tx, &received, study, series).await
            })
        });
        kept.await.unwrap();
        let connection = open(&database.url).await;
        let keys = async || {
            let statement = "SELECT k.study_date, k.study_number, s.modality, s.series_number \
                 FROM study_key k JOIN series_key s ON s.study_id = k.study_id";
            let statement = Statement::from_string(connection.get_database_backend(), statement);
            let row = connection.query_one_raw(statement).await.unwrap().expect("keys");
            (
                row.try_get::<Option<String>>("", "study_date").unwrap(),
                row.try_get::<Option<String>>("", "study_number").unwrap(),
                row.try_get::<String>("", "modality").unwrap(),
                row.try_get::<Option<i64>>("", "series_number").unwrap(),
            )
        };
        let expected = (
            Some("20260301".to_owned()),
            Some("S1".to_owned()),
            "CT".to_owned(),
            Some(4),
        );
        assert_eq!(keys().await, expected, "{}", database.name);
        let all = Migrator::migrations();
        let since = all
            .iter()
            .rev()
            .position(|one| one.name().ends_with("_dicom_keys"))
            .unwrap()
            + 1;
        Migrator::down(&connection, Some(u32::try_from(since).unwrap()))
            .await
            .unwrap();
        Migrator::up(&connection, None).await.unwrap();
        assert_eq!(keys().await, expected, "{}", database.name);
    }
}

fn received() -> Received {
    let facts = serde_json::json!({
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2", "sop_instance_uid": "1.2.3.4", "series_uid": "1.2.3.5",
        "study_uid": "1.2.3.6", "demographics": {}, "study_id": "S1", "study_date": "20260301",
        "modality": "CT", "series_number": 4, "image_type": [], "rows": 1, "columns": 1, "frames": 1, "has_pixels": true,
    });
    Received {
        site: SiteId("main".to_owned()),
        facts: serde_json::from_value(facts).unwrap(),
        problems: Vec::new(),
        transfer_syntax: "1.2.840.10008.1.2.1".to_owned(),
        sha256: "0".repeat(64),
        length: 1,
        calling_ae: "CT1".to_owned(),
    }
}
