//! A draft of the words of a report about one result: the sentences of `text`, in the order of a report, by a template that
//! a site may replace. Each sentence keeps the name of who says it, whatever a template does with it. What is sent is
//! `text::narrative`: a draft is for reading and copying, and never leaves by itself.

use std::io;
use std::path::{Path, PathBuf};

use handlebars::{Handlebars, no_escape};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::finding::{Finding, ModelRef, ResultRecord, Statement};

use super::text;

const NAME: &str = "narrative";
const SHIPPED: &str = include_str!("../../templates/report/narrative.hbs");
/// The site's own, in the folder of its templates.
const SITE: &str = "report/narrative.hbs";

/// Around a sentence: its author's number stands between the first two. Private use, and taken out of every value.
const MARKS: [char; 3] = ['\u{E000}', '\u{E001}', '\u{E002}'];

/// Who says a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    Model {
        name: String,
        version: String,
    },
    Rule {
        rule: String,
        pack: String,
        version: String,
    },
}

/// A stretch of a line, and who says it; the template itself where nobody does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Piece {
    pub text: String,
    pub by: Option<Author>,
}

/// A draft as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrative {
    pub lines: Vec<Vec<Piece>>,
    /// Why the site's template was not used.
    pub fault: Option<NarrativeFault>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the template {SITE}: {0}")]
pub struct NarrativeFault(String);

/// The exam in words, as its images name it.
#[derive(Clone, Copy, Debug)]
pub struct Exam<'a> {
    pub modality: &'a str,
    pub description: &'a str,
}

/// What a template may use.
#[derive(Serialize)]
struct NarrativeContext {
    notice: String,
    exam: String,
    images: usize,
    model: String,
    /// That this replaces an earlier result, or must not be used.
    replaces: Option<String>,
    /// What changed since an earlier study.
    comparison: Vec<String>,
    findings: Vec<FindingWords>,
    limits: Vec<String>,
    /// What rules add to the result.
    recommendations: Vec<String>,
}

#[derive(Serialize)]
struct FindingWords {
    headline: String,
    numbers: Option<String>,
    lesions: Vec<String>,
    operating_point: String,
}

/// Where the template is. The site's is read again each time.
#[derive(Clone, Debug, Default)]
pub struct NarrativeTemplate {
    site: Option<PathBuf>,
}

impl NarrativeTemplate {
    /// `site` is the folder of the site's templates.
    pub fn new(site: Option<&Path>) -> Self {
        Self {
            site: site.map(|folder| folder.join(SITE)),
        }
    }

    /// Always gives a draft: by the site's template, else by ours, else without any.
    pub fn write(&self, record: &ResultRecord, exam: Exam<'_>) -> Narrative {
        let (own, fault) = match self.own() {
            Ok(own) => (own, None),
            Err(fault) => (None, Some(fault)),
        };
        let context = NarrativeContext::of(record, exam);
        let fault = match own.map(|source| render(&source, &context)) {
            Some(Ok(written)) => return Narrative::read(&written, record, None),
            Some(Err(broken)) => Some(broken),
            None => fault,
        };
        match render(SHIPPED, &context) {
            Ok(written) => Narrative::read(&written, record, fault),
            Err(broken) => Narrative::read(&said(0, &text::narrative(record)), record, Some(broken)),
        }
    }

    /// Whether the site's template can be used, tried with the samples.
    ///
    /// # Errors
    /// Why not, with the line.
    pub fn check(&self) -> Result<(), NarrativeFault> {
        let Some(source) = self.own()? else { return Ok(()) };
        NarrativeContext::samples()
            .iter()
            .try_for_each(|sample| render(&source, sample).map(|_| ()))
    }

    fn own(&self) -> Result<Option<String>, NarrativeFault> {
        let Some(path) = &self.site else { return Ok(None) };
        match std::fs::read_to_string(path) {
            Ok(source) => Ok(Some(source)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(NarrativeFault(error.to_string())),
        }
    }
}

impl Narrative {
    /// The draft as plain text, without the names of who says what.
    pub fn text(&self) -> String {
        let line = |pieces: &Vec<Piece>| pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
        self.lines.iter().map(|pieces| line(pieces) + "\n").collect()
    }

    fn read(written: &str, record: &ResultRecord, fault: Option<NarrativeFault>) -> Self {
        let authors = authors(record);
        let lines = written.trim().lines();
        Self {
            lines: lines.map(|line| pieces(line.trim_end(), &authors)).collect(),
            fault,
        }
    }
}

fn render(source: &str, context: &NarrativeContext) -> Result<String, NarrativeFault> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(no_escape);
    registry
        .register_template_string(NAME, source)
        .map_err(|error| NarrativeFault(error.to_string()))?;
    registry
        .render(NAME, context)
        // The reason alone: a whole error may quote what was rendered.
        .map_err(|error| {
            let line = error.line_no.map(|line| format!("line {line}: "));
            NarrativeFault(format!("{}{}", line.unwrap_or_default(), error.reason()))
        })
}

impl NarrativeContext {
    fn of(record: &ResultRecord, exam: Exam<'_>) -> Self {
        let recommendations = record.statements.iter().enumerate();
        let model = |sentence: &str| said(0, sentence);
        Self {
            notice: model(text::NOT_A_REPORT),
            exam: clean(&exam.words()),
            images: record.instance_uids.len(),
            model: clean(&text::model_name(record)),
            replaces: text::status_sentence(record.status).map(model),
            comparison: text::compared(record)
                .iter()
                .map(|sentence| model(sentence))
                .collect(),
            findings: record.findings.iter().map(FindingWords::of).collect(),
            limits: text::limits(record).iter().map(|limit| model(limit)).collect(),
            recommendations: recommendations
                .map(|(at, statement)| said(at + 1, &text::statement_sentence(statement)))
                .collect(),
        }
    }
}

impl NarrativeContext {
    /// One with nothing in it, and one with everything that can be.
    fn samples() -> [Self; 2] {
        let bare = Self {
            notice: text::NOT_A_REPORT.to_owned(),
            exam: "CT HEAD WO CONTRAST".to_owned(),
            images: 32,
            model: "Model ich 1.0.0".to_owned(),
            replaces: None,
            comparison: Vec::new(),
            findings: Vec::new(),
            limits: Vec::new(),
            recommendations: Vec::new(),
        };
        let finding = FindingWords {
            headline: "Suspected intracranial hemorrhage, 24.1 mL, left deep.".to_owned(),
            numbers: Some("Volume 24.1 mL.".to_owned()),
            lesions: vec!["Lesion 1: left deep; volume 24.1 mL.".to_owned()],
            operating_point: "Operating point: total volume ≥ 1 mL.".to_owned(),
        };
        let full = Self {
            replaces: Some("This replaces an earlier result.".to_owned()),
            comparison: vec!["Compared with the study of 2025-06-01 (183 days earlier).".to_owned()],
            findings: vec![finding],
            limits: vec!["Limitation: thick slices.".to_owned()],
            recommendations: vec!["Consider a neurosurgical opinion.".to_owned()],
            notice: bare.notice.clone(),
            exam: bare.exam.clone(),
            model: bare.model.clone(),
            images: bare.images,
        };
        [bare, full]
    }
}

impl FindingWords {
    fn of(finding: &Finding) -> Self {
        let model = |sentence: String| said(0, &sentence);
        Self {
            headline: model(text::headline_sentence(finding)),
            numbers: text::numbers_sentence(finding).map(model),
            lesions: finding
                .lesions
                .iter()
                .map(text::lesion_sentence)
                .map(model)
                .collect(),
            operating_point: model(text::operating_sentence(finding)),
        }
    }
}

impl Exam<'_> {
    /// Many descriptions begin with the modality already.
    fn words(&self) -> String {
        let first = self.description.split_whitespace().next().unwrap_or_default();
        match first.eq_ignore_ascii_case(self.modality) {
            true => self.description.trim().to_owned(),
            false => format!("{} {}", self.modality, self.description)
                .trim()
                .to_owned(),
        }
    }
}

/// The model first, then the rules in the order of their statements.
fn authors(record: &ResultRecord) -> Vec<Author> {
    let ModelRef { name, version, .. } = &record.model;
    let model = Author::Model {
        name: name.clone(),
        version: version.clone(),
    };
    let rule = |statement: &Statement| Author::Rule {
        rule: statement.rule.clone(),
        pack: statement.pack.name.clone(),
        version: statement.pack.version.clone(),
    };
    std::iter::once(model)
        .chain(record.statements.iter().map(rule))
        .collect()
}

/// A sentence with its author's number around it.
fn said(author: usize, sentence: &str) -> String {
    let [open, middle, close] = MARKS;
    format!("{open}{author}{middle}{}{close}", clean(sentence))
}

/// One line, and nothing in it that looks like a mark.
fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !MARKS.contains(c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn pieces(line: &str, authors: &[Author]) -> Vec<Piece> {
    let [open, middle, close] = MARKS;
    let mut parts = line.split(open);
    let mut pieces = vec![(parts.next().unwrap_or_default(), None)];
    for part in parts {
        let (number, rest) = part.split_once(middle).unwrap_or_default();
        let (sentence, after) = rest.split_once(close).unwrap_or((rest, ""));
        let by = number.parse().ok().and_then(|at: usize| authors.get(at));
        pieces.extend([(sentence, by), (after, None)]);
    }
    pieces
        .into_iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, by)| Piece {
            text: text.to_owned(),
            by: by.cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
