//! What a network declares of its tensors, held against what its manifest says, before anything is run. Pure; an axis that a
//! network leaves free is decided by the rehearsal.

use super::manifest::{Explanation, InputKind, Layout, Manifest, Output, OutputKind};
use super::recipe::{Frame, Recipe};

/// A tensor as a network declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    pub name: String,
    pub element: Element,
    /// `None`: free. Empty where the network does not say.
    pub axes: Vec<Option<usize>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    F32,
    I32,
    I64,
    Other(String),
}

/// How a network and its manifest disagree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclaredError {
    #[error("the network has no {direction} `{name}`; it has {has:?}")]
    Absent {
        direction: &'static str,
        name: String,
        has: Vec<String>,
    },
    #[error("`{name}` is {found}, expected {expected}")]
    Differs {
        name: String,
        found: String,
        expected: String,
    },
}

/// What the manifest makes of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    /// As many as a run has: slices, images or windows.
    Batch {
        most: usize,
    },
    Fixed(usize),
    /// Depends on the series: the network must leave it free.
    Open,
    /// Boxes: the network may say how many.
    Any,
}

/// The first disagreement, inputs first.
pub fn check(
    manifest: &Manifest,
    recipe: &Recipe,
    inputs: &[Declared],
    outputs: &[Declared],
) -> Result<(), DeclaredError> {
    let names = |declared: &[Declared]| declared.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    let [input] = inputs else {
        return Err(absent("single input", &manifest.input.name, names(inputs)));
    };
    if input.name != manifest.input.name {
        return Err(absent("single input", &manifest.input.name, names(inputs)));
    }
    agree(input, &[Element::F32], &[input_axes(manifest, recipe)])?;
    for output in &manifest.outputs {
        for (name, elements, shapes) in expected(manifest, recipe, output) {
            let found = outputs.iter().find(|one| one.name == name);
            let found = found.ok_or_else(|| absent("output", name, names(outputs)))?;
            agree(found, elements, &shapes)?;
        }
    }
    if let Explanation::Map { tensor, .. } = &manifest.explanation {
        let found = outputs.iter().find(|one| one.name == *tensor);
        let found = found.ok_or_else(|| absent("output", tensor, names(outputs)))?;
        agree(
            found,
            &[Element::F32],
            &[vec![batch(manifest), Axis::Any, Axis::Any, Axis::Any]],
        )?;
    }
    Ok(())
}

fn absent(direction: &'static str, name: &str, has: Vec<String>) -> DeclaredError {
    let name = name.to_owned();
    DeclaredError::Absent { direction, name, has }
}

fn input_axes(manifest: &Manifest, recipe: &Recipe) -> Vec<Axis> {
    let channels = Axis::Fixed(recipe.channels.count());
    [vec![batch(manifest), channels], places(recipe)].concat()
}

fn batch(manifest: &Manifest) -> Axis {
    let most = match (manifest.input.kind, manifest.input.layout) {
        // Images differ in size, and are read one by one.
        (InputKind::Image, _) => 1,
        (InputKind::Volume, Layout::Nchw | Layout::Ncdhw) => manifest.input.batch,
    };
    Axis::Batch { most }
}

/// Axes of place: rows and columns, of windows slices before them.
fn places(recipe: &Recipe) -> Vec<Axis> {
    if let Some(windows) = &recipe.windows {
        return windows.size.map(Axis::Fixed).to_vec();
    }
    match recipe.grid.frame {
        Frame::Whole => vec![Axis::Open; 2],
        Frame::Image { size, .. } | Frame::Foreground { size, .. } => size.map(Axis::Fixed).to_vec(),
    }
}

type Expected<'m> = (&'m str, &'static [Element], Vec<Vec<Axis>>);

/// Each tensor of an output with the elements and the shapes that it may have.
fn expected<'m>(manifest: &Manifest, recipe: &Recipe, output: &'m Output) -> Vec<Expected<'m>> {
    const FLOATS: &[Element] = &[Element::F32];
    const LABELS: &[Element] = &[Element::I64, Element::I32, Element::F32];
    let (n, classes) = (batch(manifest), Axis::Fixed(output.classes.len()));
    let name = output.name.as_str();
    match (output.kind, &output.boxes) {
        (OutputKind::Detection, Some(boxes)) => {
            // Without the axis of slices where runs hold one.
            let both = |rest: &[Axis]| {
                let alone = (n == Axis::Batch { most: 1 }).then(|| rest.to_vec());
                alone
                    .into_iter()
                    .chain([[&[n], rest].concat()])
                    .collect::<Vec<_>>()
            };
            let mut scores = both(&[Axis::Any]);
            if boxes.labels.is_none() {
                scores = match output.classes.len() {
                    1 => [scores, both(&[Axis::Any, classes])].concat(),
                    _ => both(&[Axis::Any, classes]),
                };
            }
            let labels = boxes.labels.iter();
            let labels = labels.map(|name| (name.as_str(), LABELS, both(&[Axis::Any])));
            let mut all = vec![
                (name, FLOATS, both(&[Axis::Any, Axis::Fixed(4)])),
                (boxes.scores.as_str(), FLOATS, scores),
            ];
            all.extend(labels);
            all
        }
        (OutputKind::Segmentation, _) => {
            let axes = [vec![n, classes], places(recipe)].concat();
            vec![(name, FLOATS, vec![axes])]
        }
        (OutputKind::Detection | OutputKind::Classification | OutputKind::Regression, _) => {
            vec![(name, FLOATS, vec![vec![n, classes]])]
        }
    }
}

fn agree(found: &Declared, elements: &[Element], shapes: &[Vec<Axis>]) -> Result<(), DeclaredError> {
    let fits = |axes: &Vec<Axis>| {
        axes.len() == found.axes.len() && axes.iter().zip(&found.axes).all(|(axis, side)| axis.takes(*side))
    };
    let silent = found.axes.is_empty();
    if elements.contains(&found.element) && (silent || shapes.iter().any(fits)) {
        return Ok(());
    }
    let shape = |axes: &Vec<Axis>| {
        format!(
            "[{}]",
            axes.iter().map(|a| a.text()).collect::<Vec<_>>().join(", ")
        )
    };
    let side = |side: &Option<usize>| side.map_or("free".to_owned(), |side| side.to_string());
    let sides: Vec<String> = found.axes.iter().map(side).collect();
    let elements: Vec<&str> = elements.iter().map(Element::text).collect();
    let shapes: Vec<String> = shapes.iter().map(shape).collect();
    Err(DeclaredError::Differs {
        name: found.name.clone(),
        found: format!("{} [{}]", found.element.text(), sides.join(", ")),
        expected: format!("{} {}", elements.join(" or "), shapes.join(" or ")),
    })
}

impl Axis {
    fn takes(self, side: Option<usize>) -> bool {
        match (self, side) {
            (Self::Any, _) | (_, None) => true,
            (Self::Batch { most }, Some(side)) => most == 1 && side == 1,
            (Self::Fixed(wanted), Some(side)) => wanted == side,
            (Self::Open, Some(_)) => false,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Batch { most: 1 } => "1 or free".into(),
            Self::Batch { .. } => "free (input.batch is above 1)".into(),
            Self::Fixed(side) => side.to_string(),
            Self::Open => "free (no operation gives it a size)".into(),
            Self::Any => "any".into(),
        }
    }
}

impl Element {
    fn text(&self) -> &str {
        match self {
            Self::F32 => "float32",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::Other(name) => name,
        }
    }
}
