//! The files of a rule pack: `pack.yaml`, and one rule per YAML file. Unknown keys are errors, so that a misspelt effect is
//! never silently no effect.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::worklist::Band;

/// `pack.yaml`: what the folder is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackFile {
    /// Lower-case letters, digits and dashes; the folder's name.
    pub name: String,
    pub title: String,
    pub version: String,
    /// Version of the fact schema that the rules were written for.
    pub facts: u32,
    /// Keys under `ai` that the rules read, each with the model it means.
    #[serde(default)]
    pub ai: BTreeMap<String, String>,
}

/// One rule: when it fires, and what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Lower-case letters, digits and dashes; the file's name without `.yaml`.
    pub id: String,
    pub title: String,
    /// Grows with every change.
    pub version: u32,
    /// A CEL condition over the facts.
    pub when: String,
    /// Shown to the reader beside the study; facts in braces, e.g. `{ai.ich.volume_ml} mL`.
    pub reason: String,
    pub then: Effects,
}

/// What a rule that fires does. All of it raises or tells; nothing can lower.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Effects {
    /// The band the study is raised to, if it is lower.
    pub raise: Option<Band>,
    /// Points added within the band.
    pub score: Option<u32>,
    pub page: Option<Page>,
    /// A sentence added to the result that goes out.
    pub report: Option<String>,
    /// Names of destinations, as configured, that get the study's results too.
    pub route: Vec<String>,
    pub recommend: Vec<Recommend>,
}

/// Whom to page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Name of an escalation policy. A site that has none of this name uses its default policy: a page is never dropped.
    pub policy: String,
}

/// A suggestion to a clinician, never an order, with its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recommend {
    pub text: String,
    pub citation: String,
}

impl Effects {
    /// A rule that does nothing is a mistake.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
