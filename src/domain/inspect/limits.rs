//! What a model asks of the pixels it reads, in its manifest: `[quality.pixels]`. A breach has a code, the number and the
//! limit, like those of the headers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ct::{CtSeen, Shown};
use super::xray::XraySeen;
use crate::admit::{QualityCode, QualityReason};

/// Limits on what the images show. What is left out is not asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PixelLimits {
    /// The part of the body that must be seen, whatever the headers say.
    pub shows: Option<Shown>,
    /// Contrast agent in vessels, by what lies bright and even away from bone.
    pub contrast: Option<ContrastLimit>,
    /// Standard deviation in soft tissue, HU, at most.
    pub noise_hu: Option<f64>,
    /// Volume that only metal makes so dense, mL, at most.
    pub metal_ml: Option<f64>,
    /// Share of a slice's border that the body may cross, 0 to 1.
    pub cut_off: Option<f64>,
    /// Slices equal to their neighbour, at most.
    pub repeated_slices: Option<u32>,
    /// Sideways jump from one slice to the next, mm, at most.
    pub jump_mm: Option<f64>,
    /// Share of slices that do not follow their neighbours, 0 to 1, at most.
    pub out_of_order: Option<f64>,
    /// Of radiographs, each image for itself.
    pub radiograph: Option<RadiographLimits>,
}

/// Limits on a chest radiograph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RadiographLimits {
    /// A frontal chest, with what is dense bright as the header says it.
    pub frontal: bool,
    /// Share of pixels at both ends of the scale, 0 to 1, at most.
    pub saturated: Option<f64>,
    /// Grey values that occur, as a number of bits, at least.
    pub depth_bits: Option<f64>,
}

/// How much contrast agent there must be, or may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "expect", rename_all = "snake_case", deny_unknown_fields)]
pub enum ContrastLimit {
    /// At most so many mL of enhanced blood.
    None { ml: f64 },
    /// At least so many mL, of this density: that of the pulmonary trunk where one is seen, else the median.
    Present { ml: f64, hu: [f64; 2] },
}

impl PixelLimits {
    /// Names of limits that no image can be within.
    pub fn bad(&self) -> Vec<&'static str> {
        let least = |limit: Option<f64>| limit.is_some_and(|v| !v.is_finite() || v < 0.0);
        let contrast = match self.contrast {
            None => false,
            Some(ContrastLimit::None { ml }) => least(Some(ml)),
            Some(ContrastLimit::Present { ml, hu: [low, high] }) => {
                least(Some(ml)) || !(low.is_finite() && high.is_finite() && low <= high)
            }
        };
        let all = [
            ("noise_hu", least(self.noise_hu)),
            ("metal_ml", least(self.metal_ml)),
            ("cut_off", least(self.cut_off)),
            ("jump_mm", least(self.jump_mm)),
            ("out_of_order", least(self.out_of_order)),
            ("contrast", contrast),
            (
                "radiograph",
                self.radiograph.as_ref().is_some_and(RadiographLimits::is_bad),
            ),
        ];
        all.into_iter()
            .filter(|(_, bad)| *bad)
            .map(|(name, _)| name)
            .collect()
    }

    /// Whether anything is asked of a CT: what nobody asks is not measured.
    pub fn asks_of_ct(&self) -> bool {
        let of_ct = Self {
            radiograph: None,
            ..self.clone()
        };
        of_ct != Self::default()
    }

    /// Holds a CT against every limit.
    pub fn breaches(&self, seen: &CtSeen) -> Vec<QualityReason> {
        let mut found = Vec::new();
        let mut say = |code, text| found.push(QualityReason { code, text });
        if let Some(wanted) = self.shows.filter(|wanted| *wanted != seen.shown) {
            let (shown, wanted) = (seen.shown.text(), wanted.text());
            say(
                QualityCode::BodyPart,
                format!("the images show {shown}, expected the {wanted}"),
            );
        }
        if let Some(text) = self.contrast.and_then(|limit| limit.breach(seen)) {
            say(QualityCode::ContrastPhase, text);
        }
        for (code, text) in self.amounts(seen) {
            say(code, text);
        }
        found
    }

    /// Breaches of what has a largest amount.
    fn amounts(&self, seen: &CtSeen) -> Vec<(QualityCode, String)> {
        let over = |value: f64, most: Option<f64>| most.filter(|most| value > *most);
        let percent = |share: f64| (share * 100.0).round();
        let mut said = Vec::new();
        if let (Some(noise), Some(most)) = (seen.noise_hu, self.noise_hu)
            && noise > most
        {
            said.push((
                QualityCode::Noise,
                format!("noise {noise:.1} HU, at most {most} HU"),
            ));
        }
        if let Some(most) = over(seen.metal_ml, self.metal_ml) {
            let metal = seen.metal_ml;
            said.push((
                QualityCode::Metal,
                format!("metal {metal:.1} mL, at most {most} mL"),
            ));
        }
        if let Some(most) = over(seen.cut_off, self.cut_off) {
            let (cut, most) = (percent(seen.cut_off), percent(most));
            let text = format!("the body crosses {cut} % of the border of a slice, at most {most} %");
            said.push((QualityCode::Truncated, text));
        }
        if let Some(most) = self.repeated_slices.filter(|most| seen.repeated > *most) {
            let text = format!(
                "{} slices repeat the one before, at most {most} may",
                seen.repeated
            );
            said.push((QualityCode::RepeatedSlices, text));
        }
        if let Some(most) = over(seen.jump_mm, self.jump_mm) {
            let jump = seen.jump_mm;
            let text = format!("the body jumps {jump:.1} mm from one slice to the next, at most {most} mm");
            said.push((QualityCode::Motion, text));
        }
        if let Some(most) = over(seen.out_of_order, self.out_of_order) {
            let (share, most) = (percent(seen.out_of_order), percent(most));
            let text = format!("{share} % of the slices do not follow their neighbours, at most {most} %");
            said.push((QualityCode::SliceOrder, text));
        }
        said
    }
}

impl RadiographLimits {
    fn is_bad(&self) -> bool {
        [self.saturated, self.depth_bits]
            .into_iter()
            .flatten()
            .any(|limit| !limit.is_finite() || limit < 0.0)
    }

    /// Holds one radiograph against every limit.
    pub fn breaches(&self, seen: &XraySeen) -> Vec<QualityReason> {
        let mut found = Vec::new();
        let mut say = |code, text: String| found.push(QualityReason { code, text });
        if self.frontal && !seen.frontal {
            say(QualityCode::View, "the image shows no frontal chest".to_owned());
        }
        if self.frontal && seen.inverted {
            let text = "what is dense is dark, against the photometric interpretation";
            say(QualityCode::Inverted, text.to_owned());
        }
        if let Some(most) = self.saturated.filter(|most| seen.saturated > *most) {
            let (share, most) = ((seen.saturated * 100.0).round(), (most * 100.0).round());
            let text = format!("{share} % of the pixels are at the ends of the scale, at most {most} %");
            say(QualityCode::Exposure, text);
        }
        if let Some(least) = self.depth_bits.filter(|least| seen.depth_bits < *least) {
            let bits = seen.depth_bits;
            let text = format!("{bits:.1} bits of grey values occur, at least {least} are needed");
            say(QualityCode::Exposure, text);
        }
        found
    }
}

impl ContrastLimit {
    fn breach(self, seen: &CtSeen) -> Option<String> {
        let found = seen.enhanced_ml;
        match self {
            Self::None { ml } => (found > ml)
                .then(|| format!("{found:.1} mL of blood hold contrast agent, at most {ml} mL may")),
            Self::Present { ml, .. } if found < ml => Some(format!(
                "{found:.1} mL of blood hold contrast agent, at least {ml} mL are needed"
            )),
            Self::Present { hu: [low, high], .. } => {
                let vessel = match seen.trunk_hu {
                    Some(_) => "the pulmonary trunk",
                    None => "vessels",
                };
                let found = seen.trunk_hu.or(seen.enhanced_hu);
                let found = found.filter(|hu| !(low..=high).contains(hu))?;
                Some(format!("{vessel} at {found:.0} HU, expected {low} to {high} HU"))
            }
        }
    }
}
