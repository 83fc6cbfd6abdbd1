//! What a provider says of somebody, once its signature is checked: who they are there, what they are called, and what they
//! may do here. It decides and touches nothing.

use openidconnect::AdditionalClaims;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::auth::Role;

/// Characters of a name.
const NAME: usize = 100;

/// All claims besides those of the standard.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Further {
    #[serde(flatten)]
    pub all: Map<String, Value>,
}

impl AdditionalClaims for Further {}

/// The first of `roles` that the claim names; `None` where it names none of them.
pub fn role_of(claims: &Map<String, Value>, claim: &str, roles: &[(String, Role)]) -> Option<Role> {
    let said = at(claims, claim)?;
    let names = |wanted: &str| match said {
        Value::String(one) => one == wanted,
        Value::Array(many) => many.iter().any(|one| one == wanted),
        _ => false,
    };
    roles
        .iter()
        .find(|(value, _)| names(value))
        .map(|(_, role)| *role)
}

/// A claim by its whole name, which may have dots in it, else by the path that the dots make.
fn at<'a>(claims: &'a Map<String, Value>, claim: &str) -> Option<&'a Value> {
    if let Some(whole) = claims.get(claim) {
        return Some(whole);
    }
    let mut parts = claim.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// Names for a new account, the preferred one first: an account of ours that has the same name stays what it is.
pub fn names(preferred: &str, label: &str, subject: &str) -> Vec<String> {
    let plain: String = preferred.chars().filter(|c| !c.is_control()).collect();
    let name = match plain.trim() {
        "" => subject,
        named => named,
    };
    let short = |text: &str, length| text.chars().take(length).collect::<String>();
    let name = short(name, NAME / 2);
    let label = short(label, NAME / 5);
    vec![
        name.clone(),
        format!("{name} ({label})"),
        format!("{name} ({label} {})", short(subject, NAME / 5)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Vec<(String, Role)> {
        vec![
            ("admins".into(), Role::Admin),
            ("readers".into(), Role::Radiologist),
        ]
    }

    fn role(claims: Value, claim: &str) -> Option<Role> {
        role_of(claims.as_object().expect("an object"), claim, &roles())
    }

    #[test]
    fn a_role_follows_the_claim_wherever_it_is() {
        use serde_json::json;
        let nested = json!({ "realm_access": { "roles": ["x", "readers"] } });
        assert_eq!(
            role(nested.clone(), "realm_access.roles"),
            Some(Role::Radiologist)
        );
        assert_eq!(role(nested, "realm_access"), None);
        assert_eq!(
            role(json!({ "https://a.b/roles": "admins" }), "https://a.b/roles"),
            Some(Role::Admin)
        );
        assert_eq!(
            role(json!({ "groups": ["readers", "admins"] }), "groups"),
            Some(Role::Admin),
            "of several the first of ours"
        );
    }

    #[test]
    fn who_has_no_role_of_ours_has_none() {
        use serde_json::json;
        for claims in [
            json!({}),
            json!({ "groups": [] }),
            json!({ "groups": "Readers" }),
            json!({ "groups": 7 }),
            json!({ "groups": { "readers": true } }),
        ] {
            assert_eq!(role(claims.clone(), "groups"), None, "{claims}");
        }
    }

    #[test]
    fn a_name_is_bounded_and_has_others_to_fall_back_on() {
        assert_eq!(names("mia", "Keycloak", "77-88")[0], "mia");
        assert_eq!(names("mia", "Keycloak", "77-88")[1], "mia (Keycloak)");
        assert_eq!(names(" \n", "K", "77")[0], "77");
        let long = names(&"x".repeat(400), &"y".repeat(400), &"z".repeat(400));
        assert!(long.iter().all(|name| name.chars().count() <= NAME), "{long:?}");
    }
}
