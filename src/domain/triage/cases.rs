//! Rules tested as data: facts, of which only what matters is written, and the verdict that is expected.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::{AiFacts, CaseFacts};
use super::pack::Pack;
use super::verdict::{Verdict, evaluate};
use crate::ids::Uid;
use crate::worklist::Band;

/// Study Instance UID of a case that names none.
const CASE_UID: &str = "2.25.1";

/// One file of `cases/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    pub cases: Vec<Case>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, as a sentence.
    pub name: String,
    /// Facts as in the fact schema; what is not written is unknown.
    #[serde(default)]
    pub facts: Value,
    pub expect: Expectation,
}

/// What must come out. Rules that fire and the band are always compared; the rest only where it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expectation {
    /// Ids of all rules that fire, in any order.
    pub fired: Vec<String>,
    /// The band the study is raised to; left out when none.
    pub band: Option<Band>,
    pub score: Option<u32>,
    /// Policies that are paged.
    pub pages: Option<Vec<String>>,
    pub routes: Option<Vec<String>>,
    /// Texts that must occur in a reason, a recommendation or a line of the report.
    pub says: Vec<String>,
    /// Rules that cannot be evaluated.
    pub faults: Vec<String>,
}

/// How one case went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseOutcome {
    pub file: String,
    pub case: String,
    /// Empty when all is as expected.
    pub differences: Vec<String>,
}

impl CaseOutcome {
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Runs the cases of a pack.
pub fn run_cases(pack: &Pack) -> Vec<CaseOutcome> {
    let all = pack
        .cases
        .iter()
        .flat_map(|(path, file)| file.cases.iter().map(move |case| (path, case)));
    all.map(|(path, case)| CaseOutcome {
        file: path.clone(),
        case: case.name.clone(),
        differences: match facts_of(case) {
            Ok(facts) => differences(&case.expect, &evaluate(pack, &facts)),
            Err(message) => vec![format!("the facts cannot be read: {message}")],
        },
    })
    .collect()
}

/// Rules that no case expects to fire; each needs at least one.
pub fn uncovered(pack: &Pack) -> Vec<&str> {
    let expected = |id: &str| {
        pack.cases
            .values()
            .flat_map(|f| &f.cases)
            .any(|c| c.expect.fired.iter().any(|f| f == id))
    };
    pack.rules
        .iter()
        .map(|r| r.rule.id.as_str())
        .filter(|id| !expected(id))
        .collect()
}

/// The written facts over those of a study of which nothing is known. Series and models are filled up in the same way.
pub fn facts_of(case: &Case) -> Result<CaseFacts, String> {
    let uid = Uid::parse(CASE_UID).map_err(|error| error.to_string())?;
    let blank = serde_json::to_value(CaseFacts::blank(uid)).map_err(|error| error.to_string())?;
    let mut facts = blank.clone();
    overlay(&mut facts, &case.facts, "")?;
    let model = serde_json::to_value(AiFacts::default()).map_err(|error| error.to_string())?;
    if let Some(models) = facts.get_mut("ai").and_then(Value::as_object_mut) {
        for (key, written) in models.iter_mut() {
            let mut whole = model.clone();
            overlay(&mut whole, written, &format!("ai.{key}"))?;
            *written = whole;
        }
    }
    if let Some(series) = facts.pointer_mut("/study/series").and_then(Value::as_array_mut) {
        for (n, written) in series.iter_mut().enumerate() {
            let mut whole = blank_series();
            overlay(&mut whole, written, &format!("study.series[{n}]"))?;
            *written = whole;
        }
    }
    serde_json::from_value(facts).map_err(|error| error.to_string())
}

/// Writes `over` into `base`; a key that `base` does not have is an error, except where keys are free.
fn overlay(base: &mut Value, over: &Value, path: &str) -> Result<(), String> {
    let (Value::Object(base), Value::Object(over)) = (&mut *base, over) else {
        if !over.is_null() {
            base.clone_from(over);
        }
        return Ok(());
    };
    let free = path == "ai" || path.ends_with(".measurements");
    for (key, value) in over {
        let here = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match base.get_mut(key) {
            Some(known) => overlay(known, value, &here)?,
            None if free => {
                base.insert(key.clone(), value.clone());
            }
            None => return Err(format!("`{here}` is not a known fact")),
        }
    }
    Ok(())
}

fn blank_series() -> Value {
    serde_json::json!({
        "series_uid": "2.25.2", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2", "modality": "", "body_part": "",
        "description": "", "protocol": "", "image_type": "", "kernel": "", "manufacturer": "", "device_model": "",
        "contrast": false, "kvp": null, "instances": 0, "rows": 0, "columns": 0, "plane": "unknown",
        "gantry_tilt_degrees": 0.0, "slice_thickness_mm": null, "slice_spacing_mm": null, "coverage_mm": null,
        "field_of_view_mm": null, "pixel_spacing_mm": null, "missing_slices": 0, "duplicate_positions": 0,
        "gap_free": true,
    })
}

fn differences(expect: &Expectation, verdict: &Verdict) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, expected: String, actual: String| {
        if expected != actual {
            found.push(format!("{what}: expected {expected}, found {actual}"));
        }
    };
    let list = |mut names: Vec<&str>| {
        names.sort_unstable();
        format!("[{}]", names.join(", "))
    };
    let texts = |names: &[String]| list(names.iter().map(String::as_str).collect());
    let band = |band: Option<Band>| band.map_or("none", Band::text).to_owned();
    compare(
        "fired",
        texts(&expect.fired),
        list(verdict.contributions.iter().map(|c| c.rule.as_str()).collect()),
    );
    compare("band", band(expect.band), band(verdict.band));
    compare(
        "faults",
        texts(&expect.faults),
        list(verdict.faults.iter().map(|f| f.rule.as_str()).collect()),
    );
    if let Some(score) = expect.score {
        let sum: u32 = verdict
            .contributions
            .iter()
            .map(|c| c.score)
            .fold(0, u32::saturating_add);
        compare("score", score.to_string(), sum.to_string());
    }
    if let Some(pages) = &expect.pages {
        compare(
            "pages",
            texts(pages),
            list(verdict.pages.iter().map(|p| p.policy.as_str()).collect()),
        );
    }
    if let Some(routes) = &expect.routes {
        compare(
            "routes",
            texts(routes),
            list(verdict.routes.iter().map(|r| r.to.as_str()).collect()),
        );
    }
    let said = said(verdict);
    found.extend(
        expect
            .says
            .iter()
            .filter(|s| !said.contains(s.as_str()))
            .map(|s| format!("nothing says \"{s}\" in:\n{said}")),
    );
    found
}

fn said(verdict: &Verdict) -> String {
    let reasons = verdict.contributions.iter().map(|c| c.text.as_str());
    let lines = verdict.reports.iter().map(|r| r.text.as_str());
    let suggestions = verdict.recommends.iter().map(|r| r.text.as_str());
    reasons
        .chain(lines)
        .chain(suggestions)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::pack::tests::{PACK, rule};

    fn run(cases: &str) -> Vec<CaseOutcome> {
        let files = [
            ("pack.yaml".to_owned(), PACK.to_owned()),
            rule(
                "a",
                "ai.ich.flagged",
                "{raise: critical, score: 7, page: {policy: stroke}}",
            ),
            ("cases/a.yaml".to_owned(), cases.to_owned()),
        ];
        run_cases(&Pack::parse("p", &files).unwrap_or_else(|problems| panic!("{problems}")))
    }

    #[test]
    fn a_case_passes_or_says_how_it_differs() {
        let outcomes = run("
cases:
  - name: right
    facts: {ai: {ich: {state: flagged, flagged: true, volume_ml: 3}}, study: {series: [{instances: 3}]}}
    expect: {fired: [a], band: critical, score: 7, pages: [stroke], says: [because]}
  - name: wrong
    facts: {}
    expect: {fired: [a], band: critical}
  - name: misspelt
    facts: {ai: {ich: {flaged: true}}}
    expect: {}
");
        assert!(outcomes[0].passed(), "{:?}", outcomes[0]);
        assert_eq!(
            outcomes[1].differences,
            [
                "fired: expected [a], found []",
                "band: expected critical, found none"
            ]
        );
        assert!(
            outcomes[2].differences[0].contains("`ai.ich.flaged` is not a known fact"),
            "{:?}",
            outcomes[2]
        );
    }
}
