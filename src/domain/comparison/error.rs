//! By how much two measurements of one thing may differ although nothing changed. A difference within it is no change.

use super::growth::{Extent, extent, is_sphere};
use crate::code;
use crate::finding::Measurement;

/// Fleischner Society 2017 (MacMahon et al., doi 10.1148/radiol.2017161659): a nodule has grown from 2 mm of diameter on.
const DIAMETER_MM: f64 = 2.0;
/// British Thoracic Society 2015 (Callister et al., doi 10.1136/thoraxjnl-2015-207168): from a quarter of its volume on.
const VOLUME_SHARE: f64 = 0.25;
/// Design value: that of a volume carried to two dimensions, (1.25)^(2/3) − 1.
const AREA_SHARE: f64 = 0.16;
/// Design value for every other length: twice the accuracy that measurements are held to on phantoms.
const LENGTH_MM: f64 = 3.0;
/// Design value for shares and ratios, of what was measured before.
const OTHER_SHARE: f64 = 0.2;

/// In the unit of both.
pub fn measurement_error(now: &Measurement, before: &Measurement) -> f64 {
    let of = |share: f64| share * before.value.abs();
    match extent(&now.code) {
        Some(Extent::Diameter) => DIAMETER_MM,
        Some(Extent::Volume) => of(VOLUME_SHARE),
        Some(Extent::Area) => of(AREA_SHARE),
        None if is_sphere(&now.code) => of_sphere(before.value.abs()),
        None if now.unit.is(&code::MILLIMETER) => LENGTH_MM,
        // What is counted is counted.
        None if now.unit.is(&code::COUNT) => 0.0,
        None => of(OTHER_SHARE),
    }
}

/// What the error of its diameter makes of the volume of a sphere in mm³.
fn of_sphere(volume: f64) -> f64 {
    let diameter = (volume * 6.0 / std::f64::consts::PI).cbrt();
    std::f64::consts::PI / 6.0 * (diameter + DIAMETER_MM).powi(3) - volume
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    #[test]
    fn the_volume_of_a_sphere_is_as_uncertain_as_its_diameter() {
        let sphere = |mm: f64| Measurement {
            code: Code::new("99TOCSIN", "SPHERE", "Volume of a sphere"),
            value: std::f64::consts::PI / 6.0 * mm.powi(3),
            unit: Code::new("UCUM", "mm3", "cubic millimeter"),
        };
        let error = measurement_error(&sphere(23.0), &sphere(18.0));
        assert!(
            (sphere(18.0).value + error - sphere(20.0).value).abs() < 1e-6,
            "{error}"
        );
    }
}
