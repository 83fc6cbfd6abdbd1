//! What the rules say of one study: how far it rises and why, whom to page, what to suggest, and which rules failed.
//! A fault never fires a rule and never hides the others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expression::Facts;
use super::facts::CaseFacts;
use super::pack::{CompiledRule, Pack, PackRef};
use crate::finding::Statement;
use crate::worklist::{Band, Reason};

/// Everything that follows from the facts under one pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    pub pack: PackRef,
    /// The highest band any rule raises to; `None` when none does.
    pub band: Option<Band>,
    /// The rules that fired, in the order of their files.
    pub contributions: Vec<Contribution>,
    pub pages: Vec<PageDemand>,
    pub reports: Vec<ReportLine>,
    pub routes: Vec<Route>,
    pub recommends: Vec<Recommendation>,
    pub faults: Vec<RuleFault>,
}

/// Where a contribution comes from; the list without AI leaves the first kind out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A rule that reads what a model said.
    Ai,
    /// A rule that reads the order, the images' headers or the clock alone.
    Facts,
}

/// One rule that fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contribution {
    pub rule: String,
    pub version: u32,
    pub origin: Origin,
    pub band: Option<Band>,
    pub score: u32,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageDemand {
    pub rule: String,
    pub policy: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportLine {
    pub rule: String,
    /// The models whose word it rests on; none when it rests on the order or the images' headers alone.
    #[serde(default)]
    pub models: Vec<String>,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    pub rule: String,
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    pub rule: String,
    pub text: String,
    pub citation: String,
}

/// A rule that could not be evaluated, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleFault {
    pub rule: String,
    pub version: u32,
    pub message: String,
}

impl Contribution {
    /// The effect in words, as the worklist shows it: `raised to critical, +300`.
    pub fn effect(&self) -> String {
        let raised = self.band.map(|band| format!("raised to {}", band.text()));
        let scored = (self.score > 0).then(|| format!("+{}", self.score));
        let parts: Vec<String> = raised.into_iter().chain(scored).collect();
        if parts.is_empty() {
            "noted".into()
        } else {
            parts.join(", ")
        }
    }
}

impl Verdict {
    /// The band of the study: what a person asked for, raised by every rule that fired, never lowered.
    pub fn band_from(&self, human: Band) -> Band {
        self.raised(human, |_| true)
    }

    /// The same as if no model had said anything.
    pub fn band_without_ai(&self, human: Band) -> Band {
        self.raised(human, |c| c.origin == Origin::Facts)
    }

    /// Sum of the contributions.
    pub fn score(&self) -> u32 {
        self.sum(|_| true)
    }

    /// Sum of those that no model has a part in.
    pub fn score_without_ai(&self) -> u32 {
        self.sum(|c| c.origin == Origin::Facts)
    }

    /// What the rules add to a result of this model.
    pub fn statements(&self, model: &str) -> impl Iterator<Item = Statement> {
        let about =
            move |line: &&ReportLine| line.models.is_empty() || line.models.iter().any(|m| m == model);
        self.reports.iter().filter(about).map(|line| Statement {
            rule: line.rule.clone(),
            pack: self.pack.clone(),
            text: line.text.clone(),
        })
    }

    /// As the worklist shows them.
    pub fn reasons(&self) -> Vec<Reason> {
        let reason = |c: &Contribution| Reason {
            source: format!("rule {} v{}", c.rule, c.version),
            effect: c.effect(),
            text: c.text.clone(),
        };
        self.contributions.iter().map(reason).collect()
    }

    fn raised(&self, human: Band, counts: fn(&Contribution) -> bool) -> Band {
        let raises = self
            .contributions
            .iter()
            .filter(|c| counts(c))
            .filter_map(|c| c.band);
        raises.fold(human, Band::max)
    }

    fn sum(&self, counts: fn(&Contribution) -> bool) -> u32 {
        let scores = self.contributions.iter().filter(|c| counts(c)).map(|c| c.score);
        scores.fold(0, u32::saturating_add)
    }
}

/// Runs every rule of the pack. Models the pack reads and the facts do not have count as absent.
pub fn evaluate(pack: &Pack, case: &CaseFacts) -> Verdict {
    let mut verdict = Verdict {
        pack: pack.reference.clone(),
        band: None,
        contributions: Vec::new(),
        pages: Vec::new(),
        reports: Vec::new(),
        routes: Vec::new(),
        recommends: Vec::new(),
        faults: Vec::new(),
    };
    let facts = match facts_of(pack, case) {
        Ok(facts) => facts,
        Err(error) => {
            let fault = |r: &CompiledRule| RuleFault {
                rule: r.rule.id.clone(),
                version: r.rule.version,
                message: format!("the facts cannot be read: {error}"),
            };
            verdict.faults = pack.rules.iter().map(fault).collect();
            return verdict;
        }
    };
    for rule in &pack.rules {
        match rule.when.holds(&facts) {
            Ok(true) => fire(pack, rule, &facts, &mut verdict),
            Ok(false) => {}
            Err(error) => verdict.faults.push(RuleFault {
                rule: rule.rule.id.clone(),
                version: rule.rule.version,
                message: error.to_string(),
            }),
        }
    }
    verdict
}

fn facts_of(pack: &Pack, case: &CaseFacts) -> Result<Facts, serde_json::Error> {
    let mut case = case.clone();
    for key in pack.file.ai.keys() {
        case.ai.entry(key.clone()).or_default();
    }
    Ok(Facts::of(&serde_json::to_value(&case)?))
}

fn fire(pack: &Pack, compiled: &CompiledRule, facts: &Facts, verdict: &mut Verdict) {
    let rule = &compiled.rule;
    let text = compiled.reason.fill(facts);
    let id = || rule.id.clone();
    verdict.band = verdict.band.max(rule.then.raise);
    verdict.pages.extend(rule.then.page.iter().map(|page| PageDemand {
        rule: id(),
        policy: page.policy.clone(),
        text: text.clone(),
    }));
    verdict
        .reports
        .extend(compiled.report.iter().map(|line| ReportLine {
            rule: id(),
            models: compiled.models(&pack.file.ai),
            text: line.fill(facts),
        }));
    verdict.routes.extend(rule.then.route.iter().map(|to| Route {
        rule: id(),
        to: to.clone(),
    }));
    verdict
        .recommends
        .extend(compiled.recommend.iter().map(|(text, citation)| Recommendation {
            rule: id(),
            text: text.fill(facts),
            citation: citation.clone(),
        }));
    verdict.contributions.push(Contribution {
        rule: id(),
        version: rule.version,
        origin: if compiled.reads_ai() {
            Origin::Ai
        } else {
            Origin::Facts
        },
        band: rule.then.raise,
        score: rule.then.score.unwrap_or(0),
        text,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Uid;
    use crate::triage::facts::AiFacts;
    use crate::triage::facts::AiState;
    use crate::triage::pack::tests::{PACK, rule};
    use proptest::prelude::*;

    fn pack(rules: &[(String, String)]) -> Pack {
        let mut files = vec![("pack.yaml".to_owned(), PACK.to_owned())];
        files.extend_from_slice(rules);
        Pack::parse("p", &files).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn case(volume: Option<f64>) -> CaseFacts {
        let mut case = CaseFacts::blank(Uid::parse("1.2").unwrap());
        let flagged = volume.is_some();
        let ich = AiFacts {
            state: AiState::Flagged,
            flagged,
            volume_ml: volume,
            ..AiFacts::default()
        };
        case.ai.insert("ich".into(), ich);
        case
    }

    #[test]
    fn the_highest_raise_counts_and_every_reason_is_kept() {
        let pack = pack(&[
            rule(
                "a",
                "ai.ich.flagged",
                "{raise: critical, score: 10, page: {policy: stroke}}",
            ),
            rule("b", "ai.ich.flagged", "{raise: urgent, score: 5}"),
            rule("c", "study.instances == 0", "{score: 1}"),
            rule(
                "d",
                "has(ai.ich.midline_shift_mm) && ai.ich.midline_shift_mm > 5.0",
                "{score: 1}",
            ),
        ]);
        let verdict = evaluate(&pack, &case(Some(3.0)));
        assert_eq!(verdict.band, Some(Band::Critical));
        let fired: Vec<_> = verdict
            .contributions
            .iter()
            .map(|c| (c.rule.as_str(), c.origin, c.effect()))
            .collect();
        assert_eq!(
            fired,
            [
                ("a", Origin::Ai, "raised to critical, +10".to_owned()),
                ("b", Origin::Ai, "raised to urgent, +5".to_owned()),
                ("c", Origin::Facts, "+1".to_owned()),
            ]
        );
        assert_eq!(verdict.pages.len(), 1);
        assert_eq!(verdict.faults, []);
    }

    #[test]
    fn a_model_that_is_not_installed_is_absent_and_no_fault() {
        let pack = pack(&[rule(
            "a",
            "ai.ich.state == 'absent' && !ai.ich.flagged",
            "{score: 1}",
        )]);
        let verdict = evaluate(&pack, &CaseFacts::blank(Uid::parse("1.2").unwrap()));
        assert_eq!((verdict.contributions.len(), verdict.faults.len()), (1, 0));
    }

    #[test]
    fn a_rule_that_fails_does_not_fire_and_does_not_hide_the_others() {
        let pack = pack(&[
            rule("a", "100 / int(study.instances) > 1", "{raise: critical}"),
            rule("b", "true", "{raise: urgent}"),
        ]);
        let verdict = evaluate(&pack, &case(None));
        assert_eq!(verdict.band, Some(Band::Urgent));
        assert_eq!(
            verdict.faults.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(),
            ["a"]
        );
    }

    proptest! {
        #[test]
        fn more_facts_from_ai_never_lower_the_band(volume in prop::option::of(0.0_f64..200.0)) {
            let pack = pack(&[
                rule("a", "has(ai.ich.volume_ml) && ai.ich.volume_ml > 30.0", "{raise: critical}"),
                rule("b", "study.modality == ''", "{raise: urgent}"),
            ]);
            let without = evaluate(&pack, &case(None)).band;
            let with = evaluate(&pack, &case(volume)).band;
            prop_assert!(with >= without);
            let verdict = evaluate(&pack, &case(volume));
            for human in Band::ALL {
                prop_assert!(verdict.band_without_ai(human) >= human);
                prop_assert!(verdict.band_from(human) >= verdict.band_without_ai(human));
                prop_assert!(verdict.score() >= verdict.score_without_ai());
            }
        }
    }
}
