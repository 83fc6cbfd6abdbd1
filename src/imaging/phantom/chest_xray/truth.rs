//! What is known of a chest phantom because it was made so: written beside the image as `truth.json`. Measured on the mask
//! that is written with it, never on the request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{ChestSide, Distractor, NoduleEdge, Zone};
use super::lungs::{LUNG_FIELD, NODULE, PLEURAL_AIR};
use super::plane::Grid;
use super::pose::View;
use super::storage::{ImageClass, Photometric};

/// The content of `truth.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChestXrayTruth {
    /// Version of this layout.
    pub schema: u32,
    /// Always true: no person was imaged.
    pub synthetic: bool,
    pub kind: String,
    pub seed: u64,
    /// Decides the anatomy; images with the same one are of the same patient.
    pub patient_seed: u64,
    pub finding_present: bool,
    pub pneumothorax: Option<PneumothoraxTruth>,
    pub nodule: Option<NoduleTruth>,
    pub distractors: Vec<Distractor>,
    pub view: View,
    pub rows: usize,
    pub columns: usize,
    /// Of a row and of a column at the detector, mm.
    pub pixel_spacing_mm: [f64; 2],
    pub class: ImageClass,
    pub bits_stored: u16,
    pub photometric: Photometric,
    /// One byte per pixel, row by row; bits: 1 pleural air beyond the visceral pleura, 2 nodule, 4 lung field that neither
    /// the mediastinum nor the diaphragm covers.
    pub mask_file: Option<String>,
}

/// Distances between the pleurae, in the image at its pixel spacing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PneumothoraxTruth {
    /// The patient's side.
    pub side: ChestSide,
    /// From the top of the chest to the top of the lung, along the image's columns, cm.
    pub apex_cm: f64,
    /// Along rows, at a quarter and at three quarters of the lung's height, cm.
    pub mid_upper_cm: f64,
    pub mid_lower_cm: f64,
    /// 4.2 + 4.7 times the sum of the three distances (Collins 1995); meant for erect PA images.
    pub collins_percent: f64,
    /// 100 (1 − L³/H³), L and H the diameters of lung and hemithorax at the middle of the lung's height (Light).
    pub light_percent: f64,
    pub area_cm2: f64,
    pub tension: bool,
    /// Displacement of the mediastinum to the other side that was drawn, mm of the chest.
    pub mediastinal_shift_mm: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoduleTruth {
    /// The patient's side.
    pub side: ChestSide,
    pub zone: Zone,
    pub edge: NoduleEdge,
    /// Longest diameter of the mask, mm.
    pub diameter_mm: f64,
    pub area_mm2: f64,
    /// Row and column of the mask's middle.
    pub centre_pixel: [f64; 2],
}

/// One side of a mask: pixels of a row at or right of `border(row)` belong to the patient's left.
pub(super) struct Half<'a> {
    pub mask: &'a [u8],
    pub grid: Grid,
    pub side: ChestSide,
    pub border: &'a dyn Fn(usize) -> usize,
}

impl Half<'_> {
    fn row(&self, row: usize) -> &[u8] {
        let line = &self.mask[row * self.grid.columns..(row + 1) * self.grid.columns];
        let border = (self.border)(row).min(self.grid.columns);
        match self.side {
            ChestSide::Right => &line[..border],
            ChestSide::Left => &line[border..],
        }
    }

    fn count(&self, row: usize, bit: u8) -> usize {
        self.row(row).iter().filter(|v| **v & bit != 0).count()
    }

    fn rows_with(&self, bit: u8) -> Option<[usize; 2]> {
        let with = |row: &usize| self.count(*row, bit) > 0;
        let first = (0..self.grid.rows).find(with)?;
        (0..self.grid.rows).rfind(with).map(|last| [first, last])
    }

    /// What the mask says of pleural air; none without any.
    pub fn pneumothorax(&self, tension: bool, shift: f32) -> Option<PneumothoraxTruth> {
        let [first_air, _] = self.rows_with(PLEURAL_AIR)?;
        let [top, base] = self.rows_with(LUNG_FIELD)?;
        let cm = |pixels: usize| pixels as f64 * self.grid.spacing_mm() / 10.0;
        let level = |share: f64| top + ((base - top) as f64 * share).round() as usize;
        let gap = |share: f64| cm(self.count(level(share), PLEURAL_AIR));
        let (apex, upper, lower) = (cm(top.saturating_sub(first_air)), gap(0.25), gap(0.75));
        let lung = self.count(level(0.5), LUNG_FIELD) as f64;
        let chest = lung + self.count(level(0.5), PLEURAL_AIR) as f64;
        let pixels: usize = (0..self.grid.rows).map(|r| self.count(r, PLEURAL_AIR)).sum();
        Some(PneumothoraxTruth {
            side: self.side,
            apex_cm: apex,
            mid_upper_cm: upper,
            mid_lower_cm: lower,
            collins_percent: 4.2 + 4.7 * (apex + upper + lower),
            light_percent: 100.0 * (1.0 - (lung / chest.max(1.0)).powi(3)),
            area_cm2: pixels as f64 * self.grid.spacing_mm().powi(2) / 100.0,
            tension,
            mediastinal_shift_mm: f64::from(shift),
        })
    }
}

/// Longest diameter (mm), area (mm²) and middle (row, column) of what `NODULE` marks; none without any.
pub(super) fn nodule_measures(mask: &[u8], grid: Grid) -> Option<(f64, f64, [f64; 2])> {
    let mut ends = Vec::new();
    let (mut count, mut sums) = (0_usize, [0.0_f64; 2]);
    for (r, row) in mask.chunks_exact(grid.columns).enumerate() {
        let marked = || row.iter().enumerate().filter(|(_, v)| **v & NODULE != 0);
        for (c, _) in marked() {
            count += 1;
            sums = [sums[0] + r as f64, sums[1] + c as f64];
        }
        let (first, last) = (marked().next(), marked().next_back());
        ends.extend(first.into_iter().chain(last).map(|(c, _)| [r as f64, c as f64]));
    }
    let longest = ends
        .iter()
        .enumerate()
        .flat_map(|(i, a)| ends[i..].iter().map(|b| (a[0] - b[0]).hypot(a[1] - b[1])))
        .fold(0.0, f64::max);
    let (mm, n) = (grid.spacing_mm(), count as f64);
    (count > 0).then(|| ((longest + 1.0) * mm, n * mm * mm, sums.map(|s| s / n)))
}
