//! What people see: every page with a patient whose name is a script, and what each role is shown.

use actix_web::http::{Method, StatusCode};
use tocsin::api::auth::Role;
use tocsin::api::routes;
use tocsin::storage::deliveries::{DeliveryKind, DeliveryState};
use tocsin_domain::alert::link_token::{self, Claim};
use tocsin_domain::order::Hl7Event;

use super::desk::{Caller, Desk, desks, request};
use super::seed::{ACCESSION, EVIL, order};

/// Something of everything; for each path of a page, one that exists.
async fn furnish(desk: &Desk) -> impl Fn(&str) -> String + use<> {
    let study = desk.study("1.2.3").await;
    desk.order(ACCESSION, "OTHER").await;
    desk.delivery(study, DeliveryKind::ResultMessage, DeliveryState::Refused)
        .await;
    desk.quarantined("1.2.3").await;
    desk.inbound("BAD", None).await;
    let message = desk
        .inbound("C1", Some(Hl7Event::Orders(vec![order(ACCESSION, "MRN1")])))
        .await;
    let alert = desk.alert(study).await;
    let expires_at = desk.store().now() + chrono::TimeDelta::hours(1);
    let claim = Claim {
        alert,
        recipient: EVIL.into(),
        expires_at,
    };
    let token = link_token::mint(b"link key", &claim);
    let admin = desk.token(Role::Admin, "admin").await;
    let body = serde_json::json!({ "name": EVIL, "role": "radiologist" });
    let invited = desk.json("/api/v1/people", &admin, body).await.json();
    let invite = invited["invite"].as_str().unwrap().to_owned();
    move |path: &str| match path {
        path if path.starts_with("/studies/{id}") => path.replace("{id}", &study.to_string()),
        path if path.starts_with("/messages/{id}") => path.replace("{id}", &message.to_string()),
        "/profiles/{id}" => "/profiles/default-231".to_owned(),
        "/a/{token}" => format!("/a/{token}"),
        "/invite/{token}" => invite.clone(),
        other => other.to_owned(),
    }
}

#[actix_web::test]
async fn a_name_that_is_a_script_is_text_on_every_page() {
    for desk in desks().await {
        let path_of = furnish(&desk).await;
        let who = desk.browser(Role::Admin, EVIL).await;
        let mut plain = Vec::new();
        // There is an account already and no identity provider; tables and files of a result are no pages.
        let elsewhere = ["/assets/{hash}/{file}", "/setup"];
        let is_shown = |path: &str| {
            !elsewhere.contains(&path)
                && !path.contains("/oidc")
                && !path.contains("/report/")
                && !path.ends_with(".csv")
        };
        for route in routes::PAGES
            .iter()
            .filter(|r| r.method == "GET" && is_shown(r.path))
        {
            let answer = desk.get(&path_of(route.path), &who).await;
            let place = format!("{}: {}", desk.name, route.path);
            assert_eq!(answer.status, StatusCode::OK, "{place}: {}", answer.text);
            assert!(!answer.text.contains("<script>"), "{place}");
            assert!(!answer.text.contains("alert('x')"), "{place}");
            if !answer.text.contains("&lt;script&gt;") {
                plain.push(route.path);
            }
            let policy = answer
                .headers
                .get("Content-Security-Policy")
                .unwrap()
                .to_str()
                .unwrap();
            assert!(
                policy.contains("default-src 'none'") && !policy.contains("unsafe"),
                "{policy}"
            );
        }
        // All others show what was sent.
        let expected = ["/sign-in", "/session", "/live"];
        assert_eq!(plain, expected, "{}", desk.name);
        let search = desk.form("/messages", &who, &[("q", EVIL)]).await;
        assert!(search.text.contains("&lt;script&gt;") && !search.text.contains("<script>"));
    }
}

#[actix_web::test]
async fn navigation_and_buttons_are_those_of_the_role() {
    let desk = desks().await.remove(0);
    let _furnished = furnish(&desk).await;
    for (role, seen, not_seen) in [
        (
            Role::Radiologist,
            vec!["href=\"/alerts\"", "Take</button>"],
            vec!["href=\"/messages\"", "href=\"/quarantine\""],
        ),
        (
            Role::StrokeTeam,
            vec!["href=\"/alerts\""],
            vec!["Take</button>", "href=\"/deliveries\""],
        ),
        (
            Role::Technologist,
            vec!["href=\"/reconciliation\""],
            vec!["Take</button>", "href=\"/alerts\""],
        ),
        (
            Role::Admin,
            vec!["href=\"/messages\"", "href=\"/quarantine\"", "Take</button>"],
            vec![],
        ),
    ] {
        let who = desk.browser(role, role.text()).await;
        let text = desk.get("/", &who).await.text;
        for mark in seen {
            assert!(text.contains(mark), "{}: {mark}", role.text());
        }
        for mark in not_seen {
            assert!(!text.contains(mark), "{}: {mark}", role.text());
        }
    }
    let engineer = desk.token(Role::IntegrationEngineer, "ie").await;
    let Caller::Bearer(token) = engineer else {
        unreachable!("a token")
    };
    let answer = desk.form("/sign-in", &Caller::Nobody, &[("token", &token)]).await;
    assert_eq!(answer.location(), "/messages");
    let Caller::Bearer(token) = desk.token(Role::Governance, "gov").await else {
        unreachable!("a token")
    };
    let answer = desk.form("/sign-in", &Caller::Nobody, &[("token", &token)]).await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::FORBIDDEN, None));
}

#[actix_web::test]
async fn opening_an_acknowledge_link_changes_nothing_and_pressing_the_button_acknowledges() {
    for desk in desks().await {
        let path_of = furnish(&desk).await;
        let link = path_of("/a/{token}");
        let admin = desk.token(Role::Admin, "admin").await;
        desk.get(&link, &Caller::Nobody).await;
        let status = |text: &str| {
            serde_json::from_str::<serde_json::Value>(text).unwrap()["items"][0]["status"].clone()
        };
        assert_eq!(status(&desk.get("/api/v1/alerts", &admin).await.text), "raised");
        let pressed = desk.bare_form(&link, &Caller::Nobody, &[]).await;
        assert!(pressed.text.contains("Acknowledged by"), "{}", pressed.text);
        assert_eq!(
            status(&desk.get("/api/v1/alerts", &admin).await.text),
            "acknowledged"
        );
    }
}

#[actix_web::test]
async fn an_error_is_a_page_for_people_and_a_document_for_programs() {
    let desk = desks().await.remove(0);
    let who = desk.browser(Role::Radiologist, "mia").await;
    for path in ["/nothing", "/studies/7", "/messages"] {
        let page = request(Method::GET, path, &who).insert_header(("Accept", "text/html,*/*"));
        let page = desk.send(page).await;
        assert!(
            page.status.is_client_error() && page.text.starts_with("<!doctype html>"),
            "{path}"
        );
        assert!(page.headers.contains_key("X-Request-Id"));
        assert!(desk.get(path, &who).await.text.starts_with('{'), "{path}");
    }
}

#[actix_web::test]
async fn the_table_that_refreshes_itself_is_noted_once_as_long_as_it_shows_the_same() {
    let desk = desks().await.remove(0);
    let who = desk.browser(Role::Radiologist, "mia").await;
    desk.study("1.2.3").await;
    for _ in 0..3 {
        let rows = desk.get("/worklist/rows", &who).await;
        assert!(
            rows.text.contains("<table") && !rows.text.contains("<html"),
            "{}",
            rows.text
        );
    }
    let views = |seen: &[(String, String)]| seen.iter().filter(|(a, _)| a == "worklist.view").count();
    let before = views(&desk.audited().await);
    desk.get("/worklist/rows", &who).await;
    assert_eq!(views(&desk.audited().await), before);
    desk.study("1.2.4").await;
    desk.get("/worklist/rows", &who).await;
    assert_eq!(views(&desk.audited().await), before + 1);
}
