//! What people think of the findings, and what of it counts: the latest of each person about one finding of one reading.
//! Earlier ones stay readable, as replaced. Pure.

use serde::Serialize;

use crate::api::ai::AiView;
use crate::api::discussion::OpinionView;

#[derive(Clone, Debug, Serialize)]
pub struct Said {
    #[serde(flatten)]
    pub opinion: OpinionView,
    /// The finding as people call it; nothing where the result is no longer the model's.
    pub about: Option<String>,
    /// The person said something else, or the same again, later.
    pub replaced: bool,
    /// Of whoever looks.
    pub mine: bool,
}

/// Opinions, oldest first, with what became of them.
pub fn of(opinions: &[OpinionView], ai: &[AiView], me: &str) -> Vec<Said> {
    let later = |at: usize| opinions[at + 1..].iter();
    let said = |(at, opinion): (usize, &OpinionView)| Said {
        about: about(opinion, ai),
        replaced: later(at).any(|other| same(opinion, other)),
        mine: opinion.by == me,
        opinion: opinion.clone(),
    };
    opinions.iter().enumerate().map(said).collect()
}

fn same(one: &OpinionView, other: &OpinionView) -> bool {
    (&one.by, reading(one), &one.finding) == (&other.by, reading(other), &other.finding)
}

/// An opinion holds for every version of what was read.
fn reading(opinion: &OpinionView) -> &str {
    opinion.analysis_id.as_deref().unwrap_or(&opinion.result_id)
}

fn about(opinion: &OpinionView, ai: &[AiView]) -> Option<String> {
    let is_of = |ai: &&AiView| opinion.analysis_id.as_ref() == Some(&ai.analysis_id);
    let mut findings = ai.iter().filter(is_of).flat_map(|ai| &ai.findings);
    findings
        .find(|finding| finding.code == opinion.finding)
        .map(|finding| finding.display.clone())
}

#[cfg(test)]
mod tests {
    use tocsin_domain::clock::Timestamp;

    use super::*;

    fn opinion(by: &str, finding: &str, verdict: &str) -> OpinionView {
        OpinionView {
            id: String::new(),
            result_id: "r".to_owned(),
            analysis_id: None,
            finding: finding.to_owned(),
            verdict: verdict.to_owned(),
            reason: None,
            by: by.to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_latest_of_a_person_about_a_finding_counts() {
        let opinions = [
            opinion("ada", "bleed", "agree"),
            opinion("bo", "bleed", "agree"),
            opinion("ada", "shift", "agree"),
            opinion("ada", "bleed", "disagree"),
        ];
        let said = of(&opinions, &[], "bo");
        let replaced: Vec<bool> = said.iter().map(|one| one.replaced).collect();
        assert_eq!(replaced, [true, false, false, false]);
        let mine: Vec<bool> = said.iter().map(|one| one.mine).collect();
        assert_eq!(mine, [false, true, false, false]);
    }
}
