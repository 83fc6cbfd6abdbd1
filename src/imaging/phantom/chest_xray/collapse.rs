//! A lung that has come off the chest wall: where its visceral pleura runs, from the distances that are asked for. Lengths
//! are mm of the thorax; the mask says what came of them.

use super::super::dice::Dice;
use super::super::shape::{mix, smooth};
use super::finding::{ChestSide, PneumothoraxSpec};
use super::hemithorax::Hemithorax;

#[derive(Clone, Copy, Debug)]
pub struct Collapse {
    pub side: ChestSide,
    /// Displacement of the mediastinum to the other side.
    pub shift: f32,
    apex: f32,
    mid_upper: f32,
    mid_lower: f32,
}

impl Collapse {
    /// `magnification`: mm of the image per mm of the thorax.
    pub fn draw(dice: &mut Dice, spec: &PneumothoraxSpec, magnification: f32) -> Self {
        let mm = |cm: f64| cm.clamp(0.0, 14.0) as f32 * 10.0 / magnification;
        let side = dice.pick(&ChestSide::BOTH);
        let upper_share = dice.between(0.35, 0.8);
        let lower_share = dice.between(0.2, 1.0);
        let shift = dice.between(16.0, 28.0);
        let apex = mm(spec.apex_cm);
        let full = if spec.tension { 1.15 } else { 1.0 };
        let mid_upper = spec.mid_upper_cm.map_or(apex * upper_share * full, mm);
        Self {
            side: spec.side.unwrap_or(side),
            shift: if spec.tension { shift } else { 0.0 },
            apex,
            mid_upper,
            mid_lower: spec.mid_lower_cm.map_or(mid_upper * lower_share * full, mm),
        }
    }

    pub fn top(&self) -> f32 {
        self.apex
    }

    /// Inner and outer border of the lung at a height; none above its top.
    pub fn span(&self, chest: &Hemithorax, y: f32) -> Option<[f32; 2]> {
        if y <= self.apex {
            return None;
        }
        let share = ((y - self.apex) / (chest.height - self.apex)).max(0.0);
        // Near its top the lung is as round as the chest is near the apex.
        let under = y - self.apex * (1.0 - smooth(0.0, 0.23, share));
        let wall = chest.outer(under)?;
        let gap = mix(self.mid_upper, self.mid_lower, (share - 0.25) / 0.5).max(0.0);
        let inner = chest.inner(y - self.apex);
        let outer = (wall - gap * smooth(0.0, 0.2, share)).max(inner + 6.0);
        Some([inner, outer])
    }

    /// Share of the full width that the lung keeps at a height, for what lies in it.
    pub fn narrowed(&self, chest: &Hemithorax, y: f32) -> f32 {
        match (self.span(chest, y), chest.span(y)) {
            (Some([_, lung]), Some([inner, wall])) => ((lung - inner) / (wall - inner)).clamp(0.05, 1.0),
            _ => 1.0,
        }
    }
}
