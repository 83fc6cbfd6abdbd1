//! Whether somebody is still there, whether they are who they were, and who lets others in.

use actix_web::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;
use tocsin::api::auth::{Role, secret};
use tocsin::storage::accounts;

use super::desk::{Caller, Desk, desks, desks_with, field, request};

const PASSWORD: &str = "correct horse battery";

async fn account(desk: &Desk, name: &'static str, role: Role) {
    let hash = secret::hash_password(PASSWORD, &[7; 16]).unwrap();
    desk.store()
        .write(move |tx| Box::pin(async move { accounts::create(tx, name, role.text(), hash).await }))
        .await
        .unwrap();
}

async fn sign_in(desk: &Desk, name: &str, password: &str) -> Option<Caller> {
    let fields = [("name", name), ("password", password)];
    let answer = desk.form("/sign-in", &Caller::Nobody, &fields).await;
    let cookie = answer.cookie()?;
    let mut who = Caller::Session {
        cookie: cookie.clone(),
        csrf: String::new(),
    };
    let page = desk.get("/account", &who).await;
    who = Caller::Session {
        cookie,
        csrf: field(&page.text, "csrf"),
    };
    Some(who)
}

async fn prove(desk: &Desk, who: &Caller, password: &str) -> StatusCode {
    desk.form("/prove", who, &[("password", password)]).await.status
}

async fn ten_minutes() -> Vec<Desk> {
    desks_with(|settings| settings.idle_lock = TimeDelta::minutes(10), || None).await
}

#[actix_web::test]
async fn a_locked_session_shows_nothing_to_anybody_until_its_person_is_back() {
    for desk in ten_minutes().await {
        account(&desk, "mia", Role::Radiologist).await;
        let who = sign_in(&desk, "mia", PASSWORD).await.unwrap();
        assert_eq!(desk.get("/", &who).await.status, StatusCode::OK);
        let locked = desk.form("/lock", &who, &[]).await;
        assert_eq!(locked.status, StatusCode::SEE_OTHER, "{}", locked.text);
        for path in ["/", "/live", "/account", "/worklist/wall", "/api/v1/worklist"] {
            let answer = desk.get(path, &who).await;
            assert_eq!(answer.status, StatusCode::LOCKED, "{path}");
            assert!(
                answer.text.contains("urn:tocsin:problem:locked"),
                "{}",
                answer.text
            );
        }
        assert_eq!(desk.get("/session", &who).await.json()["state"], "locked");
        let page = request(Method::GET, "/alerts?status=raised", &who).insert_header(("Accept", "text/html"));
        let answer = desk.send(page).await;
        assert_eq!(answer.location(), "/prove?back=/alerts%3Fstatus%3Draised");
        let form = desk.get(answer.location(), &who).await;
        assert!(form.text.contains("The screen is locked"), "{}", form.text);

        assert_eq!(
            prove(&desk, &who, "wrong horse battery").await,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(desk.get("/", &who).await.status, StatusCode::LOCKED);
        assert_eq!(prove(&desk, &who, PASSWORD).await, StatusCode::SEE_OTHER);
        assert_eq!(desk.get("/", &who).await.status, StatusCode::OK);
        for _ in 0..5 {
            prove(&desk, &who, "a guess, a guess").await;
        }
        assert_eq!(prove(&desk, &who, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[actix_web::test]
async fn a_session_locks_when_nobody_acts_and_a_refresh_is_no_act() {
    for desk in ten_minutes().await {
        let robot = desk.token(Role::Radiologist, "robot").await;
        let who = desk.browser(Role::Radiologist, "mia").await;
        desk.clock.advance(TimeDelta::minutes(9));
        assert_eq!(
            desk.form("/session/act", &who, &[]).await.status,
            StatusCode::NO_CONTENT
        );
        desk.clock.advance(TimeDelta::minutes(9));
        let refresh = request(Method::GET, "/worklist/rows", &who).insert_header(("X-Tocsin-Refresh", "1"));
        assert_eq!(desk.send(refresh).await.status, StatusCode::OK);
        desk.clock.advance(TimeDelta::minutes(1));
        assert_eq!(desk.get("/", &who).await.status, StatusCode::LOCKED);
        assert_eq!(desk.get("/worklist/wall", &who).await.status, StatusCode::LOCKED);
        let act = desk.form("/session/act", &who, &[]).await;
        assert_eq!(act.status, StatusCode::LOCKED, "a pointer opens nothing");
        assert_eq!(desk.get("/api/v1/worklist", &robot).await.status, StatusCode::OK);
    }
}

#[actix_web::test]
async fn a_wall_stays_where_a_site_says_so_and_nothing_else_does() {
    let stays = |settings: &mut tocsin::api::Settings| {
        settings.idle_lock = TimeDelta::minutes(10);
        settings.wall_never_locks = true;
    };
    let desk = desks_with(stays, || None).await.remove(0);
    let who = desk.browser(Role::Radiologist, "wall").await;
    desk.clock.advance(TimeDelta::minutes(11));
    assert_eq!(desk.get("/worklist/wall", &who).await.status, StatusCode::OK);
    assert_eq!(desk.get("/live", &who).await.status, StatusCode::OK);
    assert_eq!(desk.get("/", &who).await.status, StatusCode::LOCKED);
    desk.form("/lock", &who, &[]).await;
    assert_eq!(desk.get("/worklist/wall", &who).await.status, StatusCode::LOCKED);
}

#[actix_web::test]
async fn who_changes_what_others_may_do_proves_first_who_they_are() {
    for desk in desks_with(|settings| settings.factor_required = false, || None).await {
        account(&desk, "ada", Role::Admin).await;
        let who = sign_in(&desk, "ada", PASSWORD).await.unwrap();
        let wanted = [("name", "robot"), ("role", "service"), ("days", "7")];
        desk.clock.advance(TimeDelta::minutes(6));
        let refused = desk.form("/tokens", &who, &wanted).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(
            refused.text.contains("urn:tocsin:problem:needs-recent-proof"),
            "{}",
            refused.text
        );
        let Caller::Session { csrf, .. } = &who else {
            unreachable!("a password opens a session");
        };
        let page = request(Method::POST, "/tokens", &who)
            .insert_header(("Accept", "text/html"))
            .insert_header(("Referer", "http://localhost/tokens"))
            .set_form([("csrf", csrf)]);
        assert_eq!(desk.send(page).await.location(), "/prove?back=/tokens");

        let back = desk
            .form("/prove", &who, &[("password", PASSWORD), ("back", "/tokens")])
            .await;
        assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/tokens"));
        let made = desk.form("/tokens", &who, &wanted).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        assert_eq!(made.text.matches("tocsin_").count(), 1);
        let list = desk.get("/tokens", &who).await.text;
        assert!(list.contains("robot") && !list.contains("tocsin_"), "{list}");

        let robot = desk.token(Role::Admin, "robot").await;
        desk.clock.advance(TimeDelta::minutes(6));
        let body = json!({ "name": "other", "role": "service" });
        assert_eq!(
            desk.json("/api/v1/tokens", &robot, body).await.status,
            StatusCode::CREATED,
            "a bearer token is not asked"
        );
        let used = desk.get("/api/v1/tokens", &robot).await.json();
        let own = used["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|token| token["name"] == "robot" && token["last_used_at"].is_string());
        assert!(own, "{used}");
    }
}

#[actix_web::test]
async fn a_new_person_chooses_a_password_by_a_link_that_is_good_once() {
    for desk in desks().await {
        let admin = desk.browser(Role::Admin, "ada").await;
        let made = desk
            .form("/people", &admin, &[("name", "tom"), ("role", "radiologist")])
            .await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        let link = format!(
            "/invite/{}",
            made.text
                .split("/invite/")
                .nth(1)
                .unwrap()
                .split('<')
                .next()
                .unwrap()
        );
        assert!(!desk.get("/people", &admin).await.text.contains("/invite/"));
        for _ in 0..2 {
            let page = desk.get(&link, &Caller::Nobody).await;
            assert!(page.text.contains("tom"), "{}", page.text);
        }
        let choose = async |password: &'static str| {
            let fields = [("password", password)];
            desk.form(&link, &Caller::Nobody, &fields).await.status
        };
        assert_eq!(choose("short").await, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(sign_in(&desk, "tom", PASSWORD).await.is_none());
        assert_eq!(choose(PASSWORD).await, StatusCode::SEE_OTHER);
        assert_eq!(choose("another horse battery").await, StatusCode::NOT_FOUND);
        let tom = sign_in(&desk, "tom", PASSWORD).await.unwrap();
        assert_eq!(desk.get("/", &tom).await.status, StatusCode::OK);
        let audited = desk.audited().await;
        for action in ["account.create", "account.password"] {
            assert!(audited.iter().any(|(done, _)| done == action), "{action}");
        }
    }
}

#[actix_web::test]
async fn a_link_ends_by_itself() {
    let desk = desks().await.remove(0);
    let admin = desk.token(Role::Admin, "ada").await;
    let made = desk
        .json(
            "/api/v1/people",
            &admin,
            json!({ "name": "tom", "role": "radiologist" }),
        )
        .await
        .json();
    let link = made["invite"].as_str().unwrap();
    assert_eq!(made["person"]["state"], "invited");
    desk.clock.advance(TimeDelta::hours(72));
    assert_eq!(
        desk.get(link, &Caller::Nobody).await.status,
        StatusCode::NOT_FOUND
    );
}

#[actix_web::test]
async fn accounts_are_changed_by_those_who_manage_them_and_never_by_themselves() {
    for desk in desks_with(|settings| settings.factor_required = false, || None).await {
        account(&desk, "ada", Role::Admin).await;
        account(&desk, "mia", Role::Radiologist).await;
        let mia = sign_in(&desk, "mia", PASSWORD).await.unwrap();
        let ada = sign_in(&desk, "ada", PASSWORD).await.unwrap();
        assert_eq!(desk.get("/people", &mia).await.status, StatusCode::FORBIDDEN);
        let robot = desk.token(Role::Admin, "robot").await;
        let people = desk.get("/api/v1/people", &robot).await.json();
        let path = |name: &str| {
            let all = people["items"].as_array().unwrap();
            let found = all.iter().find(|person| person["name"] == name).unwrap();
            format!("/people/{}/change", found["id"].as_str().unwrap())
        };
        assert!(people["items"][0]["last_sign_in_at"].is_string(), "{people}");

        let role = [("change", "role"), ("role", "technologist")];
        let changed = desk.form(&path("mia"), &ada, &role).await;
        assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text);
        assert_eq!(
            desk.get("/quarantine", &mia).await.status,
            StatusCode::OK,
            "rights are those of this moment"
        );
        let own = desk.form(&path("ada"), &ada, &role).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.text);
        let unknown = desk.form(&path("mia"), &ada, &[("change", "delete")]).await;
        assert_eq!(unknown.status, StatusCode::BAD_REQUEST);

        desk.form(&path("mia"), &ada, &[("change", "end_sessions")]).await;
        assert_eq!(desk.get("/", &mia).await.status, StatusCode::UNAUTHORIZED);
        let mia = sign_in(&desk, "mia", PASSWORD).await.unwrap();
        desk.form(&path("mia"), &ada, &[("change", "deactivate")]).await;
        assert_eq!(desk.get("/", &mia).await.status, StatusCode::UNAUTHORIZED);
        assert!(sign_in(&desk, "mia", PASSWORD).await.is_none());
        desk.form(&path("mia"), &ada, &[("change", "reactivate")]).await;
        assert!(sign_in(&desk, "mia", PASSWORD).await.is_some());
        let reset = format!("/api/v1{}", path("mia"));
        let answer = desk
            .json(&reset, &robot, json!({ "change": "reset_factor" }))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let audited = desk.audited().await;
        for action in [
            "account.role",
            "account.sessions_end",
            "account.disable",
            "account.enable",
            "account.factor_reset",
        ] {
            assert!(audited.iter().any(|(done, _)| done == action), "{action}");
        }
    }
}
