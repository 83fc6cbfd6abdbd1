//! Application answers of HL7's enhanced mode, both ways: whether a sender is owed one, and what one that comes to us
//! says of a message of ours.

use serde::{Deserialize, Serialize};

use crate::phi::Phi;

/// When the sender of a message wants an answer (MSH-15, MSH-16; table 0155).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Unsaid,
    Always,
    Never,
    OnError,
    OnSuccess,
}

/// What became of a message whose sender may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Applied, or looked at and found to ask nothing of us.
    Done,
    Failed,
}

/// Whether an answer is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    Yes,
    /// The sender asked for none in this case.
    NotAsked,
}

impl Condition {
    pub fn read(value: Option<&str>) -> Self {
        match value {
            Some("AL") => Self::Always,
            Some("NE") => Self::Never,
            Some("ER") => Self::OnError,
            Some("SU") => Self::OnSuccess,
            Some(_) | None => Self::Unsaid,
        }
    }

    pub fn owes(self, fate: Fate) -> Owed {
        match (self, fate) {
            (Self::Always, _) | (Self::OnError, Fate::Failed) | (Self::OnSuccess, Fate::Done) => Owed::Yes,
            (Self::Unsaid | Self::Never, _)
            | (Self::OnError, Fate::Done)
            | (Self::OnSuccess, Fate::Failed) => Owed::NotAsked,
        }
    }

    /// Whether any outcome would be answered.
    pub fn asks(self) -> bool {
        match self {
            Self::Always | Self::OnError | Self::OnSuccess => true,
            Self::Unsaid | Self::Never => false,
        }
    }
}

/// An application's answer to a message of ours, come as a message of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerEvent {
    /// MSA-2: the control id of the message that is answered.
    pub control_id: String,
    /// MSA-1.
    pub code: String,
    /// ORC-1 of the orders that it repeats.
    pub controls: Vec<String>,
    /// ERR-8, MSA-3 and the like; the other side's words may name a patient.
    pub text: Phi<String>,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Done,
    Refused,
    /// A commit answer, which belongs to the connection that the message was sent on and decides nothing here.
    OnlyStored,
}

/// Order controls (table 0119) that say "unable to".
const UNABLE: [&str; 8] = ["UA", "UC", "UD", "UF", "UH", "UM", "UR", "UX"];

impl AnswerEvent {
    /// An order that could not be changed is a refusal, whatever the code in front of it.
    pub fn said(&self) -> Said {
        let unable = self
            .controls
            .iter()
            .any(|control| UNABLE.contains(&control.as_str()));
        match self.code.as_str() {
            "AA" if !unable => Said::Done,
            "CA" | "CE" | "CR" => Said::OnlyStored,
            _ => Said::Refused,
        }
    }

    /// Why, as far as the other side says.
    pub fn reason(&self) -> String {
        match self.text.expose().as_str() {
            "" => std::iter::once(self.code.as_str())
                .chain(self.controls.iter().map(String::as_str))
                .collect::<Vec<_>>()
                .join(" "),
            text => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_owed_as_the_sender_asked() {
        for (asked, done, failed) in [
            ("AL", Owed::Yes, Owed::Yes),
            ("ER", Owed::NotAsked, Owed::Yes),
            ("SU", Owed::Yes, Owed::NotAsked),
            ("NE", Owed::NotAsked, Owed::NotAsked),
            ("", Owed::NotAsked, Owed::NotAsked),
        ] {
            let condition = Condition::read(Some(asked));
            assert_eq!(
                (condition.owes(Fate::Done), condition.owes(Fate::Failed)),
                (done, failed),
                "{asked}"
            );
            assert_eq!(
                condition.asks(),
                (done, failed) != (Owed::NotAsked, Owed::NotAsked),
                "{asked}"
            );
        }
    }

    #[test]
    fn unable_is_a_refusal_whatever_the_code_says() {
        let said = |code: &str, controls: &[&str]| {
            let event = AnswerEvent {
                control_id: "T1".into(),
                code: code.into(),
                controls: controls.iter().map(|&c| c.to_owned()).collect(),
                text: "".into(),
            };
            (event.said(), event.reason())
        };
        assert_eq!(said("AA", &["XR"]).0, Said::Done);
        assert_eq!(said("AA", &["XR", "UX"]), (Said::Refused, "AA XR UX".into()));
        assert_eq!(said("AE", &[]), (Said::Refused, "AE".into()));
        assert_eq!(said("AR", &["XR"]).0, Said::Refused);
        assert_eq!(said("CA", &[]).0, Said::OnlyStored);
    }
}
