//! From the raw values of outputs to answers about an exam: masks on the grid of the series, scores of the study, lesions. Pure.

use tocsin_domain::parallel::for_each_plane;
use tocsin_domain::volume::Mask;

use super::boxes::{Candidate, Located, lesions};
use super::grid::{Grid, Weights};
use super::manifest::Output;
use super::scores::{activate, aggregate};

/// What one output said of one exam.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputAnswer {
    pub name: String,
    pub classes: Vec<ClassAnswer>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClassAnswer {
    pub class: String,
    /// Mean of the activated output over the model's grid, or over the boxes that were kept.
    pub mean_score: f64,
    /// Of a classification of slices or images: the score of each slice of the exam.
    pub slice_scores: Vec<f32>,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// On the grid of each part of the exam.
    Masks(Vec<Mask>),
    Score(f32),
    /// Best first, and how many more there were.
    Lesions {
        kept: Vec<Located>,
        left_out: usize,
    },
}

/// Values of one output over one grid, before the activation.
pub enum Raw {
    /// `[block, class, place]`: a block of `places` is a slice, or all of a grid that windows were blended over.
    Places { values: Vec<f32>, places: usize },
    /// `[slice, class]`; slice or image where `by_slice`, else window.
    Scores { values: Vec<f32>, by_slice: bool },
    /// Activated.
    Boxes(Vec<Candidate>),
}

/// What one output has said so far.
pub struct Gathered<'m> {
    output: &'m Output,
    classes: Vec<ClassSoFar>,
    /// Slices of the parts before.
    before: usize,
}

#[derive(Clone, Default)]
struct ClassSoFar {
    masks: Vec<Mask>,
    /// Over the places of masks.
    sum: f64,
    places: usize,
    scores: Vec<f32>,
    slice_scores: Vec<f32>,
    lesions: Vec<Located>,
}

impl<'m> Gathered<'m> {
    pub fn new(output: &'m Output) -> Self {
        Self {
            output,
            classes: vec![ClassSoFar::default(); output.classes.len()],
            before: 0,
        }
    }

    /// Takes what was said over the grid of one part.
    pub fn add(&mut self, raw: Raw, grid: &Grid, threads: usize) {
        match raw {
            Raw::Places { values, places } => self.add_places(values, places, grid, threads),
            Raw::Scores { values, by_slice } => self.add_scores(values, by_slice.then_some(grid)),
            Raw::Boxes(candidates) => self.add_boxes(&candidates, grid),
        }
        self.before += grid.back.len();
    }

    fn add_places(&mut self, mut values: Vec<f32>, places: usize, grid: &Grid, threads: usize) {
        let classes = self.classes.len();
        let activation = self.output.activation;
        for_each_plane(&mut values, classes * places, threads, |_, block| {
            activate(block, classes, places, activation)
        });
        for (index, class) in self.classes.iter_mut().enumerate() {
            let own: Vec<f32> = values
                .chunks_exact(classes * places)
                .flat_map(|block| &block[index * places..(index + 1) * places])
                .copied()
                .collect();
            class.sum += own.iter().map(|score| f64::from(*score)).sum::<f64>();
            class.places += own.len();
            class.masks.push(grid.mask(&own, self.output.threshold, threads));
        }
    }

    fn add_scores(&mut self, mut values: Vec<f32>, by_slice: Option<&Grid>) {
        let classes = self.classes.len();
        activate(&mut values, classes, 1, self.output.activation);
        for (index, class) in self.classes.iter_mut().enumerate() {
            let own: Vec<f32> = values.iter().skip(index).step_by(classes).copied().collect();
            let blended = |slabs: &Weights| {
                slabs
                    .iter()
                    .map(|(slab, weight)| own[*slab] * weight)
                    .sum::<f32>()
            };
            let slices = by_slice.into_iter().flat_map(|grid| &grid.back);
            class.slice_scores.extend(slices.map(blended));
            class.scores.extend(own);
        }
    }

    fn add_boxes(&mut self, candidates: &[Candidate], grid: &Grid) {
        let Some(how) = &self.output.boxes else { return };
        for (index, class) in self.classes.iter_mut().enumerate() {
            class
                .lesions
                .extend(lesions(candidates, index, how, grid, self.before));
        }
    }

    pub fn finish(self) -> OutputAnswer {
        let output = self.output;
        let classes = output.classes.iter().zip(self.classes);
        OutputAnswer {
            name: output.name.clone(),
            classes: classes.map(|(name, class)| class.finish(name, output)).collect(),
        }
    }
}

impl ClassSoFar {
    fn finish(mut self, name: &str, output: &Output) -> ClassAnswer {
        let mean = |sum: f64, n: usize| sum / n.max(1) as f64;
        let sum = |scores: &mut dyn Iterator<Item = f32>| scores.map(f64::from).sum::<f64>();
        let (mean_score, verdict) = match (&output.boxes, output.aggregate) {
            (Some(how), _) => {
                self.lesions.sort_by(|a, b| b.score.total_cmp(&a.score));
                let left_out = self.lesions.len().saturating_sub(how.max_boxes);
                self.lesions.truncate(how.max_boxes);
                let total = sum(&mut self.lesions.iter().map(|lesion| lesion.score));
                let mean = mean(total, self.lesions.len());
                let kept = self.lesions;
                (mean, Verdict::Lesions { kept, left_out })
            }
            (None, Some(how)) => {
                let total = sum(&mut self.scores.iter().copied());
                let score = aggregate(&self.scores, how);
                (mean(total, self.scores.len()), Verdict::Score(score))
            }
            (None, None) => (mean(self.sum, self.places), Verdict::Masks(self.masks)),
        };
        ClassAnswer {
            class: name.to_owned(),
            mean_score,
            slice_scores: self.slice_scores,
            verdict,
        }
    }
}
