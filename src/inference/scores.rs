//! From what the network answers to scores, and from slices to a study. Pure.

use super::manifest::{Activation, Aggregate};

/// Logits to scores, in place: `values` is `[slice, class, plane]`.
pub fn activate(values: &mut [f32], classes: usize, plane: usize, activation: Activation) {
    match activation {
        Activation::None => {}
        Activation::Sigmoid => values.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp())),
        Activation::Softmax => values
            .chunks_exact_mut(classes * plane)
            .for_each(|slice| softmax(slice, plane)),
    }
}

/// Over the classes of one slice, for each place of the plane.
fn softmax(slice: &mut [f32], plane: usize) {
    for place in 0..plane {
        let largest = slice[place..]
            .iter()
            .step_by(plane)
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for value in slice[place..].iter_mut().step_by(plane) {
            *value = (*value - largest).exp();
            sum += *value;
        }
        slice[place..]
            .iter_mut()
            .step_by(plane)
            .for_each(|value| *value /= sum);
    }
}

/// One score for the study from the scores of its slices; 0 without slices.
pub fn aggregate(scores: &[f32], how: Aggregate) -> f32 {
    let mean = |scores: &[f32]| scores.iter().sum::<f32>() / scores.len().max(1) as f32;
    match how {
        Aggregate::Max => scores.iter().copied().reduce(f32::max).unwrap_or(0.0),
        Aggregate::Mean => mean(scores),
        Aggregate::NoisyOr => 1.0 - scores.iter().map(|score| 1.0 - score).product::<f32>(),
        Aggregate::TopKMean { k } => {
            let mut sorted = scores.to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted.truncate(k.max(1));
            mean(&sorted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_become_a_study() {
        for (how, expected) in [
            (Aggregate::Max, 0.75),
            (Aggregate::Mean, 0.5),
            (Aggregate::NoisyOr, 1.0 - 0.75 * 0.5 * 0.25),
            (Aggregate::TopKMean { k: 2 }, 0.625),
            (Aggregate::TopKMean { k: 9 }, 0.5),
        ] {
            assert!(
                (aggregate(&[0.25, 0.75, 0.5], how) - expected).abs() < 1e-6,
                "{how:?}"
            );
        }
        assert_eq!(aggregate(&[], Aggregate::Max), 0.0);
    }

    #[test]
    fn activations_by_hand() {
        let mut values = [0.0, 2.0];
        activate(&mut values, 1, 2, Activation::Sigmoid);
        assert!((values[0] - 0.5).abs() < 1e-6 && (values[1] - 0.880_797).abs() < 1e-6);
        // Two classes, two places: the classes of a place lie a plane apart.
        let mut values = [0.0, 1000.0, 0.0, 0.0];
        activate(&mut values, 2, 2, Activation::Softmax);
        assert_eq!(values, [0.5, 1.0, 0.5, 0.0]);
    }
}
