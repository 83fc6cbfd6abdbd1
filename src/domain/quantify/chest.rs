//! Both sides of a chest on a frontal radiograph, from masks of lung and of pleural air: which pixel belongs to which side, and
//! what each row shows. The patient's right is on the left, as images are shown to a reader, unless the geometry says otherwise.

use super::components::{Component, MaskError, Run, components};
use super::side::Side;
use crate::volume::{Geometry, Mask, is_clear};

/// A part smaller than this share of the largest says nothing of where a lung lies.
const LARGE_SHARE: f64 = 0.15;

/// Share of a side's width, from the midline, in which the height of the diaphragm is taken: beside the heart.
const DIAPHRAGM: (f64, f64) = (0.65, 0.75);

/// Inclusive columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: usize,
    pub last: usize,
}

impl Span {
    fn with(self, run: &Run) -> Self {
        Self {
            first: self.first.min(run.first as usize),
            last: self.last.max(run.last as usize),
        }
    }
}

/// What a row shows of one side: pixels, and the columns between which they lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub lung: usize,
    pub air: usize,
    pub lung_span: Option<Span>,
    pub air_span: Option<Span>,
}

impl Row {
    /// Columns of lung and air together.
    pub fn span(&self) -> Option<Span> {
        let both = [self.lung_span, self.air_span].into_iter().flatten();
        both.reduce(|a, b| Span {
            first: a.first.min(b.first),
            last: a.last.max(b.last),
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Hemithorax {
    pub side: Side,
    /// It lies in the left half of the image: its outer edge has the lower columns.
    pub on_the_left: bool,
    pub rows: Vec<Row>,
    /// Lowest row of lung or air in each column.
    pub floor: Vec<Option<usize>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Chest {
    pub right: Hemithorax,
    pub left: Hemithorax,
    /// Size of a pixel: down, across; mm.
    pub pixel: [f64; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChest {
    #[error("the two lungs are not told apart")]
    NotApart,
    #[error(transparent)]
    Mask(#[from] MaskError),
}

impl Hemithorax {
    fn empty(side: Side, on_the_left: bool, geometry: &Geometry) -> Self {
        Self {
            side,
            on_the_left,
            rows: vec![Row::default(); geometry.rows],
            floor: vec![None; geometry.columns],
        }
    }

    fn add(&mut self, run: &Run, air: bool) {
        let row = &mut self.rows[run.row as usize];
        let (count, span) = match air {
            true => (&mut row.air, &mut row.air_span),
            false => (&mut row.lung, &mut row.lung_span),
        };
        *count += run.voxels();
        let own = Span {
            first: run.first as usize,
            last: run.last as usize,
        };
        *span = Some(span.map_or(own, |known| known.with(run)));
        for floor in &mut self.floor[own.first..=own.last] {
            *floor = (*floor).max(Some(run.row as usize));
        }
    }

    /// First and last row with lung, or with lung or air.
    pub fn lung_rows(&self) -> Option<[usize; 2]> {
        ends(&self.rows, |row| row.lung > 0)
    }

    pub fn all_rows(&self) -> Option<[usize; 2]> {
        ends(&self.rows, |row| row.lung + row.air > 0)
    }

    /// The row of the hemidiaphragm beside the heart: the middle one of the lowest rows there.
    pub fn diaphragm(&self) -> Option<usize> {
        let spans = || self.rows.iter().filter_map(Row::span);
        let (first, last) = (spans().map(|s| s.first).min()?, spans().map(|s| s.last).max()?);
        let column = |share: f64| ((last - first) as f64 * share) as usize;
        let columns = match self.on_the_left {
            true => last - column(DIAPHRAGM.1)..=last - column(DIAPHRAGM.0),
            false => first + column(DIAPHRAGM.0)..=first + column(DIAPHRAGM.1),
        };
        let mut rows: Vec<usize> = self.floor[columns].iter().flatten().copied().collect();
        rows.sort_unstable();
        rows.get(rows.len() / 2).copied()
    }

    pub fn air_pixels(&self) -> usize {
        self.rows.iter().map(|row| row.air).sum()
    }
}

fn ends(rows: &[Row], shown: impl Fn(&Row) -> bool) -> Option<[usize; 2]> {
    let first = rows.iter().position(&shown)?;
    rows.iter().rposition(shown).map(|last| [first, last])
}

impl Chest {
    /// From masks of one image; `air` where pleural air was looked for.
    pub fn find(geometry: &Geometry, lung: &Mask, air: Option<&Mask>) -> Result<Self, NoChest> {
        let nothing = Mask {
            voxels: vec![0; lung.voxels.len()],
        };
        let air = air.unwrap_or(&nothing);
        let both = lung.voxels.iter().zip(&air.voxels).map(|(a, b)| a | b).collect();
        let parts = components(geometry, &Mask { voxels: both })?;
        let border = Border::of(geometry, &parts).ok_or(NoChest::NotApart)?;
        // Rows lead to the patient's right.
        let mirrored = geometry.orientation[0] < 0.0;
        let mut chest = Self {
            right: Hemithorax::empty(Side::Right, !mirrored, geometry),
            left: Hemithorax::empty(Side::Left, mirrored, geometry),
            pixel: geometry.pixel_spacing,
        };
        for (mask, is_air) in [(air, true), (lung, false)] {
            if is_clear(&mask.voxels) {
                continue;
            }
            for part in components(geometry, mask)? {
                for run in &part.runs {
                    match border.on_the_left(run) != mirrored {
                        true => chest.right.add(run, is_air),
                        false => chest.left.add(run, is_air),
                    }
                }
            }
        }
        let seen = |side: &Hemithorax| side.lung_rows().is_some();
        match seen(&chest.right) && seen(&chest.left) {
            true => Ok(chest),
            false => Err(NoChest::NotApart),
        }
    }

    pub fn side(&self, side: Side) -> &Hemithorax {
        match side {
            Side::Right => &self.right,
            Side::Left | Side::Both => &self.left,
        }
    }

    /// The side whose pixels reach a place, given as row and column.
    pub fn at(&self, row: usize, column: usize) -> Option<&Hemithorax> {
        let off = |side: &Hemithorax| {
            let span = side.rows.get(row)?.span()?;
            Some(
                span.first
                    .saturating_sub(column)
                    .max(column.saturating_sub(span.last)),
            )
        };
        let each = [&self.right, &self.left].into_iter();
        each.filter_map(|side| Some((off(side)?, side)))
            .min_by_key(|(off, _)| *off)
            .map(|(_, side)| side)
    }
}

/// The column that parts the sides in each row: halfway between them where both show.
struct Border(Vec<f64>);

impl Border {
    /// By the two largest parts, which are one lung each with the air around it; else, where both hang together, by the column
    /// with the fewest pixels in the middle.
    fn of(geometry: &Geometry, parts: &[Component]) -> Option<Self> {
        let largest = parts.first()?;
        let second = parts
            .iter()
            .skip(1)
            .find(|part| part.volume_ml >= LARGE_SHARE * largest.volume_ml && apart(largest, part));
        let Some(second) = second else {
            return thinnest(geometry, parts).map(|column| Self(vec![column; geometry.rows]));
        };
        let (on_left, on_right) = match middle(largest) < middle(second) {
            true => (largest, second),
            false => (second, largest),
        };
        let common = (middle(on_left) + middle(on_right)) / 2.0;
        let (on_left, on_right) = (extent(geometry, on_left), extent(geometry, on_right));
        let rows = on_left.iter().zip(&on_right).map(|both| match both {
            (Some((_, inner)), Some((outer, _))) => (inner + outer) / 2.0,
            _ => common,
        });
        Some(Self(rows.collect()))
    }

    fn on_the_left(&self, run: &Run) -> bool {
        f64::from(run.first + run.last) / 2.0 < self.0[run.row as usize]
    }
}

/// Whether two parts lie beside each other, not one over the other.
fn apart(a: &Component, b: &Component) -> bool {
    let width = |part: &Component| {
        let first = part.runs.iter().map(|r| r.first).min().unwrap_or(0);
        let last = part.runs.iter().map(|r| r.last).max().unwrap_or(0);
        f64::from(last - first)
    };
    (middle(a) - middle(b)).abs() > (width(a) + width(b)) / 4.0
}

fn middle(part: &Component) -> f64 {
    let pixels: usize = part.runs.iter().map(Run::voxels).sum();
    let sum: f64 = part
        .runs
        .iter()
        .map(|r| f64::from(r.first + r.last) / 2.0 * r.voxels() as f64)
        .sum();
    sum / pixels.max(1) as f64
}

/// First and last column of a part in each row.
fn extent(geometry: &Geometry, part: &Component) -> Vec<Option<(f64, f64)>> {
    let mut rows: Vec<Option<(f64, f64)>> = vec![None; geometry.rows];
    for run in &part.runs {
        let (first, last) = (f64::from(run.first), f64::from(run.last));
        let row = &mut rows[run.row as usize];
        *row = Some(row.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
    }
    rows
}

fn thinnest(geometry: &Geometry, parts: &[Component]) -> Option<f64> {
    let mut columns = vec![0_usize; geometry.columns];
    for run in parts.iter().flat_map(|part| &part.runs) {
        columns[run.first as usize..=run.last as usize]
            .iter_mut()
            .for_each(|n| *n += 1);
    }
    let first = columns.iter().position(|n| *n > 0)?;
    let last = columns.iter().rposition(|n| *n > 0)?;
    let quarter = (last - first) / 4;
    let least = (first + quarter..=last - quarter).min_by_key(|c| columns[*c])?;
    let most = columns.iter().max().copied().unwrap_or(0);
    (columns[least] * 2 < most).then_some(least as f64)
}

#[cfg(test)]
pub mod tests {
    use super::super::testing::{geometry, mask_where};
    use super::*;

    /// Two lungs of 100 × 300 pixels of 1 mm with 40 between them; the outer `gap` pixels of the left one, and its upper
    /// `apex` rows, are air.
    pub fn chest(gap: usize, apex: usize) -> (Geometry, Mask, Mask) {
        let g = geometry(1, 400, 300, 1.0, 1.0);
        let rows = 50..350;
        let left = 170..270_usize;
        let air = mask_where(&g, |_, r, c| {
            rows.contains(&r) && left.contains(&c) && (c >= 270 - gap || r < 50 + apex)
        });
        let lung = mask_where(&g, |_, r, c| {
            let right = rows.contains(&r) && (30..130).contains(&c);
            right || (rows.contains(&r) && left.contains(&c) && c < 270 - gap && r >= 50 + apex)
        });
        (g, lung, air)
    }

    #[test]
    fn each_side_has_its_pixels_and_the_right_lies_on_the_left_of_the_image() {
        let (g, lung, air) = chest(20, 30);
        let chest = Chest::find(&g, &lung, Some(&air)).expect("a chest");
        assert_eq!(chest.right.air_pixels(), 0);
        assert_eq!(chest.left.air_pixels(), 300 * 20 + 30 * 80);
        assert_eq!(chest.left.lung_rows(), Some([80, 349]));
        assert_eq!(chest.left.all_rows(), Some([50, 349]));
        assert_eq!(chest.at(200, 60).map(|s| s.side), Some(Side::Right));
        assert_eq!(chest.at(200, 255).map(|s| s.side), Some(Side::Left));
    }

    #[test]
    fn the_right_is_on_the_right_of_an_image_whose_rows_lead_there() {
        let (mut g, lung, air) = chest(20, 30);
        let shown = Chest::find(&g, &lung, Some(&air)).expect("a chest");
        g.orientation[0] = -1.0;
        let turned = Chest::find(&g, &lung, Some(&air)).expect("a chest");
        assert_eq!(turned.left.air_pixels(), 0);
        assert_eq!(turned.right.rows, shown.left.rows);
        assert_eq!(turned.right.diaphragm(), shown.left.diaphragm());
        assert_eq!(turned.at(200, 255).map(|s| s.side), Some(Side::Right));
    }

    #[test]
    fn air_that_a_gap_parts_from_its_lung_stays_on_its_side() {
        let (g, mut lung, air) = chest(40, 30);
        for (i, voxel) in lung.voxels.iter_mut().enumerate() {
            if (225..232).contains(&(i % g.columns)) {
                *voxel = 0;
            }
        }
        let chest = Chest::find(&g, &lung, Some(&air)).expect("a chest");
        assert_eq!(chest.right.air_pixels(), 0);
        assert_eq!(chest.left.air_pixels(), 300 * 40 + 30 * 60);
    }

    #[test]
    fn one_lung_is_no_chest() {
        let (g, lung, _) = chest(0, 0);
        let one = mask_where(&g, |_, r, c| c < 150 && lung.voxels[r * 300 + c] != 0);
        assert_eq!(Chest::find(&g, &one, None), Err(NoChest::NotApart));
    }
}
