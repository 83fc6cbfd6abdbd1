//! What programs ask for: health, metrics and JSON.

use super::Access::{Needs, Open};
use super::{Route, get, post, recent};
use crate::api::auth::Action::*;

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
    post(
        "/api/v1/studies/{id}/withdraw",
        Needs(DecideResult),
        "Take back what a model said, everywhere it was said",
    ),
    post(
        "/api/v1/studies/{id}/reinstate",
        Needs(DecideResult),
        "Bring back what was taken back",
    ),
    post(
        "/api/v1/studies/{id}/let-go",
        Needs(DecideResult),
        "Let a result leave that policy holds",
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
        "/api/v1/connections/{id}/test-message",
        Needs(SetUp),
        "Send a message that asks for nothing, and say what was answered",
    ),
    post(
        "/api/v1/connections/{id}/pause",
        Needs(SetUp),
        "Stop what goes to a neighbour, with a reason",
    ),
    post(
        "/api/v1/connections/{id}/resume",
        Needs(SetUp),
        "Let go what waits for a neighbour",
    ),
    get(
        "/api/v1/site-profiles",
        Needs(SetUp),
        "How the messages of each system are read and written",
    ),
    get(
        "/api/v1/site-profiles/{id}",
        Needs(SetUp),
        "One site profile, and what its samples are read as",
    ),
    post(
        "/api/v1/site-profiles/{id}/read",
        Needs(SetUp),
        "Say what a message is read as under a profile; nothing is kept of it",
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
    post(
        "/api/v1/alerts/{id}/release",
        Needs(AcknowledgeAlert),
        "Let a withheld alert page",
    ),
    get(
        "/api/v1/associations",
        Needs(ReadMessages),
        "Associations that peers opened, and those that were turned away",
    ),
    get(
        "/api/v1/messages",
        Needs(ReadMessages),
        "HL7 messages in and out, newest first; q searches",
    ),
    get(
        "/api/v1/messages/failures",
        Needs(ReadMessages),
        "Messages that failed, by cause",
    ),
    post(
        "/api/v1/messages/replays",
        Needs(ReplayMessage),
        "Apply or send many messages again, or preview that",
    ),
    get(
        "/api/v1/messages/{id}",
        Needs(ReadRawMessage),
        "One message with its bytes",
    ),
    get(
        "/api/v1/messages/{id}/edit",
        Needs(EditMessage),
        "A message as it can be edited",
    ),
    post(
        "/api/v1/messages/{id}/edit",
        Needs(EditMessage),
        "Apply or send a message as it was edited, or preview that",
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
