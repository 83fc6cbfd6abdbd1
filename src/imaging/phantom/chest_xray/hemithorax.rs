//! One side of the chest: the outline in which a lung lies, how deep it is, and the dome of the diaphragm that closes it
//! from below. `x` here is the distance from the midline toward the side. Lengths are mm.

use super::super::shape::smooth;
use super::plane::V2;

#[derive(Clone, Copy, Debug)]
pub struct Hemithorax {
    /// −1 right, 1 left: from a distance to the thorax's x.
    pub sign: f32,
    pub width: f32,
    pub height: f32,
    pub depth: f32,
    /// Distance of the apex from the midline.
    pub apex: f32,
    /// Distance of the inner border, below the apex; the mediastinum covers it.
    pub inner: f32,
    /// Height of the diaphragm's top.
    pub dome: f32,
}

impl Hemithorax {
    /// Distance of the chest wall at a height, none above the apex.
    pub fn outer(&self, y: f32) -> Option<f32> {
        if y <= 0.0 {
            return None;
        }
        let t = (y / self.height).min(1.0);
        let swell = (1.0 - (1.0 - t).powf(2.6)).sqrt();
        let tuck = 1.0 - 0.03 * smooth(0.86, 1.1, y / self.height);
        Some((self.apex + (self.width - self.apex) * swell) * tuck)
    }

    /// Distance of the inner border at a height below the apex.
    pub fn inner(&self, y: f32) -> f32 {
        let left = 1.0 - (y / (0.2 * self.height)).clamp(0.0, 1.0);
        self.apex - (self.apex - self.inner) * (1.0 - left * left).sqrt()
    }

    /// Inner and outer border.
    pub fn span(&self, y: f32) -> Option<[f32; 2]> {
        self.outer(y).map(|outer| [self.inner(y), outer])
    }

    /// Height of the visible border of the diaphragm.
    pub fn diaphragm(&self, x: f32) -> f32 {
        let top = 0.45 * self.width;
        let drop = self.height - self.dome;
        if x > top {
            self.dome + drop * ((x - top) / (0.97 * self.width - top)).powf(2.3)
        } else {
            self.dome + 0.30 * drop * ((top - x) / top).powi(2)
        }
    }

    /// Path of a ray through what lies between `span`'s borders, without what the diaphragm or `hidden` mm of the
    /// mediastinum take: `top` is the height of its apex.
    pub fn path(&self, [inner, outer]: [f32; 2], top: f32, [x, y]: V2, hidden: f32) -> f32 {
        if x <= inner || x >= outer {
            return 0.0;
        }
        let (middle, half) = ((inner + outer) / 2.0, (outer - inner) / 2.0);
        let s = ((x - middle) / half).abs();
        let below = ((y - top) / (0.42 * self.height)).clamp(0.0, 1.0);
        let tall = (1.0 - (1.0 - below) * (1.0 - below)).sqrt();
        let exponent = if x < middle { 2.4 + 4.0 * below } else { 2.4 };
        let full = self.depth * tall * (1.0 - s.powf(exponent)).max(0.0).powf(1.0 / exponent);
        (full - self.behind_dome(x, y).max(hidden)).max(0.0)
    }

    /// Path through the dome of the diaphragm: a ball of a hand's width.
    fn behind_dome(&self, x: f32, y: f32) -> f32 {
        const RADIUS_MM: f32 = 85.0;
        let below = y - self.diaphragm(x);
        if below <= 0.0 {
            return 0.0;
        }
        2.0 * (2.0 * RADIUS_MM * below).sqrt() + 0.8 * below
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::dice::Dice;
    use super::super::anatomy::Anatomy;
    use super::super::finding::ChestSide;

    #[test]
    fn the_chest_widens_from_apex_to_base_and_is_closed_by_the_diaphragm() {
        let anatomy = Anatomy::draw(&mut Dice::new(4, 1));
        let chest = anatomy.hemithorax(ChestSide::Left, 0.0);
        let at = |y: f32| chest.outer(y).expect("below the apex");
        assert!(chest.outer(-1.0).is_none());
        assert!(at(10.0) < at(60.0) && at(60.0) < at(150.0));
        let middle = chest.span(120.0).expect("below the apex");
        assert!(chest.path(middle, 0.0, [60.0, 120.0], 0.0) > 100.0);
        let low = chest.span(chest.height).expect("below the apex");
        assert!(chest.path(low, 0.0, [0.45 * chest.width, chest.height + 20.0], 0.0) < 1.0);
    }
}
