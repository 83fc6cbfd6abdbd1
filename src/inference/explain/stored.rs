//! Which classes a stored mask holds, one a bit: those that findings are read from, then those that the manifest describes. Pure.

use tocsin_domain::code::{self, Code};
use tocsin_domain::explanation::Segment;
use tocsin_domain::finding::Finding;

use crate::manifest::{CodeSpec, Explanation, Manifest, OutputKind};

/// A class of an output, and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredClass {
    pub output: String,
    pub segment: Segment,
}

/// The classes in the order of their bits. `findings` are those that were read, for their places.
pub fn classes(manifest: &Manifest, findings: &[Finding]) -> Vec<StoredClass> {
    if manifest.explanation == Explanation::None {
        return Vec::new();
    }
    let marks = |name: &str| {
        let kind = manifest.output(name).map(|output| output.kind);
        matches!(kind, Some(OutputKind::Segmentation | OutputKind::Detection))
    };
    let mut stored: Vec<StoredClass> = Vec::new();
    for (spec, place) in manifest.findings.iter().zip(places(manifest, findings)) {
        let known = |one: &StoredClass| one.output == spec.output && one.segment.class == spec.class;
        if marks(&spec.output) && !stored.iter().any(known) {
            stored.push(StoredClass {
                output: spec.output.clone(),
                segment: Segment {
                    class: spec.class.clone(),
                    category: code::MORPHOLOGICALLY_ABNORMAL,
                    property: coded(&spec.code),
                    finding: place,
                    rejected: false,
                },
            });
        }
    }
    stored.extend(manifest.segments.iter().map(|spec| StoredClass {
        output: spec.output.clone(),
        segment: Segment {
            class: spec.class.clone(),
            category: coded(&spec.category),
            property: coded(&spec.property),
            finding: None,
            rejected: false,
        },
    }));
    stored
}

/// Of each finding that the manifest lets the model make, its place among those that were read: they keep their order, and one of
/// which the model said nothing is left out.
pub fn places(manifest: &Manifest, findings: &[Finding]) -> Vec<Option<usize>> {
    let mut next = 0;
    let mut place = |code: &Code| {
        let found = findings.get(next).is_some_and(|finding| finding.code.is(code));
        next += usize::from(found);
        found.then(|| next - 1)
    };
    let codes = manifest.findings.iter().map(|spec| coded(&spec.code));
    codes.map(|code| place(&code)).collect()
}

fn coded(spec: &CodeSpec) -> Code {
    Code {
        system: spec.system.clone().into(),
        code: spec.value.clone().into(),
        display: spec.meaning.clone().into(),
    }
}
