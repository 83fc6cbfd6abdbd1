//! What templates can do with a value: an instant on the site's wall clock, a duration, a name of the API in words, a
//! message of the site's language.

use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use fluent_bundle::{FluentArgs, FluentValue};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, RenderErrorReason, ScopedJson,
};
use tocsin_domain::clock::Timestamp;

use super::kept::Kept;
use super::persons;
use super::wording::Wording;

/// Words of a text that is cut short.
const BEGINNING: usize = 3;

/// A helper says a text, which is escaped where it is written, or why it cannot.
type Said = Result<String, RenderError>;

/// What it says can be the value of another: `{{t "name" at=(time raised_at)}}`.
struct Says<F>(F);

impl<F: Fn(&Helper<'_>, &Context) -> Said> HelperDef for Says<F> {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived((self.0)(helper, context)?.into()))
    }
}

pub fn register(registry: &mut Handlebars<'static>, wording: &Arc<Wording>) {
    add(registry, "time", |helper, context| {
        Ok(local(helper, context, "%Y-%m-%d %H:%M:%S"))
    });
    add(registry, "clock", |helper, context| {
        Ok(local(helper, context, "%H:%M"))
    });
    add(registry, "second", |helper, _| Ok(second(text(helper, 0))));
    add(registry, "json", |helper, _| Ok(json(helper)));
    add(registry, "plain", |helper, _| Ok(plain(helper)));
    add(registry, "exam", |helper, _| {
        Ok(exam_of(text(helper, 0), text(helper, 1)))
    });
    add(registry, "concat", |helper, _| {
        Ok(format!(
            "{}{}",
            text(helper, 0),
            text(helper, 1).replace('_', "-")
        ))
    });
    let spoken = wording.clone();
    add(registry, "t", move |helper, _| message(&spoken, helper));
    let spoken = wording.clone();
    add(registry, "words", move |helper, _| {
        Ok(words(&spoken, text(helper, 0)))
    });
    let spoken = wording.clone();
    add(registry, "script_messages", move |_, _| {
        Ok(serde_json::to_string(spoken.scripts()).unwrap_or_default())
    });
    let spoken = wording.clone();
    add(registry, "language", move |_, _| Ok(spoken.tag()));
    let spoken = wording.clone();
    add(registry, "direction", move |_, _| {
        Ok(spoken.direction().to_owned())
    });
    add(registry, "birth", |helper, _| Ok(persons::birth(text(helper, 0))));
    let spoken = wording.clone();
    add(registry, "age", move |helper, _| {
        Ok(persons::age(&spoken, text(helper, 0), text(helper, 1)))
    });
    let spoken = wording.clone();
    add(registry, "sex", move |helper, _| {
        Ok(persons::sex(&spoken, text(helper, 0)))
    });
    add(registry, "begin", |helper, _| Ok(beginning(text(helper, 0))));
    registry.register_helper("kept", Box::new(Kept::default()));
}

fn add(
    registry: &mut Handlebars<'static>,
    name: &str,
    say: impl Fn(&Helper<'_>, &Context) -> Said + Send + Sync + 'static,
) {
    registry.register_helper(name, Box::new(Says(say)));
}

fn text<'h>(helper: &'h Helper<'_>, at: usize) -> &'h str {
    helper
        .param(at)
        .and_then(|value| value.value().as_str())
        .unwrap_or_default()
}

fn local(helper: &Helper<'_>, context: &Context, format: &str) -> String {
    let zone: Option<Tz> = context.data()["frame"]["zone"]
        .as_str()
        .and_then(|name| name.parse().ok());
    match (text(helper, 0).parse::<Timestamp>(), zone) {
        (Ok(at), Some(zone)) => at.with_timezone(&zone).format(format).to_string(),
        (Ok(at), None) => at.to_rfc3339(),
        (Err(_), _) => String::new(),
    }
}

/// `{{second at}}`: an instant for scripts without its fraction, which no clock on a screen shows.
fn second(at: &str) -> String {
    match at.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => at.to_owned(),
    }
}

/// `{{t "name" value=x}}`: a message, with its values.
fn message(wording: &Wording, helper: &Helper<'_>) -> Said {
    let name = text(helper, 0);
    let values = helper.hash().iter().map(|(key, value)| {
        let value = match value.value() {
            serde_json::Value::Number(number) => FluentValue::from(number.as_f64().unwrap_or_default()),
            serde_json::Value::String(text) => FluentValue::from(text.as_str()),
            other => FluentValue::from(other.to_string()),
        };
        (*key, value)
    });
    wording.say(name, &values.collect()).ok_or_else(|| {
        let reason = format!("no message {name}, or a value that it needs is missing");
        RenderErrorReason::Other(reason).into()
    })
}

/// `{{words state}}`: a name of the API as people write it.
fn words(wording: &Wording, name: &str) -> String {
    let message = format!("word-{}", name.replace([' ', '_'], "-"));
    wording
        .say(&message, &FluentArgs::new())
        .unwrap_or_else(|| name.replace('_', " "))
}

/// `{{begin text}}`: its first words, for a place beside which the whole text can be had.
fn beginning(text: &str) -> String {
    let mut ends = text.match_indices(char::is_whitespace).map(|(at, _)| at);
    match ends.nth(BEGINNING - 1) {
        Some(end) => format!("{}…", text[..end].trim_end_matches([';', ',', ':', '.'])),
        None => text.to_owned(),
    }
}

/// `{{json value}}`: a value for a script, as the text of an attribute.
fn json(helper: &Helper<'_>) -> String {
    let value = helper.param(0).map(|value| value.value().to_string());
    value.unwrap_or_default()
}

/// `{{plain score}}`: without a fraction where there is none.
fn plain(helper: &Helper<'_>) -> String {
    let value = helper.param(0).and_then(|value| value.value().as_f64());
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The kind of an exam in words: many descriptions begin with the modality already.
fn exam_of(modality: &str, description: &str) -> String {
    let first = description.split_whitespace().next().unwrap_or_default();
    match first.eq_ignore_ascii_case(modality) {
        true => description.to_owned(),
        false => format!("{modality} {description}").trim().to_owned(),
    }
}

/// A duration as people say it: `40 s`, `12 min`, `3 h 05`.
pub fn duration(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02}", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exam_does_not_say_its_modality_twice() {
        assert_eq!(exam_of("CT", "CT HEAD WO CONTRAST"), "CT HEAD WO CONTRAST");
        assert_eq!(exam_of("CT", "HEAD"), "CT HEAD");
        assert_eq!(exam_of("CT", ""), "CT");
    }

    #[test]
    fn an_instant_loses_its_fraction_alone() {
        assert_eq!(second("2026-11-27T15:04:05.123456Z"), "2026-11-27T15:04:05Z");
        assert_eq!(second("2026-11-27T15:04:05Z"), "2026-11-27T15:04:05Z");
    }

    #[test]
    fn a_text_begins_with_its_first_words() {
        for (text, begun) in [
            ("", ""),
            ("For demonstration", "For demonstration"),
            (
                "Trained on phantoms; for demonstration only.",
                "Trained on phantoms…",
            ),
        ] {
            assert_eq!(beginning(text), begun);
        }
    }

    #[test]
    fn durations_are_short() {
        for (seconds, said) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_900, "1 h 05"),
        ] {
            assert_eq!(duration(TimeDelta::seconds(seconds)), said);
        }
    }
}
