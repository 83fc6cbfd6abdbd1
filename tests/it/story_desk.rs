//! What a person at the desk is shown of a study: its pictures in the order of looking, and what a model marked on them as
//! far as the model's policy lets that be shown.

use tocsin::api::preview::{self, Preset};
use tocsin::cli::demo::visit::Priority;
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::{changes, instances, results, studies};
use tocsin_domain::finding::DisplayPolicy;

use crate::hospital::{Setup, everywhere};

#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_of_a_study_are_a_stack_and_a_policy_decides_whether_marks_are_on_it() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(12, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        let images = hospital.scan(&visit).await;
        hospital.settle().await;
        let state = &hospital.running.state;
        let id = studies::id_of(&hospital.study().await).unwrap();

        let stacks = preview::load(state, id).await.unwrap();
        let [stack] = stacks.as_slice() else {
            panic!("{} stacks of one series", stacks.len());
        };
        assert_eq!(stack.layers.len(), images.len());
        assert_eq!(stack.presets[0], Preset::Brain);
        assert!(
            stack
                .layers
                .windows(2)
                .all(|pair| pair[0].offset < pair[1].offset)
        );
        let marks = &stack.marks[0];
        let key = marks.key.expect("a key picture");
        assert!(marks.marked.iter().any(|marked| marked.layer == key));

        let store = &hospital.running.store;
        let row = instances::by_id(store.read(), &stack.layers[key].instance_id).await;
        let picture = state
            .previews
            .draw(&row.unwrap().unwrap(), 0, Some([40.0, 80.0]))
            .await
            .unwrap();
        assert!(picture.starts_with(b"\x89PNG"));

        let row = results::by_id(store.read(), marks.result_id)
            .await
            .unwrap()
            .unwrap();
        let mut record = results::record_of(&row).unwrap();
        record.model.display_policy = DisplayPolicy::NotifyOnly;
        store
            .write(move |tx| Box::pin(async move { results::complete(tx, &record).await }))
            .await
            .unwrap();
        assert!(preview::load(state, id).await.unwrap()[0].marks.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_study_is_a_change_that_screens_can_follow() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(13, HeadFinding::None, Priority::Routine);
        hospital.scan(&visit).await;
        hospital.settle().await;
        let conn = hospital.running.store.read();
        let told = changes::after(conn, 0).await.unwrap();
        let id = hospital.study().await.id;
        assert!(
            told.len() >= 5,
            "{} changes from arrival to the model's word",
            told.len()
        );
        assert!(told.iter().all(|change| change.study == id));
        assert!(told.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        assert_eq!(changes::latest(conn).await.unwrap(), told.last().unwrap().seq);
    })
    .await;
}
