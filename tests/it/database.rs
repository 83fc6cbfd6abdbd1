//! The databases that stories run on: a SQLite file in a temporary folder, and a fresh database in the cluster that
//! `scripts/with-postgres` started. Without a cluster a story says loudly that half of it was skipped.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database};

/// One database, gone with its folder or its cluster.
pub struct TestDatabase {
    pub name: &'static str,
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

/// SQLite always; PostgreSQL where there is one.
pub async fn databases() -> Vec<TestDatabase> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("tocsin.db").display());
    let sqlite = TestDatabase {
        name: "SQLite",
        url,
        _folder: Some(folder),
    };
    [Some(sqlite), postgres().await].into_iter().flatten().collect()
}

async fn postgres() -> Option<TestDatabase> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Some(cluster) = std::env::var_os("TOCSIN_TEST_POSTGRES_URL") else {
        eprintln!("SKIPPED on PostgreSQL: run scripts/with-postgres cargo nextest run");
        return None;
    };
    let cluster = cluster.into_string().unwrap();
    let name = format!(
        "story_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let server = Database::connect(&cluster).await.unwrap();
    server
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    let (base, _) = cluster.rsplit_once('/').unwrap();
    Some(TestDatabase {
        name: "PostgreSQL",
        url: format!("{base}/{name}"),
        _folder: None,
    })
}
