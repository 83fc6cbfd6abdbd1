//! What an ischaemic phantom shall be. Everything left open is drawn from the seed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::ct::ScanPlan;
use super::super::dice::Dice;
use super::super::head::{HeadCtSpec, HeadFinding, Side, scan_plan};
use super::aspects::Region;

/// What is wrong with the tissue of one middle cerebral artery's territory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IschaemiaFinding {
    None,
    /// Early ischaemic change, of a degree that the seed decides unless given.
    Early,
    /// No early change but an old infarct, which must not be taken for one.
    OldInfarct,
    /// No early change but dark white matter around the ventricles of both sides.
    Leukoaraiosis,
    /// One of the four by the seed; early change in six of ten.
    Any,
}

/// How much density is lost: grey matter's loss in HU (design values).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Degree {
    /// 2 to 4 HU.
    Subtle,
    /// 4 to 8 HU.
    Moderate,
    /// 8 to 12 HU, with swelling.
    Frank,
}

impl Degree {
    fn loss_hu(self) -> (f32, f32) {
        match self {
            Self::Subtle => (2.0, 4.0),
            Self::Moderate => (4.0, 8.0),
            Self::Frank => (8.0, 12.0),
        }
    }
}

/// A head CT with or without early ischaemia to be made. `None` means: as the seed decides.
#[derive(Clone, Debug, PartialEq)]
pub struct IschaemiaSpec {
    pub finding: IschaemiaFinding,
    pub degree: Option<Degree>,
    /// The patient's side; `Bilateral` counts as left to the seed.
    pub side: Option<Side>,
    /// Number of affected regions, 1 to 10.
    pub regions: Option<usize>,
    /// Seed and scan; its finding and volume are not used.
    pub head: HeadCtSpec,
}

impl IschaemiaSpec {
    pub fn new(seed: u64, finding: IschaemiaFinding) -> Self {
        Self {
            finding,
            degree: None,
            side: None,
            regions: None,
            head: HeadCtSpec::new(seed, HeadFinding::None),
        }
    }
}

/// A specification with every open value drawn.
pub(super) struct Plan {
    pub finding: IschaemiaFinding,
    pub degree: Degree,
    /// 1 for the left, −1 for the right.
    pub side: f32,
    pub regions: Vec<Region>,
    pub loss_hu: f32,
    /// Density of a visible clot in the artery's stem; nothing when it cannot be told from blood.
    pub artery_hu: Option<f32>,
    pub scan: ScanPlan,
}

impl Plan {
    pub fn draw(spec: &IschaemiaSpec) -> Self {
        use IschaemiaFinding as F;
        let mut dice = Dice::new(spec.head.seed, 20);
        let any = [
            F::Early,
            F::Early,
            F::Early,
            F::Early,
            F::Early,
            F::Early,
            F::None,
            F::None,
        ];
        let drawn = dice.pick(&[&any[..], &[F::OldInfarct, F::Leukoaraiosis]].concat());
        let degree = dice.pick(&[Degree::Subtle, Degree::Moderate, Degree::Moderate, Degree::Frank]);
        let degree = spec.degree.unwrap_or(degree);
        let side = dice.sign();
        let count = dice.pick(&[1, 2, 3, 3, 4, 5, 6, 8, 10]);
        let (low, high) = degree.loss_hu();
        Self {
            finding: if spec.finding == F::Any {
                drawn
            } else {
                spec.finding
            },
            degree,
            side: match spec.side {
                Some(Side::Left) => 1.0,
                Some(Side::Right) => -1.0,
                Some(Side::Bilateral) | None => side,
            },
            regions: connected(&mut dice, spec.regions.unwrap_or(count).clamp(1, 10)),
            loss_hu: dice.between(low, high),
            artery_hu: dice.chance(0.35).then(|| dice.between(58.0, 80.0)),
            scan: scan_plan(&spec.head),
        }
    }
}

/// Regions that lie beside one another: grown from one by neighbours, as a territory is lost.
fn connected(dice: &mut Dice, count: usize) -> Vec<Region> {
    let mut chosen = vec![dice.pick(&[
        Region::L,
        Region::I,
        Region::M2,
        Region::M5,
        Region::M1,
        Region::M3,
    ])];
    while chosen.len() < count {
        let open: Vec<Region> = Region::ALL
            .into_iter()
            .filter(|r| !chosen.contains(r) && chosen.iter().any(|c| beside(*c, *r)))
            .collect();
        if open.is_empty() {
            break;
        }
        chosen.push(dice.pick(&open));
    }
    chosen.sort_unstable();
    chosen
}

fn beside(a: Region, b: Region) -> bool {
    use Region as R;
    let of = |r: Region| -> &[Region] {
        match r {
            R::C => &[R::L, R::Ic],
            R::L => &[R::C, R::Ic, R::I],
            R::Ic => &[R::C, R::L],
            R::I => &[R::L, R::M1, R::M2, R::M3],
            R::M1 => &[R::I, R::M2, R::M4],
            R::M2 => &[R::I, R::M1, R::M3, R::M5],
            R::M3 => &[R::I, R::M2, R::M6],
            R::M4 => &[R::M1, R::M5],
            R::M5 => &[R::M2, R::M4, R::M6],
            R::M6 => &[R::M3, R::M5],
        }
    };
    of(a).contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_regions_can_be_lost_and_none_twice() {
        for count in 1..=10 {
            for seed in 0..20 {
                let mut regions = connected(&mut Dice::new(seed, 0), count);
                assert_eq!(regions.len(), count);
                regions.dedup();
                assert_eq!(regions.len(), count);
            }
        }
        for a in Region::ALL {
            assert!(Region::ALL.iter().all(|b| beside(a, *b) == beside(*b, a)));
        }
    }
}
