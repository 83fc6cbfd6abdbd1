//! What a page says: templates filled from a typed context. A site's own templates may replace ours; if one of them
//! fails, ours are used and the fault is reported, because a page must go out. Never holds a patient's name.

use std::path::Path;

use handlebars::{Handlebars, no_escape};
use serde::Serialize;

const SUBJECT: &str = "subject.txt";
const TEXT: &str = "body.txt";
const HTML: &str = "body.html";

const SHIPPED: [(&str, &str); 3] = [
    (SUBJECT, include_str!("../../templates/page/subject.txt.hbs")),
    (TEXT, include_str!("../../templates/page/body.txt.hbs")),
    (HTML, include_str!("../../templates/page/body.html.hbs")),
];

/// Mail programs cut longer subjects anyway.
const SUBJECT_LENGTH: usize = 200;

/// Everything a template of a page may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageContext {
    pub site: String,
    /// Our own opaque reference of the study; no accession number, no UID.
    pub study_ref: String,
    /// `CRITICAL`, `URGENT`.
    pub urgency: String,
    /// One line: what was found.
    pub headline: String,
    /// Further lines: measurements, lesions, limitations.
    pub details: Vec<String>,
    /// Department or ward, when the site wants it in pages.
    pub location: Option<String>,
    /// The site's wall clock.
    pub raised_at: String,
    /// Why this person is told now, e.g. that the first one did not answer.
    pub escalation: Option<String>,
    pub ack_url: String,
    /// An earlier copy may have arrived.
    pub repeat: bool,
    /// That this is AI and not a report, and the model's own statement.
    pub notice: String,
}

/// A page in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The site's template that failed; ours were used instead.
    pub fault: Option<TemplateFault>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("page template {name}: {problem}")]
pub struct TemplateFault {
    pub name: String,
    pub problem: String,
}

/// The templates in force: the site's, if it has any, and ours behind them.
pub struct PageTemplates {
    site: Option<Templates>,
    shipped: Templates,
}

impl PageTemplates {
    /// Ours alone.
    pub fn shipped() -> Result<Self, TemplateFault> {
        Ok(Self {
            site: None,
            shipped: Templates::compile(|_| None)?,
        })
    }

    /// The site's `subject.txt.hbs`, `body.txt.hbs` and `body.html.hbs` in `folder`, as far as they exist. Each is tried
    /// with the sample contexts, so that a mistake shows when the configuration is checked and not in the night.
    pub fn with_site(folder: &Path) -> Result<Self, TemplateFault> {
        let site =
            Templates::compile(|name| std::fs::read_to_string(folder.join(format!("{name}.hbs"))).ok())?;
        for context in PageContext::samples() {
            site.render(&context)?;
        }
        Ok(Self {
            site: Some(site),
            ..Self::shipped()?
        })
    }

    /// Always gives a page.
    pub fn render(&self, context: &PageContext) -> Rendered {
        let fault = match self.site.as_ref().map(|site| site.render(context)) {
            Some(Ok(rendered)) => return rendered,
            Some(Err(fault)) => Some(fault),
            None => None,
        };
        let rendered = self
            .shipped
            .render(context)
            .unwrap_or_else(|fault| plain(context, fault));
        Rendered {
            fault: fault.or(rendered.fault),
            ..rendered
        }
    }
}

/// Subject and text as they are, HTML escaped.
struct Templates {
    words: Handlebars<'static>,
    markup: Handlebars<'static>,
}

impl Templates {
    fn compile(own: impl Fn(&str) -> Option<String>) -> Result<Self, TemplateFault> {
        let mut words = Handlebars::new();
        words.set_strict_mode(true);
        words.register_escape_fn(no_escape);
        let mut markup = Handlebars::new();
        markup.set_strict_mode(true);
        for (name, shipped) in SHIPPED {
            let source = own(name).unwrap_or_else(|| shipped.to_owned());
            let registry = if name == HTML { &mut markup } else { &mut words };
            registry
                .register_template_string(name, source)
                .map_err(|e| fault(name, &e))?;
        }
        Ok(Self { words, markup })
    }

    fn render(&self, context: &PageContext) -> Result<Rendered, TemplateFault> {
        let words = |name: &str| self.words.render(name, context).map_err(|e| fault(name, &e));
        let html = self.markup.render(HTML, context).map_err(|e| fault(HTML, &e))?;
        Ok(Rendered {
            subject: one_line(&words(SUBJECT)?),
            text: words(TEXT)?,
            html,
            fault: None,
        })
    }
}

fn fault(name: &str, problem: &dyn std::error::Error) -> TemplateFault {
    TemplateFault {
        name: name.to_owned(),
        problem: problem.to_string(),
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(SUBJECT_LENGTH).collect()
}

/// Without any template: what must be known, and where to answer.
fn plain(context: &PageContext, fault: TemplateFault) -> Rendered {
    let repeat = if context.repeat { " (may be a repeat)" } else { "" };
    let subject = format!(
        "[{}] {}{repeat} - {}",
        context.urgency, context.headline, context.study_ref
    );
    let text = format!(
        "{subject}\n\nAcknowledge: {}\n\n{}\n",
        context.ack_url, context.notice
    );
    Rendered {
        subject: one_line(&subject),
        html: format!("<pre>{}</pre>", handlebars::html_escape(&text)),
        text,
        fault: Some(fault),
    }
}

impl PageContext {
    /// One first page, and one with everything in it that can be, including signs that must be escaped.
    pub fn samples() -> [Self; 2] {
        let first = Self {
            site: "General Hospital".to_owned(),
            study_ref: "7Q2M-4KD1".to_owned(),
            urgency: "CRITICAL".to_owned(),
            headline: "Suspected intracranial hemorrhage, 24.1 mL, left deep".to_owned(),
            details: vec!["Midline shift 4.2 mm".to_owned()],
            location: None,
            raised_at: "14 Mar 2026 10:28".to_owned(),
            escalation: None,
            ack_url: "https://tocsin.example/a/3f9c".to_owned(),
            repeat: false,
            notice: "AI result, NOT a radiologist report.".to_owned(),
        };
        let full = Self {
            site: "Unfallklinik & Söhne".to_owned(),
            details: vec![
                "Volume < 30 mL & > 5 mL".to_owned(),
                "<script>alert(1)</script>".to_owned(),
            ],
            location: Some("Emergency department".to_owned()),
            escalation: Some("The first person did not acknowledge within 5 minutes.".to_owned()),
            repeat: true,
            ..first.clone()
        };
        [first, full]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, content: &str) {
        std::fs::write(folder.join(name), content).expect("written");
    }

    #[test]
    fn a_page_says_what_where_and_how_to_answer() {
        let templates = PageTemplates::shipped().expect("our templates compile");
        let [first, full] = PageContext::samples();
        let page = templates.render(&first);
        assert_eq!(page.fault, None);
        assert_eq!(
            page.subject,
            "[CRITICAL] Suspected intracranial hemorrhage, 24.1 mL, left deep - General Hospital 7Q2M-4KD1"
        );
        for body in [&page.text, &page.html] {
            assert!(body.contains("https://tocsin.example/a/3f9c") && body.contains("Midline shift 4.2 mm"));
            assert!(body.contains("NOT a radiologist report") && !body.contains("repeat"));
        }
        let page = templates.render(&full);
        assert!(page.subject.contains("(may be a repeat)") && page.text.contains("may be a repeat"));
        assert!(
            page.text.contains("Volume < 30 mL & > 5 mL"),
            "plain text is not escaped"
        );
        assert!(page.html.contains("&lt;script&gt;") && !page.html.contains("<script>"));
        assert!(page.html.contains("Unfallklinik &amp; Söhne"));
    }

    #[test]
    fn a_subject_is_one_line_whatever_it_is_made_of() {
        let [mut context, _] = PageContext::samples();
        context.headline = "one\r\nBcc: someone@example.com".to_owned();
        let page = PageTemplates::shipped()
            .expect("our templates compile")
            .render(&context);
        assert!(!page.subject.contains(['\r', '\n']), "{:?}", page.subject);
    }

    #[test]
    fn a_site_template_replaces_ours() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "subject.txt.hbs", "{{site}}: {{headline}}");
        let templates = PageTemplates::with_site(folder.path()).expect("good templates");
        let [context, _] = PageContext::samples();
        let page = templates.render(&context);
        assert_eq!(
            page.subject,
            "General Hospital: Suspected intracranial hemorrhage, 24.1 mL, left deep"
        );
        assert!(page.text.contains("acknowledge"));
    }

    #[test]
    fn a_site_template_with_a_mistake_is_named_when_it_is_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        for (content, word) in [
            ("{{patient_name}}", "patient_name"),
            ("{{#if site}}", "subject.txt"),
        ] {
            write(folder.path(), "subject.txt.hbs", content);
            let fault = PageTemplates::with_site(folder.path())
                .err()
                .expect("a fault")
                .to_string();
            assert!(fault.contains("subject.txt") && fault.contains(word), "{fault}");
        }
    }

    #[test]
    fn a_template_that_fails_in_the_night_does_not_stop_the_page() {
        let folder = tempfile::tempdir().expect("a folder");
        write(
            folder.path(),
            "body.txt.hbs",
            "{{lookup details 0}}{{#if repeat}}{{details.[1]}}{{/if}} {{ack_url}}",
        );
        let templates = PageTemplates::with_site(folder.path()).expect("works on the samples");
        let [_, mut context] = PageContext::samples();
        context.details.clear();
        let page = templates.render(&context);
        assert!(page.text.contains(&context.ack_url));
        assert!(page.fault.is_some_and(|f| f.name == "body.txt"));
    }
}
