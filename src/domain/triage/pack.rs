//! A folder of rules, compiled as a whole and named by its content. All that is wrong with it is said at once, each with
//! file, rule and place. It reads no disk: the caller hands in paths and texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cases::CaseFile;
use super::expression::{Expression, Want};
use super::facts::FACT_SCHEMA_VERSION;
use super::nearest::nearest;
use super::rule::{PackFile, Rule};
use super::schema::Scope;
use super::template::Template;

/// Rules in one pack.
pub const MAX_RULES: usize = 500;
/// Bytes of one file.
pub const MAX_FILE: usize = 256 * 1024;

/// The exact rules that touched a study (invariant 11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackRef {
    pub name: String,
    pub version: String,
    /// Over `pack.yaml` and the rules, lower-case hexadecimal; cases do not count, they change no decision.
    pub sha256: String,
}

/// Compiled rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    pub file: PackFile,
    pub reference: PackRef,
    pub rules: Vec<CompiledRule>,
    /// By path.
    pub cases: BTreeMap<String, CaseFile>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CompiledRule {
    pub rule: Rule,
    pub when: Expression,
    pub reason: Template,
    pub report: Option<Template>,
    /// Text and citation.
    pub recommend: Vec<(Template, String)>,
}

impl CompiledRule {
    /// Whether what a model said has a part in it.
    pub fn reads_ai(&self) -> bool {
        self.when.reads("ai")
    }

    /// Of the models that the pack reads, those that this rule's condition reads.
    pub fn models(&self, known: &BTreeMap<String, String>) -> Vec<String> {
        let read = |key: &&String| self.when.reads(&format!("ai.{key}"));
        known.keys().filter(read).cloned().collect()
    }
}

/// One thing that is wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub pack: String,
    pub file: String,
    pub rule: Option<String>,
    /// `when`, `reason`, … ; empty when the file as a whole cannot be read.
    pub part: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.pack, self.file)?;
        if let Some(rule) = &self.rule {
            write!(f, ", rule {rule}")?;
        }
        if !self.part.is_empty() {
            write!(f, ", {}", self.part)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

impl Pack {
    /// Compiles the files of the folder `name`; paths are relative to it: `pack.yaml`, `<rule>.yaml`, `cases/<name>.yaml`.
    /// Other files are left alone.
    pub fn parse(name: &str, files: &[(String, String)]) -> Result<Self, Problems> {
        let mut reader = Reader {
            pack: name.to_owned(),
            problems: Vec::new(),
        };
        let mut files: Vec<&(String, String)> =
            files.iter().filter(|(path, _)| path.ends_with(".yaml")).collect();
        files.sort();
        let Some(file) = reader.pack_file(&files) else {
            return Err(Problems(reader.problems));
        };
        let scope = Scope::of_rules(&file.ai.keys().cloned().collect::<BTreeSet<_>>());
        let mut rules = Vec::new();
        let mut cases = BTreeMap::new();
        for (path, text) in files.iter().copied().filter(|(path, _)| path != "pack.yaml") {
            if path.starts_with("cases/") {
                cases.extend(
                    reader
                        .yaml::<CaseFile>(path, text)
                        .map(|file| (path.clone(), file)),
                );
            } else if let Some(rule) = reader.yaml::<Rule>(path, text) {
                rules.extend(reader.rule(path, rule, &scope));
            }
        }
        reader.whole(&rules, &cases);
        if !reader.problems.is_empty() {
            return Err(Problems(reader.problems));
        }
        let reference = PackRef {
            name: file.name.clone(),
            version: file.version.clone(),
            sha256: content_hash(&files),
        };
        Ok(Self {
            file,
            reference,
            rules,
            cases,
        })
    }

    /// Whether time alone may change what the rules say of a study.
    pub fn watches_the_clock(&self) -> bool {
        self.rules.iter().any(|rule| rule.when.reads("wait"))
    }

    /// Escalation policies that the rules name; the configuration must have them.
    pub fn policies(&self) -> BTreeSet<&str> {
        self.rules
            .iter()
            .filter_map(|r| r.rule.then.page.as_ref())
            .map(|page| page.policy.as_str())
            .collect()
    }

    /// Destinations that the rules name; the configuration must have them.
    pub fn routes(&self) -> BTreeSet<&str> {
        self.rules
            .iter()
            .flat_map(|r| &r.rule.then.route)
            .map(String::as_str)
            .collect()
    }
}

/// SHA-256 over the path and text of `pack.yaml` and the rules, in the order of their paths, each with its length before it.
fn content_hash(files: &[&(String, String)]) -> String {
    let mut hash = Sha256::new();
    for (path, text) in files.iter().filter(|(path, _)| !path.starts_with("cases/")) {
        for part in [path, text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hex::encode(hash.finalize())
}

struct Reader {
    pack: String,
    problems: Vec<Problem>,
}

impl Reader {
    fn say(&mut self, file: &str, rule: Option<&str>, part: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            pack: self.pack.clone(),
            file: file.to_owned(),
            rule: rule.map(str::to_owned),
            part: part.to_owned(),
            message: message.into(),
        });
    }

    fn yaml<T: serde::de::DeserializeOwned>(&mut self, path: &str, text: &str) -> Option<T> {
        if text.len() > MAX_FILE {
            self.say(path, None, "", format!("larger than {MAX_FILE} bytes"));
            return None;
        }
        match serde_yaml_ng::from_str(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.say(path, None, "", error.to_string());
                None
            }
        }
    }

    fn pack_file(&mut self, files: &[&(String, String)]) -> Option<PackFile> {
        let Some((path, text)) = files.iter().copied().find(|(path, _)| path == "pack.yaml") else {
            self.say(
                "pack.yaml",
                None,
                "",
                "missing; a pack needs its name, version, fact schema and the models it reads",
            );
            return None;
        };
        let file: PackFile = self.yaml(path, text)?;
        if file.name != self.pack {
            let message = format!("`{}` differs from the folder's name `{}`", file.name, self.pack);
            self.say(path, None, "name", message);
        }
        if file.facts != FACT_SCHEMA_VERSION {
            let message = format!(
                "fact schema {} is not known; this version has {FACT_SCHEMA_VERSION}",
                file.facts
            );
            self.say(path, None, "facts", message);
        }
        for key in file.ai.keys().filter(|key| !is_identifier(key)) {
            self.say(
                path,
                None,
                "ai",
                format!("`{key}` cannot be written in a rule: use letters, digits and `_`"),
            );
        }
        Some(file)
    }

    /// Compiles a rule, saying everything that is wrong with it.
    fn rule(&mut self, path: &str, rule: Rule, scope: &Scope) -> Option<CompiledRule> {
        let id = rule.id.clone();
        let before = self.problems.len();
        if path.strip_suffix(".yaml") != Some(id.as_str()) {
            self.say(path, Some(&id), "id", format!("the file must be named {id}.yaml"));
        }
        if rule.then.is_empty() {
            self.say(path, Some(&id), "then", "the rule has no effect");
        }
        let when = Expression::compile(&rule.when, scope, Want::Condition);
        let when = when
            .map_err(|error| self.say(path, Some(&id), "when", error.to_string()))
            .ok();
        let reason = self.template(path, &id, "reason", &rule.reason, scope);
        let report = rule
            .then
            .report
            .as_ref()
            .map(|text| self.template(path, &id, "then.report", text, scope));
        let recommend: Vec<_> = rule
            .then
            .recommend
            .iter()
            .map(|r| {
                if r.citation.trim().is_empty() {
                    self.say(
                        path,
                        Some(&id),
                        "then.recommend",
                        "a recommendation needs its source",
                    );
                }
                Some((
                    self.template(path, &id, "then.recommend", &r.text, scope)?,
                    r.citation.trim().to_owned(),
                ))
            })
            .collect();
        if self.problems.len() > before {
            return None;
        }
        Some(CompiledRule {
            when: when?,
            reason: reason?,
            report: report.flatten(),
            recommend: recommend.into_iter().flatten().collect(),
            rule,
        })
    }

    fn template(&mut self, path: &str, id: &str, part: &str, text: &str, scope: &Scope) -> Option<Template> {
        Template::compile(text, scope)
            .map_err(|error| self.say(path, Some(id), part, error.to_string()))
            .ok()
    }

    /// What can only be seen over all files.
    fn whole(&mut self, rules: &[CompiledRule], cases: &BTreeMap<String, CaseFile>) {
        if rules.len() > MAX_RULES {
            self.say(
                "",
                None,
                "",
                format!("{} rules, at most {MAX_RULES}", rules.len()),
            );
        }
        if !self.problems.is_empty() {
            return;
        }
        let known: BTreeSet<&str> = rules.iter().map(|r| r.rule.id.as_str()).collect();
        for (path, file) in cases {
            for case in &file.cases {
                for id in case.expect.fired.iter().filter(|id| !known.contains(id.as_str())) {
                    let near = nearest(id, known.iter().copied());
                    let hint = near
                        .map(|n| format!(" (did you mean `{n}`?)"))
                        .unwrap_or_default();
                    self.say(
                        path,
                        None,
                        &case.name,
                        format!("expects the unknown rule `{id}`{hint}"),
                    );
                }
            }
        }
    }
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const PACK: &str = "name: p\ntitle: P\nversion: '1'\nfacts: 1\nai: {ich: Hemorrhage}\n";

    pub(crate) fn rule(id: &str, when: &str, then: &str) -> (String, String) {
        let text = format!("id: {id}\ntitle: T\nversion: 1\nwhen: {when}\nreason: because\nthen: {then}\n");
        (format!("{id}.yaml"), text)
    }

    fn parse(files: &[(String, String)]) -> Result<Pack, Problems> {
        let mut all = vec![("pack.yaml".to_owned(), PACK.to_owned())];
        all.extend_from_slice(files);
        Pack::parse("p", &all)
    }

    #[test]
    fn a_problem_names_pack_file_rule_and_place() {
        let problems = parse(&[rule("a", "ai.ich.flaged", "{raise: urgent}")]).unwrap_err();
        let said = problems.to_string();
        assert_eq!(
            said,
            "p/a.yaml, rule a, when: line 1, column 8: `ai.ich.flaged` is not a known fact (did you mean `flagged`?)"
        );
    }

    #[test]
    fn all_problems_are_said_at_once() {
        let table = [
            (rule("a", "true", "{rise: urgent}"), "unknown field `rise`"),
            (
                rule("b", "ai.pe.flagged", "{score: 1}"),
                "`ai.pe` is not a known fact",
            ),
            (rule("c", "true", "{}"), "has no effect"),
            (rule("d", "true", "{score: -1}"), "score"),
            (
                rule("e", "true", "{recommend: [{text: x, citation: ''}]}"),
                "needs its source",
            ),
            (
                ("f.yaml".into(), rule("g", "true", "{score: 1}").1),
                "must be named g.yaml",
            ),
        ];
        let files: Vec<_> = table.iter().map(|(file, _)| file.clone()).collect();
        let said = parse(&files).unwrap_err().to_string();
        for (_, expected) in &table {
            assert!(said.contains(expected), "{expected} not in\n{said}");
        }
        assert!(
            Pack::parse("p", &[])
                .unwrap_err()
                .to_string()
                .contains("pack.yaml: missing")
        );
    }

    #[test]
    fn the_hash_follows_the_rules_and_not_their_order_or_their_cases() {
        let (a, b) = (rule("a", "true", "{score: 1}"), rule("b", "true", "{score: 2}"));
        let hash = |files: &[(String, String)]| parse(files).unwrap().reference.sha256;
        let first = hash(&[a.clone(), b.clone()]);
        assert_eq!(first, hash(&[b.clone(), a.clone()]));
        let cases = ("cases/x.yaml".to_owned(), "cases: []".to_owned());
        assert_eq!(first, hash(&[a.clone(), b, cases]));
        assert_ne!(first, hash(&[a, rule("b", "true", "{score: 3}")]));
    }
}
