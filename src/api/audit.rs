//! Where the audit chain ends. Whoever keeps this elsewhere notices when entries are cut off.

use actix_web::web::{Data, Json};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::Timestamp;

use super::error::ApiError;
use super::state::State;
use crate::storage::audit;

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditHead {
    /// Number of the last entry; 0 before the first.
    pub seq: i64,
    /// Its seal, over everything before it.
    pub hash: String,
    /// When this was read.
    pub at: Timestamp,
}

pub async fn head(state: Data<State>) -> Result<Json<AuditHead>, ApiError> {
    let head = audit::head(state.store.read()).await?;
    Ok(Json(AuditHead {
        seq: head.seq,
        hash: head.hash,
        at: state.now(),
    }))
}
