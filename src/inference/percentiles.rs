//! Percentiles of the values of a volume, from a count of each value: exact, and as fast for a large volume as reading it. Pure.

/// Values that a voxel can have.
const VALUES: usize = 1 << 16;

/// The values at two shares (0 to 100) of all voxels after clipping; between two ranks linear by distance, as NumPy's
/// `percentile`. Without voxels 0 and 1.
pub fn percentiles(voxels: &[i16], clip: Option<[f32; 2]>, shares: [f32; 2]) -> [f32; 2] {
    if voxels.is_empty() {
        return [0.0, 1.0];
    }
    let mut counts = vec![0u64; VALUES];
    for voxel in voxels {
        counts[(i32::from(*voxel) - i32::from(i16::MIN)) as usize] += 1;
    }
    let [low, high] = clip.unwrap_or([f32::MIN, f32::MAX]);
    shares.map(|share| {
        let rank = f64::from(share) / 100.0 * (voxels.len() as f64 - 1.0);
        // Clipping keeps the order, so that it may follow.
        let value = |rank: f64| f64::from((at_rank(&counts, rank as u64) as f32).clamp(low, high));
        let (below, above) = (value(rank.floor()), value(rank.ceil()));
        (below + (above - below) * rank.fract()) as f32
    })
}

/// The value that as many voxels lie below.
fn at_rank(counts: &[u64], rank: u64) -> i32 {
    let mut seen = 0;
    let place = counts.iter().position(|count| {
        seen += count;
        seen > rank
    });
    place.unwrap_or(VALUES - 1) as i32 + i32::from(i16::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_found_between_values() {
        let voxels = [5, -3, 100, 20, 1];
        assert_eq!(percentiles(&voxels, None, [0.0, 100.0]), [-3.0, 100.0]);
        assert_eq!(percentiles(&voxels, None, [50.0, 62.5]), [5.0, 12.5]);
        assert_eq!(percentiles(&voxels, Some([0.0, 50.0]), [0.0, 100.0]), [0.0, 50.0]);
        assert_eq!(percentiles(&[], None, [1.0, 99.0]), [0.0, 1.0]);
    }
}
