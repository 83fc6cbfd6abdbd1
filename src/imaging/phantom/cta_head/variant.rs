//! What is unusual in an angiogram but no occlusion: variants of the circle, and disease that must not be taken for one. How
//! often each is drawn is a design value, meant to make hard cases frequent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::dice::Dice;
use super::super::head::Side;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    CalcifiedSiphon,
    HypoplasticA1,
    HypoplasticPosteriorCommunicating,
    /// The posterior cerebral artery comes from the carotid.
    FetalPosteriorCommunicating,
    /// One side fills less than the other.
    UnevenFilling,
    /// A narrow but open stretch of M1.
    Stenosis,
    Aneurysm,
    PoorBolus,
}

/// A variant and its side; both sides when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariantAt {
    pub variant: Variant,
    pub side: Option<Side>,
}

/// Draws variants. `kept` is the side of an occlusion (0 without one): stenosis and aneurysm stay on the other.
pub fn draw(dice: &mut Dice, kept: f32, poor_bolus: bool) -> Vec<VariantAt> {
    let mut found = Vec::new();
    for (variant, probability) in [
        (Variant::CalcifiedSiphon, 0.3),
        (Variant::HypoplasticA1, 0.06),
        (Variant::HypoplasticPosteriorCommunicating, 0.25),
        (Variant::FetalPosteriorCommunicating, 0.08),
        (Variant::UnevenFilling, 0.12),
        (Variant::Stenosis, 0.06),
        (Variant::Aneurysm, 0.05),
    ] {
        for side in [1.0, -1.0] {
            let here = dice.chance(probability);
            let apart = matches!(
                variant,
                Variant::Stenosis | Variant::Aneurysm | Variant::UnevenFilling
            );
            let twice = apart && found.iter().any(|v: &VariantAt| v.variant == variant);
            if here && !twice && !(apart && side == kept) {
                found.push(VariantAt {
                    variant,
                    side: Some(if side > 0.0 { Side::Left } else { Side::Right }),
                });
            }
        }
    }
    if poor_bolus {
        found.push(VariantAt {
            variant: Variant::PoorBolus,
            side: None,
        });
    }
    found
}

/// Whether a variant is on a side: 1 for the left, −1 for the right.
pub fn has(variants: &[VariantAt], variant: Variant, side: f32) -> bool {
    let named = if side > 0.0 { Side::Left } else { Side::Right };
    variants
        .iter()
        .any(|v| v.variant == variant && v.side.is_none_or(|s| s == named))
}
