//! What a replay would come to is seen before it is done, down to the alerts, and nothing of it is kept.

use std::sync::Arc;

use sea_orm::{EntityTrait, PaginatorTrait};
use tocsin::pipeline::foresee::{Candidate, foresee};
use tocsin::storage::entity::{alert, audit_entry, imaging_order, job, timeline};
use tocsin::storage::{messages, studies};
use tocsin_domain::foreseen::{AlertCounts, Effect, Foreseen};
use tocsin_domain::order::Hl7Event;
use tocsin_domain::triage::Pack;
use tocsin_domain::work::Paging;

use super::desk::{Desk, desks};
use super::seed::{ACCESSION, order};
use super::story::{PACK, STAT, gives_facts, workshop};

async fn rows(desk: &Desk) -> [u64; 5] {
    let conn = desk.store().read();
    [
        alert::Entity::find().count(conn).await.unwrap(),
        imaging_order::Entity::find().count(conn).await.unwrap(),
        timeline::Entity::find().count(conn).await.unwrap(),
        job::Entity::find().count(conn).await.unwrap(),
        audit_entry::Entity::find().count(conn).await.unwrap(),
    ]
}

#[actix_web::test]
async fn alerts_that_a_replay_would_raise_are_told_and_none_is_raised() {
    for desk in desks().await {
        let folder = tempfile::tempdir().unwrap();
        let mut env = workshop(&desk, &folder, 1);
        let files = [("pack.yaml", PACK), ("stat.yaml", STAT)].map(|(name, text)| (name.into(), text.into()));
        env.packs = Arc::new(vec![Pack::parse("p", &files).unwrap()]);
        let study = desk.study("1.2.3").await;
        gives_facts(&desk, study).await;
        let said = Hl7Event::Orders(vec![order(ACCESSION, "MRN1")]);
        let placed = desk.inbound("C1", Some(said.clone())).await;
        let row = messages::by_id(desk.store().read(), placed)
            .await
            .unwrap()
            .unwrap();
        let before = rows(&desk).await;
        let candidates = || {
            let one = |_| Candidate {
                row: row.clone(),
                event: said.clone(),
            };
            (0..2).map(one).collect::<Vec<_>>()
        };

        for (paging, wanted) in [
            (
                Paging::Withheld,
                AlertCounts {
                    withheld: 1,
                    ..AlertCounts::default()
                },
            ),
            (
                Paging::AsUsual,
                AlertCounts {
                    raised: 1,
                    ..AlertCounts::default()
                },
            ),
        ] {
            let came = foresee(&env, candidates(), paging).await.unwrap();
            let first: &Vec<Foreseen> = came[0].as_ref().unwrap();
            assert_eq!(AlertCounts::of(first), wanted, "{} {first:?}", desk.name);
            let band = first.iter().any(|one| matches!(one.effect, Effect::Band { .. }));
            assert!(band, "{first:?}");
            let second = came[1].as_ref().unwrap();
            assert!(
                second.is_empty(),
                "the same once more changes nothing: {second:?}"
            );
        }
        assert_eq!(rows(&desk).await, before, "{}: nothing is kept", desk.name);
        let kept = studies::get(desk.store().read(), study).await.unwrap();
        assert_eq!(kept.order_id, None);
    }
}
