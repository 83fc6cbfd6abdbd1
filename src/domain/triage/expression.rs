//! A checked CEL expression and its evaluation under bounds. Evaluation never panics and never runs long; when it fails it
//! says so, and the caller decides that nothing fires.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use cel::{ExecutionError, Program, Value as CelValue};

use super::check::{Absent, check};
use super::schema::{Scope, Type};
use super::values::ENV;
pub use super::values::Facts;

/// Characters of one expression.
pub const MAX_LENGTH: usize = 2_000;
/// Nodes of its syntax tree, macros expanded.
pub const MAX_NODES: usize = 600;
/// Loops inside loops.
pub const MAX_DEPTH: usize = 2;
/// Nodes × (longest list)^depth that one evaluation may touch.
pub const MAX_STEPS: usize = 2_000_000;

/// What an expression must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    Condition,
    Number,
    /// Anything that can be printed; absent facts are allowed.
    Text,
}

/// A compiled expression; it compares by its source.
#[derive(Clone)]
pub struct Expression {
    source: String,
    program: Arc<Program>,
    nodes: usize,
    depth: usize,
    reads: BTreeSet<String>,
}

/// Why a text is not a valid expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}{}", suggestion(.nearest))]
pub struct ExpressionError {
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    pub message: String,
    pub nearest: Option<String>,
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!(" (did you mean `{name}`?)"))
        .unwrap_or_default()
}

/// Why an evaluation gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    #[error("the facts are too many for this expression: {steps} steps, at most {MAX_STEPS}")]
    TooLarge { steps: usize },
    #[error("a fact is absent: {0}")]
    Absent(String),
    #[error("it cannot be evaluated: {0}")]
    Failed(String),
    #[error("it gave {found} where {expected} was expected")]
    WrongKind { expected: &'static str, found: String },
}

/// A printable value.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Absent,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.source)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Expression {
    /// Parses `source` and checks it against `scope`.
    pub fn compile(source: &str, scope: &Scope, want: Want) -> Result<Self, ExpressionError> {
        let whole = |message: String| ExpressionError {
            line: 1,
            column: 1,
            message,
            nearest: None,
        };
        if source.chars().count() > MAX_LENGTH {
            return Err(whole(format!("longer than {MAX_LENGTH} characters")));
        }
        if source.trim().is_empty() {
            return Err(whole("empty".into()));
        }
        let program = ENV.compile(source).map_err(|errors| parse_error(&errors))?;
        let absent = if want == Want::Text {
            Absent::IsAllowed
        } else {
            Absent::MustBeGuarded
        };
        let checked = check(program.expression(), scope, absent).map_err(|error| {
            let offset = program
                .source_info()
                .offset_for(error.node)
                .map_or(0, |(start, _)| start as usize);
            let (line, column) = position(source, offset);
            ExpressionError {
                line,
                column,
                message: error.message,
                nearest: error.nearest,
            }
        })?;
        if checked.nodes > MAX_NODES || checked.depth > MAX_DEPTH {
            return Err(whole(format!(
                "too large: at most {MAX_NODES} parts and {MAX_DEPTH} nested loops"
            )));
        }
        wanted(&checked.kind, want).map_err(whole)?;
        Ok(Self {
            source: source.to_owned(),
            program: Arc::new(program),
            nodes: checked.nodes,
            depth: checked.depth,
            reads: checked.reads,
        })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the root variable is read.
    pub fn reads(&self, variable: &str) -> bool {
        self.reads.contains(variable)
    }

    /// The value of a condition.
    pub fn holds(&self, facts: &Facts) -> Result<bool, EvaluationError> {
        match self.execute(facts)? {
            CelValue::Bool(value) => Ok(value),
            other => Err(EvaluationError::WrongKind {
                expected: "a condition",
                found: kind_name(&other),
            }),
        }
    }

    /// The value of a number.
    pub fn number(&self, facts: &Facts) -> Result<f64, EvaluationError> {
        match self.execute(facts)? {
            CelValue::Int(value) => Ok(value as f64),
            CelValue::Float(value) => Ok(value),
            other => Err(EvaluationError::WrongKind {
                expected: "a number",
                found: kind_name(&other),
            }),
        }
    }

    /// The value for a text; an absent fact is an answer here.
    pub fn print(&self, facts: &Facts) -> Result<Evaluated, EvaluationError> {
        match self.execute(facts) {
            Ok(CelValue::Bool(value)) => Ok(Evaluated::Bool(value)),
            Ok(CelValue::Int(value)) => Ok(Evaluated::Int(value)),
            Ok(CelValue::Float(value)) => Ok(Evaluated::Double(value)),
            Ok(CelValue::String(text)) => Ok(Evaluated::Text(text.to_string())),
            Ok(other) => Err(EvaluationError::WrongKind {
                expected: "a printable value",
                found: kind_name(&other),
            }),
            Err(EvaluationError::Absent(_)) => Ok(Evaluated::Absent),
            Err(other) => Err(other),
        }
    }

    fn execute(&self, facts: &Facts) -> Result<CelValue, EvaluationError> {
        let loops = u32::try_from(self.depth).unwrap_or(u32::MAX);
        let steps = self
            .nodes
            .saturating_mul(facts.longest.max(1).saturating_pow(loops));
        if steps > MAX_STEPS {
            return Err(EvaluationError::TooLarge { steps });
        }
        self.program.execute(&facts.context).map_err(|error| match error {
            ExecutionError::NoSuchKey(name) => EvaluationError::Absent(name.to_string()),
            other => EvaluationError::Failed(other.to_string()),
        })
    }
}

fn wanted(kind: &Type, want: Want) -> Result<(), String> {
    let fits = match want {
        Want::Condition => matches!(kind, Type::Bool),
        Want::Number => matches!(kind, Type::Int | Type::Double),
        Want::Text => matches!(kind, Type::Bool | Type::Int | Type::Double | Type::Text(_)),
    };
    let expected = match want {
        Want::Condition => "a condition",
        Want::Number => "a number",
        Want::Text => "something that can be printed",
    };
    if fits {
        Ok(())
    } else {
        Err(format!("expected {expected}, found {kind}"))
    }
}

fn parse_error(errors: &cel::ParseErrors) -> ExpressionError {
    let first = errors.errors.first();
    let place = |n: isize| usize::try_from(n).unwrap_or(1).max(1);
    let (line, column) = first.map_or((1, 1), |e| (place(e.pos.0), place(e.pos.1)));
    // The parser lists every token it would take; what it found is enough.
    let said = first.map_or("it cannot be read", |e| {
        e.msg.split(" expecting ").next().unwrap_or(&e.msg)
    });
    ExpressionError {
        line,
        column,
        message: said.to_owned(),
        nearest: None,
    }
}

/// 1-based line and column of a character offset; a selection's offset is its dot, and its name comes after.
fn position(source: &str, offset: usize) -> (usize, usize) {
    let offset = if source.chars().nth(offset) == Some('.') {
        offset + 1
    } else {
        offset
    };
    let before: Vec<char> = source.chars().take(offset).collect();
    let line = before.iter().filter(|c| **c == '\n').count() + 1;
    let column = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
    (line, column)
}

fn kind_name(value: &CelValue) -> String {
    value.type_of().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Uid;
    use crate::triage::facts::{AiFacts, AiState, CaseFacts};
    use proptest::prelude::*;

    fn scope() -> Scope {
        Scope::of_rules(&BTreeSet::from(["ich".to_owned()]))
    }

    fn facts() -> Facts {
        let mut case = CaseFacts::blank(Uid::parse("1.2.3").unwrap());
        case.study.modality = "CT".into();
        let ich = AiFacts {
            state: AiState::Flagged,
            flagged: true,
            volume_ml: Some(12.0),
            ..AiFacts::default()
        };
        case.ai.insert("ich".into(), ich);
        Facts::of(&serde_json::to_value(case).unwrap())
    }

    #[test]
    fn conditions_hold_or_not() {
        let table = [
            (r#"study.modality == "CT""#, true),
            (
                "ai.ich.flagged && has(ai.ich.volume_ml) && ai.ich.volume_ml >= 12",
                true,
            ),
            (
                "has(ai.ich.midline_shift_mm) && ai.ich.midline_shift_mm > 5.0",
                false,
            ),
            (
                "!has(ai.ich.midline_shift_mm) || ai.ich.midline_shift_mm > 5.0",
                true,
            ),
            (r#"ai.ich.state in ["flagged", "indeterminate"]"#, true),
            (
                r#""ABC2" in ai.ich.measurements && ai.ich.measurements["ABC2"] > 1.0"#,
                false,
            ),
            ("study.series.exists(s, s.instances > 10)", false),
            ("study.series.filter(s, !s.contrast).size() == 0", true),
            (
                r#"["HEAD", "BRAIN"].exists(p, study.body_part.contains(p)) || study.description == """#,
                true,
            ),
            (
                "has(ai.ich.volume_ml) ? ai.ich.volume_ml + 1.0 > 12.5 : false",
                true,
            ),
            (r#"study.modality.lowerAscii().matches("^c.$")"#, true),
        ];
        for (source, expected) in table {
            let compiled = Expression::compile(source, &scope(), Want::Condition);
            let compiled = compiled.unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(compiled.holds(&facts()), Ok(expected), "{source}");
        }
    }

    #[test]
    fn mistakes_are_found_before_anything_runs() {
        let table = [
            ("ai.ihc.flagged", 1, 4, "ai.ihc", Some("ich")),
            ("ai.ich.volume > 3.0", 1, 8, "ai.ich.volume", Some("volume_ml")),
            ("true &&\n  stdy.modality == 'CT'", 2, 3, "stdy", Some("study")),
            ("ai.ich.volume_ml > 5.0", 1, 8, "has(ai.ich.volume_ml)", None),
            ("study.modality > 5", 1, 16, "cannot be compared", None),
            ("study.modality == 5", 1, 16, "never equal", None),
            (
                "ai.ich.state == 'flaged'",
                1,
                17,
                "none of the values",
                Some("flagged"),
            ),
            (
                "ai.ich.state in ['failed', 'rejectd']",
                1,
                28,
                "none of the values",
                None,
            ),
            ("study.instances", 1, 1, "expected a condition", None),
            ("study.modality && true", 1, 7, "expected a condition", None),
            (
                "study.modality.contain('C')",
                1,
                23,
                "no function",
                Some("contains"),
            ),
            (
                "has(study.age_years) && study.age_years == null",
                1,
                44,
                "null",
                None,
            ),
            ("study.instances / 2.0 > 1.0", 1, 17, "do not mix", None),
            ("study.modality.matches('(')", 1, 24, "regular expression", None),
            (
                "study.series.exists(s, s.thickness > 1.0)",
                1,
                26,
                "s.thickness",
                None,
            ),
            (
                "study.series.all(a, study.series.all(b, study.series.all(c, true)))",
                1,
                1,
                "nested loops",
                None,
            ),
            ("study.modality ==", 1, 18, "Syntax error", None),
            ("", 1, 1, "empty", None),
        ];
        for (source, line, column, says, near) in table {
            let error = Expression::compile(source, &scope(), Want::Condition).expect_err(source);
            assert!(error.to_string().contains(says), "{source}: {error}");
            assert_eq!((error.line, error.column), (line, column), "{source}: {error}");
            if near.is_some() {
                assert_eq!(error.nearest.as_deref(), near, "{source}: {error}");
            }
        }
    }

    #[test]
    fn an_expression_that_would_loop_long_gives_up_at_once() {
        let source = "study.series.all(a, study.series.all(b, a.rows == b.rows))";
        let compiled = Expression::compile(source, &scope(), Want::Condition).unwrap();
        let many =
            serde_json::json!({ "study": { "series": vec![serde_json::json!({ "rows": 1 }); 5_000] } });
        assert!(matches!(
            compiled.holds(&Facts::of(&many)),
            Err(EvaluationError::TooLarge { .. })
        ));
    }

    #[test]
    fn expressions_travel_between_threads() {
        fn check<T: Send + Sync>() {}
        check::<Expression>();
    }

    proptest! {
        #[test]
        fn no_text_makes_the_compiler_panic(source in "[a-z0-9.()&|!<>='\" ,\\[\\]{}?:+*/%-]{0,60}") {
            if let Ok(compiled) = Expression::compile(&source, &scope(), Want::Condition) {
                let _answer = compiled.holds(&facts());
            }
        }

        #[test]
        fn numbers_compare_as_numbers(volume in -1.0e6_f64..1.0e6, limit in -1_000_i64..1_000) {
            let source = format!("has(ai.ich.volume_ml) && ai.ich.volume_ml >= {limit}");
            let compiled = Expression::compile(&source, &scope(), Want::Condition).unwrap();
            let facts = Facts::of(&serde_json::json!({ "ai": { "ich": { "volume_ml": volume } } }));
            prop_assert_eq!(compiled.holds(&facts), Ok(volume >= limit as f64));
        }
    }
}
