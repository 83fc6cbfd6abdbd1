//! What only a chest has: clots in pulmonary arteries with the ventricles' widths, air beside a lung, a nodule's place in it. Pure.

use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Lesion, Presence};
use tocsin_domain::quantify::LISTED;
use tocsin_domain::quantify::chest::Chest;
use tocsin_domain::quantify::components::{Component, MaskError, components};
use tocsin_domain::quantify::cut_off::cut_off;
use tocsin_domain::quantify::pneumothorax::{Wanted, pneumothorax};
use tocsin_domain::quantify::reading::Reading;
use tocsin_domain::quantify::{embolism, nodule};
use tocsin_domain::volume::{Geometry, Mask};

use super::asked::{Asked, absorb};
use super::volumes::segmented;
use super::{Quoted, code as coded};
use crate::answers::OutputAnswer;
use crate::exam::Exam;
use crate::manifest::{FindingSpec, LEFT_VENTRICLE, LUNG, Measure, PULMONARY_ARTERY, RIGHT_VENTRICLE};

/// Clots, and where they are flagged the most proximal vessel and the ventricles.
pub(super) fn emboli(
    asked: &Asked,
    spec: &FindingSpec,
    answer: &OutputAnswer,
    geometry: &Geometry,
    parts: &[Component],
) -> Quoted {
    let mut finding = segmented(asked, spec, geometry, parts);
    if finding.presence != Presence::Present {
        finding.lesions.clear();
        return (finding, Vec::new());
    }
    let arteries = asked
        .has(Measure::MostProximalVessel)
        .then(|| asked.mask(answer, PULMONARY_ARTERY));
    let mut reading = embolism::clots(geometry, parts, arteries.flatten(), &coded(&spec.site));
    if arteries.is_none() {
        reading.limitations.clear();
    }
    if asked.has(Measure::RvLvRatio)
        && let (Some(right), Some(left)) = (
            asked.mask(answer, RIGHT_VENTRICLE),
            asked.mask(answer, LEFT_VENTRICLE),
        )
    {
        reading.join(embolism::strain(geometry, right, left));
    }
    let limitations = absorb(&mut finding, reading);
    (finding, limitations)
}

/// Adds to what outlines say of images: whether lungs are shown whole; where something is present, distances between the
/// pleurae, or axes and zone of nodules.
pub(super) fn radiograph(
    asked: &Asked,
    answer: &OutputAnswer,
    exam: &Exam,
    masks: &[Mask],
    (mut finding, mut limitations): Quoted,
) -> Result<Quoted, MaskError> {
    if !asked.of_a_radiograph() {
        return Ok((finding, limitations));
    }
    let lungs = asked.masks(answer, LUNG).unwrap_or_default();
    limitations.extend(
        exam.geometries()
            .zip(lungs)
            .filter_map(|(g, lung)| cut_off(g, lung)),
    );
    if finding.presence != Presence::Present {
        return Ok((finding, limitations));
    }
    let key = finding.key_instance.clone();
    let shown = exam
        .geometries()
        .position(|g| g.instance_uids.first() == key.as_ref());
    let Some((geometry, mask)) =
        shown.and_then(|n| Some((&exam.parts.get(n)?.volume.geometry, masks.get(n)?)))
    else {
        return Ok((finding, limitations));
    };
    let lung = shown.and_then(|n| lungs.get(n));
    let mut reading = Reading::default();
    if asked.of_a_pneumothorax() {
        reading.join(air(asked, geometry, lung, mask));
    }
    if asked.of_a_nodule() {
        reading.join(nodules(
            asked,
            geometry,
            lung,
            &components(geometry, mask)?,
            &finding.site,
        ));
    }
    limitations.extend(absorb(&mut finding, reading));
    Ok((finding, limitations))
}

fn air(asked: &Asked, geometry: &Geometry, lung: Option<&Mask>, air: &Mask) -> Reading {
    let wanted = Wanted {
        distances: asked.has(Measure::PleuralDistance),
        collins: asked.has(Measure::Collins),
        light: asked.has(Measure::Light),
        tension: asked.has(Measure::TensionSigns),
    };
    match lung.map(|lung| Chest::find(geometry, lung, Some(air))) {
        Some(Ok(chest)) => pneumothorax(geometry, &chest, wanted),
        Some(Err(reason)) => unmeasured(format!("pleural distances and side not determined: {reason}")),
        None => unmeasured("pleural distances and side not determined: no lungs are outlined".to_owned()),
    }
}

fn unmeasured(reason: String) -> Reading {
    Reading {
        limitations: vec![reason],
        ..Reading::default()
    }
}

/// Each nodule, the largest first; the finding has the numbers of the largest.
fn nodules(
    asked: &Asked,
    geometry: &Geometry,
    lung: Option<&Mask>,
    found: &[Component],
    site: &Code,
) -> Reading {
    let zones = asked.has(Measure::LungZone);
    let chest = lung
        .filter(|_| zones)
        .map(|lung| Chest::find(geometry, lung, None));
    let mut reading = Reading::default();
    if let Some(Err(reason)) = &chest {
        reading
            .limitations
            .push(format!("side and zone of the nodule not determined: {reason}"));
    }
    let chest = chest.and_then(Result::ok);
    for (part, number) in found.iter().zip(1..).take(LISTED) {
        let mut measurements = Vec::new();
        if asked.has(Measure::NoduleDiameters) {
            measurements.extend(nodule::diameters(geometry, part));
        }
        if asked.has(Measure::NoduleVolume) {
            measurements.push(nodule::volume(geometry, part));
        }
        let place = chest.as_ref().and_then(|chest| nodule::zone(chest, part));
        if number == 1 {
            reading.measurements.clone_from(&measurements);
            if let Some((side, zone)) = place {
                reading.tell(code::LUNG_ZONE, zone.code());
                reading.tell(code::LATERALITY, side.code());
            }
        }
        reading.lesions.push(Lesion {
            number,
            location: place.map_or_else(|| site.clone(), |(_, zone)| zone.code()),
            laterality: place.map(|(side, _)| side.code()),
            measurements,
            key_instance: geometry.instance_uids.first().cloned(),
            centre_mm: None,
        });
    }
    reading
}
