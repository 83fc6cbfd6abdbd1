//! Measures of one thorax, mm: drawn from the patient, so that two images of one patient show the same chest. Proportions
//! are design values after the shape of adult radiographs.

use super::super::dice::Dice;
use super::finding::ChestSide;
use super::hemithorax::Hemithorax;

#[derive(Clone, Debug)]
pub struct Anatomy {
    pub female: bool,
    /// Size against the average adult.
    pub scale: f32,
    /// Midline to the inner border of the ribs at its widest.
    pub width: f32,
    /// Apex of the lungs to the costophrenic angle.
    pub height: f32,
    /// Front to back: of the lungs, and of the body.
    pub depth: f32,
    pub body: f32,
    /// Thickness of the lateral chest wall.
    pub wall: f32,
    /// Depth of breast tissue.
    pub breast: f32,
    /// Size of the heart against the average.
    pub heart: f32,
    /// Radius of the aortic arch and how far it lies from the midline.
    pub knob: [f32; 2],
    /// Right and left top of the diaphragm, share of the height.
    pub domes: [f32; 2],
    /// Slope and density of the ribs against the average.
    pub rib_slope: f32,
    pub rib_density: f32,
    /// Share of tissue in an inflated lung.
    pub lung_density: f32,
    /// Radius of the largest vessels of a lung.
    pub vessels: f32,
    /// Sideways bend of the spine.
    pub scoliosis: f32,
    pub gastric_gas: bool,
}

impl Anatomy {
    pub fn draw(dice: &mut Dice) -> Self {
        let female = dice.chance(0.5);
        let scale = dice.normal(if female { 0.94 } else { 1.03 }, 0.035);
        let fat = dice.between(0.0, 1.0) * dice.between(0.3, 1.0);
        let right = dice.between(0.76, 0.83);
        Self {
            female,
            scale,
            width: scale * dice.normal(132.0, 5.0),
            height: scale * dice.normal(262.0, 10.0),
            depth: scale * dice.normal(150.0, 8.0),
            body: scale * (205.0 + 60.0 * fat),
            wall: 24.0 + 30.0 * fat,
            breast: if female {
                dice.between(18.0, 46.0) * (0.6 + 0.5 * fat)
            } else {
                0.0
            },
            heart: dice.normal(1.0, 0.07),
            knob: [dice.between(15.0, 21.0), dice.between(17.0, 24.0)],
            domes: [right, right + dice.between(0.005, 0.06)],
            rib_slope: dice.normal(1.0, 0.12),
            rib_density: dice.normal(1.0, 0.15),
            lung_density: dice.normal(0.22, 0.02),
            vessels: dice.normal(6.2, 0.5),
            scoliosis: dice.normal(0.0, 3.0),
            gastric_gas: dice.chance(0.7),
        }
    }

    /// The same chest less (below 1) or more deeply inspired.
    pub fn inspired(mut self, factor: f32) -> Self {
        self.height *= factor;
        self.heart *= 1.0 + 0.5 * (1.0 - factor);
        self
    }

    /// One side of the chest; `shift` is how far the mediastinum has moved away from it, mm.
    pub fn hemithorax(&self, side: ChestSide, shift: f32) -> Hemithorax {
        let flattened = (shift / 25.0).clamp(0.0, 1.0) * 0.55;
        let dome = self.domes[side.index()];
        Hemithorax {
            sign: side.sign(),
            width: self.width,
            height: self.height,
            depth: self.depth,
            apex: 0.36 * self.width,
            inner: 5.0 - shift,
            dome: self.height * (dome + (1.0 - dome) * flattened),
        }
    }
}
