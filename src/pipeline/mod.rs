//! One job per file: each loads facts, asks the domain, and saves the answer with its audit row and its follow-up jobs in
//! one transaction. Slow work (inference, SMTP, the network) runs outside any transaction.

pub mod admit_study;
mod announced;
mod answer_message;
pub mod apply_message;
pub mod assemble_study;
pub mod check_deadline;
pub mod compare_priors;
mod decode_ahead;
pub mod deliver;
pub mod env;
mod explain;
mod fetch_announced;
pub mod find_priors;
pub mod foresee;
pub mod infer;
pub mod keep_safe;
pub mod link;
pub mod models;
pub mod poll_worklist;
pub mod publish_result;
pub mod raise_alerts;
pub mod read_document;
mod reported;
pub mod send_notification;
pub mod step_alert;
mod tell_rejection;
pub mod tell_ris;
pub mod tell_sessions;
mod tell_subscribers;
pub mod triage_study;
mod vendor_results;
