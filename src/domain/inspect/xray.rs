//! What a chest radiograph shows: whether it is one, frontal, the right way round in brightness, and how it was exposed. On a thumbnail, by ranks of brightness, so that windows and bit depths do not matter.

/// Rows and columns of the thumbnail.
const SIZE: usize = 64;
/// Parts of the image, as shares: (first row, last row, first column, last column).
const MIDDLE: [f64; 4] = [0.35, 0.75, 0.45, 0.55];
const RIGHT_LUNG: [f64; 4] = [0.30, 0.65, 0.18, 0.36];
const LEFT_LUNG: [f64; 4] = [0.30, 0.65, 0.64, 0.82];
/// Difference of mean ranks between the mediastinum and a lung, at least, for a frontal chest.
const FRONTAL: f64 = 0.08;

/// Everything that is measured on one radiograph.
#[derive(Clone, Debug, PartialEq)]
pub struct XraySeen {
    /// Lungs on both sides of something denser: a frontal chest.
    pub frontal: bool,
    /// Dense is dark: the header's photometric interpretation and the pixels disagree.
    pub inverted: bool,
    /// Share of pixels at the smallest or the largest value that occurs, fields outside the beam left out; 0 to 1.
    pub saturated: f64,
    /// Grey values that occur, as a number of bits.
    pub depth_bits: f64,
}

impl XraySeen {
    /// `values` are `[row][column]`, dense bright as the header says it.
    pub fn of(rows: usize, columns: usize, values: &[i16]) -> Self {
        let ranks = ranks(&thumbnail(rows, columns, values));
        let part = |[top, bottom, left, right]: [f64; 4]| mean(&ranks, [top, bottom, left, right]);
        let (middle, right, left) = (part(MIDDLE), part(RIGHT_LUNG), part(LEFT_LUNG));
        let denser = (middle - right).min(middle - left);
        let thinner = (right - middle).min(left - middle);
        let inverted = denser < FRONTAL && thinner >= FRONTAL;
        Self {
            frontal: denser >= FRONTAL || inverted,
            inverted,
            saturated: saturated(values),
            depth_bits: depth(values),
        }
    }
}

fn thumbnail(rows: usize, columns: usize, values: &[i16]) -> Vec<f32> {
    let span = |n: usize, of: usize| {
        (
            n * of / SIZE,
            ((n + 1) * of / SIZE).max(n * of / SIZE + 1).min(of),
        )
    };
    let mut out = Vec::with_capacity(SIZE * SIZE);
    for row in 0..SIZE {
        let (top, bottom) = span(row, rows);
        for column in 0..SIZE {
            let (left, right) = span(column, columns);
            let lines = (top..bottom).filter_map(|r| values.get(r * columns + left..r * columns + right));
            let (sum, n) = lines
                .flatten()
                .fold((0_i64, 0_usize), |(sum, n), v| (sum + i64::from(*v), n + 1));
            out.push(sum as f32 / n.max(1) as f32);
        }
    }
    out
}

/// Each cell's place among all, 0 for the darkest to 1; equal cells share the middle of their places.
fn ranks(cells: &[f32]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by(|a, b| cells[*a].total_cmp(&cells[*b]));
    let mut ranks = vec![0.0; cells.len()];
    let mut first = 0;
    for equal in order.chunk_by(|a, b| cells[*a] == cells[*b]) {
        let middle = first as f32 + (equal.len() - 1) as f32 / 2.0;
        first += equal.len();
        for at in equal {
            ranks[*at] = middle / (cells.len() - 1) as f32;
        }
    }
    ranks
}

fn mean(ranks: &[f32], [top, bottom, left, right]: [f64; 4]) -> f64 {
    let at = |share: f64| (share * SIZE as f64) as usize;
    let rows = at(top)..at(bottom);
    let cells: Vec<f32> = rows
        .flat_map(|row| &ranks[row * SIZE + at(left)..row * SIZE + at(right)])
        .copied()
        .collect();
    cells.iter().map(|v| f64::from(*v)).sum::<f64>() / cells.len() as f64
}

/// At both ends of what occurs; one end alone may be the collimated field, so the smaller share counts twice.
fn saturated(values: &[i16]) -> f64 {
    let (Some(low), Some(high)) = (values.iter().min(), values.iter().max()) else {
        return 0.0;
    };
    let share = |v: i16| values.iter().filter(|other| **other == v).count() as f64 / values.len() as f64;
    let (low, high) = (share(*low), share(*high));
    2.0 * low.min(high)
}

fn depth(values: &[i16]) -> f64 {
    let mut seen = vec![false; usize::from(u16::MAX) + 1];
    for v in values {
        seen[(i32::from(*v) - i32::from(i16::MIN)) as usize] = true;
    }
    (seen.iter().filter(|there| **there).count().max(1) as f64).log2()
}
