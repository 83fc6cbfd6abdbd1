//! The head as a frame of reference: where its skull is closed, which plane halves it, how long and how high it is.

use super::headmap::{HeadMap, MapError};
use super::skull::{Midplane, Ring};
use crate::volume::Volume;

/// Slabs this far under the vertex carry the plane: above, the rings are small; below, the skull base begins. mm.
const VAULT_MM: (f64, f64) = (15.0, 80.0);
const FEWEST_RINGS: usize = 3;
/// Chords whose middles scatter more than this do not halve a head. mm.
const LARGEST_SPREAD: f64 = 4.0;

/// Slabs above a place that can lie nearer to the skull than its own.
const ABOVE: usize = 5;

#[derive(Clone, Debug)]
pub struct Head {
    pub map: HeadMap,
    /// By slab.
    pub rings: Vec<Option<Ring>>,
    pub midplane: Midplane,
    /// Height of the inner table at the vertex, as far as the scan shows it.
    pub top: f64,
    /// Size against a common head: 1 where the largest section is that of an ellipse of 136 × 168 mm.
    pub scale: f64,
}

/// Why the head gives no frame of reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    #[error(transparent)]
    Map(#[from] MapError),
    #[error("no closed skull is in the scan")]
    NoSkull,
    #[error("the skull is too uneven to find the plane that halves it")]
    Uneven,
}

fn scale(vault: &[&Ring]) -> f64 {
    let largest = vault.iter().map(|r| r.area()).fold(0.0, f64::max);
    (largest / (std::f64::consts::PI * 68.0 * 84.0)).sqrt()
}

impl Head {
    pub fn find(volume: &Volume) -> Result<Self, HeadError> {
        let map = HeadMap::of(volume)?;
        let rings: Vec<Option<Ring>> = map.slabs.iter().map(|slab| Ring::find(&map, slab)).collect();
        let top = rings
            .iter()
            .flatten()
            .map(|r| r.z)
            .fold(f64::NEG_INFINITY, f64::max);
        let vault: Vec<&Ring> = rings
            .iter()
            .flatten()
            .filter(|r| (VAULT_MM.0..=VAULT_MM.1).contains(&(top - r.z)))
            .collect();
        if vault.len() < FEWEST_RINGS {
            return Err(HeadError::NoSkull);
        }
        let midplane = Midplane::fit(&vault).ok_or(HeadError::NoSkull)?;
        if midplane.spread > LARGEST_SPREAD {
            return Err(HeadError::Uneven);
        }
        let scale = scale(&vault);
        Ok(Self {
            map,
            rings,
            scale,
            midplane,
            top,
        })
    }
}

impl Head {
    /// HU at a place in the head's own frame: `across` mm to the left of the midplane, `along` mm behind the middle of
    /// the skull's length in that slab. Air where the slab shows no closed skull.
    pub fn hu(&self, slab: usize, across: f64, along: f64) -> f32 {
        match self.position(slab, across, along) {
            Some(position) => self.map.at(&self.map.slabs[slab], position),
            None => -1000.0,
        }
    }

    /// The place in the plane of the slices.
    pub fn position(&self, slab: usize, across: f64, along: f64) -> Option<[f64; 2]> {
        let ring = self.rings[slab].as_ref()?;
        let (yaw, length) = (self.midplane.yaw, self.midplane.yaw.hypot(1.0));
        let y = ring.centre[1];
        let x = self.midplane.x(y, ring.z);
        Some([
            x + (across + yaw * along) / length,
            y + (along - yaw * across) / length,
        ])
    }

    /// A position in the plane of the slices, in the head's own frame: across, along. Below the vault, where no ring
    /// closes, the next one above gives the middle.
    pub fn place(&self, slab: usize, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let ring = self.rings[slab..].iter().flatten().next()?;
        let (yaw, length) = (self.midplane.yaw, self.midplane.yaw.hypot(1.0));
        let z = self.map.slabs[slab].z;
        let (dx, dy) = (x - self.midplane.x(ring.centre[1], z), y - ring.centre[1]);
        Some([(dx - yaw * dy) / length, (yaw * dx + dy) / length])
    }

    /// Where the midplane meets the inner table in a slab: in front and behind, mm along.
    pub fn ends(&self, slab: usize) -> Option<(f64, f64)> {
        let ring = self.rings[slab].as_ref()?;
        let reach = |towards: f64| {
            let mut along = 0.0;
            while along < 130.0 && ring.depth(self.position(slab, 0.0, towards * along)?) > 0.0 {
                along += 0.5;
            }
            Some(towards * along)
        };
        Some((reach(-1.0)?, reach(1.0)?))
    }

    /// Distance of a position to the inner table, mm: the nearest of what its own slab and those above it show.
    pub fn depth(&self, slab: usize, position: [f64; 2]) -> f64 {
        let z = self.map.slabs[slab].z;
        let within = |k: usize| {
            self.rings[k]
                .as_ref()
                .map_or(f64::INFINITY, |ring| ring.depth(position))
        };
        let above =
            (slab + 1..self.map.slabs.len()).map(|k| (self.map.slabs[k].z - z).hypot(within(k).max(0.0)));
        let above = above.take(ABOVE).fold(f64::INFINITY, f64::min);
        within(slab).min(above).min((self.top - z).max(0.0))
    }
}
