//! For tests: every page, strictly rendered with as little and with as much as it can show, and read as a browser reads it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::account::{AccountPage, Offer};
use super::acknowledge::{AcknowledgePage, Acknowledged};
use super::deliveries::{self, DeliveriesPage};
use super::errors::ErrorPage;
use super::failures::{Asked, FailuresPage, Group};
use super::frame::Frame;
use super::messages::{self, MessagePage, MessagesPage};
use super::oidc::OnwardPage;
use super::quarantine::{self, QuarantinePage};
use super::read_html::{Element, Html, read};
use super::reconciliation::{Kind, ReconciliationPage};
use super::report::Form;
use super::samples::{self, Amount, hostile};
use super::setup::SetupPage;
use super::sign_in::SignInPage;
use super::templates::{self, Registry};
use super::{samples_exchange, samples_people, samples_report, samples_study, segments};
use crate::api::Templates;
use crate::api::messages::Search;
use crate::api::page::Page;
use crate::api::replay::Replayed;
use crate::storage::deliveries::DeliveryState;

/// Parts of pages that are also asked for alone.
const PARTS: [&str; 2] = ["worklist_rows", "study_live"];
/// Rendered within others, or around them.
const NEVER_ALONE: [&str; 17] = [
    "layout",
    "facts",
    "associations",
    "ai",
    "decide",
    "lock",
    "roles",
    "rerun",
    "timeline_drawing",
    "report_fhir",
    "report_hl7",
    "report_item",
    "report_line",
    "report_narrative",
    "report_sr",
    "report_structured",
    "worklist_row",
];
/// Key caps and what is to be typed, terms of a standard, and what is not shown.
const NO_WORDS: [&str; 5] = ["kbd", "dfn", "script", "style", "svg"];
const SHOWN: [&str; 4] = ["title", "aria-label", "placeholder", "alt"];
/// The product's name, a unit, a system of codes, a file.
const SAME_IN_EVERY_LANGUAGE: [&str; 4] = ["Tocsin", "min", "UCUM", "fhir.json"];

struct Rendered {
    template: &'static str,
    amount: Amount,
    html: Html,
}

/// Renders pages one after the other.
struct Press {
    templates: Arc<dyn Templates>,
    done: Vec<Rendered>,
}

impl Press {
    fn print<T: Serialize>(&mut self, template: &'static str, title: &str, amount: Amount, page: &T) {
        let frame = samples::frame(&self.templates, amount);
        self.in_frame(template, title, amount, &frame, page);
    }

    fn in_frame<T: Serialize>(
        &mut self,
        template: &'static str,
        title: &str,
        amount: Amount,
        frame: &Frame,
        page: &T,
    ) {
        let values = templates::html(template, title, frame, page);
        let html = values.unwrap_or_else(|_| panic!("{template} with {amount:?}: see the log"));
        self.done.push(Rendered {
            template,
            amount,
            html: read(&html),
        });
    }
}

fn all(language: &str) -> Vec<Rendered> {
    let templates: Arc<dyn Templates> = Arc::new(Registry::open(None, language).expect("templates"));
    let mut press = Press {
        templates,
        done: Vec::new(),
    };
    for amount in [Amount::Least, Amount::Most] {
        doors(&mut press, amount);
        accounts(&mut press, amount);
        people(&mut press, amount);
        reports(&mut press, amount);
        lists(&mut press, amount);
        exchange(&mut press, amount);
        desk(&mut press, amount);
    }
    press.done
}

/// Pages for which nobody needs to be signed in.
fn doors(press: &mut Press, amount: Amount) {
    let frame = samples::anonymous(&press.templates, amount);
    let sign_in = SignInPage {
        problem: amount.maybe("sign-in-needs-code"),
        first: amount.yes(),
        provider: amount.maybe(hostile()),
    };
    press.in_frame("sign_in", "title-sign-in", amount, &frame, &sign_in);
    let setup = SetupPage {
        problem: amount.maybe("setup-password-length"),
        shortest: 12,
        longest: 512,
        longest_name: 100,
    };
    press.in_frame("setup", "title-first-account", amount, &frame, &setup);
    let error = ErrorPage {
        status: 404,
        title: hostile(),
        detail: hostile(),
    };
    press.in_frame("error", "title-error", amount, &frame, &error);
    let acknowledged = Acknowledged {
        by: hostile(),
        at: hostile(),
    };
    for (open, acknowledged) in [(true, None), (false, None), (false, Some(acknowledged))] {
        let page = AcknowledgePage {
            headline: hostile(),
            details: amount.list(hostile()),
            notice: hostile(),
            raised_at: hostile(),
            recipient: hostile(),
            open,
            acknowledged,
        };
        press.in_frame("acknowledge", "title-alert", amount, &frame, &page);
    }
}

fn people(press: &mut Press, amount: Amount) {
    let frame = samples::anonymous(&press.templates, amount);
    press.print("people", "nav-people", amount, &samples_people::people(amount));
    press.print("tokens", "nav-tokens", amount, &samples_people::tokens(amount));
    press.in_frame(
        "invite",
        "title-invite",
        amount,
        &frame,
        &samples_people::invite(amount),
    );
    press.in_frame(
        "prove",
        "title-prove",
        amount,
        &frame,
        &samples_people::prove(amount),
    );
    let onward = OnwardPage { to: "/" };
    press.in_frame("onward", "title-onward", amount, &frame, &onward);
    press.print("quality", "nav-quality", amount, &samples_people::quality(amount));
    press.print("start", "nav-start", amount, &samples_people::start(amount));
    press.print(
        "profiles",
        "title-profiles",
        amount,
        &samples_exchange::profiles(amount),
    );
    press.print(
        "profile",
        "title-profile",
        amount,
        &samples_exchange::profile(amount),
    );
    press.print(
        "connections",
        "nav-connections",
        amount,
        &samples_people::connections(amount),
    );
}

fn reports(press: &mut Press, amount: Amount) {
    press.print("report", "title-report", amount, &samples_report::none());
    for form in Form::ALL {
        press.print(
            "report",
            "title-report",
            amount,
            &samples_report::page(form, amount),
        );
    }
}

fn accounts(press: &mut Press, amount: Amount) {
    let offer = Offer {
        address: hostile(),
        size: 21,
        path: "M0 0h1v1h-1z".to_owned(),
    };
    for (enrolled, offer) in [(amount.yes(), None), (false, amount.maybe(offer))] {
        let page = AccountPage {
            token: !amount.yes(),
            enrolled,
            required: amount.yes(),
            problem: amount.maybe("account-wrong-code"),
            offer,
        };
        press.print("account", "title-account", amount, &page);
    }
}

fn lists(press: &mut Press, amount: Amount) {
    let next = amount.maybe(hostile());
    let items = |amount: Amount| amount.maybe([Amount::Least, Amount::Most]).into_iter().flatten();
    let alerts = Page {
        items: items(amount).map(samples::alert).collect(),
        next: next.clone(),
    };
    press.print("alerts", "nav-alerts", amount, &alerts);
    let reconciliation = ReconciliationPage {
        link: amount.maybe("conflict".to_owned()),
        kinds: vec![Kind {
            link: "conflict",
            count: 1,
            current: amount.yes(),
        }],
        refused: amount.maybe(hostile()),
        page: Page {
            items: items(amount).map(samples::unreconciled).collect(),
            next: next.clone(),
        },
    };
    press.print("reconciliation", "nav-reconciliation", amount, &reconciliation);
    let entries = items(amount).map(|amount| quarantine::Row {
        entry: samples::quarantined(amount),
        open: amount.yes(),
    });
    let quarantine = QuarantinePage {
        items: entries.collect(),
        next: next.clone(),
    };
    press.print("quarantine", "nav-quarantine", amount, &quarantine);
    let owed = items(amount).map(|amount| deliveries::Row {
        owed: samples::delivery(amount),
        may_go_again: amount.yes(),
    });
    let deliveries = DeliveriesPage {
        state: amount.text(),
        states: DeliveryState::ALL.map(DeliveryState::text).to_vec(),
        items: owed.collect(),
        next,
    };
    press.print("deliveries", "nav-deliveries", amount, &deliveries);
}

fn exchange(press: &mut Press, amount: Amount) {
    let messages = MessagesPage {
        search: Search {
            q: amount.text(),
            peer: amount.text(),
            problem: amount.text(),
            ..Search::default()
        },
        states: messages::STATES,
        items: amount.list(samples::message(amount)),
        associations: amount.list(samples::association(amount)),
        next: amount.maybe(hostile()),
    };
    press.print("messages", "nav-messages", amount, &messages);
    let segments = segments::of(&format!("PD1|{}", hostile()));
    let message = MessagePage {
        message: samples::message(amount),
        segments: segments.clone(),
        answer: amount.maybe(segments).unwrap_or_default(),
        preview: amount.maybe(Replayed {
            id: hostile(),
            direction: "in".to_owned(),
            preview: true,
            effects: vec![hostile()],
            foreseen: Vec::new(),
            alerts: Default::default(),
            job: None,
        }),
        lineage: samples_exchange::lineage(amount),
    };
    press.print("message", "title-message", amount, &message);
    press.print("edit", "title-edit", amount, &samples_exchange::edit(amount));
    let failures = FailuresPage {
        groups: amount.list(samples::failure(amount)),
        asked: amount.maybe(Asked {
            group: Group::default(),
            came: samples::replayed(amount),
        }),
    };
    press.print("failures", "title-failures", amount, &failures);
}

fn desk(press: &mut Press, amount: Amount) {
    for template in ["worklist", "wall", "worklist_rows"] {
        press.print(template, "nav-worklist", amount, &samples::worklist(amount));
        press.print(template, "nav-worklist", amount, &samples::bare_rows());
    }
    press.print("study", "title-study", amount, &samples_study::page(amount));
    press.print("study", "title-study", amount, &samples_study::unmarked());
    press.print("study", "title-study", amount, &samples_study::without_key());
    press.print("study_live", "title-study", amount, &samples_study::live(amount));
}

fn is_labelled(html: &Html, element: &Element) -> bool {
    let id = element.get("id");
    let by_label =
        |label: &&Element| label.tag == "label" && label.get("for").is_some() && label.get("for") == id;
    let by_other =
        |other: &Element| other.get("id").is_some() && other.get("id") == element.get("aria-labelledby");
    element.within.iter().any(|tag| tag == "label")
        || html.elements.iter().any(by_other)
        || element.get("aria-label").is_some()
        || html.elements.iter().any(|label| by_label(&label))
}

/// Words that came from no catalogue: data holds a digit in every word of the samples.
fn unspoken(text: &str) -> Vec<&str> {
    let bare = |word: &str| word.chars().any(|letter| "aeiouyAEIOUY".contains(letter));
    text.split(|letter: char| letter.is_whitespace() || letter == '/')
        .filter(|token| !token.chars().any(|letter| letter.is_ascii_digit()))
        .filter(|token| bare(token) && !SAME_IN_EVERY_LANGUAGE.contains(token))
        .collect()
}

#[test]
fn every_page_is_rendered() {
    let rendered: BTreeSet<_> = all("en")
        .into_iter()
        .map(|page| page.template.to_owned())
        .collect();
    let mut known: BTreeSet<_> = templates::names().collect();
    known.retain(|name| !NEVER_ALONE.contains(&name.as_str()));
    assert_eq!(rendered, known);
}

#[test]
fn a_page_has_one_heading_and_every_id_once_and_labels_on_its_fields() {
    for page in all("en") {
        let place = format!("{} with {:?}", page.template, page.amount);
        let count = |tag: &str| page.html.elements.iter().filter(|one| one.tag == tag).count();
        assert_eq!(
            count("h1"),
            usize::from(!PARTS.contains(&page.template)),
            "{place}"
        );
        let mut seen = BTreeSet::new();
        for id in page.html.elements.iter().filter_map(|one| one.get("id")) {
            assert!(seen.insert(id), "{place}: {id} twice");
        }
        for field in &page.html.elements {
            let is_field = ["input", "textarea", "select"].contains(&field.tag.as_str());
            if is_field && field.get("type") != Some("hidden") {
                let name = field.get("name").or(field.get("id"));
                assert!(is_labelled(&page.html, field), "{place}: {name:?} has no label");
            }
        }
    }
}

#[test]
fn nothing_that_is_shown_becomes_markup() {
    for page in all("en") {
        let place = format!("{} with {:?}", page.template, page.amount);
        for element in &page.html.elements {
            assert_ne!(element.tag, "blink", "{place}");
            for (name, _) in &element.attributes {
                let ours = name
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
                assert!(ours, "{place}: {} has an attribute {name}", element.tag);
            }
        }
        let shown = page
            .html
            .texts
            .iter()
            .any(|(_, text)| text.contains(samples::HOSTILE));
        assert!(shown || page.amount == Amount::Least, "{place} shows no data");
    }
}

#[test]
fn every_word_of_a_page_is_in_the_catalogue() {
    let mut found = BTreeSet::new();
    for page in all("en-XA") {
        let texts = page.html.texts.iter();
        let written = texts
            .filter(|(within, _)| !NO_WORDS.contains(&within.as_str()))
            .map(|(_, text)| text.as_str());
        let elements = page.html.elements.iter();
        let said = elements.flat_map(|element| SHOWN.iter().filter_map(|name| element.get(name)));
        for word in written.chain(said).flat_map(unspoken) {
            found.insert(format!("{}: {word}", page.template));
        }
    }
    assert_eq!(found, BTreeSet::new());
}
