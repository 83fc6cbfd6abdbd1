//! How contrast fills the vessels: fully, less on one side, not beyond an occlusion, and poorly behind it. Decides densities
//! and what is missing; draws nothing.

use super::circle::{Name, Vessel};
use super::course::Node;
use super::truth::Segment;

/// Density of blood without contrast, HU.
const BLOOD: f32 = 45.0;
/// How much of the collaterals' contrast reaches the stagnant blood between a clot and the next branching (design value).
const STAGNANT: f32 = 0.2;
const CALCIUM: f32 = 900.0;

impl Segment {
    /// The vessel, and the part of its course (0 to 1) in which the occlusion begins.
    pub(super) fn range(self) -> (f32, f32) {
        match self {
            Self::IcaTerminus => (0.9, 0.96),
            Self::M1Proximal => (0.05, 0.35),
            Self::M1Distal => (0.5, 0.8),
            Self::M2Upper | Self::M2Lower => (0.05, 0.4),
        }
    }

    pub(super) fn vessel(self) -> Name {
        match self {
            Self::IcaTerminus => Name::Carotid,
            Self::M1Proximal | Self::M1Distal => Name::M1,
            Self::M2Upper => Name::M2Upper,
            Self::M2Lower => Name::M2Lower,
        }
    }

    /// Whether a vessel is supplied through this segment; what the other carotid reaches is not.
    fn supplies(self, name: Name) -> bool {
        let trunks = matches!(name, Name::M2Upper | Name::M2Lower | Name::Upper | Name::Lower);
        match self {
            Self::IcaTerminus => trunks || name == Name::M1,
            Self::M1Proximal | Self::M1Distal => trunks,
            Self::M2Upper => name == Name::Upper,
            Self::M2Lower => name == Name::Lower,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Occlusion {
    pub segment: Segment,
    /// 1 for the left, −1 for the right.
    pub side: f32,
    /// Where it begins, as a share of the vessel's course.
    pub from: f32,
    pub clot_mm: f32,
    pub clot_hu: f32,
    /// 0..1.
    pub collaterals: f32,
}

pub struct Filling {
    pub contrast: f32,
    pub venous: f32,
    pub occlusion: Option<Occlusion>,
    /// A side that fills less, and its share.
    pub uneven: Option<(f32, f32)>,
}

/// Density in a vessel at a node, and whether it belongs to the course that the occlusion took away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lumen {
    pub hu: f32,
    pub missing: bool,
}

impl Filling {
    pub fn at(&self, vessel: &Vessel, node: &Node) -> Lumen {
        let open = |hu| Lumen { hu, missing: false };
        match vessel.name {
            Name::Calcification => return open(CALCIUM),
            Name::Vein => return open(self.venous),
            _ => {}
        }
        let full = self.full(vessel.side);
        match &self.occlusion {
            Some(o) if o.side == vessel.side => o.at(vessel, node, full),
            Some(_) | None => open(full),
        }
    }

    fn full(&self, side: f32) -> f32 {
        match self.uneven {
            Some((weak, share)) if weak == side => BLOOD + (self.contrast - BLOOD) * share,
            Some(_) | None => self.contrast,
        }
    }
}

impl Occlusion {
    fn at(&self, vessel: &Vessel, node: &Node, full: f32) -> Lumen {
        let end = vessel.nodes.last().map_or(0.0, |n| n.along);
        let behind = |share: f32| BLOOD + (full - BLOOD) * self.collaterals * share;
        if vessel.name == self.segment.vessel() {
            let into = node.along - self.from * end;
            let hu = match into {
                i if i < 0.0 => full,
                i if i < self.clot_mm => self.clot_hu,
                _ => behind(STAGNANT),
            };
            return Lumen {
                hu,
                missing: into >= 0.0,
            };
        }
        let hu = if self.segment.supplies(vessel.name) {
            behind(0.5 + 0.5 * node.along / end.max(1e-3))
        } else {
            full
        };
        Lumen { hu, missing: false }
    }
}
