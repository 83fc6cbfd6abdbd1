//! Instance Availability Notification as SCP (PS3.4 annex R): the data set of its N-CREATE, read.

use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::announced::{Availability, Listed, ListedSeries};
use tocsin_domain::ids::Uid;

use super::attributes::{AttributeError, need_items, need_text, need_uid};

pub const IAN: &str = "1.2.840.10008.5.1.4.33";

/// Which instances of a study can be had where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub study: Uid,
    pub series: Vec<ListedSeries>,
}

/// # Errors
/// An attribute that must be there, or has a value that it may not have.
pub fn read(data: &InMemDicomObject) -> Result<Notice, AttributeError> {
    let study = need_uid(data, tags::STUDY_INSTANCE_UID)?;
    let series = need_items(data, tags::REFERENCED_SERIES_SEQUENCE)?;
    let series = series.iter().map(|series| listed(series, &study));
    Ok(Notice {
        series: series.collect::<Result<_, _>>()?,
        study,
    })
}

fn listed(series: &InMemDicomObject, study: &Uid) -> Result<ListedSeries, AttributeError> {
    let instances = need_items(series, tags::REFERENCED_SOP_SEQUENCE)?;
    Ok(ListedSeries {
        study_uid: Some(study.clone()),
        series_uid: need_uid(series, tags::SERIES_INSTANCE_UID)?,
        instances: instances.iter().map(instance).collect::<Result<_, _>>()?,
    })
}

fn instance(item: &InMemDicomObject) -> Result<Listed, AttributeError> {
    let tag = tags::INSTANCE_AVAILABILITY;
    need_uid(item, tags::REFERENCED_SOP_CLASS_UID)?;
    Ok(Listed {
        sop_uid: need_uid(item, tags::REFERENCED_SOP_INSTANCE_UID)?,
        availability: Availability::parse(&need_text(item, tag)?).ok_or(AttributeError::Invalid {
            tag,
            expected: "ONLINE, NEARLINE, OFFLINE",
        })?,
        retrieve_ae: need_text(item, tags::RETRIEVE_AE_TITLE)?,
    })
}

#[cfg(test)]
mod tests {
    use dicom_core::value::DataSetSequence;
    use dicom_core::{DataElement, Tag, VR};

    use super::super::small::put;
    use super::*;

    fn sequence(to: &mut InMemDicomObject, tag: Tag, item: InMemDicomObject) {
        to.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(vec![item])));
    }

    fn notice(availability: &str) -> InMemDicomObject {
        let mut item = InMemDicomObject::new_empty();
        for (tag, vr, value) in [
            (
                tags::REFERENCED_SOP_CLASS_UID,
                VR::UI,
                "1.2.840.10008.5.1.4.1.1.2",
            ),
            (tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, "1.2.3.4.5"),
            (tags::INSTANCE_AVAILABILITY, VR::CS, availability),
            (tags::RETRIEVE_AE_TITLE, VR::AE, "PACS"),
        ] {
            put(&mut item, tag, vr, value);
        }
        let mut series = InMemDicomObject::new_empty();
        put(&mut series, tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.4");
        sequence(&mut series, tags::REFERENCED_SOP_SEQUENCE, item);
        let mut data = InMemDicomObject::new_empty();
        put(&mut data, tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3");
        sequence(&mut data, tags::REFERENCED_SERIES_SEQUENCE, series);
        data
    }

    #[test]
    fn a_notice_says_what_can_be_had_where() {
        let read = super::read(&notice("NEARLINE")).unwrap();
        let only = &read.series[0].instances[0];
        assert_eq!(
            (only.availability, only.retrieve_ae.as_str()),
            (Availability::Nearline, "PACS")
        );
        let unknown = super::read(&notice("SOMEWHERE")).unwrap_err();
        assert!(unknown.to_string().contains("InstanceAvailability"), "{unknown}");
        assert_eq!(unknown.status(), 0x0106);
        let mut nothing = notice("ONLINE");
        nothing.remove_element(tags::REFERENCED_SERIES_SEQUENCE);
        assert_eq!(
            super::read(&nothing),
            Err(AttributeError::Missing(tags::REFERENCED_SERIES_SEQUENCE))
        );
    }
}
