//! Signing in with an identity provider that this test plays: it signs what the test wants, once per code.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data, Form, Json};
use actix_web::{App, HttpResponse, HttpServer};
use chrono::TimeDelta;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreGenderClaim, CoreJwsSigningAlgorithm};
use openidconnect::{
    Audience, EndUserUsername, IdToken, IdTokenClaims, IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey,
    StandardClaims, SubjectIdentifier,
};
use serde_json::{Value, json};
use tocsin::api::auth::factor::Factor;
use tocsin::api::auth::oidc::claims::Further;
use tocsin::api::auth::oidc::provider::Provider;
use tocsin::api::auth::oidc::{FactorAt, OidcSettings};
use tocsin::api::auth::{Role, secret};
use tocsin::storage::accounts;
use tocsin_domain::clock::Timestamp;
use totp_rs::Totp;

use super::desk::{Answer, Caller, Desk, desks_with, field, request};

/// What the provider says when it is given a code.
#[derive(Clone)]
struct Said {
    subject: &'static str,
    name: &'static str,
    groups: Value,
    nonce: String,
    now: Timestamp,
    asked_at: Option<Timestamp>,
    key: u8,
}

struct Played {
    issuer: String,
    codes: Mutex<BTreeMap<String, Said>>,
    /// The keys that it publishes.
    published: Mutex<Vec<u8>>,
}

/// Ed25519 from a byte: PKCS #8 is this prefix and the seed.
fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    let mut der = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ];
    der.extend([seed; 32]);
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        base64(&der)
    );
    let name = JsonWebKeyId::new(format!("key-{seed}"));
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(name)).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

async fn discovery(played: Data<Played>) -> Json<Value> {
    let issuer = &played.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    }))
}

async fn jwks(played: Data<Played>) -> Json<Value> {
    let published = played.published.lock().unwrap();
    let keys: Vec<_> = published
        .iter()
        .map(|seed| key(*seed).as_verification_key())
        .collect();
    Json(json!({ "keys": keys }))
}

async fn token(played: Data<Played>, form: Form<BTreeMap<String, String>>) -> HttpResponse {
    assert!(form.contains_key("code_verifier"), "PKCE");
    let said = played.codes.lock().unwrap().remove(&form["code"]);
    let Some(said) = said else {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    };
    let further = Further {
        all: json!({ "groups": said.groups }).as_object().unwrap().clone(),
    };
    let standard: StandardClaims<CoreGenderClaim> =
        StandardClaims::new(SubjectIdentifier::new(said.subject.to_owned()))
            .set_preferred_username(Some(EndUserUsername::new(said.name.to_owned())));
    let claims = IdTokenClaims::new(
        IssuerUrl::new(played.issuer.clone()).unwrap(),
        vec![Audience::new("tocsin".to_owned())],
        said.now + TimeDelta::minutes(5),
        said.now,
        standard,
        further,
    )
    .set_nonce(Some(Nonce::new(said.nonce)))
    .set_auth_time(said.asked_at);
    let signed: IdToken<_, _, openidconnect::core::CoreJweContentEncryptionAlgorithm, _> =
        IdToken::new(claims, &key(said.key), CoreJwsSigningAlgorithm::EdDsa, None, None).unwrap();
    HttpResponse::Ok().json(json!({ "access_token": "a", "token_type": "Bearer", "id_token": signed }))
}

/// Starts it on a free port; it ends with the test.
fn play() -> Data<Played> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let played = Data::new(Played {
        issuer: format!("http://{}", listener.local_addr().unwrap()),
        codes: Mutex::default(),
        published: Mutex::new(vec![1]),
    });
    let shared = played.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route("/.well-known/openid-configuration", web::get().to(discovery))
            .route("/jwks", web::get().to(jwks))
            .route("/token", web::post().to(token))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .unwrap()
    .run();
    actix_web::rt::spawn(server);
    played
}

fn provider(issuer: &str, factor: FactorAt) -> Option<Provider> {
    let settings = OidcSettings {
        issuer: issuer.to_owned(),
        client_id: "tocsin".into(),
        client_secret: Some("hush".into()),
        scopes: vec!["profile".into()],
        role_claim: "groups".into(),
        roles: vec![
            ("admins".into(), Role::Admin),
            ("readers".into(), Role::Radiologist),
        ],
        label: "House".into(),
        certificates: None,
        factor,
    };
    Some(Provider::new(settings).unwrap())
}

async fn house() -> (Data<Played>, Vec<Desk>) {
    house_with(FactorAt::Provider).await
}

async fn house_with(factor: FactorAt) -> (Data<Played>, Vec<Desk>) {
    let played = play();
    let issuer = Arc::new(played.issuer.clone());
    let desks = desks_with(
        |settings| settings.idle_lock = TimeDelta::minutes(10),
        || provider(&issuer, factor),
    )
    .await;
    (played, desks)
}

/// On the way: what the browser was sent to the provider with.
struct Way {
    cookie: String,
    state: String,
    nonce: String,
    prompt: Option<String>,
}

async fn depart(desk: &Desk, path: &str, who: &Caller) -> Way {
    let answer = desk.get(path, who).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let cookie = answer.headers.get("Set-Cookie").unwrap().to_str().unwrap();
    assert!(
        cookie.contains("SameSite=Lax") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    let address: openidconnect::url::Url = answer.location().parse().unwrap();
    let asked: BTreeMap<String, String> = address.query_pairs().into_owned().collect();
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(asked["scope"].contains("openid"), "{asked:?}");
    Way {
        cookie: answer.cookie().unwrap(),
        state: asked["state"].clone(),
        nonce: asked["nonce"].clone(),
        prompt: asked.get("prompt").cloned(),
    }
}

fn mia(desk: &Desk, way: &Way) -> Said {
    Said {
        subject: "77-88",
        name: "mia",
        groups: json!(["readers"]),
        nonce: way.nonce.clone(),
        now: desk.store().now(),
        asked_at: Some(desk.store().now()),
        key: 1,
    }
}

async fn arrive(desk: &Desk, way: &Way, state: &str, code: &str) -> Answer {
    let path = format!("/sign-in/oidc/callback?state={state}&code={code}");
    let back = request(Method::GET, &path, &Caller::Nobody).insert_header(("Cookie", way.cookie.as_str()));
    desk.send(back).await
}

/// The whole way with what the provider says.
async fn go(desk: &Desk, played: &Played, change: impl FnOnce(&mut Said)) -> Answer {
    let way = depart(desk, "/sign-in/oidc", &Caller::Nobody).await;
    let mut said = mia(desk, &way);
    change(&mut said);
    played.codes.lock().unwrap().insert("c".into(), said);
    arrive(desk, &way, &way.state, "c").await
}

fn session(answer: &Answer) -> Option<Caller> {
    let cookies = answer.headers.get_all("Set-Cookie");
    let cookie = cookies
        .filter_map(|value| value.to_str().unwrap().split(';').next())
        .find(|cookie| cookie.starts_with("tocsin_session="))?;
    Some(Caller::Session {
        cookie: cookie.to_owned(),
        csrf: String::new(),
    })
}

#[actix_web::test]
async fn somebody_of_the_provider_comes_in_with_the_role_that_it_says_today() {
    let (played, desks) = house().await;
    for desk in desks {
        let page = desk.get("/sign-in", &Caller::Nobody).await.text;
        assert!(page.contains("Sign in with House"), "{page}");
        let answer = go(&desk, &played, |_| {}).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let who = session(&answer).unwrap();
        let home = desk.get("/", &who).await;
        assert!(
            home.text.contains("mia") && home.text.contains("radiologist"),
            "{}",
            home.text
        );

        let answer = go(&desk, &played, |said| said.groups = json!(["x", "admins"])).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(
            desk.get("/people", &who).await.status,
            StatusCode::OK,
            "the same account, and the provider has asked for a second factor"
        );
        let rows = accounts::accounts(desk.store().read()).await.unwrap();
        assert_eq!(rows.len(), 1);

        let answer = go(&desk, &played, |said| said.groups = json!(["guests"])).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.text.contains("gives you no role here"), "{}", answer.text);
        let audited = desk.audited().await;
        for action in ["account.create", "account.role", "session.begin"] {
            assert!(audited.iter().any(|(done, _)| done == action), "{action}");
        }
    }
}

#[actix_web::test]
async fn a_local_account_of_the_same_name_is_not_taken_over_and_a_disabled_one_stays_out() {
    let (played, desks) = house().await;
    for desk in desks {
        let hash = secret::hash_password("correct horse battery", &[7; 16]).unwrap();
        desk.store()
            .write(move |tx| Box::pin(async move { accounts::create(tx, "mia", "admin", hash).await }))
            .await
            .unwrap();
        let answer = go(&desk, &played, |_| {}).await;
        let home = desk.get("/", &session(&answer).unwrap()).await;
        assert!(home.text.contains("mia (House)"), "{}", home.text);
        desk.store()
            .write(|tx| Box::pin(async move { accounts::disable(tx, "mia (House)").await }))
            .await
            .unwrap();
        let answer = go(&desk, &played, |_| {}).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(session(&answer).is_none());
        let fields = [("name", "mia (House)"), ("password", "")];
        let tried = desk.form("/sign-in", &Caller::Nobody, &fields).await;
        assert_eq!(tried.status, StatusCode::UNAUTHORIZED);
    }
}

#[actix_web::test]
async fn what_was_forged_replayed_or_signed_by_others_opens_nothing() {
    let (played, desks) = house().await;
    for desk in desks {
        let way = depart(&desk, "/sign-in/oidc", &Caller::Nobody).await;
        let put = |said: Said| played.codes.lock().unwrap().insert("c".into(), said);
        put(mia(&desk, &way));
        let refused = |answer: Answer| {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
            assert!(session(&answer).is_none());
        };
        refused(arrive(&desk, &way, "forged", "c").await);
        let other = depart(&desk, "/sign-in/oidc", &Caller::Nobody).await;
        refused(arrive(&desk, &other, &way.state, "c").await);
        let entered = arrive(&desk, &way, &way.state, "c").await;
        assert!(session(&entered).is_some(), "{}", entered.text);
        refused(arrive(&desk, &way, &way.state, "c").await);
        put(mia(&desk, &way));
        let again = arrive(&desk, &way, &way.state, "c").await;
        assert_eq!(again.status, StatusCode::CONFLICT, "one way opens one session");

        for wrong in [
            |said: &mut Said| said.nonce = "other".into(),
            |said: &mut Said| said.now -= TimeDelta::hours(1),
            |said: &mut Said| said.key = 9,
        ] {
            refused(go(&desk, &played, wrong).await);
        }
        desk.clock.advance(TimeDelta::minutes(10));
        refused(arrive(&desk, &other, &other.state, "c").await);
    }
}

#[actix_web::test]
async fn a_new_key_of_the_provider_is_fetched_when_it_is_met() {
    let (played, mut desks) = house().await;
    let desk = desks.remove(0);
    assert!(session(&go(&desk, &played, |_| {}).await).is_some());
    played.published.lock().unwrap().push(2);
    desk.clock.advance(TimeDelta::seconds(30));
    assert!(session(&go(&desk, &played, |said| said.key = 2).await).is_some());
}

#[actix_web::test]
async fn a_provider_that_is_down_costs_its_own_button_only() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    let desk = desks_with(|_| {}, || provider(&issuer, FactorAt::Ours))
        .await
        .remove(0);
    let answer = desk.get("/sign-in/oidc", &Caller::Nobody).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text.contains("cannot be reached"), "{}", answer.text);
    assert!(answer.text.contains("name=\"password\""), "the form is there");
    let who = desk.browser(Role::Radiologist, "tom").await;
    assert_eq!(desk.get("/", &who).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_locked_session_is_opened_by_the_provider_that_asks_again() {
    let (played, desks) = house().await;
    for desk in desks {
        let who = session(&go(&desk, &played, |_| {}).await).unwrap();
        desk.clock.advance(TimeDelta::minutes(11));
        assert_eq!(desk.get("/", &who).await.status, StatusCode::LOCKED);
        let form = desk.get("/prove?back=/alerts", &who).await;
        assert!(form.text.contains("Prove it with House"), "{}", form.text);
        let prove = async |change: fn(&mut Said)| {
            let way = depart(&desk, "/prove/oidc?back=/alerts", &who).await;
            assert_eq!(way.prompt.as_deref(), Some("login"));
            let mut said = mia(&desk, &way);
            change(&mut said);
            played.codes.lock().unwrap().insert("c".into(), said);
            arrive(&desk, &way, &way.state, "c").await
        };
        let remembered = prove(|said| said.asked_at = Some(said.now - TimeDelta::hours(1))).await;
        assert_eq!(remembered.status, StatusCode::BAD_REQUEST, "{}", remembered.text);
        let another = prove(|said| said.subject = "somebody else").await;
        assert_eq!(another.status, StatusCode::FORBIDDEN);
        assert_eq!(desk.get("/", &who).await.status, StatusCode::LOCKED);
        let back = prove(|_| {}).await;
        assert!(back.text.contains("url=/alerts"), "{}", back.text);
        assert_eq!(desk.get("/", &who).await.status, StatusCode::OK);
    }
}

#[actix_web::test]
async fn where_the_second_factor_is_ours_the_providers_word_is_half_the_proof() {
    let (played, desks) = house_with(FactorAt::Ours).await;
    for desk in desks {
        let admin = |said: &mut Said| said.groups = json!(["admins"]);
        let who = session(&go(&desk, &played, admin).await).unwrap();
        let refused = desk.get("/", &who).await;
        assert!(refused.text.contains("needs-second-factor"), "{}", refused.text);

        let row = accounts::by_name(desk.store().read(), "mia")
            .await
            .unwrap()
            .unwrap();
        let factor = Factor::of(b"session key", &row.id, "n", "General Hospital", "mia").unwrap();
        desk.store()
            .write(move |tx| {
                Box::pin(async move { accounts::set_factor(tx, &row.id, Some("n".into()), 0).await })
            })
            .await
            .unwrap();
        let who = session(&go(&desk, &played, admin).await).unwrap();
        let refused = desk.get("/", &who).await;
        assert!(refused.text.contains("needs-recent-proof"), "{}", refused.text);
        let form = desk.get("/prove", &who).await.text;
        assert!(
            form.contains("name=\"code\"") && !form.contains("name=\"password\""),
            "{form}"
        );
        let Caller::Session { cookie, .. } = who else {
            unreachable!("the provider opens a session");
        };
        let who = Caller::Session {
            cookie,
            csrf: field(&form, "csrf"),
        };
        let wrong = desk.form("/prove", &who, &[("code", "000000")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let code = Totp::from_url(factor.address())
            .unwrap()
            .generate(desk.store().now().timestamp() as u64);
        let right = desk.form("/prove", &who, &[("code", &code.to_string())]).await;
        assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text);
        assert_eq!(desk.get("/people", &who).await.status, StatusCode::OK);
    }
}
