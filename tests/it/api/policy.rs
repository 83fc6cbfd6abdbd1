//! The policy against what is served: every line with every role, without anybody, and what has no line.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use tocsin::api::auth::Role;
use tocsin::api::routes::{self, Access, Route};

use super::desk::{Answer, Caller, Desk, desks};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

fn path(route: &Route) -> String {
    route
        .path
        .replace("{id}", UNKNOWN)
        .replace("{token}", "nothing")
        .replace("{instance}/{frame}", &format!("{UNKNOWN}/0"))
        .replace("{result}/{slice}", &format!("{UNKNOWN}/0"))
        .replace("{study}", "1.2.3")
        .replace("{series}", "1.2.4")
        .replace("{instance}", "1.2.5")
        .replace("{frames}", "1")
        .replace("{path}", "00282000")
        .replace("{hash}/{file}", "0000/tocsin.css")
}

async fn ask(desk: &Desk, route: &Route, who: &Caller) -> Answer {
    let method = Method::from_bytes(route.method.as_bytes()).unwrap();
    desk.ask(method, &path(route), who).await
}

/// The guard's word for a path that no handler is registered for.
fn is_not_served(answer: &Answer) -> bool {
    answer.status == StatusCode::METHOD_NOT_ALLOWED
        || answer.status == StatusCode::NOT_FOUND && answer.text.contains("no such page or resource")
}

#[actix_web::test]
async fn every_line_of_the_policy_holds_for_every_role() {
    for desk in desks().await {
        let mut asked = 0;
        for role in Role::ALL {
            let who = desk.token(role, role.text()).await;
            for route in routes::all() {
                let allowed = match route.access {
                    Access::Open | Access::Link | Access::SignedIn => true,
                    Access::Needs(action) => role.may(action),
                };
                let answer = ask(&desk, route, &who).await;
                let place = format!(
                    "{}: {} {} as {}",
                    desk.name,
                    route.method,
                    route.path,
                    role.text()
                );
                if allowed {
                    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
                    // The form to sign in says itself that what came was no sign-in.
                    assert!(!refused || route.path == "/sign-in", "{place}: {}", answer.status);
                    assert!(
                        !answer.status.is_server_error() || route.path == "/readyz",
                        "{place}: {}",
                        answer.text
                    );
                } else {
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{place}");
                    let word = match route.path.starts_with("/fhir/") {
                        true => r#""code":"forbidden""#,
                        false => "urn:tocsin:problem:forbidden",
                    };
                    assert!(answer.text.contains(word), "{place}: {}", answer.text);
                }
                asked += 1;
            }
        }
        assert_eq!(asked, Role::ALL.len() * routes::all().count());
    }
}

#[actix_web::test]
async fn without_credentials_only_open_routes_and_links_answer() {
    for desk in desks().await {
        for who in [Caller::Nobody, Caller::Bearer("tocsin_00".into())] {
            for route in routes::all() {
                let answer = ask(&desk, route, &who).await;
                let place = format!("{}: {} {}", desk.name, route.method, route.path);
                match route.access {
                    Access::Open | Access::Link => {
                        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{place}");
                    }
                    Access::SignedIn | Access::Needs(_) => {
                        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place}");
                        assert_eq!(
                            answer.headers.get("WWW-Authenticate").unwrap(),
                            "Bearer",
                            "{place}"
                        );
                    }
                }
            }
        }
    }
}

#[actix_web::test]
async fn every_line_of_the_policy_is_served() {
    for desk in desks().await {
        let admin = desk.token(Role::Admin, "admin").await;
        for route in routes::all() {
            let answer = ask(&desk, route, &admin).await;
            let asset = route.path.starts_with("/assets/");
            assert!(
                asset || !is_not_served(&answer),
                "{} {}: {}",
                route.method,
                route.path,
                answer.text
            );
        }
        let home = desk.get("/", &admin).await;
        let styles = home
            .text
            .split("href=\"/assets/")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let style = desk.get(&format!("/assets/{styles}"), &Caller::Nobody).await;
        assert_eq!(style.status, StatusCode::OK);
        assert!(
            style
                .headers
                .get("Cache-Control")
                .unwrap()
                .to_str()
                .unwrap()
                .contains("immutable")
        );
    }
}

/// Reads what the modules register; a route without a line would be refused by the guard, and is a mistake.
#[test]
fn what_is_registered_and_what_the_policy_lists_are_the_same() {
    let sources = [
        include_str!("../../../src/api/mod.rs"),
        include_str!("../../../src/api/ups/mod.rs"),
        include_str!("../../../src/api/cds/mod.rs"),
        include_str!("../../../src/api/fhir/mod.rs"),
        include_str!("../../../src/api/dicomweb/mod.rs"),
        include_str!("../../../src/ui/mod.rs"),
    ];
    let mut registered = BTreeSet::new();
    for source in sources {
        for call in source.split(".route(").skip(1) {
            let path = call.split('"').nth(1).unwrap();
            let method = call.split("web::").nth(1).unwrap().split('(').next().unwrap();
            assert!(
                registered.insert((method.to_uppercase(), path)),
                "{method} {path} twice"
            );
        }
    }
    let listed: BTreeSet<_> = routes::all().map(|r| (r.method.to_owned(), r.path)).collect();
    assert_eq!(registered, listed);
}

#[actix_web::test]
async fn an_unknown_path_is_not_found_and_an_unknown_method_is_refused() {
    let desk = desks().await.remove(0);
    let admin = desk.token(Role::Admin, "admin").await;
    for who in [&admin, &Caller::Nobody] {
        for path in [
            "/nothing",
            "/api/v1",
            "/api/v2/worklist",
            "/studies",
            "/../etc/passwd",
        ] {
            let answer = desk.get(path, who).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(
                answer.headers.get("Content-Type").unwrap(),
                "application/problem+json"
            );
        }
    }
    for route in routes::all() {
        let foreign = [Method::DELETE, Method::PUT, Method::PATCH].into_iter();
        for method in foreign.filter(|method| routes::find(method.as_str(), route.path).is_none()) {
            let answer = desk.ask(method, &path(route), &admin).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{}", route.path);
        }
    }
}

#[actix_web::test]
async fn a_refused_access_is_on_the_audit_chain() {
    for desk in desks().await {
        let who = desk.token(Role::StrokeTeam, "stroke").await;
        desk.get("/api/v1/tokens", &who).await;
        assert!(
            desk.audited()
                .await
                .iter()
                .any(|(action, _)| action == "access.denied")
        );
    }
}
