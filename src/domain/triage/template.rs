//! Short texts with facts in them: `Intracranial hemorrhage, {ai.ich.volume_ml} mL`. What stands between braces is a checked
//! CEL expression; an absent fact reads "not measured".

use super::expression::{Evaluated, Expression, ExpressionError, Facts, Want};
use super::schema::Scope;

/// Characters of one text.
pub const MAX_LENGTH: usize = 1_000;

/// A compiled text.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Fact(Expression),
}

/// Why a text cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("the text is empty")]
    Empty,
    #[error("a `{{` at character {at} has no `}}`")]
    Open { at: usize },
    #[error("in {{{fact}}}, {error}")]
    Fact { fact: String, error: ExpressionError },
}

impl Template {
    pub fn compile(text: &str, scope: &Scope) -> Result<Self, TemplateError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.chars().count() > MAX_LENGTH {
            return Err(TemplateError::TooLong);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let at = text.chars().count() - after.chars().count();
            let (fact, tail) = after.split_once('}').ok_or(TemplateError::Open { at })?;
            let compiled = Expression::compile(fact.trim(), scope, Want::Text);
            let compiled = compiled.map_err(|error| TemplateError::Fact {
                fact: fact.to_owned(),
                error,
            })?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Fact(compiled));
            rest = tail;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The text with the facts filled in; a fact that cannot be evaluated reads "unknown", and never hides the text.
    pub fn fill(&self, facts: &Facts) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Fact(fact) => fact.print(facts).map_or_else(|_| "unknown".to_owned(), shown),
        };
        self.parts.iter().map(part).collect()
    }

    /// Whether a root variable is read.
    pub fn reads(&self, variable: &str) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Fact(fact) => fact.reads(variable),
            Part::Text(_) => false,
        })
    }
}

/// Numbers with one decimal: more would promise an accuracy that no model has.
fn shown(value: Evaluated) -> String {
    match value {
        Evaluated::Bool(true) => "yes".into(),
        Evaluated::Bool(false) => "no".into(),
        Evaluated::Int(n) => n.to_string(),
        Evaluated::Double(x) => format!("{x:.1}"),
        Evaluated::Text(text) => text,
        Evaluated::Absent => "not measured".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn scope() -> Scope {
        Scope::of_rules(&BTreeSet::from(["ich".to_owned()]))
    }

    #[test]
    fn facts_are_filled_in() {
        let facts = Facts::of(&serde_json::json!({
            "ai": { "ich": { "volume_ml": 12.34, "components": 2, "flagged": true, "midline_shift_mm": null } },
        }));
        let table = [
            ("{ai.ich.volume_ml} mL in {ai.ich.components}", "12.3 mL in 2"),
            ("shift {ai.ich.midline_shift_mm}", "shift not measured"),
            ("flagged: {ai.ich.flagged}", "flagged: yes"),
            ("plain — text", "plain — text"),
            ("{study.modality}", "unknown"),
        ];
        for (text, expected) in table {
            assert_eq!(Template::compile(text, &scope()).unwrap().fill(&facts), expected);
        }
    }

    #[test]
    fn a_bad_text_is_named() {
        let error = |text: &str| Template::compile(text, &scope()).unwrap_err().to_string();
        assert!(error("{ai.ich.volum_ml} mL").contains("did you mean `volume_ml`"));
        assert!(error("ab {ai").contains("character 4"));
        assert!(error("{study.series}").contains("printed"));
        assert_eq!(error("  "), "the text is empty");
    }
}
