//! What templates can do with a value: an instant on the site's wall clock, a duration, a name of the API in words.

use chrono::TimeDelta;
use chrono_tz::Tz;
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use tocsin_domain::clock::Timestamp;

/// A helper says a text, which is escaped.
type Say = fn(&Helper<'_>, &Context) -> String;

const HELPERS: [(&str, Say); 6] = [
    ("time", time),
    ("clock", clock),
    ("words", words),
    ("json", json),
    ("plain", plain),
    ("exam", exam),
];

pub fn register(registry: &mut Handlebars<'static>) {
    for (name, say) in HELPERS {
        let helper = move |helper: &Helper<'_>,
                           _: &Handlebars<'_>,
                           context: &Context,
                           _: &mut RenderContext<'_, '_>,
                           out: &mut dyn Output|
              -> HelperResult {
            out.write(&handlebars::html_escape(&say(helper, context)))?;
            Ok(())
        };
        registry.register_helper(name, Box::new(helper));
    }
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

/// `{{time at}}`: an instant on the site's wall clock, with its date.
fn time(helper: &Helper<'_>, context: &Context) -> String {
    local(helper, context, "%Y-%m-%d %H:%M:%S")
}

/// `{{clock at}}`: the time of day alone.
fn clock(helper: &Helper<'_>, context: &Context) -> String {
    local(helper, context, "%H:%M")
}

/// `{{words state}}`: a name of the API as people write it.
fn words(helper: &Helper<'_>, _: &Context) -> String {
    text(helper, 0).replace('_', " ")
}

/// `{{json value}}`: a value for a script, as the text of an attribute.
fn json(helper: &Helper<'_>, _: &Context) -> String {
    let value = helper.param(0).map(|value| value.value().to_string());
    value.unwrap_or_default()
}

/// `{{plain score}}`: without a fraction where there is none.
fn plain(helper: &Helper<'_>, _: &Context) -> String {
    let value = helper.param(0).and_then(|value| value.value().as_f64());
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// `{{exam modality description}}`: many descriptions begin with the modality already.
fn exam(helper: &Helper<'_>, _: &Context) -> String {
    exam_of(text(helper, 0), text(helper, 1))
}

/// The kind of an exam in words.
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
