//! The ten regions of ASPECTS as places of a head: four of the deep territory and the insula's ribbon, six of the cortex on
//! two levels (Barber et al., Lancet 2000). Borders are design values in the phantom's own coordinates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::shape::{V3, ellipsoid};

/// A region of the middle cerebral artery's territory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Region {
    /// Head of the caudate nucleus.
    C,
    /// Lentiform nucleus.
    L,
    /// Internal capsule.
    #[serde(rename = "IC")]
    Ic,
    /// Insular ribbon.
    I,
    /// Anterior, lateral and posterior cortex at the level of the nuclei.
    M1,
    M2,
    M3,
    /// The same above the nuclei.
    M4,
    M5,
    M6,
}

impl Region {
    pub const ALL: [Self; 10] = [
        Self::C,
        Self::L,
        Self::Ic,
        Self::I,
        Self::M1,
        Self::M2,
        Self::M3,
        Self::M4,
        Self::M5,
        Self::M6,
    ];

    /// The region at a place mirrored to the left (`p[0]` at least 0), in a cavity of half extents `half`.
    pub fn at(p: V3, half: V3) -> Option<Self> {
        deep(p).or_else(|| cortical(p, half))
    }
}

fn deep(p: V3) -> Option<Region> {
    let within = |centre: V3, radii: V3| ellipsoid(p, centre, radii) < 0.0;
    if within([15.0, -24.0, 9.0], [6.0, 10.0, 9.0]) {
        Some(Region::C)
    } else if within([25.0, -4.0, 3.0], [7.5, 17.5, 10.5]) {
        Some(Region::L)
    } else if within([11.0, 12.0, 6.0], [8.0, 14.0, 9.0]) {
        None // thalamus: posterior circulation
    } else if within([18.0, -3.0, 5.0], [9.0, 22.0, 11.0]) && p[0] > 9.0 {
        Some(Region::Ic)
    } else if (-5.5..1.5).contains(&from_insula(p)) && at_insula(p) {
        Some(Region::I)
    } else {
        None
    }
}

/// How far lateral of the insula's surface, mm.
fn from_insula(p: V3) -> f32 {
    p[0] - (38.0 - 0.004 * (p[1] + 8.0).powi(2) - 0.2 * (p[2] - 4.0))
}

fn at_insula(p: V3) -> bool {
    (p[1] + 8.0).abs() < 26.0 && (p[2] - 3.0).abs() < 14.0
}

/// Level between the nuclei and what is above them, and the lowest and highest place, mm.
const ABOVE: f32 = 15.0;
const LOWEST: f32 = -18.0;
const HIGHEST: f32 = 48.0;
/// Borders to the anterior and posterior cerebral arteries and between the three parts, degrees from the side to the back.
const SECTORS: [f32; 4] = [-62.0, -24.0, 20.0, 50.0];

fn cortical(p: V3, half: V3) -> Option<Region> {
    if !(LOWEST..HIGHEST).contains(&p[2]) || p[0] < 16.0 {
        return None;
    }
    let level = (1.0 - (p[2] / half[2]).powi(2)).max(0.05).sqrt();
    let s = [p[0] / (half[0] * level), p[1] / (half[1] * level)];
    let (radius, angle) = (s[0].hypot(s[1]), s[1].atan2(s[0]).to_degrees());
    let lateral = if p[2] < ABOVE && at_insula(p) {
        from_insula(p) >= 1.5
    } else {
        radius > 0.52
    };
    let part = SECTORS.windows(2).position(|w| (w[0]..w[1]).contains(&angle))?;
    let first = if p[2] < ABOVE { 4 } else { 7 };
    lateral.then(|| Region::ALL[first + part])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: V3 = [68.0, 84.0, 72.0];

    #[test]
    fn every_region_has_its_place_and_no_other_territory_has_one() {
        for (p, region) in [
            ([15.0, -24.0, 9.0], Some(Region::C)),
            ([25.0, -4.0, 3.0], Some(Region::L)),
            ([17.0, -8.0, 4.0], Some(Region::Ic)),
            ([36.0, -8.0, 4.0], Some(Region::I)),
            ([40.0, -48.0, 4.0], Some(Region::M1)),
            ([56.0, -4.0, 0.0], Some(Region::M2)),
            ([50.0, 36.0, 8.0], Some(Region::M3)),
            ([36.0, -40.0, 28.0], Some(Region::M4)),
            ([52.0, 0.0, 28.0], Some(Region::M5)),
            ([42.0, 34.0, 28.0], Some(Region::M6)),
            ([11.0, 12.0, 6.0], None),
            ([8.0, -60.0, 10.0], None),
            ([12.0, 66.0, 10.0], None),
            ([5.0, 0.0, 50.0], None),
        ] {
            assert_eq!(Region::at(p, HALF), region, "{p:?}");
        }
    }
}
