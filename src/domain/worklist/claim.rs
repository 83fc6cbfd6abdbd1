//! Who has a study open. A claim ends by itself, so that a forgotten browser never keeps a critical study from the list.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::UserId;

/// How long a claim holds without being renewed.
pub const CLAIM_LASTS: TimeDelta = TimeDelta::minutes(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    pub by: UserId,
    pub at: Timestamp,
    pub expires: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    #[error("another reader holds the study until {until}")]
    HeldByAnother { by: UserId, until: Timestamp },
    #[error("the study is not claimed by this reader")]
    NotHeld,
}

impl Claim {
    /// A new or renewed claim; refused while another reader's claim holds.
    pub fn take(current: Option<Claim>, by: UserId, now: Timestamp) -> Result<Claim, ClaimRefused> {
        match current.filter(|claim| claim.holds(now)) {
            Some(held) if held.by != by => Err(ClaimRefused::HeldByAnother {
                by: held.by,
                until: held.expires,
            }),
            Some(own) => Ok(Claim {
                expires: now + CLAIM_LASTS,
                ..own
            }),
            None => Ok(Claim {
                by,
                at: now,
                expires: now + CLAIM_LASTS,
            }),
        }
    }

    /// Gives a claim back; only its holder can.
    pub fn release(current: Option<Claim>, by: UserId, now: Timestamp) -> Result<(), ClaimRefused> {
        match current.filter(|claim| claim.holds(now)) {
            Some(held) if held.by == by => Ok(()),
            Some(_) | None => Err(ClaimRefused::NotHeld),
        }
    }

    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_claim_is_exclusive_renewable_and_ends() {
        let (ann, ben) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let at = |m| Timestamp::UNIX_EPOCH + TimeDelta::minutes(m);
        let claim = Claim::take(None, ann, at(0)).unwrap();
        let refused = ClaimRefused::HeldByAnother {
            by: ann,
            until: at(15),
        };
        assert_eq!(Claim::take(Some(claim), ben, at(14)), Err(refused));
        let renewed = Claim::take(Some(claim), ann, at(10)).unwrap();
        assert_eq!((renewed.at, renewed.expires), (at(0), at(25)));
        assert_eq!(
            Claim::release(Some(claim), ben, at(1)),
            Err(ClaimRefused::NotHeld)
        );
        assert_eq!(Claim::release(Some(claim), ann, at(1)), Ok(()));
        assert_eq!(Claim::take(Some(claim), ben, at(15)).unwrap().by, ben);
    }
}
