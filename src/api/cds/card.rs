//! A card: what somebody at an EHR is shown. Everything in it is text of ours or a text from outside that was made plain; no
//! value is null or empty, and nothing in a link names a patient.

use serde::Serialize;
use uuid::Uuid;

/// CDS Hooks asks for fewer than 140.
const SUMMARY: usize = 139;
const DETAIL: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Indicator {
    Info,
    Critical,
}

#[derive(Clone, Debug, Serialize)]
pub struct Card {
    pub uuid: Uuid,
    pub summary: String,
    pub indicator: Indicator,
    pub detail: String,
    pub source: Source,
    pub links: Vec<Link>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Source {
    pub label: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Link {
    pub label: &'static str,
    pub url: String,
    pub r#type: &'static str,
}

impl Card {
    /// `about` makes the card's name, which is the same when the same request is answered again.
    pub fn new(instance: Uuid, about: &str, indicator: Indicator, summary: &str, lines: &[String]) -> Self {
        let detail: Vec<&str> = lines
            .iter()
            .map(String::as_str)
            .filter(|line| !line.is_empty())
            .collect();
        Self {
            uuid: Uuid::new_v5(&instance, about.as_bytes()),
            summary: plain(summary, SUMMARY),
            indicator,
            detail: shortened(&detail.join("\n\n"), DETAIL),
            source: Source {
                label: "Tocsin".to_owned(),
            },
            links: Vec::new(),
        }
    }

    /// With the page of a study, where people sign in before they see it.
    pub fn leading_to(mut self, base: &str, study: &str) -> Self {
        self.links.push(Link {
            label: "Open the examination in Tocsin",
            url: format!("{base}/studies/{study}"),
            r#type: "absolute",
        });
        self
    }
}

/// A text on one line without anything that Markdown or HTML would make something of; never empty.
pub fn plain(text: &str, longest: usize) -> String {
    let plain: String = text
        .chars()
        .map(|c| match c {
            '<' | '>' | '*' | '_' | '[' | ']' | '`' | '#' | '\\' | '|' | '!' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    match shortened(&words.join(" "), longest) {
        nothing if nothing.is_empty() => "(no words)".to_owned(),
        some => some,
    }
}

fn shortened(text: &str, longest: usize) -> String {
    match text.chars().count() > longest {
        true => text
            .chars()
            .take(longest.saturating_sub(1))
            .chain(['…'])
            .collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_short_and_plain() {
        let summary = format!("<b>Suspected</b> *x* {}", "y".repeat(300));
        let card = Card::new(
            Uuid::nil(),
            "a",
            Indicator::Critical,
            &summary,
            &["one".into(), String::new(), "z".repeat(5_000)],
        );
        assert!(card.summary.chars().count() < 140 && !card.summary.contains(['<', '*']));
        assert!(card.detail.starts_with("one\n\nz") && card.detail.chars().count() <= DETAIL);
        let value = serde_json::to_value(card.leading_to("https://t", "7")).expect("JSON");
        assert_eq!(value["indicator"], "critical");
        assert_eq!(value["links"][0]["url"], "https://t/studies/7");
        assert_eq!(plain("\n", 10), "(no words)");
    }

    #[test]
    fn the_same_answer_has_the_same_name() {
        let name = |about| Card::new(Uuid::nil(), about, Indicator::Info, "s", &[]).uuid;
        assert_eq!(name("a"), name("a"));
        assert_ne!(name("a"), name("b"));
    }
}
