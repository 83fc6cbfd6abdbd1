//! Who may do what. A role is a closed set of actions; what is not named here is refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a person or a program is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Radiologist,
    StrokeTeam,
    Technologist,
    QaReviewer,
    Governance,
    IntegrationEngineer,
    Admin,
    /// Another program: it reads, and brings images.
    Service,
}

/// What a route lets its caller do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    ReadWorklist,
    ReadStudy,
    ClaimStudy,
    /// Say whether a finding is right.
    JudgeFinding,
    /// Decide what is told of a result: let it go, take it back, bring it back; one's verdict on a finding is sent on.
    DecideResult,
    Comment,
    ReadAlerts,
    AcknowledgeAlert,
    ReadMessages,
    /// The bytes of a message, which name patients.
    ReadRawMessage,
    ReplayMessage,
    /// Have a message applied or sent as somebody has corrected it by hand.
    EditMessage,
    ReadReconciliation,
    Reconcile,
    ReadQuarantine,
    DismissQuarantine,
    ReadDeliveries,
    RetryDelivery,
    ReadVersions,
    ReadAudit,
    ManageTokens,
    /// Have a model read a study once more.
    RerunModel,
    /// See which images could not be used.
    ReadQuality,
    /// Ask for a repeat, take it on, name it.
    HandleRepeat,
    /// See what is left to set up, and send test pages.
    SetUp,
    /// Make, change and end accounts.
    ManagePeople,
    /// Be told, on behalf of somebody at an EHR, what is known of a patient.
    AskAdvice,
    /// Have another system told of results, as far as the site allows.
    Subscribe,
    /// Bring images by HTTP. Programs do, as scanners do by DICOM; technologists bring what did not come by itself. Those who read, judge
    /// or repair interfaces have no business to add to a study.
    StoreImages,
}

impl Role {
    pub const ALL: [Self; 8] = [
        Self::Radiologist,
        Self::StrokeTeam,
        Self::Technologist,
        Self::QaReviewer,
        Self::Governance,
        Self::IntegrationEngineer,
        Self::Admin,
        Self::Service,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::Radiologist => "radiologist",
            Self::StrokeTeam => "stroke_team",
            Self::Technologist => "technologist",
            Self::QaReviewer => "qa_reviewer",
            Self::Governance => "governance",
            Self::IntegrationEngineer => "integration_engineer",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }

    /// `administrator` is another word for `admin`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "administrator" {
            return Some(Self::Admin);
        }
        Self::ALL.into_iter().find(|role| role.text() == text)
    }

    /// Who can change what others may do, or decide about models, proves it twice.
    pub fn needs_factor(self) -> bool {
        match self {
            Self::Admin | Self::Governance => true,
            Self::Radiologist
            | Self::StrokeTeam
            | Self::Technologist
            | Self::QaReviewer
            | Self::IntegrationEngineer
            | Self::Service => false,
        }
    }

    pub fn may(self, action: Action) -> bool {
        use Action::*;
        match self {
            Self::Admin => true,
            Self::Radiologist => matches!(
                action,
                ReadWorklist
                    | ReadStudy
                    | ClaimStudy
                    | JudgeFinding
                    | DecideResult
                    | Comment
                    | ReadAlerts
                    | AcknowledgeAlert
                    | ReadDeliveries
                    | ReadVersions
                    | RerunModel
                    | ReadQuality
                    | HandleRepeat
            ),
            Self::StrokeTeam => matches!(
                action,
                ReadWorklist | ReadStudy | Comment | ReadAlerts | AcknowledgeAlert
            ),
            Self::Technologist => technologist_may(action),
            Self::QaReviewer => matches!(
                action,
                ReadWorklist
                    | ReadStudy
                    | JudgeFinding
                    | Comment
                    | ReadAlerts
                    | ReadDeliveries
                    | ReadVersions
                    | ReadQuality
            ),
            Self::Governance => matches!(action, ReadVersions | ReadAudit),
            Self::IntegrationEngineer => matches!(
                action,
                ReadMessages
                    | ReadRawMessage
                    | ReplayMessage
                    | EditMessage
                    | ReadReconciliation
                    | Reconcile
                    | ReadQuarantine
                    | DismissQuarantine
                    | ReadDeliveries
                    | RetryDelivery
                    | ReadVersions
                    | RerunModel
                    | SetUp
                    | Subscribe
            ),
            Self::Service => matches!(
                action,
                ReadWorklist
                    | ReadStudy
                    | ReadAlerts
                    | ReadMessages
                    | ReadDeliveries
                    | ReadVersions
                    | AskAdvice
                    | Subscribe
                    | StoreImages
            ),
        }
    }
}

/// Sees to it that images are there, and usable.
fn technologist_may(action: Action) -> bool {
    use Action::*;
    matches!(
        action,
        ReadWorklist
            | ReadStudy
            | Comment
            | ReadReconciliation
            | Reconcile
            | ReadQuarantine
            | DismissQuarantine
            | ReadDeliveries
            | ReadQuality
            | HandleRepeat
            | StoreImages
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_back_as_they_are_written() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.text()), Some(role));
        }
        assert_eq!(Role::parse("administrator"), Some(Role::Admin));
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn only_those_who_repair_interfaces_read_raw_messages_and_only_an_admin_makes_tokens() {
        let who = |action| {
            Role::ALL
                .into_iter()
                .filter(|role| role.may(action))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            who(Action::ReadRawMessage),
            [Role::IntegrationEngineer, Role::Admin]
        );
        assert_eq!(who(Action::ManageTokens), [Role::Admin]);
        assert_eq!(who(Action::ManagePeople), [Role::Admin]);
        assert_eq!(
            who(Action::StoreImages),
            [Role::Technologist, Role::Admin, Role::Service]
        );
        assert_eq!(
            who(Action::AcknowledgeAlert),
            [Role::Radiologist, Role::StrokeTeam, Role::Admin]
        );
        assert_eq!(who(Action::DecideResult), [Role::Radiologist, Role::Admin]);
        assert_eq!(
            who(Action::JudgeFinding),
            [Role::Radiologist, Role::QaReviewer, Role::Admin]
        );
    }
}
