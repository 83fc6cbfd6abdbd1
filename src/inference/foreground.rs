//! Where the patient is in an image: the centre of everything denser than air. Pure.

use tocsin_domain::parallel::map;
use tocsin_domain::volume::Volume;

/// Mean row and column of all voxels above `above`; the middle of the image when there are none.
pub fn centre(volume: &Volume, above: f32, threads: usize) -> [f64; 2] {
    let (rows, columns) = (volume.geometry.rows, volume.geometry.columns);
    let slices: Vec<&[i16]> = volume.voxels.chunks_exact(rows * columns).collect();
    let weights = map(&slices, threads, |slice| Foreground::of(slice, columns, above));
    let all = weights.into_iter().fold(Foreground::default(), Foreground::add);
    if all.voxels == 0 {
        return [(rows as f64 - 1.0) / 2.0, (columns as f64 - 1.0) / 2.0];
    }
    [all.rows, all.columns].map(|sum| sum as f64 / all.voxels as f64)
}

/// How many voxels are in the foreground, and the sums of their rows and columns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Foreground {
    voxels: u64,
    rows: u64,
    columns: u64,
}

impl Foreground {
    /// Counts of a row or a column fit: a slice has at most 65,535 of each (PS3.3 C.7.6.3). Wrapping lets them run wide.
    fn of(slice: &[i16], columns: usize, above: f32) -> Self {
        let inside = |value: &i16| u32::from(f32::from(*value) > above);
        let mut of_column = vec![0u32; columns];
        let mut found = Self::default();
        for (row, line) in slice.chunks_exact(columns).enumerate() {
            let in_line = line
                .iter()
                .fold(0u32, |sum, value| sum.wrapping_add(inside(value)));
            for (count, value) in of_column.iter_mut().zip(line) {
                *count = count.wrapping_add(inside(value));
            }
            found.voxels += u64::from(in_line);
            found.rows += u64::from(in_line) * row as u64;
        }
        found.columns = (0..).zip(&of_column).map(|(at, n)| at * u64::from(*n)).sum();
        found
    }

    fn add(self, other: Self) -> Self {
        Self {
            voxels: self.voxels + other.voxels,
            rows: self.rows + other.rows,
            columns: self.columns + other.columns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_are_weighed_by_what_is_inside() {
        let slice = [0, 0, 9, 0, 9, 9];
        let found = Foreground::of(&slice, 3, 5.0);
        let expected = Foreground {
            voxels: 3,
            rows: 2,
            columns: 2 + 1 + 2,
        };
        assert_eq!(found, expected);
        assert_eq!(Foreground::of(&slice, 3, 9.0), Foreground::default());
    }
}
