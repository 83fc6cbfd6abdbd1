//! Forms of other sites, and forms of other sessions, do nothing.

use actix_web::http::{Method, StatusCode};
use tocsin::api::auth::Role;
use tocsin::api::routes::{self, Access};
use tocsin::storage::studies;

use super::desk::{Caller, desks, request};

#[actix_web::test]
async fn every_form_of_a_session_needs_the_token_of_that_session() {
    for desk in desks().await {
        let who = desk.browser(Role::Admin, "admin").await;
        let other = desk.browser(Role::Admin, "other").await;
        let Caller::Session { csrf: foreign, .. } = &other else {
            unreachable!("a browser has a session");
        };
        let study = desk.study("1.2.3").await.to_string();
        let forms = routes::PAGES
            .iter()
            .filter(|r| r.method == "POST" && matches!(r.access, Access::SignedIn | Access::Needs(_)));
        let mut tried = 0;
        for route in forms {
            let path = route.path.replace("{id}", &study);
            for fields in [vec![], vec![("csrf", "")], vec![("csrf", foreign.as_str())]] {
                let answer = desk.bare_form(&path, &who, &fields).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {fields:?}", route.path);
                assert!(
                    answer.text.contains("urn:tocsin:problem:foreign-form"),
                    "{}",
                    answer.text
                );
            }
            tried += 1;
        }
        assert_eq!(tried, 35);
        let row = studies::get(desk.store().read(), study.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(row.claimed_by, None);
    }
}

#[actix_web::test]
async fn a_form_of_another_site_is_refused_even_with_the_right_token() {
    let desk = desks().await.remove(0);
    let who = desk.browser(Role::Admin, "admin").await;
    let Caller::Session { csrf, .. } = &who else {
        unreachable!("a browser has a session");
    };
    let path = format!("/studies/{}/claim", desk.study("1.2.3").await);
    for (header, value, refused) in [
        ("Origin", "https://evil.example", true),
        ("Sec-Fetch-Site", "cross-site", true),
        ("Sec-Fetch-Site", "same-site", true),
        ("Origin", "http://localhost:8080", false),
        ("Sec-Fetch-Site", "same-origin", false),
    ] {
        let form = request(Method::POST, &path, &who)
            .insert_header((header, value))
            .insert_header(("Host", "localhost:8080"))
            .set_form([("csrf", csrf)]);
        let expected = if refused {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::SEE_OTHER
        };
        assert_eq!(desk.send(form).await.status, expected, "{header}: {value}");
    }
    let sign_in = request(Method::POST, "/sign-in", &Caller::Nobody)
        .insert_header(("Origin", "https://evil.example"))
        .set_form([("token", "x")]);
    assert_eq!(desk.send(sign_in).await.status, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn the_json_api_does_not_act_on_a_cookie_alone() {
    let desk = desks().await.remove(0);
    let who = desk.browser(Role::Admin, "admin").await;
    let Caller::Session { csrf, .. } = &who else {
        unreachable!("a browser has a session");
    };
    let path = format!("/api/v1/studies/{}/claim", desk.study("1.2.3").await);
    assert_eq!(
        desk.ask(Method::POST, &path, &who).await.status,
        StatusCode::FORBIDDEN
    );
    let knowing = request(Method::POST, &path, &who).insert_header(("X-Tocsin-Form-Token", csrf.as_str()));
    assert_eq!(desk.send(knowing).await.status, StatusCode::OK);
}
