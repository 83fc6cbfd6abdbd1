//! From a detector's signal to what a reader is shown: range compression, enhancement of detail by unsharp masks, and an
//! S-shaped curve between the lungs and the densest tissue, as vendors do it. The result is 0 (black) to 1 (white).

use super::super::dice::Dice;
use super::blur::blurred;
use super::lungs::LUNG_FIELD;
use super::plane::Plane;

/// A vendor's taste.
pub struct Processing {
    /// Share of the coarse contrast that is taken away.
    compression: f32,
    /// Enhancement of structures of about 2 mm and 8 mm.
    fine: f32,
    middle: f32,
    /// Steepness of the curve.
    slope: f32,
    /// Shift of brightness.
    bias: f32,
}

impl Processing {
    pub fn draw(dice: &mut Dice, bias: f32) -> Self {
        Self {
            compression: dice.between(0.15, 0.42),
            fine: dice.between(0.1, 0.7),
            middle: dice.between(0.1, 0.5),
            slope: dice.between(2.6, 4.2),
            bias: bias + dice.normal(0.0, 0.02),
        }
    }

    /// Shows a signal; `mask` tells where the lungs are, `tissue` where the patient is.
    pub fn present(&self, mut signal: Plane, mask: &[u8], tissue: &Plane) -> Plane {
        let lungs = |i: usize| mask[i] & LUNG_FIELD != 0;
        let patient = |i: usize| tissue.values[i] > 50.0;
        let dark = quantile(&signal, lungs, 0.03);
        // Open air would throw halos over the skin.
        signal.values.iter_mut().for_each(|v| *v = v.max(dark - 0.9));
        let coarse = blurred(&signal, 28.0);
        let level = quantile(&coarse, patient, 0.5);
        let middle = blurred(&signal, 6.0);
        let fine = blurred(&signal, 1.2);
        for (i, v) in signal.values.iter_mut().enumerate() {
            let s = *v;
            *v = s - self.compression * (coarse.values[i] - level)
                + self.middle * (s - middle.values[i])
                + self.fine * (s - fine.values[i]);
        }
        let low = quantile(&signal, lungs, 0.02);
        let high = quantile(&signal, patient, 0.985);
        let span = (high - low).max(0.2);
        let curve = |v: f32| 1.0 / (1.0 + (-self.slope * (v - 0.5)).exp());
        let (foot, head) = (curve(-0.22), curve(1.04));
        for v in &mut signal.values {
            let place = (*v - low) / span + self.bias;
            *v = ((curve(place) - foot) / (head - foot)).clamp(0.0, 1.0);
        }
        signal
    }
}

/// A quantile of the pixels that are wanted; every eleventh is looked at.
fn quantile(plane: &Plane, wanted: impl Fn(usize) -> bool, share: f32) -> f32 {
    let mut values: Vec<f32> = (0..plane.values.len())
        .step_by(11)
        .filter(|i| wanted(*i))
        .map(|i| plane.values[i])
        .collect();
    if values.is_empty() {
        return 0.0;
    }
    let at = ((values.len() - 1) as f32 * share) as usize;
    *values.select_nth_unstable_by(at, f32::total_cmp).1
}
