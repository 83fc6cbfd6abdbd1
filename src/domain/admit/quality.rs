//! Limits on the input of a model. A series outside them is not analysed, and each breach has a code, the number and the
//! limit, so that a technologist can act on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inspect::PixelLimits;
use crate::study::SeriesFacts;

/// Limits of the input. A study outside them is not analysed, with the reason shown. Ranges are inclusive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Quality {
    pub slice_thickness_mm: Option<[f64; 2]>,
    pub slice_spacing_mm: Option<[f64; 2]>,
    pub coverage_mm: Option<[f64; 2]>,
    pub field_of_view_mm: Option<[f64; 2]>,
    pub kvp: Option<[f64; 2]>,
    pub gantry_tilt_degrees: Option<[f64; 2]>,
    /// At most so many.
    pub missing_slices: Option<u32>,
    /// At most so many slices that share a position with another; none when left out, for a volume cannot hold both.
    pub duplicate_positions: Option<u32>,
    pub min_slices: Option<u32>,
    pub max_slices: Option<u32>,
    /// Limits on what the pixels show, measured before the model reads.
    pub pixels: PixelLimits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QualityCode {
    SliceThickness,
    SliceSpacing,
    Coverage,
    FieldOfView,
    TubeVoltage,
    GantryTilt,
    MissingSlices,
    DuplicatePositions,
    TooFewSlices,
    TooManySlices,
    /// The geometry cannot be computed from the headers.
    UnknownGeometry,
    /// By what the image shows, as those below.
    BodyPart,
    ContrastPhase,
    Noise,
    Metal,
    Truncated,
    RepeatedSlices,
    Motion,
    SliceOrder,
    View,
    Inverted,
    Exposure,
}

/// One breach of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QualityReason {
    pub code: QualityCode,
    /// With the number, the unit and the limit.
    pub text: String,
}

/// What a series is worth to the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assessed {
    pub reasons: Vec<QualityReason>,
    pub limitations: Vec<String>,
}

/// One measured value against its range.
struct Measured {
    code: QualityCode,
    name: &'static str,
    unit: &'static str,
    value: Option<f64>,
    range: Option<[f64; 2]>,
    unstated: Unstated,
}

/// What it means when the headers do not give the value.
enum Unstated {
    Rejects,
    Limits,
}

impl Quality {
    /// Names of ranges that no value can be in.
    pub(super) fn bad_ranges(&self) -> Vec<&'static str> {
        let ranges = [
            ("slice_thickness_mm", self.slice_thickness_mm),
            ("slice_spacing_mm", self.slice_spacing_mm),
            ("coverage_mm", self.coverage_mm),
            ("field_of_view_mm", self.field_of_view_mm),
            ("kvp", self.kvp),
            ("gantry_tilt_degrees", self.gantry_tilt_degrees),
        ];
        let bad = |[low, high]: [f64; 2]| !(low.is_finite() && high.is_finite() && low <= high);
        let mut names: Vec<_> = ranges
            .into_iter()
            .filter(|(_, range)| range.is_some_and(bad))
            .map(|(name, _)| name)
            .collect();
        names.extend(self.pixels.bad());
        names
    }

    /// Holds the series against every limit.
    pub fn assess(&self, series: &SeriesFacts) -> Assessed {
        let mut found = Assessed::default();
        self.counts(series, &mut found.reasons);
        for measured in self.measured(series) {
            measured.hold(&mut found);
        }
        found
    }

    fn counts(&self, series: &SeriesFacts, reasons: &mut Vec<QualityReason>) {
        let mut say = |code, text| reasons.push(QualityReason { code, text });
        let n = series.instances;
        if let Some(least) = self.min_slices.filter(|least| n < *least) {
            say(
                QualityCode::TooFewSlices,
                format!("{n} slices, at least {least} are needed"),
            );
        }
        if let Some(most) = self.max_slices.filter(|most| n > *most) {
            say(
                QualityCode::TooManySlices,
                format!("{n} slices, at most {most} can be read"),
            );
        }
        let missing = series.missing_slices;
        if let Some(most) = self.missing_slices.filter(|most| missing > *most) {
            let are = if missing == 1 { "slice is" } else { "slices are" };
            say(
                QualityCode::MissingSlices,
                format!("{missing} {are} missing, at most {most} may be"),
            );
        }
        let doubled = series.duplicate_positions;
        if doubled > self.duplicate_positions.unwrap_or(0) {
            let are = if doubled == 1 { "slice lies" } else { "slices lie" };
            say(
                QualityCode::DuplicatePositions,
                format!("{doubled} {are} where another slice is"),
            );
        }
        if !series.gap_free && missing == 0 && series.plane != "unknown" {
            let text = "orientation, size or spacing of the pixels changes within the series".to_owned();
            say(QualityCode::UnknownGeometry, text);
        }
    }

    fn measured(&self, s: &SeriesFacts) -> [Measured; 6] {
        use QualityCode::{Coverage, FieldOfView, GantryTilt, SliceSpacing, SliceThickness, TubeVoltage};
        let of = |code, name, unit, value, range, unstated| Measured {
            code,
            name,
            unit,
            value,
            range,
            unstated,
        };
        let tilt = Some(s.gantry_tilt_degrees);
        [
            of(
                SliceThickness,
                "slice thickness",
                " mm",
                s.slice_thickness_mm,
                self.slice_thickness_mm,
                Unstated::Limits,
            ),
            of(
                SliceSpacing,
                "slice spacing",
                " mm",
                s.slice_spacing_mm,
                self.slice_spacing_mm,
                Unstated::Rejects,
            ),
            of(
                Coverage,
                "coverage",
                " mm",
                s.coverage_mm,
                self.coverage_mm,
                Unstated::Rejects,
            ),
            of(
                FieldOfView,
                "field of view",
                " mm",
                s.field_of_view_mm,
                self.field_of_view_mm,
                Unstated::Rejects,
            ),
            of(
                TubeVoltage,
                "tube voltage",
                " kV",
                s.kvp,
                self.kvp,
                Unstated::Limits,
            ),
            of(
                GantryTilt,
                "gantry tilt",
                "°",
                tilt,
                self.gantry_tilt_degrees,
                Unstated::Rejects,
            ),
        ]
    }
}

impl Measured {
    fn hold(&self, found: &mut Assessed) {
        let Some([low, high]) = self.range else {
            return;
        };
        let Self {
            code,
            name,
            unit,
            value,
            ..
        } = self;
        match (value, &self.unstated) {
            (Some(value), _) if (low..=high).contains(value) => {}
            (Some(value), _) => found.reasons.push(QualityReason {
                code: *code,
                text: format!("{name} {value:.1}{unit}, expected {low} to {high}{unit}"),
            }),
            (None, Unstated::Limits) => found.limitations.push(format!("{name} is not stated")),
            (None, Unstated::Rejects) => found.reasons.push(QualityReason {
                code: QualityCode::UnknownGeometry,
                text: format!("{name} cannot be computed from the headers"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::series;
    use super::*;

    #[test]
    fn each_limit_has_its_code_and_number() {
        let quality = Quality {
            slice_thickness_mm: Some([0.5, 5.0]),
            slice_spacing_mm: Some([0.3, 7.5]),
            coverage_mm: Some([80.0, 400.0]),
            field_of_view_mm: Some([150.0, 350.0]),
            kvp: Some([70.0, 150.0]),
            gantry_tilt_degrees: Some([-30.0, 30.0]),
            missing_slices: Some(0),
            duplicate_positions: None,
            min_slices: Some(10),
            max_slices: Some(1000),
            pixels: PixelLimits::default(),
        };
        let base = || series("1.2");
        let table = [
            (
                SeriesFacts {
                    slice_thickness_mm: Some(10.0),
                    ..base()
                },
                "slice thickness 10.0 mm, expected 0.5 to 5 mm",
            ),
            (
                SeriesFacts {
                    coverage_mm: Some(25.0),
                    ..base()
                },
                "coverage 25.0 mm, expected 80 to 400 mm",
            ),
            (
                SeriesFacts {
                    field_of_view_mm: Some(500.0),
                    ..base()
                },
                "field of view 500.0 mm, expected 150 to 350 mm",
            ),
            (
                SeriesFacts {
                    kvp: Some(40.0),
                    ..base()
                },
                "tube voltage 40.0 kV, expected 70 to 150 kV",
            ),
            (
                SeriesFacts {
                    gantry_tilt_degrees: -31.0,
                    ..base()
                },
                "gantry tilt -31.0°, expected -30 to 30°",
            ),
            (
                SeriesFacts {
                    instances: 3,
                    ..base()
                },
                "3 slices, at least 10 are needed",
            ),
            (
                SeriesFacts {
                    instances: 2000,
                    ..base()
                },
                "2000 slices, at most 1000 can be read",
            ),
            (
                SeriesFacts {
                    duplicate_positions: 2,
                    ..base()
                },
                "2 slices lie where another slice is",
            ),
            (
                SeriesFacts {
                    slice_spacing_mm: None,
                    ..base()
                },
                "slice spacing cannot be computed from the headers",
            ),
        ];
        assert_eq!(quality.assess(&base()), Assessed::default());
        for (facts, text) in table {
            let reasons: Vec<String> = quality
                .assess(&facts)
                .reasons
                .into_iter()
                .map(|r| r.text)
                .collect();
            assert_eq!(reasons, [text]);
        }
    }
}
