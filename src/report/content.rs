//! Content items of a structured report (PS3.3 C.17.3): a small tree of named values, and its encoding. Knows no template.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use tocsin_domain::code::Code;
use tocsin_domain::ids::Uid;

use super::dataset::{DataSet, coded, decimal};
use super::modules::sop_reference;

/// How an item relates to its parent (PS3.3 table C.17.3.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Contains,
    HasConceptModifier,
    HasObservationContext,
    HasAcquisitionContext,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// With the identifier of its template in DCMR.
    Container(&'static str),
    /// A container that opens no template.
    Heading,
    Code(Code),
    Text(String),
    UidRef(Uid),
    Number {
        value: f64,
        unit: Code,
    },
    Image {
        sop_class: Uid,
        instance: Uid,
    },
    /// An image of a class that we make.
    Picture {
        sop_class: &'static str,
        instance: Uid,
    },
    /// Any other object of a class that we make.
    Composite {
        sop_class: &'static str,
        instance: Uid,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub relation: Relation,
    /// Items of a key object selection have none.
    pub concept: Option<Code>,
    pub value: Value,
    pub children: Vec<Item>,
}

impl Item {
    pub fn contains(concept: Code, value: Value) -> Self {
        Self::new(Relation::Contains, concept, value)
    }

    pub fn modifier(concept: Code, value: Value) -> Self {
        Self::new(Relation::HasConceptModifier, concept, value)
    }

    pub fn context(concept: Code, value: Value) -> Self {
        Self::new(Relation::HasObservationContext, concept, value)
    }

    pub fn acquisition(concept: Code, value: Value) -> Self {
        Self::new(Relation::HasAcquisitionContext, concept, value)
    }

    fn new(relation: Relation, concept: Code, value: Value) -> Self {
        Self {
            relation,
            concept: Some(concept),
            value,
            children: Vec::new(),
        }
    }

    /// Contained, under no name.
    pub fn unnamed(value: Value) -> Self {
        Self {
            relation: Relation::Contains,
            concept: None,
            value,
            children: Vec::new(),
        }
    }

    pub fn holding(mut self, children: impl IntoIterator<Item = Item>) -> Self {
        self.children.extend(children);
        self
    }

    /// The item inside a Content Sequence.
    pub fn encode(&self) -> DataSet {
        self.encode_root()
            .text(tags::RELATIONSHIP_TYPE, VR::CS, self.relation.term())
    }

    /// The root has no relation to anything.
    pub fn encode_root(&self) -> DataSet {
        let item = DataSet::new()
            .text(tags::VALUE_TYPE, VR::CS, self.value.value_type())
            .with(self.value.encode());
        let item = match &self.concept {
            Some(concept) => item.code(tags::CONCEPT_NAME_CODE_SEQUENCE, concept),
            None => item,
        };
        match self.children.is_empty() {
            true => item,
            false => item.sequence(
                tags::CONTENT_SEQUENCE,
                self.children.iter().map(Item::encode).collect(),
            ),
        }
    }
}

impl Relation {
    fn term(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::HasConceptModifier => "HAS CONCEPT MOD",
            Self::HasObservationContext => "HAS OBS CONTEXT",
            Self::HasAcquisitionContext => "HAS ACQ CONTEXT",
        }
    }
}

impl Value {
    fn value_type(&self) -> &'static str {
        match self {
            Self::Container(_) | Self::Heading => "CONTAINER",
            Self::Code(_) => "CODE",
            Self::Text(_) => "TEXT",
            Self::UidRef(_) => "UIDREF",
            Self::Number { .. } => "NUM",
            Self::Image { .. } | Self::Picture { .. } => "IMAGE",
            Self::Composite { .. } => "COMPOSITE",
        }
    }

    fn encode(&self) -> DataSet {
        let continuous = DataSet::new().text(tags::CONTINUITY_OF_CONTENT, VR::CS, "CONTINUOUS");
        match self {
            Self::Container(template) => continuous.sequence(
                tags::CONTENT_TEMPLATE_SEQUENCE,
                vec![DataSet::new().text(tags::MAPPING_RESOURCE, VR::CS, "DCMR").text(
                    tags::TEMPLATE_IDENTIFIER,
                    VR::CS,
                    template,
                )],
            ),
            Self::Heading => continuous,
            Self::Code(code) => DataSet::new().code(tags::CONCEPT_CODE_SEQUENCE, code),
            Self::Text(text) => DataSet::new().text(tags::TEXT_VALUE, VR::UT, text),
            Self::UidRef(uid) => DataSet::new().uid(tags::UID, uid),
            Self::Number { value, unit } => DataSet::new().sequence(
                tags::MEASURED_VALUE_SEQUENCE,
                vec![
                    DataSet::new()
                        .text(tags::NUMERIC_VALUE, VR::DS, &decimal(*value))
                        .sequence(tags::MEASUREMENT_UNITS_CODE_SEQUENCE, vec![coded(unit)]),
                ],
            ),
            Self::Image { sop_class, instance } => DataSet::new().sequence(
                tags::REFERENCED_SOP_SEQUENCE,
                vec![sop_reference(sop_class.as_str(), instance)],
            ),
            Self::Picture { sop_class, instance } | Self::Composite { sop_class, instance } => DataSet::new()
                .sequence(
                    tags::REFERENCED_SOP_SEQUENCE,
                    vec![sop_reference(sop_class, instance)],
                ),
        }
    }
}
