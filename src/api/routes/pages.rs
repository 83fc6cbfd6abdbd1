//! What people look at, and the forms that they send.

use super::Access::{Link, Needs, Open, SignedIn};
use super::{Route, get, post, recent};
use crate::api::auth::Action::*;

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
    post(
        "/alerts/{id}/release",
        Needs(AcknowledgeAlert),
        "Lets a withheld alert page",
    ),
    get("/messages", Needs(ReadMessages), "Messages"),
    post("/messages", Needs(ReadMessages), "Searches messages"),
    get("/messages/failures", Needs(ReadMessages), "Messages that failed"),
    post(
        "/messages/failures",
        Needs(ReplayMessage),
        "Replays messages that failed alike",
    ),
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
