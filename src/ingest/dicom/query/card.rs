//! What is known of one patient, study, series or instance, as texts under the attributes of a query; and the answer that is
//! made of it. Each level's card holds what the levels above say.

use std::collections::BTreeMap;

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::phi::Phi;
use tocsin_domain::study::InstanceFacts;

use super::question::{ATTRIBUTES, Level, Question};
use crate::ingest::dicom::small::put;
use crate::storage::entity::{patient, study};

/// Values by attribute; none where nothing is known. It names a patient and is never printed.
#[derive(Clone, Default)]
pub(super) struct Card(BTreeMap<Tag, Vec<String>>);

impl Card {
    fn put(&mut self, tag: Tag, value: Option<impl Into<String>>) {
        if let Some(value) = value.map(Into::into).filter(|value: &String| !value.is_empty()) {
            self.0.insert(tag, vec![value]);
        }
    }

    fn values(&self, tag: Tag) -> &[String] {
        self.0.get(&tag).map_or(&[], Vec::as_slice)
    }

    /// A study as its row and one of its instances tell it.
    pub(super) fn study(row: &study::Model, facts: &InstanceFacts) -> Self {
        let mut card = Self::default();
        card.put(tags::PATIENT_ID, row.patient_identifier.as_deref());
        card.put(tags::ISSUER_OF_PATIENT_ID, row.patient_authority.as_deref());
        card.put(tags::PATIENT_NAME, row.patient_name.as_deref());
        card.put(tags::PATIENT_BIRTH_DATE, row.birth_date.as_deref());
        card.put(tags::PATIENT_SEX, row.sex.as_deref());
        card.put(tags::STUDY_INSTANCE_UID, Some(row.study_uid.as_str()));
        card.put(tags::STUDY_DATE, facts.study_date.as_deref());
        card.put(tags::STUDY_TIME, facts.study_time.as_deref());
        card.put(
            tags::ACCESSION_NUMBER,
            row.accession.as_deref().or(facts.accession.as_deref()),
        );
        card.put(tags::STUDY_ID, facts.study_id.as_deref());
        card.put(tags::STUDY_DESCRIPTION, facts.study_description.as_deref());
        card.put(
            tags::REFERRING_PHYSICIAN_NAME,
            facts
                .referring_physician
                .as_ref()
                .map(Phi::expose)
                .map(String::as_str),
        );
        card
    }

    /// What messages say of the patient, after merges; it stands before what the images say.
    pub(super) fn name(&mut self, known: &patient::Model) {
        for (tag, said) in [
            (tags::PATIENT_ID, Some(&known.identifier)),
            (tags::ISSUER_OF_PATIENT_ID, Some(&known.authority)),
            (tags::PATIENT_NAME, known.name.as_ref()),
            (tags::PATIENT_BIRTH_DATE, known.birth_date.as_ref()),
            (tags::PATIENT_SEX, known.sex.as_ref()),
        ] {
            self.put(tag, said.map(String::as_str));
        }
    }

    /// What only all series of a study together say.
    pub(super) fn sum(&mut self, series: &[(i64, InstanceFacts)]) {
        let instances: i64 = series.iter().map(|(instances, _)| instances).sum();
        self.put(
            tags::NUMBER_OF_STUDY_RELATED_SERIES,
            Some(series.len().to_string()),
        );
        self.put(
            tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
            Some(instances.to_string()),
        );
        let each = |of: fn(&InstanceFacts) -> &str| -> Vec<String> {
            let mut all: Vec<String> = series.iter().map(|(_, facts)| of(facts).to_owned()).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        self.0
            .insert(tags::MODALITIES_IN_STUDY, each(|facts| &facts.modality));
        self.0.insert(
            tags::SOP_CLASSES_IN_STUDY,
            each(|facts| facts.sop_class_uid.as_str()),
        );
    }

    /// The same for two studies of one patient.
    pub(super) fn patient(&self) -> (Vec<String>, Vec<String>) {
        let values = |tag| self.values(tag).to_vec();
        (values(tags::PATIENT_ID), values(tags::ISSUER_OF_PATIENT_ID))
    }

    /// One of its series.
    pub(super) fn series(&self, instances: i64, facts: &InstanceFacts) -> Self {
        let mut card = self.clone();
        card.put(tags::SERIES_INSTANCE_UID, Some(facts.series_uid.as_str()));
        card.put(tags::MODALITY, Some(facts.modality.as_str()));
        card.put(
            tags::SERIES_NUMBER,
            facts.series_number.map(|number| number.to_string()),
        );
        card.put(tags::SERIES_DESCRIPTION, facts.series_description.as_deref());
        card.put(tags::BODY_PART_EXAMINED, facts.body_part.as_deref());
        card.put(tags::PROTOCOL_NAME, facts.protocol_name.as_deref());
        card.put(tags::MANUFACTURER, facts.manufacturer.as_deref());
        card.put(tags::STATION_NAME, facts.station_name.as_deref());
        card.put(
            tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
            Some(instances.to_string()),
        );
        card
    }

    /// One instance of a series.
    pub(super) fn instance(&self, facts: &InstanceFacts) -> Self {
        let mut card = self.clone();
        let size = |number: u32| (number > 0).then(|| number.to_string());
        card.put(tags::SOP_INSTANCE_UID, Some(facts.sop_instance_uid.as_str()));
        card.put(tags::SOP_CLASS_UID, Some(facts.sop_class_uid.as_str()));
        card.put(
            tags::INSTANCE_NUMBER,
            facts.instance_number.map(|number| number.to_string()),
        );
        card.0.insert(tags::IMAGE_TYPE, facts.image_type.clone());
        card.put(tags::ROWS, size(facts.rows));
        card.put(tags::COLUMNS, size(facts.columns));
        card.put(
            tags::NUMBER_OF_FRAMES,
            size(facts.frames).filter(|_| facts.has_pixels),
        );
        card
    }

    /// Whether it agrees with every key of a level. Numbers of patients were looked up, merged ones too, and are left out.
    pub(super) fn agrees(&self, question: &Question, level: Level) -> bool {
        question
            .keys_of(level)
            .filter(|(tag, key)| *tag != tags::PATIENT_ID || key.values().is_none())
            .all(|(tag, key)| key.matches(self.values(tag).iter().map(String::as_str)))
    }

    /// The answer: what was asked for, and where it can be had.
    pub(super) fn answer(&self, question: &Question, our_ae: &str) -> InMemDicomObject {
        let mut answer = InMemDicomObject::new_empty();
        put(&mut answer, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        put(
            &mut answer,
            tags::QUERY_RETRIEVE_LEVEL,
            VR::CS,
            question.level.text(),
        );
        put(&mut answer, tags::RETRIEVE_AE_TITLE, VR::AE, our_ae);
        put(&mut answer, tags::INSTANCE_AVAILABILITY, VR::CS, "ONLINE");
        for known in ATTRIBUTES.iter().filter(|known| question.asks_for(known.tag)) {
            let values = self.values(known.tag).join("\\");
            if known.vr == VR::US {
                let value = values
                    .parse::<u16>()
                    .map_or(PrimitiveValue::Empty, PrimitiveValue::from);
                answer.put(DataElement::new(known.tag, known.vr, value));
            } else {
                put(&mut answer, known.tag, known.vr, &values);
            }
        }
        answer
    }
}
