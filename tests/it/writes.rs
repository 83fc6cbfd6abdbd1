//! Writes that come all at once: none of them shares another's fate.

use std::sync::Arc;

use sea_orm::ConnectionTrait;
use tocsin_domain::audit::{ActorKind, Event, Outcome};
use tocsin_domain::clock::{ManualClock, Timestamp};
use tocsin_domain::ids::CountingIds;
use tocsin_storage::audit::{self, Verdict};
use tocsin_storage::{Store, StoreError};

use crate::database::databases;

fn looked(number: usize) -> Event {
    Event {
        actor: "mia".into(),
        actor_kind: ActorKind::Person,
        action: "study.view".into(),
        object: format!("study:{number}"),
        site: "north".into(),
        outcome: Outcome::Success,
        request_id: number.to_string(),
        detail: serde_json::Value::Null,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_kept_but_those_that_are_refused() {
    for database in databases().await {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let ids = Arc::new(CountingIds::default());
        let store = Store::open(&database.url, clock, ids, b"key".to_vec())
            .await
            .unwrap();
        let writes = (0..100).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let work = store.write_together(move |tx| {
                    Box::pin(async move {
                        audit::record(tx, looked(number)).await?;
                        match number {
                            50 => Err(StoreError::Missing("the fiftieth")),
                            // PostgreSQL takes no other statement until this is undone.
                            60 => {
                                tx.conn()
                                    .execute_unprepared("INSERT INTO nowhere VALUES (1)")
                                    .await?;
                                Ok(number)
                            }
                            _ => Ok(number),
                        }
                    })
                });
                work.await
            })
        });
        let mut kept = Vec::new();
        let mut refused = Vec::new();
        for write in Vec::from_iter(writes) {
            match write.await.unwrap() {
                Ok(number) => kept.push(number),
                Err(error) => refused.push(error),
            }
        }
        let name = database.name;
        assert_eq!(
            kept,
            (0..100)
                .filter(|number| ![50, 60].contains(number))
                .collect::<Vec<_>>(),
            "{name}"
        );
        assert!(
            matches!(
                refused[..],
                [StoreError::Missing("the fiftieth"), StoreError::Statement(_)]
            ),
            "{name}: {refused:?}"
        );
        let verdict = audit::verify(&store).await.unwrap();
        assert_eq!(verdict, Verdict::Whole { entries: 98 }, "{name}");
    }
}
