//! What templates can do with a value: an instant on the site's wall clock, a duration, a name of the API in words.

use chrono::TimeDelta;
use chrono_tz::Tz;
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use tocsin_domain::clock::Timestamp;

pub fn register(registry: &mut Handlebars<'static>) {
    registry.register_helper("time", Box::new(time));
    registry.register_helper("clock", Box::new(clock));
    registry.register_helper("words", Box::new(words));
    registry.register_helper("json", Box::new(json));
    registry.register_helper("plain", Box::new(plain));
    registry.register_helper("exam", Box::new(exam));
}

fn instant(helper: &Helper<'_>) -> Option<Timestamp> {
    helper
        .param(0)
        .and_then(|value| value.value().as_str()?.parse().ok())
}

fn local(helper: &Helper<'_>, context: &Context, format: &str) -> String {
    let zone: Option<Tz> = context.data()["frame"]["zone"]
        .as_str()
        .and_then(|name| name.parse().ok());
    match (instant(helper), zone) {
        (Some(at), Some(zone)) => at.with_timezone(&zone).format(format).to_string(),
        (Some(at), None) => at.to_rfc3339(),
        (None, _) => String::new(),
    }
}

/// `{{time at}}`: an instant on the site's wall clock, with its date.
fn time(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    context: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    out.write(&local(helper, context, "%Y-%m-%d %H:%M:%S"))?;
    Ok(())
}

/// `{{clock at}}`: the time of day alone.
fn clock(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    context: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    out.write(&local(helper, context, "%H:%M"))?;
    Ok(())
}

/// `{{words state}}`: a name of the API as people write it.
fn words(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let given = helper.param(0).and_then(|value| value.value().as_str());
    let plain = given.unwrap_or_default().replace('_', " ");
    out.write(&handlebars::html_escape(&plain))?;
    Ok(())
}

/// `{{json value}}`: a value for a script, as the text of an attribute.
fn json(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let text = helper.param(0).map(|value| value.value().to_string());
    out.write(&handlebars::html_escape(&text.unwrap_or_default()))?;
    Ok(())
}

/// `{{plain score}}`: without a fraction where there is none.
fn plain(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper.param(0).and_then(|value| value.value().as_f64());
    out.write(&value.map(|value| value.to_string()).unwrap_or_default())?;
    Ok(())
}

/// `{{exam modality description}}`: many descriptions begin with the modality already.
fn exam(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let text = |at: usize| {
        helper
            .param(at)
            .and_then(|value| value.value().as_str())
            .unwrap_or_default()
    };
    out.write(&handlebars::html_escape(&exam_of(text(0), text(1))))?;
    Ok(())
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
