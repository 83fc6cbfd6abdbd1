//! What a model's manifest asks of its input, compiled: CEL rules over `study` and `series`, a preference, quality limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quality::Quality;
use crate::triage::{Expression, ExpressionError, Scope, Want};

/// Which series may be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Eligibility {
    /// All must hold.
    pub rules: Vec<EligibilityRule>,
    /// CEL over `study` and `series` that gives a number; among eligible series the highest is read first.
    pub prefer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EligibilityRule {
    /// CEL over `study` and `series` facts that gives true or false.
    pub when: String,
    /// Shown when it does not hold.
    pub reason: String,
}

/// Compiled eligibility and quality limits of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Criteria {
    pub(super) rules: Vec<CompiledRule>,
    pub(super) prefer: Option<Expression>,
    pub(super) quality: Quality,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct CompiledRule {
    pub when: Expression,
    pub reason: String,
}

/// One thing that is wrong with a manifest's criteria.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CriteriaProblem {
    #[error("eligibility.rules is empty: a model needs to say what it reads")]
    NoRules,
    #[error("eligibility.rules[{index}].when")]
    Rule {
        index: usize,
        #[source]
        error: ExpressionError,
    },
    #[error("eligibility.rules[{index}].reason is empty")]
    NoReason { index: usize },
    #[error("eligibility.prefer")]
    Prefer {
        #[source]
        error: ExpressionError,
    },
    #[error("quality.{limit}: expected finite numbers, of two the lower first, of one none below 0")]
    Range { limit: &'static str },
}

impl CriteriaProblem {
    /// The key of the manifest.
    pub fn key(&self) -> String {
        match self {
            Self::NoRules => "eligibility.rules".to_owned(),
            Self::Rule { index, .. } => format!("eligibility.rules[{index}].when"),
            Self::NoReason { index } => format!("eligibility.rules[{index}].reason"),
            Self::Prefer { .. } => "eligibility.prefer".to_owned(),
            Self::Range { limit } => format!("quality.{limit}"),
        }
    }

    /// The problem with what caused it, in one line.
    pub fn full(&self) -> String {
        match self {
            Self::Rule { error, .. } | Self::Prefer { error } => format!("{self}: {error}"),
            Self::NoRules | Self::NoReason { .. } | Self::Range { .. } => self.to_string(),
        }
    }
}

impl Criteria {
    /// Checks and compiles everything, and says all that is wrong.
    pub fn compile(eligibility: &Eligibility, quality: &Quality) -> Result<Self, Vec<CriteriaProblem>> {
        let scope = Scope::of_eligibility();
        let mut problems = Vec::new();
        let mut rules = Vec::new();
        if eligibility.rules.is_empty() {
            problems.push(CriteriaProblem::NoRules);
        }
        for (index, rule) in eligibility.rules.iter().enumerate() {
            if rule.reason.trim().is_empty() {
                problems.push(CriteriaProblem::NoReason { index });
            }
            match Expression::compile(&rule.when, &scope, Want::Condition) {
                Ok(when) => rules.push(CompiledRule {
                    when,
                    reason: rule.reason.clone(),
                }),
                Err(error) => problems.push(CriteriaProblem::Rule { index, error }),
            }
        }
        let prefer = eligibility
            .prefer
            .as_ref()
            .map(|p| Expression::compile(p, &scope, Want::Number))
            .transpose();
        let prefer = prefer.unwrap_or_else(|error| {
            problems.push(CriteriaProblem::Prefer { error });
            None
        });
        problems.extend(
            quality
                .bad_ranges()
                .into_iter()
                .map(|limit| CriteriaProblem::Range { limit }),
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            rules,
            prefer,
            quality: quality.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_with_a_manifest_is_said() {
        let rule = |when: &str, reason: &str| EligibilityRule {
            when: when.into(),
            reason: reason.into(),
        };
        let eligibility = Eligibility {
            rules: vec![rule("series.modalty == 'CT'", "not CT"), rule("true", " ")],
            prefer: Some("series.slice_thickness_mm <= 5.0 ? 1 : 0".into()),
        };
        let quality = Quality {
            kvp: Some([150.0, 70.0]),
            ..Quality::default()
        };
        let problems = Criteria::compile(&eligibility, &quality).unwrap_err();
        let said: Vec<String> = problems.iter().map(CriteriaProblem::full).collect();
        assert_eq!(
            said,
            [
                "eligibility.rules[0].when: line 1, column 8: `series.modalty` is not a known fact \
                 (did you mean `modality`?)",
                "eligibility.rules[1].reason is empty",
                "eligibility.prefer: line 1, column 8: `series.slice_thickness_mm` may be absent; \
                 write `has(series.slice_thickness_mm) && …`",
                "quality.kvp: expected finite numbers, of two the lower first, of one none below 0",
            ]
        );
    }
}
