//! Whether what a model said leaves at once, as preliminary, or waits until a radiologist lets it go: by the site's policy for
//! each finding. What is already outside is never left uncorrected there. The worklist and pages do not ask here.

use std::collections::BTreeMap;

use crate::finding::{ResultRecord, ResultStatus};

/// What a site wants of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sends {
    #[default]
    AtOnce,
    Held,
}

/// For every finding, and for some by `system:code`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendPolicy {
    pub every: Sends,
    pub findings: BTreeMap<String, Sends>,
}

/// What became of the results that this one goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// There are none.
    Nothing,
    /// The same reading waits to be let go.
    Waits,
    /// What it replaces never left.
    NeverLeft,
    Left,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    AtOnce,
    /// For the sake of this finding, as people call it.
    Held {
        finding: String,
    },
    /// It takes back what nobody has.
    Never,
}

impl SendPolicy {
    /// The first finding for which the result is held.
    fn holds(&self, record: &ResultRecord) -> Option<String> {
        let held = record.findings.iter().find(|finding| {
            let name = format!("{}:{}", finding.code.system, finding.code.code);
            let wanted = self.findings.get(&name).copied().unwrap_or(self.every);
            wanted == Sends::Held
        });
        held.map(|finding| finding.code.display.to_string())
    }

    pub fn leaving(&self, record: &ResultRecord, before: Before) -> Leaving {
        let withdrawn = record.status == ResultStatus::Withdrawn;
        match (before, withdrawn) {
            (Before::Left, _) => Leaving::AtOnce,
            (Before::Waits | Before::NeverLeft, true) => Leaving::Never,
            (Before::Nothing, true) => Leaving::AtOnce,
            // The policy may have changed since; who was to be asked is still asked.
            (Before::Waits, false) => Leaving::Held {
                finding: self
                    .holds(record)
                    .unwrap_or_else(|| "an earlier policy".to_owned()),
            },
            (Before::Nothing | Before::NeverLeft, false) => match self.holds(record) {
                Some(finding) => Leaving::Held { finding },
                None => Leaving::AtOnce,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::tests::result;
    use crate::code;

    fn policy(every: Sends, finding: &code::Code, sends: Sends) -> SendPolicy {
        let name = format!("{}:{}", finding.system, finding.code);
        SendPolicy {
            every,
            findings: [(name, sends)].into(),
        }
    }

    #[test]
    fn a_result_is_held_for_one_of_its_findings() {
        let record = result();
        let held = Leaving::Held {
            finding: code::NODULE.display.to_string(),
        };
        for (policy, leaving) in [
            (SendPolicy::default(), Leaving::AtOnce),
            (policy(Sends::AtOnce, &code::NODULE, Sends::Held), held.clone()),
            (policy(Sends::Held, &code::PNEUMOTHORAX, Sends::AtOnce), held),
            (
                policy(Sends::AtOnce, &code::INTRACRANIAL_HEMORRHAGE, Sends::Held),
                Leaving::AtOnce,
            ),
        ] {
            assert_eq!(policy.leaving(&record, Before::Nothing), leaving, "{policy:?}");
            assert_eq!(policy.leaving(&record, Before::NeverLeft), leaving, "{policy:?}");
        }
    }

    #[test]
    fn what_is_outside_is_corrected_there_and_what_is_not_is_not_taken_back() {
        let every = SendPolicy {
            every: Sends::Held,
            findings: BTreeMap::new(),
        };
        let mut record = result();
        assert_eq!(every.leaving(&record, Before::Left), Leaving::AtOnce);
        let open = SendPolicy::default().leaving(&record, Before::Waits);
        assert!(matches!(open, Leaving::Held { .. }), "{open:?}");
        record.status = ResultStatus::Withdrawn;
        assert_eq!(every.leaving(&record, Before::Left), Leaving::AtOnce);
        for before in [Before::Waits, Before::NeverLeft] {
            assert_eq!(every.leaving(&record, before), Leaving::Never);
        }
    }
}
