//! From instances to series and study facts, and whether a series is ready and a study settled.
//! Reads headers' facts only; knows no file, no pixel and no clock.

pub mod geometry;
pub mod pace;
pub mod ready;
pub mod stack;

use crate::ids::Uid;
use crate::study::{InstanceFacts, SeriesFacts, StudyFacts};

use self::geometry::Stack;
pub use self::pace::Pace;
pub use self::ready::{
    Deadline, DeadlineLimits, Readiness, ReadyBecause, SeriesSignals, Settled, StuckBecause, StudySignals,
    WaitBecause, deadline, readiness, settled,
};

/// Words of Image Type (0008,0008) that name pictures made for planning or bookkeeping, not for reading.
pub(crate) const PLANNING_WORDS: [&str; 5] = ["LOCALIZER", "SCOUT", "SURVIEW", "REF_SURVIEW", "TOPOGRAM"];

/// What is known of a study beside its images: who sent it, and what its order says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudyContext {
    pub sender_ae: String,
    /// `linked`, `unmatched` or `conflict`.
    pub link: String,
    pub procedure_code: String,
    pub procedure_text: String,
    /// Of the order; holds where no image says one.
    pub body_part: String,
    pub patient_class: String,
    pub location: String,
    /// As in the facts.
    pub acquisition: String,
}

/// Whether an instance is a localizer (scout, surview, topogram), by the words of its Image Type.
pub fn is_localizer(instance: &InstanceFacts) -> bool {
    instance.image_type.iter().any(|word| {
        let word = word.trim().to_ascii_uppercase();
        PLANNING_WORDS.contains(&word.as_str())
    })
}

/// Facts of one series; `None` without an instance. Localizers mixed into a stack are left out of its geometry.
/// Lengths in mm, angles in degrees (PS3.3 C.7.6.2).
pub fn series_facts(instances: &[InstanceFacts]) -> Option<SeriesFacts> {
    let stack: Vec<&InstanceFacts> = instances.iter().filter(|i| !is_localizer(i)).collect();
    let all: Vec<&InstanceFacts> = instances.iter().collect();
    let mut read = if stack.is_empty() { all } else { stack };
    // The lowest number speaks for the series, whatever came first.
    read.sort_by_key(|i| (i.instance_number.unwrap_or(i64::MAX), &i.sop_instance_uid));
    let first = *read.first()?;
    let shape = Stack::of(&read);
    let said = |pick: fn(&InstanceFacts) -> &Option<String>| first_said(&read, pick);
    Some(SeriesFacts {
        series_uid: first.series_uid.clone(),
        sop_class_uid: first.sop_class_uid.clone(),
        modality: first.modality.trim().to_ascii_uppercase(),
        body_part: said(|i| &i.body_part).to_ascii_uppercase(),
        description: said(|i| &i.series_description),
        protocol: said(|i| &i.protocol_name),
        image_type: first.image_type.join("\\").to_ascii_uppercase(),
        kernel: said(|i| &i.kernel),
        manufacturer: said(|i| &i.manufacturer),
        device_model: said(|i| &i.device_model),
        contrast: read.iter().any(|i| contrast_given(i)),
        kvp: read.iter().find_map(|i| i.kvp),
        instances: u32::try_from(read.len()).unwrap_or(u32::MAX),
        rows: first.rows,
        columns: first.columns,
        plane: shape.plane.to_owned(),
        gantry_tilt_degrees: shape.tilt_degrees,
        slice_thickness_mm: read.iter().find_map(|i| i.slice_thickness),
        slice_spacing_mm: shape.spacing,
        coverage_mm: shape.coverage,
        field_of_view_mm: field_of_view(first),
        pixel_spacing_mm: first.pixel_spacing.map(|s| s[0]),
        missing_slices: shape.missing,
        duplicate_positions: shape.duplicates,
        gap_free: shape.gap_free,
    })
}

/// Facts of a study from those of its series and one instance; series come in the order of their UIDs, so that the
/// same images give the same facts whatever the order of their arrival.
pub fn study_facts(study_uid: &Uid, instances: &[InstanceFacts], context: &StudyContext) -> StudyFacts {
    let mut uids: Vec<&Uid> = instances.iter().map(|i| &i.series_uid).collect();
    uids.sort();
    uids.dedup();
    let series: Vec<SeriesFacts> = uids
        .into_iter()
        .filter_map(|uid| {
            let own: Vec<InstanceFacts> = instances
                .iter()
                .filter(|i| &i.series_uid == uid)
                .cloned()
                .collect();
            series_facts(&own)
        })
        .collect();
    let all: Vec<&InstanceFacts> = instances.iter().collect();
    StudyFacts {
        study_uid: study_uid.clone(),
        modality: study_modality(&series),
        description: first_said(&all, |i| &i.study_description),
        body_part: series
            .iter()
            .map(|s| s.body_part.as_str())
            .find(|p| !p.is_empty())
            .unwrap_or(&context.body_part)
            .to_owned(),
        sender_ae: context.sender_ae.clone(),
        instances: u32::try_from(instances.len()).unwrap_or(u32::MAX),
        series,
        age_years: instances
            .iter()
            .find_map(|i| i.patient_age.as_deref().and_then(age_years)),
        sex: sex(instances),
        link: context.link.clone(),
        procedure_code: context.procedure_code.clone(),
        procedure_text: context.procedure_text.clone(),
        patient_class: context.patient_class.clone(),
        location: context.location.clone(),
        acquisition: context.acquisition.clone(),
    }
}

/// Whole years of an Age String (PS3.5 section 6.2): `045Y`, `018M`, `006W`, `010D`.
pub fn age_years(text: &str) -> Option<i64> {
    let text = text.trim();
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|n| (0..=999).contains(n))?;
    match unit {
        "Y" | "y" => Some(number),
        "M" | "m" => Some(number / 12),
        "W" | "w" => Some(number * 7 / 365),
        "D" | "d" => Some(number / 365),
        _ => None,
    }
}

fn first_said(instances: &[&InstanceFacts], pick: fn(&InstanceFacts) -> &Option<String>) -> String {
    let said = instances.iter().filter_map(|i| pick(i).as_deref()).map(str::trim);
    said.filter(|text| !text.is_empty())
        .min()
        .unwrap_or("")
        .to_owned()
}

fn contrast_given(instance: &InstanceFacts) -> bool {
    let agent = instance
        .contrast_agent
        .as_deref()
        .unwrap_or("")
        .trim()
        .to_ascii_uppercase();
    !matches!(
        agent.as_str(),
        "" | "NONE" | "NO" | "N" | "NO CONTRAST" | "NATIVE"
    )
}

fn field_of_view(instance: &InstanceFacts) -> Option<f64> {
    let [row, column] = instance.pixel_spacing?;
    Some((f64::from(instance.rows) * row).min(f64::from(instance.columns) * column))
}

/// Modalities of objects that say something of images, plan a treatment or record a signal, and that nobody reads in
/// radiology for their own sake (terms of PS3.3 section C.7.3.1.1.1).
const BESIDE: [&str; 17] = [
    "SR", "PR", "KO", "DOC", "SEG", "REG", "FID", "RWV", "PLAN", "RTPLAN", "RTSTRUCT", "RTDOSE", "RTRECORD",
    "ECG", "EPS", "HD", "AU",
];

fn is_image(series: &SeriesFacts) -> bool {
    !BESIDE.contains(&series.modality.as_str())
}

/// Whether a study holds anything that waits to be read. One of which nothing is known yet may.
pub fn for_reading(study: &StudyFacts) -> bool {
    study.series.is_empty() || study.series.iter().any(is_image)
}

/// The modality of the images: that of the largest series; documents and dose reports do not speak for a study.
fn study_modality(series: &[SeriesFacts]) -> String {
    let largest = |candidates: Vec<&SeriesFacts>| {
        candidates
            .into_iter()
            .max_by_key(|s| s.instances)
            .map(|s| s.modality.clone())
    };
    let images = series.iter().filter(|s| is_image(s) && s.modality != "OT");
    largest(images.collect())
        .or_else(|| largest(series.iter().collect()))
        .unwrap_or_default()
}

fn sex(instances: &[InstanceFacts]) -> String {
    let said = instances.iter().find_map(|i| i.demographics.sex.as_ref());
    said.map(|s| s.expose().trim().to_ascii_uppercase())
        .unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::phi::Demographics;

    /// A CT slice with nothing said but where it lies.
    pub(crate) fn slice(number: i64, position: [f64; 3], orientation: [f64; 6]) -> InstanceFacts {
        InstanceFacts {
            sop_class_uid: Uid::parse("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            sop_instance_uid: Uid::parse(&format!("1.2.3.{number}")).unwrap(),
            series_uid: Uid::parse("1.2.3").unwrap(),
            study_uid: Uid::parse("1.2").unwrap(),
            patient: None,
            demographics: Demographics::default(),
            accession: None,
            study_id: None,
            study_date: None,
            study_time: None,
            study_description: None,
            referring_physician: None,
            modality: "CT".into(),
            body_part: None,
            series_number: Some(1),
            series_description: None,
            protocol_name: None,
            manufacturer: None,
            device_model: None,
            station_name: None,
            image_type: vec!["ORIGINAL".into(), "PRIMARY".into(), "AXIAL".into()],
            instance_number: Some(number),
            acquisition_number: None,
            rows: 512,
            columns: 512,
            frames: 1,
            pixel_spacing: Some([0.45, 0.45]),
            slice_thickness: None,
            position: Some(position),
            orientation: Some(orientation),
            gantry_tilt: None,
            kvp: None,
            kernel: None,
            contrast_agent: None,
            patient_age: None,
            patient_position: None,
            frame_of_reference_uid: None,
            photometric: None,
            has_pixels: true,
        }
    }

    const FLAT: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    fn stack(z: &[f64]) -> Vec<InstanceFacts> {
        z.iter()
            .enumerate()
            .map(|(n, z)| slice(n as i64 + 1, [0.0, 0.0, *z], FLAT))
            .collect()
    }

    #[test]
    fn a_missing_slice_of_a_real_series_is_counted() {
        // Positions of a head CT published with dcm2nii's test data: steps of 5, 5 and 10 mm.
        let facts = series_facts(&stack(&[18.1075, 23.1075, 28.107498, 38.107498])).unwrap();
        assert_eq!((facts.missing_slices, facts.gap_free), (1, false));
        assert!((facts.slice_spacing_mm.unwrap() - 5.0).abs() < 1e-3);
        assert!((facts.coverage_mm.unwrap() - 25.0).abs() < 1e-3);
        assert_eq!(facts.plane, "axial");
    }

    #[test]
    fn a_tilted_gantry_shows_in_the_geometry_of_a_real_series() {
        let tilted = [1.0, 0.0, 0.0, 0.0, 0.970295726276, -0.2419218955997];
        let at = |n: i64, z: f64| slice(n, [-106.791015625, -256.61886606561, z], tilted);
        let series = [
            at(1, -61.951915),
            at(2, -56.951915),
            at(3, -51.951915),
            at(4, -46.951915),
        ];
        let facts = series_facts(&series).unwrap();
        assert!(
            (facts.gantry_tilt_degrees.abs() - 14.0).abs() < 0.05,
            "{}",
            facts.gantry_tilt_degrees
        );
        assert!((facts.slice_spacing_mm.unwrap() - 4.851).abs() < 1e-3);
        assert!(facts.gap_free && facts.plane == "axial");
    }

    #[test]
    fn a_localizer_in_the_stack_does_not_count_as_a_slice() {
        let mut series = stack(&[0.0, 5.0, 10.0]);
        let mut scout = slice(9, [0.0, -124.8, 916.5], [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]);
        scout.image_type = vec!["ORIGINAL".into(), "PRIMARY".into(), "LOCALIZER".into()];
        series.push(scout.clone());
        let facts = series_facts(&series).unwrap();
        assert_eq!(
            (facts.instances, facts.gap_free, facts.plane.as_str()),
            (3, true, "axial")
        );
        let alone = series_facts(&[scout]).unwrap();
        assert!(alone.image_type.ends_with("LOCALIZER"));
    }

    #[test]
    fn a_study_of_plans_and_documents_alone_waits_for_nobody_and_does_once_an_image_comes() {
        let uid = Uid::parse("1.2").unwrap();
        let beside = |number: i64, modality: &str| InstanceFacts {
            series_uid: Uid::parse(&format!("1.2.3.{number}.1")).unwrap(),
            modality: modality.into(),
            position: None,
            orientation: None,
            ..slice(number, [0.0; 3], FLAT)
        };
        let mut all = vec![beside(1, "RTPLAN"), beside(2, "SR")];
        let reading = |all: &[InstanceFacts]| for_reading(&study_facts(&uid, all, &StudyContext::default()));
        assert!(!reading(&all));
        assert!(reading(&[beside(3, "OT")]), "a scanned film is read");
        all.push(slice(4, [0.0; 3], FLAT));
        assert!(reading(&all));
        assert!(reading(&[]), "of which nothing is known yet");
    }

    #[test]
    fn the_order_of_arrival_does_not_change_the_facts() {
        let mut series = stack(&[0.0, 5.0, 10.0, 20.0]);
        series[2].body_part = Some("HEAD".into());
        series[1].patient_age = Some("045Y".into());
        let uid = Uid::parse("1.2").unwrap();
        let forward = study_facts(&uid, &series, &StudyContext::default());
        series.reverse();
        assert_eq!(study_facts(&uid, &series, &StudyContext::default()), forward);
        assert_eq!(forward.body_part, "HEAD");
        assert_eq!(forward.age_years, Some(45));
    }

    #[test]
    fn ages_are_whole_years() {
        let table = [
            ("045Y", Some(45)),
            ("018M", Some(1)),
            ("060W", Some(1)),
            ("010D", Some(0)),
            ("", None),
            ("45", None),
            ("-5Y", None),
            ("é", None),
        ];
        for (text, years) in table {
            assert_eq!(age_years(text), years, "{text}");
        }
    }
}
