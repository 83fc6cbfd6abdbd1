//! A structured report read back as a tree (PS3.3 C.17.3), from its own bytes: what is shown is what is sent.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::{InMemDicomObject, ReadError, from_reader};
use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::code::Code;

/// One content item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TreeItem {
    /// To the item above; null for the root.
    pub relation: Option<String>,
    /// `CONTAINER`, `CODE`, `NUM`, `TEXT`, `UIDREF` or `IMAGE`.
    pub value_type: String,
    pub concept: Option<Code>,
    /// As it is written; the meaning of a code; the instance of an image; the template of a container.
    pub value: String,
    /// Of a value that is a code.
    pub code: Option<Code>,
    /// Of a number.
    pub unit: Option<Code>,
    pub children: Vec<TreeItem>,
}

#[derive(Debug, thiserror::Error)]
#[error("the report cannot be read back")]
pub struct TreeError(#[source] Box<ReadError>);

/// The tree in the bytes of a Part 10 file of ours.
pub fn read(file: &[u8]) -> Result<TreeItem, TreeError> {
    let object = from_reader(file).map_err(|error| TreeError(Box::new(error)))?;
    Ok(item(&object))
}

fn item(set: &InMemDicomObject) -> TreeItem {
    let value_type = text(set, tags::VALUE_TYPE).unwrap_or_default();
    let code = coded(set, tags::CONCEPT_CODE_SEQUENCE);
    let measured = first(set, tags::MEASURED_VALUE_SEQUENCE);
    let value = match value_type.as_str() {
        "CODE" => code.as_ref().map(|code| code.display.to_string()),
        "NUM" => measured.and_then(|value| text(value, tags::NUMERIC_VALUE)),
        "TEXT" => text(set, tags::TEXT_VALUE),
        "UIDREF" => text(set, tags::UID),
        "IMAGE" => first(set, tags::REFERENCED_SOP_SEQUENCE)
            .and_then(|image| text(image, tags::REFERENCED_SOP_INSTANCE_UID)),
        "CONTAINER" => first(set, tags::CONTENT_TEMPLATE_SEQUENCE)
            .and_then(|template| text(template, tags::TEMPLATE_IDENTIFIER))
            .map(|template| format!("TID {template}")),
        _ => None,
    };
    TreeItem {
        relation: text(set, tags::RELATIONSHIP_TYPE),
        concept: coded(set, tags::CONCEPT_NAME_CODE_SEQUENCE),
        value: value.unwrap_or_default(),
        unit: measured.and_then(|value| coded(value, tags::MEASUREMENT_UNITS_CODE_SEQUENCE)),
        code,
        children: items(set, tags::CONTENT_SEQUENCE).iter().map(item).collect(),
        value_type,
    }
}

fn items(set: &InMemDicomObject, tag: Tag) -> &[InMemDicomObject] {
    set.get(tag)
        .and_then(|element| element.items())
        .unwrap_or_default()
}

fn first(set: &InMemDicomObject, tag: Tag) -> Option<&InMemDicomObject> {
    items(set, tag).first()
}

fn text(set: &InMemDicomObject, tag: Tag) -> Option<String> {
    let text = set.get(tag)?.to_str().ok()?;
    Some(text.trim_end_matches('\0').trim().to_owned())
}

fn coded(set: &InMemDicomObject, tag: Tag) -> Option<Code> {
    let item = first(set, tag)?;
    let of = |tag| text(item, tag);
    let code = of(tags::CODE_VALUE).or_else(|| of(tags::LONG_CODE_VALUE))?;
    Some(Code {
        system: of(tags::CODING_SCHEME_DESIGNATOR).unwrap_or_default().into(),
        code: code.into(),
        display: of(tags::CODE_MEANING).unwrap_or_default().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bleed, header, installation};
    use crate::{Context, structured_report, text};
    use tocsin_domain::code;

    fn all<'a>(item: &'a TreeItem, found: &mut Vec<&'a TreeItem>) {
        found.push(item);
        item.children.iter().for_each(|child| all(child, found));
    }

    #[test]
    fn the_tree_holds_the_numbers_and_the_words_of_the_record() {
        let record = bleed();
        let context = Context {
            record: &record,
            header: &header(),
            installation: &installation(),
            revision: 1,
            predecessor: None,
        };
        let root = read(&structured_report(&context).expect("a report").bytes).expect("a tree");
        assert_eq!(
            (root.relation.as_deref(), root.value.as_str()),
            (None, "TID 1500")
        );
        let mut items = Vec::new();
        all(&root, &mut items);
        let number = |code: &Code| {
            let item = items
                .iter()
                .find(|i| i.concept.as_ref().is_some_and(|c| c.is(code)));
            let item = item.expect("the number");
            (
                item.value.as_str(),
                item.unit.as_ref().map(|unit| unit.code.as_ref()),
            )
        };
        assert_eq!(number(&code::VOLUME), ("24.13", Some("mL")));
        assert_eq!(number(&code::MIDLINE_SHIFT), ("4.2", Some("mm")));
        assert_eq!(number(&code::CERTAINTY), ("87.5", Some("%")));
        for remark in text::remarks(&record) {
            assert!(
                items.iter().any(|i| i.value_type == "TEXT" && i.value == remark),
                "{remark}"
            );
        }
        let present = items
            .iter()
            .find(|i| i.code.as_ref().is_some_and(|c| c.is(&code::PRESENT)));
        assert_eq!(present.map(|i| i.value.as_str()), Some("Present"));
        assert!(read(b"no file").is_err());
    }
}
