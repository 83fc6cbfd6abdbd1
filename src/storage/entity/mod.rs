//! Tables as sea-orm sees them. A row printed for debugging shows its table alone: rows hold names and messages.

macro_rules! redacted {
    ($model:ty) => {
        impl std::fmt::Debug for $model {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(module_path!(), "(…)"))
            }
        }
    };
}
pub(super) use redacted;

pub mod account;
pub mod active_version;
pub mod alert;
pub mod analysis;
pub mod announced_series;
pub mod announced_study;
pub mod announcement;
pub mod announcement_noted;
pub mod api_token;
pub mod application_answer;
pub mod association;
pub mod association_key;
pub mod audit_entry;
pub mod audit_head;
pub mod card_feedback;
pub mod commitment;
pub mod delivery;
pub mod ehr_token;
pub mod heat_map;
pub mod imaging_order;
pub mod instance;
pub mod job;
pub mod learned_idle;
pub mod mask;
pub mod message;
pub mod message_edit;
pub mod message_key;
pub mod notification;
pub mod opinion;
pub mod patient;
pub mod pause;
pub mod prior_fetch;
pub mod prior_search;
pub mod quarantine;
pub mod reading;
pub mod repeat;
pub mod report;
pub mod result;
pub mod result_hold;
pub mod saved_view;
pub mod series;
pub mod series_key;
pub mod session;
pub mod sign_of_life;
pub mod study;
pub mod study_change;
pub mod study_comment;
pub mod study_key;
pub mod subscription;
pub mod timeline;
pub mod vendor_document;
pub mod verdict;
pub mod worklist_poll;
