//! The known name that a misspelt one probably meant.

/// Names further away than this share of their length are not suggested.
const FARTHEST: f64 = 0.5;

/// The closest of `known` to `name`, if any is close.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let scored = known
        .into_iter()
        // A name that was cut short is meant before one that merely has as many letters in common.
        .map(|k| {
            (
                !k.to_lowercase().starts_with(&lower),
                distance(&lower, &k.to_lowercase()),
                k,
            )
        });
    let (_, steps, best) = scored.min()?;
    let longer = name.chars().count().max(best.chars().count());
    (steps as f64 <= longer as f64 * FARTHEST).then_some(best)
}

/// Edit distance in which two swapped neighbours count as one step (optimal string alignment), three rows at a time.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_understood() {
        let known = ["model", "volume_ml", "midline_shift_mm", "flagged", "state"];
        for (typed, meant) in [
            ("volume", Some("volume_ml")),
            ("volum", Some("volume_ml")),
            ("flaged", Some("flagged")),
            ("Stat", Some("state")),
            ("stpate", Some("state")),
        ] {
            assert_eq!(nearest(typed, known), meant);
        }
        assert_eq!(nearest("temperature", ["x"]), None);
    }
}
