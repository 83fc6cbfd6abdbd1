//! The policy: every route of this server, who may use it, and what it is for. The guard refuses what has no line here,
//! the OpenAPI document is made from it, and a test walks it with every role.

mod cds;
mod dicomweb;
mod fhir;
mod pages;
mod programs;
mod ups;

pub use cds::CDS;
pub use dicomweb::DICOMWEB;
pub use fhir::FHIR;
pub use pages::PAGES;
pub use programs::API;
pub use ups::UPS;

use super::auth::Action;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; shows nothing of a patient.
    Open,
    /// Whoever holds the link; the handler checks its seal.
    Link,
    /// Whoever is signed in.
    SignedIn,
    /// Those whose role has this action.
    Needs(Action),
}

/// How recently the person of a session must have proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recency {
    Any,
    /// Just now: the route changes who may do what.
    Recent,
}

#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    /// As it is registered, with `{names}`.
    pub path: &'static str,
    pub access: Access,
    pub recency: Recency,
    pub summary: &'static str,
}

const fn of(method: &'static str, path: &'static str, access: Access, summary: &'static str) -> Route {
    Route {
        method,
        path,
        access,
        recency: Recency::Any,
        summary,
    }
}

const fn get(path: &'static str, access: Access, summary: &'static str) -> Route {
    of("GET", path, access, summary)
}

const fn post(path: &'static str, access: Access, summary: &'static str) -> Route {
    of("POST", path, access, summary)
}

const fn put(path: &'static str, access: Access, summary: &'static str) -> Route {
    of("PUT", path, access, summary)
}

const fn delete(path: &'static str, access: Access, summary: &'static str) -> Route {
    of("DELETE", path, access, summary)
}

const fn recent(route: Route) -> Route {
    Route {
        recency: Recency::Recent,
        ..route
    }
}

/// Those of programs: ours, and those of standards.
pub fn programs() -> impl Iterator<Item = &'static Route> {
    API.iter().chain(FHIR).chain(UPS).chain(CDS).chain(DICOMWEB)
}

pub fn all() -> impl Iterator<Item = &'static Route> {
    programs().chain(PAGES)
}

pub fn find(method: &str, path: &str) -> Option<&'static Route> {
    all().find(|route| route.method == method && route.path == path)
}

/// What an address takes (RFC 9110 10.2.1); what can be got can be asked for by HEAD.
pub fn methods(path: &str) -> Vec<&'static str> {
    let mut methods: Vec<&str> = all()
        .filter(|route| route.path == path)
        .map(|route| route.method)
        .collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::Access::{Needs, Open};
    use super::*;
    use crate::api::auth::Action::{ManagePeople, ManageTokens};
    use std::collections::BTreeSet;

    #[test]
    fn a_route_has_one_line_and_what_is_open_is_known() {
        let lines: BTreeSet<_> = all().map(|route| (route.method, route.path)).collect();
        assert_eq!(lines.len(), all().count());
        let open: Vec<&str> = all()
            .filter(|route| route.access == Open)
            .map(|route| route.path)
            .collect();
        assert_eq!(
            open,
            [
                "/healthz",
                "/readyz",
                "/metrics",
                "/api/openapi.json",
                "/fhir/metadata",
                "/cds-services",
                "/assets/{hash}/{file}",
                "/sign-in",
                "/sign-in",
                "/setup",
                "/setup",
                "/sign-in/oidc",
                "/sign-in/oidc/callback",
                "/demo/role"
            ]
        );
    }

    #[test]
    fn whoever_changes_who_may_do_what_proves_who_they_are() {
        let recent: Vec<&str> = all()
            .filter(|route| route.recency == Recency::Recent)
            .map(|route| route.path)
            .collect();
        assert_eq!(
            recent,
            [
                "/api/v1/tokens",
                "/api/v1/tokens/{id}/revoke",
                "/api/v1/people",
                "/api/v1/people/{id}/change",
                "/account/factor",
                "/people",
                "/people/{id}/change",
                "/tokens",
                "/tokens/{id}/revoke",
            ]
        );
        let privileged = all().filter(|route| {
            route.method == "POST" && matches!(route.access, Needs(ManageTokens | ManagePeople))
        });
        for route in privileged {
            assert_eq!(route.recency, Recency::Recent, "{}", route.path);
        }
    }
}
