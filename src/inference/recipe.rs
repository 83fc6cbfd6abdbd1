//! The operations of a manifest, brought into the one order that can run: source values, grid, pixel values, channels.
//! Decides only whether and how they can run; `grid` and `channels` compute.

use super::manifest::{Blend, Fit, Operation, PlaneResampling, SliceResampling};

/// What the operations of a manifest come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Bounds for source values, HU, applied before anything is averaged.
    pub clip: Option<[f32; 2]>,
    pub grid: GridSpec,
    /// Percentiles of the source values that become 0 and 1, before the steps on pixels.
    pub percentiles: Option<[f32; 2]>,
    pub pixels: Vec<PixelStep>,
    pub channels: Channels,
    /// `None`: slice by slice.
    pub windows: Option<SlidingWindow>,
}

/// How a grid of three axes is walked over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlidingWindow {
    /// Slices, rows, columns.
    pub size: [usize; 3],
    /// Share of each side that neighbours have in common.
    pub overlap: f64,
    pub blend: Blend,
    pub fill: f32,
}

/// Where the model's grid lies in the series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridSpec {
    pub slices: SliceStep,
    pub scale: Scale,
    pub plane: PlaneResampling,
    pub frame: Frame,
}

/// Distance of the grid's slices, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SliceStep {
    /// As in the series.
    Keep,
    /// Slabs of this thickness, averaged.
    Slabs(f64),
    /// Interpolated between neighbours.
    Linear(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    Keep,
    /// Distance of rows and columns, mm.
    Spacing([f64; 2]),
    /// Whatever makes the image fill the frame.
    Fill,
    /// The same for rows and columns, so that the whole image lies in the frame.
    Inside,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Frame {
    /// As many rows and columns as the scale gives.
    Whole,
    /// Rows × columns about the middle of the image.
    Image { size: [usize; 2], fill: f32 },
    /// Rows × columns about the centre of mass of what is brighter than `above`.
    Foreground { size: [usize; 2], fill: f32, above: f32 },
}

/// What happens to each value of the grid; `None` means the volume's own figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PixelStep {
    Clip([f32; 2]),
    Window([f32; 2]),
    Minmax(Option<[f32; 2]>),
    Zscore {
        mean: Option<f32>,
        deviation: Option<f32>,
    },
}

/// How the channels of a slice are made: for each neighbour, for each window, so many copies.
#[derive(Clone, Debug, PartialEq)]
pub struct Channels {
    /// Empty: the value as it is, in one channel.
    pub windows: Vec<[f32; 2]>,
    /// Neighbours on each side.
    pub adjacent: usize,
    pub copies: usize,
}

impl Channels {
    pub fn count(&self) -> usize {
        self.windows.len().max(1) * (2 * self.adjacent + 1) * self.copies
    }
}

/// Why a list of operations cannot run: index, what stands there, what could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderProblem {
    pub index: usize,
    pub found: String,
    pub expected: String,
}

/// The stages of a recipe; each operation belongs to one, and stages never go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Source,
    Clip,
    Scale,
    Frame,
    Percentiles,
    Pixel,
    Windows,
    Neighbours,
}

impl Recipe {
    pub fn of(operations: &[Operation]) -> Result<Self, OrderProblem> {
        let mut recipe = Self {
            clip: None,
            grid: GridSpec {
                slices: SliceStep::Keep,
                scale: Scale::Keep,
                plane: PlaneResampling::Bilinear,
                frame: Frame::Whole,
            },
            percentiles: None,
            pixels: Vec::new(),
            channels: Channels {
                windows: Vec::new(),
                adjacent: 0,
                copies: 1,
            },
            windows: None,
        };
        if operations.first() != Some(&Operation::ModalityLut) {
            let found = operations.first().map_or("nothing", name).to_owned();
            return Err(OrderProblem {
                index: 0,
                found,
                expected: "modality_lut".into(),
            });
        }
        let mut last = Stage::Source;
        for (index, operation) in operations.iter().enumerate().skip(1) {
            let stage = stage(operation, last);
            // Only the steps on pixel values may repeat.
            if stage < last || (stage == last && stage != Stage::Pixel) {
                return Err(OrderProblem {
                    index,
                    found: format!("{} after {}", name(operation), name(&operations[index - 1])),
                    expected: "modality_lut, clip, resample or resize, crop_foreground or pad, percentiles, clip, window, \
                               minmax or zscore, stack_windows, adjacent_slices, to_rgb or sliding_window, in this order"
                        .into(),
                });
            }
            last = stage;
            recipe.add(operation, stage);
        }
        if recipe.channels.copies == 3 && recipe.channels.windows.len() > 1 {
            let expected = "one channel before to_rgb".into();
            return Err(OrderProblem {
                index: operations.len() - 1,
                found: "several windows".into(),
                expected,
            });
        }
        Ok(recipe)
    }

    fn add(&mut self, operation: &Operation, stage: Stage) {
        match operation {
            Operation::ModalityLut => {}
            Operation::Clip { range } if stage == Stage::Clip => self.clip = Some(*range),
            Operation::Clip { range } => self.pixels.push(PixelStep::Clip(*range)),
            Operation::Resample { .. }
            | Operation::Resize { .. }
            | Operation::CropForeground { .. }
            | Operation::Pad { .. } => self.grid.add(operation),
            Operation::Percentiles { range } => self.percentiles = Some(*range),
            Operation::Window { window } => self.pixels.push(PixelStep::Window(*window)),
            Operation::Minmax { range } => self.pixels.push(PixelStep::Minmax(*range)),
            Operation::Zscore { mean, deviation } => {
                self.pixels.push(PixelStep::Zscore {
                    mean: *mean,
                    deviation: *deviation,
                });
            }
            Operation::StackWindows { windows } => self.channels.windows.clone_from(windows),
            Operation::AdjacentSlices { count } => self.channels.adjacent = *count,
            Operation::ToRgb => self.channels.copies = 3,
            Operation::SlidingWindow {
                size,
                overlap,
                blend,
                fill,
            } => {
                self.windows = Some(SlidingWindow {
                    size: *size,
                    overlap: *overlap,
                    blend: *blend,
                    fill: *fill,
                });
            }
        }
    }
}

impl GridSpec {
    fn add(&mut self, operation: &Operation) {
        match operation {
            Operation::Resample {
                spacing_mm,
                slices,
                plane,
            } => {
                let [slice, row, column] = *spacing_mm;
                self.slices = match slices {
                    SliceResampling::Box => SliceStep::Slabs(slice),
                    SliceResampling::Linear => SliceStep::Linear(slice),
                    SliceResampling::Keep => SliceStep::Keep,
                };
                self.scale = Scale::Spacing([row, column]);
                self.plane = *plane;
            }
            Operation::Resize {
                size,
                plane,
                fit,
                fill,
            } => {
                self.scale = match fit {
                    Fit::Stretch => Scale::Fill,
                    Fit::Letterbox => Scale::Inside,
                };
                self.plane = *plane;
                self.frame = Frame::Image {
                    size: *size,
                    fill: *fill,
                };
            }
            Operation::CropForeground { above, size, fill } => {
                self.frame = Frame::Foreground {
                    size: *size,
                    fill: *fill,
                    above: *above,
                };
            }
            Operation::Pad { size, fill } => {
                self.frame = Frame::Image {
                    size: *size,
                    fill: *fill,
                }
            }
            Operation::ModalityLut
            | Operation::Clip { .. }
            | Operation::Percentiles { .. }
            | Operation::Window { .. }
            | Operation::StackWindows { .. }
            | Operation::Minmax { .. }
            | Operation::Zscore { .. }
            | Operation::AdjacentSlices { .. }
            | Operation::ToRgb
            | Operation::SlidingWindow { .. } => {}
        }
    }
}

fn stage(operation: &Operation, last: Stage) -> Stage {
    match operation {
        Operation::ModalityLut => Stage::Source,
        Operation::Clip { .. } if last == Stage::Source => Stage::Clip,
        Operation::Resample { .. } => Stage::Scale,
        // Fills a frame of its own, so that no frame may follow it.
        Operation::Resize { .. } | Operation::CropForeground { .. } | Operation::Pad { .. } => Stage::Frame,
        Operation::Percentiles { .. } => Stage::Percentiles,
        Operation::Clip { .. }
        | Operation::Window { .. }
        | Operation::Minmax { .. }
        | Operation::Zscore { .. } => Stage::Pixel,
        Operation::StackWindows { .. } => Stage::Windows,
        Operation::AdjacentSlices { .. } | Operation::ToRgb | Operation::SlidingWindow { .. } => {
            Stage::Neighbours
        }
    }
}

fn name(operation: &Operation) -> &'static str {
    match operation {
        Operation::ModalityLut => "modality_lut",
        Operation::Clip { .. } => "clip",
        Operation::Resample { .. } => "resample",
        Operation::Resize { .. } => "resize",
        Operation::CropForeground { .. } => "crop_foreground",
        Operation::Pad { .. } => "pad",
        Operation::Window { .. } => "window",
        Operation::StackWindows { .. } => "stack_windows",
        Operation::Minmax { .. } => "minmax",
        Operation::Zscore { .. } => "zscore",
        Operation::AdjacentSlices { .. } => "adjacent_slices",
        Operation::ToRgb => "to_rgb",
        Operation::Percentiles { .. } => "percentiles",
        Operation::SlidingWindow { .. } => "sliding_window",
    }
}
