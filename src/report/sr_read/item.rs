//! Content items of a structured report from elsewhere (PS3.3 C.17.3), under limits. Every item knows its place, counted as
//! the standard counts: `1.4.2` is the second item of the fourth item of the root.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::code::Code;
use tocsin_domain::ids::Uid;

use super::ReadError;

/// Items within items.
const DEPTH: usize = 24;
/// Items of one document.
const ITEMS: usize = 50_000;
/// Characters of a text that are kept.
const TEXT: usize = 4096;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub place: String,
    /// To the item above, as PS3.3 writes it; empty for the root.
    pub relation: String,
    pub concept: Option<Code>,
    pub value: Value,
    pub children: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Container {
        template: Option<String>,
    },
    Code(Code),
    Number {
        value: f64,
        unit: Option<Code>,
    },
    Text(String),
    UidRef(Uid),
    /// Of an image, or of any other object.
    Reference {
        class: String,
        instance: Uid,
    },
    /// An outline on an image or in space.
    Region,
    /// A value type of no use here, or a number without a value.
    Other,
}

impl Item {
    /// Whether its concept is this one, whatever its system is called.
    pub fn is(&self, concept: &Code) -> bool {
        let own = self
            .concept
            .as_ref()
            .map(tocsin_domain::vendor::equivalents::usual);
        own.is_some_and(|own| own.is(concept))
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Container { .. }
            | Value::Code(_)
            | Value::Number { .. }
            | Value::UidRef(_)
            | Value::Reference { .. }
            | Value::Region
            | Value::Other => None,
        }
    }

    pub fn code(&self) -> Option<&Code> {
        match &self.value {
            Value::Code(code) => Some(code),
            Value::Container { .. }
            | Value::Number { .. }
            | Value::Text(_)
            | Value::UidRef(_)
            | Value::Reference { .. }
            | Value::Region
            | Value::Other => None,
        }
    }

    /// The children with this concept.
    pub fn named<'i>(&'i self, concept: &'i Code) -> impl Iterator<Item = &'i Item> {
        self.children.iter().filter(move |child| child.is(concept))
    }
}

/// The tree of a document.
pub(super) fn tree(root: &InMemDicomObject) -> Result<Item, ReadError> {
    let mut left = ITEMS;
    item(root, "1".to_owned(), 0, &mut left)?.ok_or(ReadError::Item {
        place: "1".to_owned(),
        expected: "a content item of its own",
    })
}

/// `None` for an item that only points to another.
fn item(
    set: &InMemDicomObject,
    place: String,
    depth: usize,
    left: &mut usize,
) -> Result<Option<Item>, ReadError> {
    let wrong = |expected| ReadError::Item {
        place: place.clone(),
        expected,
    };
    *left = left.checked_sub(1).ok_or(ReadError::TooMany)?;
    if depth > DEPTH {
        return Err(wrong("at most 24 levels of items"));
    }
    let Some(kind) = text(set, tags::VALUE_TYPE) else {
        return match set.element_opt(tags::REFERENCED_CONTENT_ITEM_IDENTIFIER) {
            Ok(Some(_)) => Ok(None),
            Ok(None) | Err(_) => Err(wrong("a Value Type (0040,A040)")),
        };
    };
    let value = value(set, &kind).map_err(wrong)?;
    let mut children = Vec::new();
    for (at, child) in items(set, tags::CONTENT_SEQUENCE).iter().enumerate() {
        children.extend(item(child, format!("{place}.{}", at + 1), depth + 1, left)?);
    }
    Ok(Some(Item {
        relation: text(set, tags::RELATIONSHIP_TYPE).unwrap_or_default(),
        concept: coded(set, tags::CONCEPT_NAME_CODE_SEQUENCE),
        value,
        children,
        place,
    }))
}

fn value(set: &InMemDicomObject, kind: &str) -> Result<Value, &'static str> {
    Ok(match kind {
        "CONTAINER" => Value::Container {
            template: first(set, tags::CONTENT_TEMPLATE_SEQUENCE)
                .and_then(|template| text(template, tags::TEMPLATE_IDENTIFIER)),
        },
        "CODE" => {
            Value::Code(coded(set, tags::CONCEPT_CODE_SEQUENCE).ok_or("a code (0040,A168) of a CODE item")?)
        }
        "NUM" => number(set)?,
        "TEXT" | "PNAME" => Value::Text(text(set, tags::TEXT_VALUE).unwrap_or_default()),
        "UIDREF" => Value::UidRef(uid(set, tags::UID).ok_or("a UID (0040,A124) of a UIDREF item")?),
        "IMAGE" | "COMPOSITE" | "WAVEFORM" => match first(set, tags::REFERENCED_SOP_SEQUENCE) {
            Some(object) => Value::Reference {
                class: text(object, tags::REFERENCED_SOP_CLASS_UID).unwrap_or_default(),
                instance: uid(object, tags::REFERENCED_SOP_INSTANCE_UID)
                    .ok_or("the instance (0008,1155) that an item refers to")?,
            },
            None => return Err("an object (0008,1199) that an IMAGE or COMPOSITE item refers to"),
        },
        "SCOORD" | "SCOORD3D" => Value::Region,
        _ => Value::Other,
    })
}

/// A number may be left out, with a code that says why.
fn number(set: &InMemDicomObject) -> Result<Value, &'static str> {
    let Some(measured) = first(set, tags::MEASURED_VALUE_SEQUENCE) else {
        return Ok(Value::Other);
    };
    let written = text(measured, tags::NUMERIC_VALUE).unwrap_or_default();
    let value = written.parse().ok().filter(|value: &f64| value.is_finite());
    Ok(Value::Number {
        value: value.ok_or("a number (0040,A30A) of a NUM item")?,
        unit: coded(measured, tags::MEASUREMENT_UNITS_CODE_SEQUENCE),
    })
}

pub(super) fn items(set: &InMemDicomObject, tag: Tag) -> &[InMemDicomObject] {
    let element = set.element_opt(tag).ok().flatten();
    element.and_then(|element| element.items()).unwrap_or_default()
}

pub(super) fn first(set: &InMemDicomObject, tag: Tag) -> Option<&InMemDicomObject> {
    items(set, tag).first()
}

/// Its text without padding; `None` where it is empty.
pub(super) fn text(set: &InMemDicomObject, tag: Tag) -> Option<String> {
    let element = set.element_opt(tag).ok().flatten()?;
    let text = element.to_str().ok()?;
    let text: String = text.trim_matches([' ', '\0']).chars().take(TEXT).collect();
    (!text.is_empty()).then_some(text)
}

pub(super) fn uid(set: &InMemDicomObject, tag: Tag) -> Option<Uid> {
    Uid::parse(&text(set, tag)?).ok()
}

pub(super) fn coded(set: &InMemDicomObject, tag: Tag) -> Option<Code> {
    let code = first(set, tag)?;
    let value = [tags::CODE_VALUE, tags::LONG_CODE_VALUE, tags::URN_CODE_VALUE]
        .into_iter()
        .find_map(|tag| text(code, tag))?;
    Some(Code {
        system: text(code, tags::CODING_SCHEME_DESIGNATOR)
            .unwrap_or_default()
            .into(),
        code: value.into(),
        display: text(code, tags::CODE_MEANING).unwrap_or_default().into(),
    })
}
