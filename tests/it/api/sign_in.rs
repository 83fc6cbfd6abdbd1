//! Who comes in, and how soon they are out again.

use actix_web::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;
use tocsin::api::auth::{Role, secret};
use tocsin::storage::accounts;
use totp_rs::Totp;

use super::desk::{Caller, Desk, desks, desks_with, field};

const PASSWORD: &str = "correct horse battery";

async fn account(desk: &Desk, name: &'static str, role: Role) {
    let hash = secret::hash_password(PASSWORD, &[7; 16]).unwrap();
    desk.store()
        .write(move |tx| Box::pin(async move { accounts::create(tx, name, role.text(), hash).await }))
        .await
        .unwrap();
}

async fn by_password(desk: &Desk, name: &str, password: &str) -> (StatusCode, Option<Caller>) {
    let answer = desk
        .form(
            "/sign-in",
            &Caller::Nobody,
            &[("name", name), ("password", password)],
        )
        .await;
    let session = |cookie| Caller::Session {
        cookie,
        csrf: String::new(),
    };
    (answer.status, answer.cookie().map(session))
}

#[actix_web::test]
async fn an_account_signs_in_with_its_password_and_a_disabled_one_is_out_at_once() {
    for desk in desks().await {
        account(&desk, "mia", Role::Radiologist).await;
        assert_eq!(
            by_password(&desk, "mia", "wrong horse battery").await.0,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            by_password(&desk, "nobody", PASSWORD).await.0,
            StatusCode::UNAUTHORIZED
        );
        let (status, session) = by_password(&desk, "mia", PASSWORD).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let session = session.unwrap();
        assert!(desk.get("/", &session).await.text.contains("mia"));
        desk.store()
            .write(|tx| Box::pin(async move { accounts::disable(tx, "mia").await }))
            .await
            .unwrap();
        assert_eq!(desk.get("/", &session).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            by_password(&desk, "mia", PASSWORD).await.0,
            StatusCode::UNAUTHORIZED
        );
        let tried = desk.audited().await;
        assert_eq!(
            tried
                .iter()
                .filter(|(action, _)| action == "session.begin")
                .count(),
            4
        );
    }
}

#[actix_web::test]
async fn guessing_is_slowed_down() {
    let desk = desks().await.remove(0);
    account(&desk, "mia", Role::Radiologist).await;
    for _ in 0..5 {
        assert_eq!(
            by_password(&desk, "mia", "a guess, a guess").await.0,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(
        by_password(&desk, "mia", PASSWORD).await.0,
        StatusCode::TOO_MANY_REQUESTS
    );
    desk.clock.advance(TimeDelta::seconds(61));
    assert_eq!(by_password(&desk, "mia", PASSWORD).await.0, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn a_session_ends_when_nobody_uses_it_and_a_refresh_is_no_use() {
    for desk in desks().await {
        let mut who = desk.browser(Role::Radiologist, "mia").await;
        for _ in 0..3 {
            desk.clock.advance(TimeDelta::minutes(20));
            let answer = desk.get("/", &who).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", desk.name);
            if let (Caller::Session { cookie, .. }, Some(renewed)) = (&mut who, answer.cookie()) {
                *cookie = renewed;
            }
        }
        desk.clock.advance(TimeDelta::minutes(20));
        let refresh = super::desk::request(Method::GET, "/worklist/rows", &who)
            .insert_header(("X-Tocsin-Refresh", "1"));
        let answer = desk.send(refresh).await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::OK, None));
        desk.clock.advance(TimeDelta::minutes(11));
        assert_eq!(desk.get("/", &who).await.status, StatusCode::UNAUTHORIZED);
        let page = super::desk::request(Method::GET, "/", &who).insert_header(("Accept", "text/html"));
        let answer = desk.send(page).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/sign-in")
        );
    }
}

#[actix_web::test]
async fn signing_out_clears_the_cookie_and_does_not_renew_it() {
    let desk = desks().await.remove(0);
    let who = desk.browser(Role::Radiologist, "mia").await;
    desk.clock.advance(TimeDelta::minutes(5));
    let answer = desk.form("/sign-out", &who, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers.get_all("Set-Cookie").count(), 1);
    assert_eq!(answer.cookie().unwrap(), "tocsin_session=");
    let kept = desk.get("/", &who).await;
    assert_eq!(
        kept.status,
        StatusCode::UNAUTHORIZED,
        "a copy of the cookie is worth nothing"
    );
}

#[actix_web::test]
async fn a_revoked_token_stops_at_once_and_its_sessions_with_it() {
    for desk in desks().await {
        let admin = desk.token(Role::Admin, "admin").await;
        let body = json!({ "name": "viewer", "role": "radiologist", "expires_in_days": 1 });
        let made = desk.json("/api/v1/tokens", &admin, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let made = made.json();
        let token = made["token"].as_str().unwrap().to_owned();
        let viewer = Caller::Bearer(token.clone());
        assert_eq!(desk.get("/api/v1/worklist", &viewer).await.status, StatusCode::OK);
        let signed_in = desk.form("/sign-in", &Caller::Nobody, &[("token", &token)]).await;
        let session = Caller::Session {
            cookie: signed_in.cookie().unwrap(),
            csrf: String::new(),
        };
        assert_eq!(desk.get("/", &session).await.status, StatusCode::OK);

        let list = desk.get("/api/v1/tokens", &admin).await;
        assert!(list.text.contains("viewer") && !list.text.contains(&token));
        let revoke = format!("/api/v1/tokens/{}/revoke", made["id"].as_str().unwrap());
        assert_eq!(
            desk.json(&revoke, &admin, json!({})).await.json()["revoked"],
            true
        );
        assert_eq!(
            desk.get("/api/v1/worklist", &viewer).await.status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(desk.get("/", &session).await.status, StatusCode::UNAUTHORIZED);
        let seen = desk.audited().await;
        for action in ["token.create", "token.revoke"] {
            assert!(seen.iter().any(|(done, _)| done == action), "{action}");
        }
    }
}

#[actix_web::test]
async fn a_token_ends_by_itself_and_a_wrong_wish_is_told_what_is_expected() {
    let desk = desks().await.remove(0);
    let admin = desk.token(Role::Admin, "admin").await;
    let body = json!({ "name": "short", "role": "service", "expires_in_days": 1 });
    let token = desk.json("/api/v1/tokens", &admin, body).await.json()["token"].clone();
    let service = Caller::Bearer(token.as_str().unwrap().to_owned());
    assert_eq!(desk.get("/api/v1/rules", &service).await.status, StatusCode::OK);
    desk.clock.advance(TimeDelta::days(1));
    assert_eq!(
        desk.get("/api/v1/rules", &service).await.status,
        StatusCode::UNAUTHORIZED
    );
    for (body, expected) in [
        (
            json!({ "name": "x", "role": "root" }),
            "role: expected one of radiologist",
        ),
        (json!({ "name": " ", "role": "admin" }), "name: expected 1 to"),
        (
            json!({ "name": "x", "role": "admin", "expires_in_days": 0 }),
            "expires_in_days: expected",
        ),
        (
            json!({ "name": "x", "role": "admin", "for": "ever" }),
            "unknown field `for`",
        ),
    ] {
        let answer = desk.json("/api/v1/tokens", &admin, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(
            answer.json()["detail"].as_str().unwrap().contains(expected),
            "{}",
            answer.text
        );
    }
}

#[actix_web::test]
async fn the_first_account_is_made_with_the_code_that_was_printed_and_only_once() {
    for desk in desks().await {
        let nobody = Caller::Nobody;
        assert_eq!(desk.get("/setup", &nobody).await.status, StatusCode::CONFLICT);
        desk.state.setup.expect("abab-cdcd");
        let sign_in = desk.get("/sign-in", &nobody).await;
        assert!(sign_in.text.contains("href=\"/setup\""), "{}", sign_in.text);
        let fields = |code| [("code", code), ("name", "ada"), ("password", PASSWORD)];
        let wrong = desk.form("/setup", &nobody, &fields("abab")).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{}", wrong.text);
        let short = [("code", "abab-cdcd"), ("name", "ada"), ("password", "short")];
        let short = desk.form("/setup", &nobody, &short).await;
        assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", short.text);
        let made = desk.form("/setup", &nobody, &fields("abab-cdcd")).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
        let again = desk.form("/setup", &nobody, &fields("abab-cdcd")).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert_eq!(by_password(&desk, "ada", PASSWORD).await.0, StatusCode::SEE_OTHER);
    }
}

#[actix_web::test]
async fn an_administrator_sets_up_a_second_factor_before_anything_else_and_needs_it_from_then_on() {
    for desk in desks().await {
        account(&desk, "ada", Role::Admin).await;
        let session = by_password(&desk, "ada", PASSWORD).await.1.unwrap();
        let refused = desk.get("/", &session).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.text.contains("needs-second-factor"), "{}", refused.text);
        let page = desk.get("/account", &session).await.text;
        let Caller::Session { cookie, .. } = session else {
            unreachable!("a password opens a session");
        };
        let session = Caller::Session {
            cookie,
            csrf: field(&page, "csrf"),
        };
        let between = |from: &str, to: &str| {
            page.split(from)
                .nth(1)
                .unwrap()
                .split(to)
                .next()
                .unwrap()
                .to_owned()
        };
        let address = between("href=\"otpauth", "\"")
            .replace("&#x3D;", "=")
            .replace("&amp;", "&");
        let authenticator = Totp::from_url(format!("otpauth{address}")).unwrap();
        let code = |desk: &Desk| {
            authenticator
                .generate(desk.store().now().timestamp() as u64)
                .to_string()
        };

        let wrong = desk
            .form("/account/factor", &session, &[("code", "000000")])
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
        let set = desk
            .form("/account/factor", &session, &[("code", &code(&desk))])
            .await;
        assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text);
        assert_eq!(desk.get("/", &session).await.status, StatusCode::OK);

        let sign_in = async |code: &str| {
            let fields = [("name", "ada"), ("password", PASSWORD), ("code", code)];
            desk.form("/sign-in", &Caller::Nobody, &fields).await.status
        };
        assert_eq!(sign_in("").await, StatusCode::UNAUTHORIZED);
        assert_eq!(sign_in(&code(&desk)).await, StatusCode::UNAUTHORIZED, "used up");
        desk.clock.advance(TimeDelta::seconds(60));
        let next = code(&desk);
        assert_eq!(sign_in(&next).await, StatusCode::SEE_OTHER);
        assert_eq!(sign_in(&next).await, StatusCode::UNAUTHORIZED, "used up");
    }
}

#[actix_web::test]
async fn in_a_demonstration_and_nowhere_else_a_role_is_taken_by_one_press() {
    let take = [("role", "radiologist")];
    for desk in desks().await {
        account(&desk, "mia", Role::Radiologist).await;
        let refused = desk.form("/demo/role", &Caller::Nobody, &take).await;
        assert_eq!((refused.status, refused.cookie()), (StatusCode::NOT_FOUND, None));
        let door = desk.get("/sign-in", &Caller::Nobody).await;
        assert!(!door.text.contains("/demo/role"));
    }
    for desk in desks_with(|settings| settings.demonstration = true, || None).await {
        account(&desk, "mia", Role::Radiologist).await;
        let door = desk.get("/sign-in", &Caller::Nobody).await;
        assert!(door.text.contains("DEMO") && door.text.contains("action=\"/demo/role\""));
        let taken = desk.form("/demo/role", &Caller::Nobody, &take).await;
        assert_eq!((taken.status, taken.location()), (StatusCode::SEE_OTHER, "/"));
        let session = Caller::Session {
            cookie: taken.cookie().unwrap(),
            csrf: String::new(),
        };
        let list = desk.get("/", &session).await;
        assert!(list.text.contains("mia") && list.text.contains("DEMO"));
        let nobody = desk
            .form("/demo/role", &Caller::Nobody, &[("role", "governance")])
            .await;
        assert_eq!(
            nobody.status,
            StatusCode::NOT_FOUND,
            "nobody of this role was made up"
        );
    }
}
