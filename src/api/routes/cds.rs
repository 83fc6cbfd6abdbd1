//! Advice for EHRs (HL7 CDS Hooks 2.0).

use super::Access::{Needs, Open};
use super::{Route, get, post};
use crate::api::auth::Action::AskAdvice;

/// For EHRs. Under `/cds-services/` a token that the EHR signed is as good as one of ours.
pub const CDS: &[Route] = &[
    get(
        "/cds-services",
        Open,
        "The services there are, and what each needs",
    ),
    post(
        "/cds-services/{id}",
        Needs(AskAdvice),
        "What somebody should know of this patient now, as cards",
    ),
    post(
        "/cds-services/{id}/feedback",
        Needs(AskAdvice),
        "What became of cards",
    ),
];
