//! Rules: CEL conditions in YAML, checked against the fact schema, that raise, page and recommend.
//! A rule can raise a study and never lower it; a rule that cannot be evaluated never fires and shows as a fault.
//!
//! Reading order: `facts` (what rules see), `schema` (their types), `check` (CEL against them), `expression` (compiled),
//! `template` (texts), `rule` (the file format), `pack` (a folder of rules), `verdict` (evaluation), `cases` (tests as data).

pub mod cases;
pub mod check;
pub mod expression;
pub mod facts;
mod guards;
mod nearest;
mod operators;
pub mod pack;
pub mod rule;
pub mod schema;
pub mod schema_files;
#[cfg(test)]
mod shipped;
pub mod template;
mod values;
pub mod verdict;

pub use self::cases::{Case, CaseFile, CaseOutcome, Expectation, run_cases};
pub use self::expression::{Evaluated, EvaluationError, Expression, ExpressionError, Facts, Want};
pub use self::facts::{AiFacts, AiState, CaseFacts, FACT_SCHEMA_VERSION, OrderFacts, WaitFacts};
pub use self::pack::{Pack, PackRef, Problem, Problems};
pub use self::rule::{Effects, PackFile, Page, Recommend, Rule};
pub use self::schema::Scope;
pub use self::verdict::{
    Contribution, PageDemand, Recommendation, ReportLine, Route, RuleFault, Verdict, evaluate,
};
