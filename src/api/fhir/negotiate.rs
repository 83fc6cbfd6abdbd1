//! Whether a client takes JSON, by its `Accept` or by the `_format` that goes before it.

/// Other words for the same.
const JSON: [&str; 4] = ["application/fhir+json", "application/json", "text/json", "json"];
const ANYTHING: [&str; 2] = ["*/*", "application/*"];

pub fn takes_json(accept: Option<&str>, format: Option<&str>) -> bool {
    match (format, accept) {
        // A plus sign that was not escaped came as a blank.
        (Some(format), _) => is_json(&format.replace(' ', "+")),
        (None, Some(accept)) => accept.split(',').any(|kind| {
            is_json(kind) || ANYTHING.contains(&kind.split(';').next().unwrap_or_default().trim())
        }),
        (None, None) => true,
    }
}

/// JSON of this release: a client that insists on another would misread it.
fn is_json(kind: &str) -> bool {
    let mut parts = kind.split(';').map(str::trim);
    let known = parts
        .next()
        .is_some_and(|name| JSON.contains(&name.to_ascii_lowercase().as_str()));
    let other = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        name.trim().eq_ignore_ascii_case("fhirVersion")
            && !["4.0", "4.0.1"].contains(&value.trim().trim_matches('"'))
    };
    known && !parts.any(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_r4_is_taken_under_its_names_and_nothing_else() {
        for (accept, format, takes) in [
            (None, None, true),
            (Some("*/*"), None, true),
            (Some("text/html, application/fhir+json;q=0.9"), None, true),
            (Some("application/fhir+json; fhirVersion=4.0"), None, true),
            (Some("application/fhir+json; fhirVersion=5.0"), None, false),
            (Some("application/fhir+xml"), None, false),
            (Some("text/html"), None, false),
            (Some("application/fhir+xml"), Some("json"), true),
            (Some("application/fhir+json"), Some("xml"), false),
            (None, Some("application/fhir json"), true),
        ] {
            assert_eq!(takes_json(accept, format), takes, "{accept:?} {format:?}");
        }
    }
}
