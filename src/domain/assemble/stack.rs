//! The order in which the slices of a series are looked at: along the normal, from the feet, the left or the front on; by
//! their numbers where the headers give no place. Never by the order of arrival.

use super::geometry::{dot, normal};
use crate::study::InstanceFacts;

/// One picture of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// Index into the instances that were given.
    pub instance: usize,
    /// 0-based.
    pub frame: u32,
    /// Along the normal, mm; `None` where the header gives no place.
    pub offset: Option<f64>,
}

/// Every frame with pixels, in the order of looking.
pub fn layers(instances: &[InstanceFacts]) -> Vec<Layer> {
    let along = instances
        .iter()
        .find_map(|i| i.orientation)
        .and_then(|o| normal(&o));
    let along = along.map(upwards);
    let mut order: Vec<(usize, Option<f64>)> = instances
        .iter()
        .enumerate()
        .filter(|(_, facts)| facts.has_pixels)
        .map(|(at, facts)| (at, along.zip(facts.position).map(|(n, p)| dot(&n, &p))))
        .collect();
    order.sort_by(|(a, x), (b, y)| {
        let number = |at: &usize| (instances[*at].instance_number, &instances[*at].sop_instance_uid);
        match (x, y) {
            (Some(x), Some(y)) => x.total_cmp(y).then_with(|| number(a).cmp(&number(b))),
            _ => number(a).cmp(&number(b)),
        }
    });
    order
        .into_iter()
        .flat_map(|(instance, offset)| {
            (0..instances[instance].frames.max(1)).map(move |frame| Layer {
                instance,
                frame,
                offset,
            })
        })
        .collect()
}

/// The normal towards the head; where it hardly points there, towards the back, else the left.
pub fn upwards(normal: [f64; 3]) -> [f64; 3] {
    let leading = [2, 1, 0]
        .into_iter()
        .max_by(|a: &usize, b| normal[*a].abs().total_cmp(&normal[*b].abs()))
        .unwrap_or(2);
    let sign = if normal[leading] < 0.0 { -1.0 } else { 1.0 };
    normal.map(|part| sign * part)
}

#[cfg(test)]
mod tests {
    use super::super::tests::slice;
    use super::*;

    const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    fn order(instances: &[InstanceFacts]) -> Vec<(usize, u32)> {
        layers(instances).iter().map(|l| (l.instance, l.frame)).collect()
    }

    #[test]
    fn slices_go_from_the_feet_to_the_head_whatever_their_numbers_say() {
        let at = |number, z| slice(number, [0.0, 0.0, z], AXIAL);
        let stack = [at(1, 30.0), at(2, 10.0), at(3, 20.0)];
        assert_eq!(order(&stack), [(1, 0), (2, 0), (0, 0)]);
        let downwards = [1.0, 0.0, 0.0, 0.0, -1.0, 0.0];
        let turned = stack.map(|one| InstanceFacts {
            orientation: Some(downwards),
            ..one
        });
        assert_eq!(order(&turned), [(1, 0), (2, 0), (0, 0)]);
    }

    #[test]
    fn without_places_numbers_decide_and_frames_follow_one_another() {
        let flat = |number, frames| InstanceFacts {
            position: None,
            orientation: None,
            frames,
            ..slice(number, [0.0; 3], AXIAL)
        };
        let without = InstanceFacts {
            has_pixels: false,
            ..flat(0, 1)
        };
        let series = [flat(2, 1), flat(1, 2), without];
        assert_eq!(order(&series), [(1, 0), (1, 1), (0, 0)]);
    }
}
