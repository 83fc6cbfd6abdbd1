//! A draft of the words of a report about what models read of one study: the sentences of `text`, in the order of a report, by a template
//! for each finding that a site may replace, one by one. Several findings make one draft. Each sentence keeps the name of who says it,
//! whatever a template does with it. What is sent is `text::narrative`: a draft is for reading and copying, and never leaves by itself.

mod context;
mod files;
mod helpers;
mod marks;

use std::io;
use std::path::{Path, PathBuf};

use handlebars::Handlebars;
use serde::Serialize;
use tocsin_domain::finding::ResultRecord;

use super::text;
use context::{FindingContext, LayoutContext};
use files::{Files, Source};
pub use marks::{Author, Piece};

/// Sections of a report, in their order. A template of a finding writes each.
const SECTIONS: [&str; 5] = [
    "technique",
    "comparison",
    "findings",
    "impression",
    "recommendation",
];
/// Characters of a draft at most, and of one section of a finding.
const MOST: usize = 64 * 1024;

/// A draft as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrative {
    pub lines: Vec<Vec<Piece>>,
    /// Why templates of the site were not used, each on its own.
    pub faults: Vec<NarrativeFault>,
}

/// What is wrong with a template of the site.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the template {file}{}: {reason}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct NarrativeFault {
    /// In the folder of the site's templates.
    pub file: String,
    pub line: Option<usize>,
    pub reason: String,
}

/// The exam in words, as its images name it.
#[derive(Clone, Copy, Debug)]
pub struct Exam<'a> {
    pub modality: &'a str,
    pub description: &'a str,
}

/// Where the templates are. The site's are read again each time.
#[derive(Clone, Debug, Default)]
pub struct NarrativeTemplates {
    site: Option<PathBuf>,
}

impl NarrativeTemplates {
    /// `site` is the folder of the site's templates.
    pub fn new(site: Option<&Path>) -> Self {
        Self {
            site: site.map(Path::to_owned),
        }
    }

    /// Always gives a draft: by the site's templates, each of ours in the place of one that fails, else without any.
    pub fn write(&self, records: &[&ResultRecord], exam: Exam<'_>) -> Narrative {
        let authors = marks::authors(records);
        let of = context::of(records, exam);
        let (mut files, mut faults) = Files::open(self.site.as_deref());
        loop {
            match draft(&files, &of) {
                Ok(written) => return Narrative::read(&written, &authors, faults),
                Err(fault) => {
                    let mended = files.give_up(&fault.file);
                    faults.push(fault);
                    if !mended {
                        let plain = records.iter().map(|record| text::narrative(record));
                        let plain = plain.collect::<Vec<_>>().join("\n");
                        return Narrative::read(&marks::said(0, &plain), &authors, faults);
                    }
                }
            }
        }
    }

    /// What is wrong with the site's templates, tried with samples of every finding.
    pub fn check(&self) -> Vec<NarrativeFault> {
        let (mut files, mut faults) = Files::open(self.site.as_deref());
        faults.extend(files::strangers(self.site.as_deref()));
        for sample in context::samples() {
            while let Err(fault) = draft(&files, &sample) {
                let mended = files.give_up(&fault.file);
                faults.push(fault);
                if !mended {
                    break;
                }
            }
        }
        faults
    }
}

impl Narrative {
    /// The draft as plain text, without the names of who says what.
    pub fn text(&self) -> String {
        let line = |pieces: &Vec<Piece>| pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
        self.lines.iter().map(|pieces| line(pieces) + "\n").collect()
    }

    fn read(written: &str, authors: &[Author], faults: Vec<NarrativeFault>) -> Self {
        let lines = written.trim().lines();
        Self {
            lines: lines
                .map(|line| marks::pieces(line.trim_end(), authors))
                .collect(),
            faults,
        }
    }
}

/// Everything that a draft is made from.
struct Drafted {
    notice: String,
    findings: Vec<FindingContext>,
}

fn draft(files: &Files, of: &Drafted) -> Result<String, NarrativeFault> {
    let registry = registry(files)?;
    let mut layout = LayoutContext::new(&of.notice);
    for finding in &of.findings {
        for section in SECTIONS {
            let mut finding = finding.clone();
            finding.section = section;
            let written = render(&registry, finding.template, &finding)?;
            layout.add(section, &written);
        }
    }
    render(&registry, files::LAYOUT, &layout)
}

fn registry(files: &Files) -> Result<Handlebars<'static>, NarrativeFault> {
    let mut registry = files::strict();
    helpers::register(&mut registry);
    for Source { name, text, .. } in files.all() {
        files::parse(&mut registry, name, text)?;
    }
    Ok(registry)
}

/// Stops what becomes too long.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::Error::other(format!("it writes more than {MOST} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn render(registry: &Handlebars<'_>, name: &str, of: &impl Serialize) -> Result<String, NarrativeFault> {
    let mut out = Bounded(Vec::new());
    match registry.render_to_write(name, of, &mut out) {
        Ok(()) => Ok(String::from_utf8_lossy(&out.0).into_owned()),
        // The reason alone: a whole error may quote what was rendered.
        Err(error) => Err(NarrativeFault {
            file: files::path_of(error.template_name.as_deref().unwrap_or(name)),
            line: error.line_no,
            reason: error.reason().to_string(),
        }),
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

#[cfg(test)]
mod tests;
