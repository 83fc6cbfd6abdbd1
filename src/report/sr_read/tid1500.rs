//! TID 1500 and what resembles it: the algorithms that speak (TID 4019, TID 1004) and the groups of what they say (TID 1410,
//! 1411, 1501, qualitative evaluations), as far as their statements stand where a reader may expect them.

use tocsin_domain::code::Code;
use tocsin_domain::ids::Uid;
use tocsin_domain::vendor::reading::MOST_GROUPS;
use tocsin_domain::vendor::{Group, Said, Speaker, Told, Value as Word, Word as Kind};

use super::item::{Item, Value};
use super::{Header, Report, dcm};

const SEGMENTATIONS: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.5",
    "1.2.840.10008.5.1.4.1.1.66.7",
];

pub(super) fn report(root: &Item, header: Header) -> Report {
    let by = speaker(root, &header);
    let mut found = Vec::new();
    collect(root, &by, &mut found);
    let mut speakers: Vec<Speaker> = Vec::new();
    for (speaker, _) in &found {
        if !speakers.contains(speaker) {
            speakers.push(speaker.clone());
        }
    }
    if speakers.is_empty() {
        speakers.push(by.clone());
    }
    let images = images(root, &header);
    let series = images.first().and_then(|first| {
        let known = header.evidence.iter().find(|(_, instance, _)| instance == first);
        known.map(|(series, ..)| series.clone())
    });
    let missed = (found.len() > MOST_GROUPS).then(|| format!("groups beyond the first {MOST_GROUPS}"));
    let told = speakers.into_iter().map(|speaker| Told {
        groups: found
            .iter()
            .filter(|(own, _)| *own == speaker)
            .take(MOST_GROUPS)
            .map(|(_, group)| group.clone())
            .collect(),
        by: speaker,
        word: Kind::Result,
        study: header.study.clone(),
        series_uid: series.clone(),
        instance_uids: images.clone(),
        report: Some(header.instance.clone()),
        not_understood: missed.iter().cloned().collect(),
        at: header.at,
    });
    Report {
        told: told.collect(),
        serial: said(root, &dcm::DEVICE_SERIAL),
        instance: header.instance.clone(),
        by,
    }
}

/// The algorithm of the document: at one of its containers, else the device that observed.
fn speaker(root: &Item, header: &Header) -> Speaker {
    let containers = || std::iter::once(root).chain(&root.children);
    let anywhere = |concept: &Code| containers().find_map(|container| said(container, concept));
    let or = |text: Option<String>, other: &str| text.unwrap_or_else(|| other.to_owned());
    let device = said(root, &dcm::DEVICE_MODEL).or_else(|| said(root, &dcm::DEVICE_NAME));
    Speaker {
        manufacturer: or(said(root, &dcm::DEVICE_MANUFACTURER), &header.manufacturer),
        algorithm: anywhere(&dcm::ALGORITHM_NAME).or(device).unwrap_or_default(),
        version: or(anywhere(&dcm::ALGORITHM_VERSION), &header.software),
    }
    .bounded()
}

fn said(item: &Item, concept: &Code) -> Option<String> {
    item.named(concept).find_map(Item::text).map(str::to_owned)
}

/// A container that states something is a group; those inside it are looked into as well.
fn collect(container: &Item, by: &Speaker, found: &mut Vec<(Speaker, Group)>) {
    if container.is(&dcm::IMAGE_LIBRARY) {
        return;
    }
    let by = Speaker {
        algorithm: said(container, &dcm::ALGORITHM_NAME).unwrap_or_else(|| by.algorithm.clone()),
        version: said(container, &dcm::ALGORITHM_VERSION).unwrap_or_else(|| by.version.clone()),
        ..by.clone()
    }
    .bounded();
    let group = group(container);
    if group.finding.is_some() || !group.said.is_empty() {
        found.push((by.clone(), group));
    }
    for child in &container.children {
        if matches!(child.value, Value::Container { .. }) {
            collect(child, &by, found);
        }
    }
}

fn group(container: &Item) -> Group {
    let mut group = Group {
        place: container.place.clone(),
        ..Group::default()
    };
    for item in &container.children {
        take(item, &mut group);
    }
    group
}

fn take(item: &Item, group: &mut Group) {
    let Some(concept) = &item.concept else {
        group.images.extend(image(item));
        group.is_region |= item.value == Value::Region;
        return;
    };
    if item.is(&dcm::FINDING_SITE) {
        group.site = group.site.take().or_else(|| item.code().cloned());
        let side = item.named(&dcm::LATERALITY).find_map(Item::code).cloned();
        group.laterality = group.laterality.take().or(side);
        return;
    }
    if item.is(&dcm::LATERALITY) {
        group.laterality = item.code().cloned();
        return;
    }
    match &item.value {
        Value::Code(code) if item.is(&dcm::FINDING) => group.finding = Some(code.clone()),
        // What modifies the group, and in which context it was seen, is no statement about the patient.
        Value::Code(code) if item.relation == "CONTAINS" => {
            group.said.push(statement(concept, Word::Coded(code.clone())));
        }
        Value::Number { value, unit } if item.relation == "CONTAINS" => {
            let number = Word::Number {
                value: *value,
                unit: unit.clone(),
            };
            group.said.push(statement(concept, number));
        }
        Value::UidRef(uid) if item.is(&dcm::TRACKING_UID) => group.tracking_uid = Some(uid.clone()),
        Value::Reference { class, .. } if SEGMENTATIONS.contains(&class.as_str()) => group.is_region = true,
        Value::Reference { .. } => group.images.extend(image(item)),
        Value::Region => {
            group.is_region = true;
            group.images.extend(item.children.iter().filter_map(image));
        }
        Value::Code(_)
        | Value::Number { .. }
        | Value::Container { .. }
        | Value::Text(_)
        | Value::UidRef(_)
        | Value::Other => {}
    }
}

fn statement(concept: &Code, value: Word) -> Said {
    Said {
        concept: concept.clone(),
        value,
        flag: String::new(),
        probability: None,
    }
}

/// The image that an item refers to; segmentations and documents are none.
fn image(item: &Item) -> Option<Uid> {
    match &item.value {
        Value::Reference { class, instance } if is_image(class) => Some(instance.clone()),
        Value::Reference { .. }
        | Value::Container { .. }
        | Value::Code(_)
        | Value::Number { .. }
        | Value::Text(_)
        | Value::UidRef(_)
        | Value::Region
        | Value::Other => None,
    }
}

fn is_image(class: &str) -> bool {
    !SEGMENTATIONS.contains(&class) && !class.starts_with("1.2.840.10008.5.1.4.1.1.88.")
}

/// The image library, else the evidence.
fn images(root: &Item, header: &Header) -> Vec<Uid> {
    fn of(item: &Item, found: &mut Vec<Uid>) {
        found.extend(image(item));
        item.children.iter().for_each(|child| of(child, found));
    }
    let mut found = Vec::new();
    for library in root.named(&dcm::IMAGE_LIBRARY) {
        of(library, &mut found);
    }
    if found.is_empty() {
        let evidence = header.evidence.iter().filter(|(.., class)| is_image(class));
        found.extend(evidence.map(|(_, instance, _)| instance.clone()));
    }
    found
}
