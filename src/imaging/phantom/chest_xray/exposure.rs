//! What reaches the detector: attenuation by tissue, bone and metal (Beer-Lambert), scatter and quantum noise. The result
//! is logarithmic, as a detector's electronics hand it to the processing.

use super::super::dice::Dice;
use super::blur::blurred;
use super::plane::Plane;
use super::pose::View;

/// Attenuation per mm at the mean energies of these beams; values of water, compact bone and steel, rounded.
struct Attenuation {
    tissue: f32,
    bone: f32,
    metal: f32,
}

impl Attenuation {
    fn of(view: View) -> Self {
        match view {
            View::Pa => Self {
                tissue: 0.0185,
                bone: 0.042,
                metal: 0.5,
            },
            View::Ap => Self {
                tissue: 0.0195,
                bone: 0.048,
                metal: 0.6,
            },
            View::PortableAp => Self {
                tissue: 0.0210,
                bone: 0.058,
                metal: 0.8,
            },
        }
    }
}

/// Scatter is spread this wide, mm.
const SCATTER_MM: f32 = 38.0;
/// Quanta per mm² that are detected without a patient (design value).
const QUANTA: f32 = 600_000.0;

/// Tissue, bone and metal that rays meet, mm.
pub struct Maps {
    pub tissue: Plane,
    pub bone: Plane,
    pub metal: Plane,
}

/// The detector's signal: −ln of the quanta's share, for each pixel. `dose` is 1 for a usual exposure.
pub fn exposed(maps: &Maps, view: View, dose: f32, dice: &mut Dice) -> Plane {
    let mu = Attenuation::of(view);
    let mut primary = Plane::zeros(maps.tissue.grid);
    let mut source = primary.clone();
    for (i, value) in primary.values.iter_mut().enumerate() {
        let tissue = maps.tissue.values[i].max(0.0);
        let path = mu.tissue * tissue + mu.bone * maps.bone.values[i] + mu.metal * maps.metal.values[i];
        *value = (-path).exp();
        source.values[i] = *value * (tissue / 80.0).min(1.0);
    }
    let share = match view {
        View::Pa => 0.22,
        View::Ap => 0.35,
        View::PortableAp => 0.75,
    };
    let scatter = blurred(&source, SCATTER_MM);
    let quanta = QUANTA * dose * primary.grid.mm * primary.grid.mm;
    let mut noise = vec![0.0; primary.values.len()];
    dice.fill_normal(&mut noise);
    for ((value, scattered), noise) in primary.values.iter_mut().zip(&scatter.values).zip(&noise) {
        let mean = *value + share * scattered;
        let counted = mean + noise * (mean / quanta).sqrt();
        *value = -counted.max(0.25 * mean).max(1e-6).ln();
    }
    primary
}

#[cfg(test)]
mod tests {
    use super::super::plane::Grid;
    use super::*;

    #[test]
    fn more_tissue_gives_more_signal_and_more_dose_less_noise() {
        let grid = Grid {
            rows: 64,
            columns: 64,
            mm: 0.7,
        };
        let spread = |tissue: f32, dose: f32| {
            let plane = Plane::computed(grid, 1, |_| tissue);
            let maps = Maps {
                tissue: plane,
                bone: Plane::zeros(grid),
                metal: Plane::zeros(grid),
            };
            let signal = exposed(&maps, View::Pa, dose, &mut Dice::new(1, 0)).values;
            let mean = signal.iter().sum::<f32>() / signal.len() as f32;
            let power = signal.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / signal.len() as f32;
            (mean, power.sqrt())
        };
        assert!(spread(200.0, 1.0).0 > spread(90.0, 1.0).0 + 1.5);
        assert!(spread(200.0, 4.0).1 < 0.6 * spread(200.0, 1.0).1);
    }
}
