//! Real answers against the schemas in `docs/schemas`, and the OpenAPI document against the policy.

use std::path::Path;

use serde_json::Value;
use tocsin::api::auth::Role;
use tocsin::api::routes;
use tocsin::storage::deliveries::{DeliveryKind, DeliveryState};

use super::desk::{Caller, desks};

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/schemas")
        .join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[actix_web::test]
async fn answers_are_as_their_schemas_say() {
    for desk in desks().await {
        let admin = desk.token(Role::Admin, "admin").await;
        let study = desk.study("1.2.3").await;
        desk.alert(study).await;
        desk.inbound("C1", None).await;
        desk.delivery(study, DeliveryKind::KeyImage, DeliveryState::Refused)
            .await;
        for (name, path) in [
            ("worklist.schema.json", "/api/v1/worklist".to_owned()),
            ("alerts.schema.json", "/api/v1/alerts".into()),
            ("messages.schema.json", "/api/v1/messages".into()),
            ("study.schema.json", format!("/api/v1/studies/{study}")),
        ] {
            let answer = desk.get(&path, &admin).await.json();
            let validator = jsonschema::validator_for(&schema(name)).unwrap();
            let faults: Vec<String> = validator
                .iter_errors(&answer)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{} {path}: {faults:#?}", desk.name);
            // A schema that takes anything would say nothing.
            assert!(!validator.is_valid(&serde_json::json!({})), "{name}");
        }
    }
}

#[actix_web::test]
async fn the_description_names_every_route_of_the_api_and_no_other() {
    let desk = desks().await.remove(0);
    let document = desk.get("/api/openapi.json", &Caller::Nobody).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let described: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|operations| operations.as_object().unwrap().len())
        .sum();
    assert_eq!(described, routes::programs().count());
    for route in routes::programs() {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        assert_eq!(operation["summary"], route.summary, "{}", route.path);
    }
}
