//! How far the repeat of a study is whose images could not be used: pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is next for such a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Somebody has asked for a repeat; somebody has to take it on.
    Requested,
    /// Refused, and nobody has decided whether to repeat.
    Rejected,
    /// Somebody is at it.
    Acknowledged,
    /// Another study has taken its place.
    Repeated,
    /// Better images came to the same study, and nothing is refused any more.
    Accepted,
}

/// What is known of a repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A model refuses the images as they are now.
    pub refused: bool,
    pub requested: bool,
    pub acknowledged: bool,
    pub linked: bool,
}

/// A repeat that was taken ends the matter; so do better images, unless a person asked for a repeat all the same and it is
/// under way.
pub fn stage(known: Known) -> Stage {
    match known {
        Known { linked: true, .. } => Stage::Repeated,
        Known {
            refused: false,
            requested: false,
            ..
        } => Stage::Accepted,
        Known {
            acknowledged: true, ..
        } => Stage::Acknowledged,
        Known { requested: true, .. } => Stage::Requested,
        Known { refused: true, .. } => Stage::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_goes_from_refusal_over_request_and_acknowledgement_to_the_study_that_repeats() {
        let refused = Known {
            refused: true,
            ..Known::default()
        };
        let requested = Known {
            requested: true,
            ..refused
        };
        let acknowledged = Known {
            acknowledged: true,
            ..requested
        };
        let linked = Known {
            linked: true,
            ..acknowledged
        };
        let stages = [refused, requested, acknowledged, linked].map(stage);
        assert_eq!(
            stages,
            [
                Stage::Rejected,
                Stage::Requested,
                Stage::Acknowledged,
                Stage::Repeated
            ]
        );
    }

    #[test]
    fn better_images_end_a_refusal_but_not_a_persons_request() {
        assert_eq!(stage(Known::default()), Stage::Accepted);
        let asked = Known {
            requested: true,
            ..Known::default()
        };
        assert_eq!(stage(asked), Stage::Requested);
    }
}
