//! The policy: every route of this server, who may use it, and what it is for. The guard refuses what has no line here,
//! the OpenAPI document is made from it, and a test walks it with every role.

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

const fn get(path: &'static str, access: Access, summary: &'static str) -> Route {
    Route {
        method: "GET",
        path,
        access,
        recency: Recency::Any,
        summary,
    }
}

const fn post(path: &'static str, access: Access, summary: &'static str) -> Route {
    Route {
        method: "POST",
        path,
        access,
        recency: Recency::Any,
        summary,
    }
}

const fn recent(route: Route) -> Route {
    Route {
        recency: Recency::Recent,
        ..route
    }
}

use Access::{Link, Needs, Open, SignedIn};
use Action::*;

/// For programs.
pub const API: &[Route] = &[
    get("/healthz", Open, "Whether the process answers"),
    get(
        "/readyz",
        Open,
        "Whether images, messages and pages are taken care of",
    ),
    get("/metrics", Open, "Metrics for Prometheus, without patients"),
    get("/api/openapi.json", Open, "This document"),
    get(
        "/api/v1/worklist",
        Needs(ReadWorklist),
        "Studies waiting to be read, most urgent first",
    ),
    get(
        "/api/v1/studies",
        Needs(ReadWorklist),
        "Studies that a number names, whether they wait to be read or not",
    ),
    get(
        "/api/v1/studies/{id}",
        Needs(ReadStudy),
        "One study with its timeline, results, alerts and deliveries",
    ),
    get(
        "/api/v1/studies/{id}/report",
        Needs(ReadStudy),
        "What a result says to others, in every form, and how each stands",
    ),
    get(
        "/api/v1/studies/{id}/stacks",
        Needs(ReadStudy),
        "The series of a study as stacks of pictures",
    ),
    get(
        "/api/v1/studies/{id}/images/{instance}/{frame}",
        Needs(ReadStudy),
        "One picture, not for diagnosis",
    ),
    get(
        "/api/v1/studies/{id}/marks/{result}/{slice}",
        Needs(ReadStudy),
        "What a model marked, where its policy lets that be shown",
    ),
    get(
        "/api/v1/studies/{id}/heat/{result}/{slice}",
        Needs(ReadStudy),
        "Where a model looked, where its policy lets that be shown; to be stretched over the slice",
    ),
    post(
        "/api/v1/studies/{id}/opinions",
        Needs(JudgeFinding),
        "Agree or disagree with a finding, with a reason",
    ),
    post(
        "/api/v1/studies/{id}/comments",
        Needs(Comment),
        "Say something about a study",
    ),
    post(
        "/api/v1/studies/{id}/rerun",
        Needs(RerunModel),
        "Have a model read a study once more",
    ),
    get(
        "/api/v1/quality",
        Needs(ReadQuality),
        "Studies whose images could not be used, and their repeats",
    ),
    post(
        "/api/v1/studies/{id}/repeat",
        Needs(HandleRepeat),
        "Ask for a repeat of a study, take it on, or name it",
    ),
    get("/api/v1/connections", Needs(SetUp), "How each system fares"),
    post("/api/v1/connections/{id}/check", Needs(SetUp), "Try a connection"),
    get(
        "/api/v1/start",
        Needs(SetUp),
        "What is left to do before a site can rely on the service",
    ),
    post(
        "/api/v1/start/test-page",
        Needs(SetUp),
        "Send somebody a page that is about nothing",
    ),
    post(
        "/api/v1/studies/{id}/claim",
        Needs(ClaimStudy),
        "Take a study for reading",
    ),
    post(
        "/api/v1/studies/{id}/release",
        Needs(ClaimStudy),
        "Give a study back",
    ),
    get("/api/v1/alerts", Needs(ReadAlerts), "Alerts, newest first"),
    post(
        "/api/v1/alerts/{id}/acknowledge",
        Needs(AcknowledgeAlert),
        "Take responsibility for an alert; paging stops",
    ),
    get(
        "/api/v1/messages",
        Needs(ReadMessages),
        "HL7 messages in and out, newest first; q searches",
    ),
    get(
        "/api/v1/messages/{id}",
        Needs(ReadRawMessage),
        "One message with its bytes",
    ),
    post(
        "/api/v1/messages/{id}/replay",
        Needs(ReplayMessage),
        "Apply or send a message again, or preview that",
    ),
    get(
        "/api/v1/reconciliation",
        Needs(ReadReconciliation),
        "Studies whose order is unknown or contradicts them",
    ),
    post(
        "/api/v1/reconciliation/{id}/resolve",
        Needs(Reconcile),
        "Decide which order a study belongs to",
    ),
    get(
        "/api/v1/quarantine",
        Needs(ReadQuarantine),
        "Instances that came with other bytes under a known UID",
    ),
    post(
        "/api/v1/quarantine/{id}/dismiss",
        Needs(DismissQuarantine),
        "Close an entry of the quarantine; the bytes stay",
    ),
    get(
        "/api/v1/deliveries",
        Needs(ReadDeliveries),
        "What is owed to other systems, newest first",
    ),
    post(
        "/api/v1/deliveries/{id}/retry",
        Needs(RetryDelivery),
        "Send a delivery again",
    ),
    get("/api/v1/models", Needs(ReadVersions), "Models in force"),
    get("/api/v1/rules", Needs(ReadVersions), "Rule packs in force"),
    get(
        "/api/v1/audit/head",
        Needs(ReadAudit),
        "Where the audit chain ends; keep it elsewhere to detect truncation",
    ),
    get(
        "/api/v1/tokens",
        Needs(ManageTokens),
        "Bearer tokens, without the tokens",
    ),
    recent(post(
        "/api/v1/tokens",
        Needs(ManageTokens),
        "Make a bearer token; it is shown once",
    )),
    recent(post(
        "/api/v1/tokens/{id}/revoke",
        Needs(ManageTokens),
        "End a bearer token and its sessions",
    )),
    get(
        "/api/v1/people",
        Needs(ManagePeople),
        "Accounts, without their secrets",
    ),
    recent(post(
        "/api/v1/people",
        Needs(ManagePeople),
        "Make an account; its link to choose a password is shown once",
    )),
    recent(post(
        "/api/v1/people/{id}/change",
        Needs(ManagePeople),
        "Change an account's role, link, factor, sessions, or whether it may come in",
    )),
];

/// For people.
pub const PAGES: &[Route] = &[
    get("/assets/{hash}/{file}", Open, "Styles and scripts"),
    get("/sign-in", Open, "The form to sign in"),
    post("/sign-in", Open, "Signs in"),
    post("/sign-out", SignedIn, "Ends the session"),
    get("/setup", Open, "The form for the first account"),
    post(
        "/setup",
        Open,
        "Makes the first account, with the code that was printed",
    ),
    get("/account", SignedIn, "One's own account"),
    recent(post(
        "/account/factor",
        SignedIn,
        "Turns the second factor on or off",
    )),
    get("/sign-in/oidc", Open, "Leads to the identity provider"),
    get(
        "/sign-in/oidc/callback",
        Open,
        "Where the identity provider sends people back to",
    ),
    get("/prove", SignedIn, "The form to prove again who one is"),
    post(
        "/prove",
        SignedIn,
        "Opens a locked session, or lets a privileged act go on",
    ),
    get("/prove/oidc", SignedIn, "Leads to the identity provider for that"),
    post("/lock", SignedIn, "Locks the session at once"),
    get(
        "/session",
        SignedIn,
        "Whether the session is locked, and when it will be",
    ),
    post("/session/act", SignedIn, "Somebody is there"),
    get("/invite/{token}", Link, "The form to choose a password"),
    post("/invite/{token}", Link, "Keeps the password that was chosen"),
    get("/people", Needs(ManagePeople), "Accounts"),
    recent(post("/people", Needs(ManagePeople), "Makes an account")),
    recent(post(
        "/people/{id}/change",
        Needs(ManagePeople),
        "Changes an account",
    )),
    get("/tokens", Needs(ManageTokens), "Bearer tokens"),
    recent(post("/tokens", Needs(ManageTokens), "Makes a bearer token")),
    recent(post(
        "/tokens/{id}/revoke",
        Needs(ManageTokens),
        "Ends a bearer token",
    )),
    get(
        "/a/{token}",
        Link,
        "What a page was about; opening changes nothing",
    ),
    post("/a/{token}", Link, "Acknowledges the alert"),
    get("/", Needs(ReadWorklist), "The worklist"),
    get("/worklist", Needs(ReadWorklist), "The worklist, by its name"),
    get(
        "/live",
        Needs(ReadWorklist),
        "Server-sent events: which study changed",
    ),
    get(
        "/worklist/rows",
        Needs(ReadWorklist),
        "The worklist alone, for its refresh",
    ),
    post("/worklist/search", Needs(ReadWorklist), "Searches the worklist"),
    post("/worklist/views", Needs(ReadWorklist), "Keeps or removes a view"),
    get("/worklist/wall", Needs(ReadWorklist), "The worklist for a wall"),
    get(
        "/studies/{id}/live",
        Needs(ReadStudy),
        "What changes on a study's page, for its refresh",
    ),
    post(
        "/studies/{id}/opinions",
        Needs(JudgeFinding),
        "Keeps an opinion on a finding",
    ),
    post("/studies/{id}/comments", Needs(Comment), "Keeps a comment"),
    get(
        "/studies/{id}/timeline.csv",
        Needs(ReadStudy),
        "The timeline as a table",
    ),
    get(
        "/worklist.csv",
        Needs(ReadWorklist),
        "The worklist as a table, as far as it was asked for",
    ),
    post(
        "/studies/{id}/rerun",
        Needs(RerunModel),
        "Has a model read a study once more",
    ),
    get(
        "/quality",
        Needs(ReadQuality),
        "Studies whose images could not be used",
    ),
    post(
        "/studies/{id}/repeat",
        Needs(HandleRepeat),
        "Asks for a repeat, takes it on, or names it",
    ),
    get("/connections", Needs(SetUp), "Every system that is connected"),
    post("/connections/{id}/check", Needs(SetUp), "Tries a connection"),
    get("/start", Needs(SetUp), "What is left to set up"),
    post("/start/test-page", Needs(SetUp), "Sends a test page"),
    post("/demo/role", Open, "In a demonstration, signs in as a role"),
    get(
        "/studies/{id}/report",
        Needs(ReadStudy),
        "What a result says to others",
    ),
    get(
        "/studies/{id}/report/sr.dcm",
        Needs(ReadStudy),
        "The structured report as a file",
    ),
    get(
        "/studies/{id}/report/oru.hl7",
        Needs(ReadStudy),
        "The result message as a file",
    ),
    get(
        "/studies/{id}/report/fhir.json",
        Needs(ReadStudy),
        "The FHIR bundle as a file",
    ),
    get("/studies/{id}", Needs(ReadStudy), "A study"),
    post("/studies/{id}/claim", Needs(ClaimStudy), "Takes a study"),
    post("/studies/{id}/release", Needs(ClaimStudy), "Gives a study back"),
    get("/alerts", Needs(ReadAlerts), "Alerts"),
    post(
        "/alerts/{id}/acknowledge",
        Needs(AcknowledgeAlert),
        "Acknowledges an alert",
    ),
    get("/messages", Needs(ReadMessages), "Messages"),
    post("/messages", Needs(ReadMessages), "Searches messages"),
    get("/messages/{id}", Needs(ReadRawMessage), "A message"),
    post("/messages/{id}/replay", Needs(ReplayMessage), "Replays a message"),
    get(
        "/reconciliation",
        Needs(ReadReconciliation),
        "Studies without a sure order",
    ),
    post(
        "/reconciliation/{id}/resolve",
        Needs(Reconcile),
        "Decides about a study's order",
    ),
    get("/quarantine", Needs(ReadQuarantine), "Quarantined instances"),
    post(
        "/quarantine/{id}/dismiss",
        Needs(DismissQuarantine),
        "Closes an entry",
    ),
    get(
        "/deliveries",
        Needs(ReadDeliveries),
        "What is owed to other systems",
    ),
    post(
        "/deliveries/{id}/retry",
        Needs(RetryDelivery),
        "Sends a delivery again",
    ),
];

pub fn all() -> impl Iterator<Item = &'static Route> {
    API.iter().chain(PAGES)
}

pub fn find(method: &str, path: &str) -> Option<&'static Route> {
    all().find(|route| route.method == method && route.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;
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
