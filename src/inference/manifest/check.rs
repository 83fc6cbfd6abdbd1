//! What a manifest must satisfy beyond its shape: names that refer to something, figures in range, operations in an order
//! that can run. Pure; every refusal names the key, what stands there and what is expected.

use tocsin_domain::admit::Criteria;

use super::check_explanation::check_explanation;
use super::check_input::check_input;
use super::check_output::{check_finding, check_output, check_quantification};
use super::{CodeSpec, GoldenCase, GoldenFigure, Identity, Manifest, Output, OutputKind, Quality, SCHEMA};

/// Longest list that a manifest may hold; more is a mistake, not a model.
const MAX_LIST: usize = 64;
const MAX_MEMORY_MB: u64 = 64 * 1024;
const MAX_SECONDS: u64 = 3600;

/// One broken expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub key: String,
    pub found: String,
    pub expected: String,
}

pub(super) type Checked = Result<(), Problem>;

pub(super) fn problem<T>(
    key: impl Into<String>,
    found: impl ToString,
    expected: impl Into<String>,
) -> Result<T, Problem> {
    Err(Problem {
        key: key.into(),
        found: found.to_string(),
        expected: expected.into(),
    })
}

/// The first problem of a manifest, in the order of the file.
pub fn check(manifest: &Manifest) -> Checked {
    if manifest.schema != SCHEMA {
        return problem("schema", manifest.schema, SCHEMA.to_string());
    }
    check_identity(&manifest.identity)?;
    each("eligibility.rules", &manifest.eligibility.rules, |key, rule| {
        text(&format!("{key}.when"), &rule.when)?;
        text(&format!("{key}.reason"), &rule.reason)
    })?;
    check_quality(&manifest.quality)?;
    check_criteria(manifest)?;
    check_input(&manifest.input)?;
    each("outputs", &manifest.outputs, |key, output| {
        check_output(key, output, &manifest.input)
    })?;
    each("findings", &manifest.findings, |key, finding| {
        check_finding(manifest, key, finding)
    })?;
    if let Some(quantification) = &manifest.quantification {
        check_quantification(manifest, quantification)?;
    }
    check_explanation(manifest)?;
    range("limits.seconds", manifest.limits.seconds, 1, MAX_SECONDS)?;
    range("limits.memory_mb", manifest.limits.memory_mb, 64, MAX_MEMORY_MB)?;
    if manifest.golden.is_empty() {
        return Ok(());
    }
    each("golden", &manifest.golden, |key, case| {
        check_golden(manifest, key, case)
    })
}

/// A list of 1 to `MAX_LIST` entries, each of which passes.
pub(super) fn each<T>(key: &str, list: &[T], one: impl Fn(&str, &T) -> Checked) -> Checked {
    range(key, list.len(), 1, MAX_LIST)?;
    list.iter()
        .enumerate()
        .try_for_each(|(n, item)| one(&format!("{key}[{n}]"), item))
}

pub(super) fn text(key: &str, value: &str) -> Checked {
    if value.trim().is_empty() {
        problem(key, "empty", "a text")
    } else {
        Ok(())
    }
}

pub(super) fn range<T: PartialOrd + ToString>(key: &str, value: T, low: T, high: T) -> Checked {
    if value >= low && value <= high {
        return Ok(());
    }
    problem(
        key,
        value.to_string(),
        format!("{} to {}", low.to_string(), high.to_string()),
    )
}

pub(super) fn rising<T: PartialOrd + ToString>(key: &str, [low, high]: [T; 2]) -> Checked {
    if low < high {
        return Ok(());
    }
    problem(
        key,
        format!("{} to {}", low.to_string(), high.to_string()),
        "a lower, then a higher value",
    )
}

pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", text.chars().take(80).collect::<String>())
}

/// A path that stays inside the package folder.
fn inside(key: &str, path: &str) -> Checked {
    let plain = !path.is_empty()
        && !path.contains('\\')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
    if plain {
        Ok(())
    } else {
        problem(key, quoted(path), "a relative path inside the package folder")
    }
}

fn hash(key: &str, text: &str) -> Checked {
    let digits = text
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if text.len() == 64 && digits {
        Ok(())
    } else {
        problem(key, quoted(text), "64 lower-case hexadecimal digits")
    }
}

fn check_identity(identity: &Identity) -> Checked {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if identity.name.is_empty() || identity.name.len() > 64 || !identity.name.chars().all(plain) {
        return problem(
            "identity.name",
            quoted(&identity.name),
            "1 to 64 lower-case letters, digits or dashes",
        );
    }
    for (key, value) in [
        ("version", &identity.version),
        ("title", &identity.title),
        ("manufacturer", &identity.manufacturer),
        ("licence", &identity.licence),
        ("intended_use", &identity.intended_use),
        ("training_data", &identity.training_data),
        ("clearance", &identity.clearance),
        ("disclaimer", &identity.disclaimer),
    ] {
        text(&format!("identity.{key}"), value)?;
    }
    inside("identity.file", &identity.file)?;
    hash("identity.sha256", &identity.sha256)
}

/// The expressions are compiled against the facts that they will see.
fn check_criteria(manifest: &Manifest) -> Checked {
    let Err(problems) = Criteria::compile(&manifest.eligibility, &manifest.quality) else {
        return Ok(());
    };
    match problems.first() {
        Some(first) => problem(
            first.key(),
            first.full(),
            "a CEL expression over the facts of `study` and `series` (docs/schemas/facts.schema.json)",
        ),
        None => Ok(()),
    }
}

fn check_quality(quality: &Quality) -> Checked {
    for (key, limits) in [
        ("slice_spacing_mm", quality.slice_spacing_mm),
        ("coverage_mm", quality.coverage_mm),
        ("field_of_view_mm", quality.field_of_view_mm),
        ("kvp", quality.kvp),
        ("gantry_tilt_degrees", quality.gantry_tilt_degrees),
    ] {
        limits.map_or(Ok(()), |limits| rising(&format!("quality.{key}"), limits))?;
    }
    Ok(())
}

pub(super) fn refer<'m>(
    manifest: &'m Manifest,
    name: &str,
    class: &str,
    key: &str,
) -> Result<&'m Output, Problem> {
    let Some(output) = manifest.output(name) else {
        return problem(
            format!("{key}.output"),
            quoted(name),
            "the name of one of [[outputs]]",
        );
    };
    if !output.classes.iter().any(|c| c == class) {
        return problem(
            format!("{key}.class"),
            quoted(class),
            format!("one of {:?}", output.classes),
        );
    }
    Ok(output)
}

pub(super) fn check_code(key: &str, code: &CodeSpec) -> Checked {
    text(&format!("{key}.system"), &code.system)?;
    text(&format!("{key}.value"), &code.value)?;
    text(&format!("{key}.meaning"), &code.meaning)
}

fn check_golden(manifest: &Manifest, key: &str, case: &GoldenCase) -> Checked {
    inside(&format!("{key}.input"), &case.input)?;
    hash(&format!("{key}.sha256"), &case.sha256)?;
    case.spacing_mm
        .iter()
        .try_for_each(|mm| range(&format!("{key}.spacing_mm"), *mm, 0.05, 50.0))?;
    each(&format!("{key}.expect"), &case.expect, |key, expectation| {
        range(&format!("{key}.tolerance"), expectation.tolerance, 0.0, 1e9)?;
        let output = refer(manifest, &expectation.output, &expectation.class, key)?;
        if has_figure(output.kind, expectation.figure) {
            return Ok(());
        }
        let found = format!("{:?}", expectation.figure);
        problem(format!("{key}.figure"), found, "one that the output has")
    })
}

fn has_figure(kind: OutputKind, figure: GoldenFigure) -> bool {
    match figure {
        GoldenFigure::MeanScore => true,
        GoldenFigure::VolumeMl => kind == OutputKind::Segmentation,
        GoldenFigure::Score => kind != OutputKind::Segmentation,
        GoldenFigure::Lesions => kind == OutputKind::Detection,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Manifest, ManifestError};

    const EXAMPLE: &str = include_str!("example.toml");

    fn refused(from: &str, to: &str) -> String {
        assert!(EXAMPLE.contains(from), "the example does not hold {from}");
        match Manifest::parse(&EXAMPLE.replacen(from, to, 1), "m.toml") {
            Ok(_) => format!("accepted {to}"),
            Err(error @ ManifestError::Invalid { .. }) => error.to_string(),
            Err(ManifestError::Syntax { source, .. }) => source.to_string(),
        }
    }

    #[test]
    fn the_example_is_accepted_and_survives_a_round_trip() {
        let manifest = Manifest::parse(EXAMPLE, "m.toml").expect("valid");
        let text = toml::to_string(&manifest).expect("writes");
        assert_eq!(Manifest::parse(&text, "again").expect("valid"), manifest);
    }

    #[test]
    fn a_refusal_names_the_key_what_was_found_and_what_is_expected() {
        for (from, to, says) in [
            ("schema = 1", "schema = 2", "m.toml: `schema` is 2, expected 1"),
            (
                "name = \"example\"",
                "name = \"../x\"",
                "`identity.name` is `../x`, expected 1 to 64",
            ),
            (
                "model.onnx",
                "../model.onnx",
                "`identity.file` is `../model.onnx`, expected a relative path inside",
            ),
            ("model.onnx", "/etc/passwd", "`identity.file` is `/etc/passwd`"),
            (
                "reason = \"not axial\"",
                "reason = \" \"",
                "`eligibility.rules[1].reason` is empty",
            ),
            ("batch = 8", "batch = 0", "`input.batch` is 0, expected 1 to 256"),
            (
                "{ op = \"modality_lut\" },",
                "",
                "`input.operations[0]` is clip, expected modality_lut",
            ),
            (
                "{ op = \"modality_lut\" },",
                "{ op = \"modality_lut\" }, { op = \"to_rgb\" },",
                "is clip after to_rgb",
            ),
            (
                "[600.0, 2800.0]",
                "[600.0, 0.0]",
                "`input.operations[4]: window width` is 0",
            ),
            (
                "[-1024.0, 3071.0]",
                "[5.0, 1.0]",
                "`input.operations[1].range` is 5 to 1",
            ),
            (
                "class = \"hemorrhage\"",
                "class = \"blood\"",
                "`findings[0].class` is `blood`, expected one of",
            ),
            (
                "output = \"mask\"",
                "output = \"musk\"",
                "`findings[0].output` is `musk`",
            ),
            (
                "threshold = 0.5",
                "threshold = 1.5",
                "`outputs[0].threshold` is 1.5, expected 0 to 1",
            ),
            ("total_ml = 1.0", "", "`findings[0].total_ml` is absent"),
            (
                "\"volume_abc2\"",
                "\"collins\"",
                "`quantification.measure[1]` is Collins, expected what is measured on a volume",
            ),
            (
                "\"volume_abc2\"",
                "\"rv_lv_ratio\"",
                "is RvLvRatio, expected a class `right-ventricle` of the output",
            ),
            ("seconds = 120", "seconds = 0", "`limits.seconds` is 0"),
            (
                "kind = \"segmentation\"",
                "kind = \"classification\"",
                "`outputs[0].aggregate` is absent",
            ),
            ("op = \"resample\"", "op = \"blur\"", "unknown variant `blur`"),
            (
                "[quality]",
                "[quality]\nmin_slizes = 3",
                "unknown field `min_slizes`",
            ),
        ] {
            let said = refused(from, to);
            assert!(said.contains(says), "{to}: said {said}, not {says}");
        }
    }
}
