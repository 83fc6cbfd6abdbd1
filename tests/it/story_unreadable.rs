//! Images that a model cannot read, though their headers are in order: said on the study, to the RIS and on the technologist's list, and
//! nowhere taken for a result.

use dicom_core::{DataElement, VR};
use dicom_dictionary_std::tags;
use dicom_object::DefaultDicomObject;
use tocsin::api::page::PageQuery;
use tocsin::api::quality;
use tocsin::cli::demo::scanner;
use tocsin::cli::demo::visit::Priority;
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::analyses::AnalysisState;
use tocsin_domain::worklist::Band;

use crate::hospital::{Setup, everywhere};

/// A slice with the pixels of another, as a gateway stores them that mixes up its buffers.
fn with_pixels_of(other: &[u8], file: &[u8]) -> Vec<u8> {
    let read = |bytes: &[u8]| -> DefaultDicomObject { dicom_object::from_reader(bytes).expect("an object") };
    let pixels = read(other)
        .element(tags::PIXEL_DATA)
        .expect("pixels")
        .value()
        .clone();
    let mut object = read(file);
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, pixels));
    let mut bytes = Vec::new();
    object.write_all(&mut bytes).expect("a file");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_pixels_are_noticed_and_everybody_concerned_hears_of_it() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(47, HeadFinding::Intraparenchymal, Priority::Stat);
        hospital.order(&visit).await;
        let mut files = scanner::scan(&visit).await.unwrap().files;
        let middle = files.len() / 2;
        files[middle] = with_pixels_of(&files[middle - 1], &files[middle]);
        hospital.send(&files).await;
        hospital.settle().await;

        let item = hospital.item().await;
        let said = &item.ai[0];
        assert_eq!(said.state, AnalysisState::QualityRejected, "{}", said.reason);
        assert!(said.reason.contains("repeat the one before"), "{}", said.reason);
        assert_eq!(item.band, Band::Critical, "where a person put it");

        let listed = quality::load(&hospital.running.state, &PageQuery::default()).await;
        let listed = listed.unwrap().items;
        assert_eq!(listed.len(), 1, "on the technologist's list");
        assert_eq!(listed[0].refusals[0].reason, said.reason);

        assert_eq!(hospital.owed().await, ["rejection: confirmed"]);
        let heard = hospital.results_heard(&visit).await;
        assert_eq!(heard.len(), 1, "one note and no result");
        let note = heard[0].split('\r').find(|line| line.starts_with("NTE")).unwrap();
        assert!(
            note.contains("Not analysed: ich") && note.contains("repeat the one before"),
            "{note}"
        );
        let rows: Vec<&str> = heard[0]
            .split('\r')
            .filter(|line| line.starts_with("OBX"))
            .collect();
        assert!(
            rows[1].split('|').nth(11) == Some("X"),
            "results cannot be obtained: {rows:?}"
        );
        assert!(hospital.alerts().await.is_empty());
        hospital.close().await;
    })
    .await;
}
