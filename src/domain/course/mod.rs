//! The course of a study through the department: which of what happened had to wait for what, and what belongs together.
//! Pure; events are as the timeline noted them, oldest first.

pub mod critical;
pub mod lanes;

use crate::clock::Timestamp;

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: Timestamp,
    /// `first_image`, `inference_started` …
    pub name: String,
    /// A sentence without patient data; of a model's event it begins with the model's name.
    pub detail: String,
}

impl Event {
    /// The model that a step of an inference belongs to: `ich` of "ich: flagged; …".
    fn model(&self) -> &str {
        self.detail
            .split_once(':')
            .map_or(self.detail.as_str(), |(model, _)| model)
    }
}

#[cfg(test)]
mod testing {
    use super::Event;
    use crate::clock::from_micros;

    /// Events at milliseconds after the first.
    pub fn events(lines: &[(i64, &str, &str)]) -> Vec<Event> {
        lines
            .iter()
            .map(|&(ms, name, detail)| Event {
                at: from_micros(ms * 1_000),
                name: name.into(),
                detail: detail.into(),
            })
            .collect()
    }

    pub const BLEED: &[(i64, &str, &str)] = &[
        (0, "first_image", "from CT1"),
        (700, "link_linked", "by Study Instance UID"),
        (710, "series_ready", "32 instances"),
        (720, "admission", "ich: queued"),
        (750, "inference_started", "ich"),
        (760, "inference_started", "ischaemia"),
        (3_500, "inference_finished", "ich: flagged; model 2108 ms"),
        (3_510, "ai_on_worklist", "the list knows what the models said"),
        (3_511, "alert_raised", "rule ich-flagged"),
        (3_530, "page_queued", "first_notice to team"),
        (3_560, "page_accepted", "by the mail server"),
        (5_000, "inference_finished", "ischaemia: not flagged"),
        (9_000, "claimed", "by Dr Ito"),
        (12_000, "released", "by Dr Ito"),
        (103_560, "alert_acknowledged", "by Dr Roy"),
    ];
}
