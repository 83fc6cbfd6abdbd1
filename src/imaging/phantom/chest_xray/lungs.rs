//! Both lungs in their chest: the air that a ray meets, and which pixel belongs to a lung field or to pleural air.

use super::super::shape::{Field, smooth};
use super::anatomy::Anatomy;
use super::collapse::Collapse;
use super::finding::ChestSide;
use super::hemithorax::Hemithorax;
use super::mediastinum::Mediastinum;
use super::plane::V2;
use super::pose::Pose;

/// Bits of a mask.
pub const PLEURAL_AIR: u8 = 1;
pub const NODULE: u8 = 2;
pub const LUNG_FIELD: u8 = 4;

pub struct Lungs<'a> {
    pub chest: [Hemithorax; 2],
    pub collapse: Option<Collapse>,
    pub mediastinum: &'a Mediastinum,
    pub pose: &'a Pose,
    pub texture: Field,
    /// Share of tissue in an inflated lung.
    pub density: f32,
}

impl<'a> Lungs<'a> {
    pub fn new(
        anatomy: &Anatomy,
        collapse: Option<Collapse>,
        (mediastinum, pose): (&'a Mediastinum, &'a Pose),
        texture: Field,
    ) -> Self {
        let shift = |side: ChestSide| collapse.filter(|c| c.side == side).map_or(0.0, |c| c.shift);
        Self {
            chest: ChestSide::BOTH.map(|side| anatomy.hemithorax(side, shift(side))),
            collapse,
            mediastinum,
            pose,
            texture,
            density: anatomy.lung_density,
        }
    }

    pub fn collapsed(&self, side: ChestSide) -> Option<&Collapse> {
        self.collapse.as_ref().filter(|c| c.side == side)
    }

    /// Inner and outer border of a lung at a height.
    pub fn span(&self, side: ChestSide, y: f32) -> Option<[f32; 2]> {
        let chest = &self.chest[side.index()];
        match self.collapsed(side) {
            Some(collapse) => collapse.span(chest, y),
            None => chest.span(y),
        }
    }

    /// Tissue that a ray does not meet because there is air, mm.
    pub fn air(&self, at: V2) -> f32 {
        let hidden = self.mediastinum.seen(self.pose, at);
        let [x, y] = self.pose.thorax(at, 0.0);
        ChestSide::BOTH
            .iter()
            .map(|side| self.air_of(*side, x, y, hidden))
            .sum()
    }

    fn air_of(&self, side: ChestSide, x: f32, y: f32, hidden: f32) -> f32 {
        let chest = &self.chest[side.index()];
        let x = x * chest.sign;
        let Some(cavity) = chest.span(y) else { return 0.0 };
        let whole = chest.path(cavity, 0.0, [x, y], hidden);
        if whole <= 0.0 {
            return 0.0;
        }
        let (lung, squeeze) = match self.collapsed(side) {
            None => (whole, 1.0),
            Some(c) => {
                let lung = |span| chest.path(span, c.top(), [x, y], hidden);
                let path = c.span(chest, y).map_or(0.0, lung);
                (path.min(whole), c.narrowed(chest, y))
            }
        };
        let density = (self.density / squeeze.max(0.35)).min(0.8) * self.mottled([x, y], side);
        whole - lung * density
    }

    /// Unevenness of the lung's density, about 1: vessels too small to draw, and more blood at the base.
    fn mottled(&self, [x, y]: V2, side: ChestSide) -> f32 {
        let z = 40.0 * side.index() as f32;
        let f = |period: f32| self.texture.mm([x, y, z], period);
        let base = 0.88 + 0.28 * smooth(0.0, 1.0, y / self.chest[0].height);
        base * (1.0 + 0.10 * f(23.0) + 0.09 * f(7.0) + 0.08 * f(3.1) + 0.05 * f(1.6))
    }

    /// Bits of the mask for a point of the image, the nodule apart.
    pub fn region(&self, at: V2) -> u8 {
        if self.mediastinum.covers(self.pose, at) {
            return 0;
        }
        let [x, y] = self.pose.thorax(at, 0.0);
        ChestSide::BOTH
            .iter()
            .map(|side| self.region_of(*side, x, y))
            .fold(0, |a, b| a | b)
    }

    fn region_of(&self, side: ChestSide, x: f32, y: f32) -> u8 {
        let chest = &self.chest[side.index()];
        let x = x * chest.sign;
        let within = |[inner, outer]: [f32; 2]| x > inner && x < outer;
        if !chest.span(y).is_some_and(within) || y > chest.diaphragm(x) {
            0
        } else if self.span(side, y).is_some_and(within) {
            LUNG_FIELD
        } else {
            PLEURAL_AIR
        }
    }

    /// The visible pleura of a collapsed lung, from the inner border over the top and down to the diaphragm, thorax mm.
    pub fn pleura(&self) -> Vec<V2> {
        let Some(collapse) = &self.collapse else {
            return Vec::new();
        };
        let chest = &self.chest[collapse.side.index()];
        let levels = || (0..240).map(|i| collapse.top() + 0.02 * 1.042_f32.powi(i));
        let border = |which: usize| move |y: f32| collapse.span(chest, y).map(|span| [span[which], y]);
        let inner: Vec<V2> = levels()
            .filter(|y| *y < collapse.top() + 30.0)
            .filter_map(border(0))
            .collect();
        let outer = levels()
            .filter_map(border(1))
            .take_while(|p| p[1] < chest.diaphragm(p[0]) + 8.0);
        inner
            .into_iter()
            .rev()
            .chain(outer)
            .map(|[x, y]| [x * chest.sign, y])
            .collect()
    }
}
