//! What a manifest's explanation and its further segments must satisfy. Pure.

use tocsin_domain::explanation::MAX_SEGMENTS;

use super::check::{Checked, check_code, each, problem, quoted, range, refer, text};
use super::{Explanation, Layout, Manifest, OutputKind};

/// Places of a patch on one slice at most: each is one more run of the network.
const MAX_PLACES: usize = 400;
/// Channels of a map.
const MAX_CHANNEL: usize = 4095;

/// Boxes can only be shown of a detection, a map only of a classifier of slices or images. A mask may be asked of any, and is empty
/// where there is none.
pub(super) fn check_explanation(manifest: &Manifest) -> Checked {
    check_segments(manifest)?;
    match &manifest.explanation {
        Explanation::Mask | Explanation::None => Ok(()),
        Explanation::Boxes => {
            let detects = |kind: OutputKind| kind == OutputKind::Detection;
            match manifest.outputs.iter().any(|output| detects(output.kind)) {
                true => Ok(()),
                false => problem("explanation.kind", "boxes", "a detection among [[outputs]]"),
            }
        }
        Explanation::Map { tensor, channel } => {
            text("explanation.tensor", tensor)?;
            range("explanation.channel", *channel, 0, MAX_CHANNEL)?;
            check_scores(manifest, "map")
        }
        Explanation::Occlusion { grid, patch, value } => {
            check_patch(*grid, *patch, *value)?;
            check_scores(manifest, "occlusion")
        }
    }
}

fn check_patch(grid: [usize; 2], patch: f64, value: f32) -> Checked {
    let [rows, columns] = grid;
    if rows < 2 || columns < 2 || rows.saturating_mul(columns) > MAX_PLACES {
        return problem(
            "explanation.grid",
            format!("[{rows}, {columns}]"),
            format!("2 or more of each, {MAX_PLACES} places at most"),
        );
    }
    // Smaller patches would leave places between them that nobody looks at.
    let least = 1.0 / rows.min(columns) as f64;
    range("explanation.patch", patch, least, 0.5)?;
    range("explanation.value", value, -1e6, 1e6)
}

fn check_scores(manifest: &Manifest, kind: &str) -> Checked {
    if manifest.input.layout == Layout::Ncdhw {
        return problem(
            "explanation.kind",
            kind,
            "none or mask: windows over a volume have no slice",
        );
    }
    let scores = |kind: OutputKind| match kind {
        OutputKind::Classification | OutputKind::Regression => true,
        OutputKind::Segmentation | OutputKind::Detection => false,
    };
    let read = |name: &str| manifest.output(name).is_some_and(|output| scores(output.kind));
    match manifest.findings.iter().any(|finding| read(&finding.output)) {
        true => Ok(()),
        false => problem(
            "explanation.kind",
            kind,
            "a finding that is read from a classification or regression",
        ),
    }
}

fn check_segments(manifest: &Manifest) -> Checked {
    if manifest.segments.is_empty() {
        return check_count(manifest);
    }
    each("segments", &manifest.segments, |key, segment| {
        check_code(&format!("{key}.category"), &segment.category)?;
        check_code(&format!("{key}.property"), &segment.property)?;
        let output = refer(manifest, &segment.output, &segment.class, key)?;
        if output.kind != OutputKind::Segmentation {
            return problem(
                format!("{key}.output"),
                quoted(&segment.output),
                "the name of a segmentation output",
            );
        }
        let same = |output: &str, class: &str| output == segment.output && class == segment.class;
        let found = manifest.findings.iter().any(|one| same(&one.output, &one.class));
        let twice = manifest
            .segments
            .iter()
            .filter(|one| same(&one.output, &one.class))
            .count()
            > 1;
        if found || twice {
            return problem(
                format!("{key}.class"),
                quoted(&segment.class),
                "a class that no finding and no other segment describes",
            );
        }
        Ok(())
    })?;
    check_count(manifest)
}

fn check_count(manifest: &Manifest) -> Checked {
    let stored = crate::explain::stored::classes(manifest, &[]).len();
    match stored > MAX_SEGMENTS {
        true => problem(
            "segments",
            stored,
            format!("{MAX_SEGMENTS} classes at most, those of findings among them"),
        ),
        false => Ok(()),
    }
}
