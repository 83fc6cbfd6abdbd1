//! A study that comes by STOW-RS is read as one that a scanner sends, at once; and is found by DICOMweb under every number of its patient.

use tocsin::api::auth::Role;
use tocsin::cli::demo::scanner;
use tocsin::cli::demo::visit::Priority;
use tocsin::deliver::dicom::StoreStatus;
use tocsin::deliver::web::{self, Credentials, WebPeer};
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::patients;
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};

use crate::hospital::{Hospital, Setup, everywhere};

async fn gateway(hospital: &Hospital) -> WebPeer {
    let api = hospital.api(Role::Service).await;
    WebPeer {
        base: format!("http://{}/dicom-web", api.address),
        credentials: api.token.map(Credentials::Bearer),
        client: reqwest::Client::new(),
    }
}

/// The registry has found out that two numbers are one person's.
async fn merge(hospital: &Hospital, retired: &str, survivor: &str) {
    let number = |value: &str| PatientIdentifier {
        value: value.to_owned(),
        authority: "DEMO".to_owned(),
    };
    let (retired, survivor, at) = (number(retired), number(survivor), hospital.now());
    let site = hospital.running.state.settings.site.clone();
    let merged = hospital.running.store.write(move |tx| {
        Box::pin(async move {
            let said = Demographics {
                name: Some(Phi::new("Known^Now".to_owned())),
                birth_date: None,
                sex: None,
            };
            let old = patients::upsert(tx, &site, &retired, &said, &[], at).await?;
            let new = patients::upsert(tx, &site, &survivor, &said, &[], at).await?;
            patients::merge(tx, old, &new).await
        })
    });
    merged.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_that_comes_by_stow_is_read_and_found_under_every_number_of_its_patient() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(12, HeadFinding::Intraparenchymal, Priority::Routine);
        let files = scanner::scan(&visit).await.unwrap().files;
        let gateway = gateway(&hospital).await;
        for file in &files {
            assert_eq!(web::store(&gateway, file).await.unwrap(), StoreStatus::Stored);
        }
        // The same once more changes nothing.
        assert_eq!(
            web::store(&gateway, &files[0]).await.unwrap(),
            StoreStatus::Stored
        );
        let timeline = hospital.timeline().await.join("\n");
        assert!(timeline.contains("first_image"), "{timeline}");
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(item.study_uid.to_string(), visit.identity.study_uid.to_string());
        assert!(!item.ai.is_empty(), "it was read");

        let (old, new) = (visit.identity.patient_id.clone(), "SURVIVOR-1");
        let api = hospital.api(Role::Radiologist).await;
        assert_eq!(
            api.get(&format!("/dicom-web/studies?PatientID={new}"))
                .await
                .unwrap()
                .status,
            204
        );
        merge(&hospital, &old, new).await;
        for number in [old.as_str(), new] {
            let found = api
                .json(&format!("/dicom-web/studies?PatientID={number}"))
                .await
                .unwrap();
            let study = &found[0];
            assert_eq!(study["0020000D"]["Value"][0], visit.identity.study_uid.as_str());
            assert_eq!(study["00100020"]["Value"][0], new, "as known now");
            assert_eq!(study["00100010"]["Value"][0]["Alphabetic"], "Known^Now");
            assert_eq!(study["00201208"]["Value"][0], files.len());
            assert_eq!(study["00080061"]["Value"][0], "CT");
        }
        // What is retrieved says what it said when it came.
        let path = format!("/dicom-web/studies/{}/metadata", visit.identity.study_uid);
        let headers = api.json(&path).await.unwrap();
        let headers = headers.as_array().unwrap();
        assert_eq!(headers.len(), files.len());
        assert!(
            headers
                .iter()
                .all(|header| header["00100020"]["Value"][0] == old.as_str())
        );
        hospital.close().await;
    })
    .await;
}
