//! A DICOM data set under construction: short ways to write the elements that our objects hold. Knows no module.

use std::borrow::Cow;

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use tocsin_domain::code::Code;
use tocsin_domain::ids::Uid;

use super::ReportError;

const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
const IMPLEMENTATION_CLASS: &str = "2.25.313044287120316524406364171417424470731";
const IMPLEMENTATION_NAME: &str = "TOCSIN";

/// Longest decimal string (PS3.5 table 6.2-1).
const DS: usize = 16;
/// Longest Code Value; a longer one goes into Long Code Value (PS3.3 section 8.1).
const CODE_VALUE: usize = 16;

#[derive(Clone)]
pub struct DataSet(InMemDicomObject);

impl DataSet {
    pub fn new() -> Self {
        Self(InMemDicomObject::new_empty())
    }

    /// A text as it is; an empty one writes the element without a value (type 2).
    pub fn text(mut self, tag: Tag, vr: VR, value: &str) -> Self {
        let value = match value {
            "" => PrimitiveValue::Empty,
            some => PrimitiveValue::from(some),
        };
        self.0.put(DataElement::new(tag, vr, value));
        self
    }

    /// A text of our own making, cut to what the VR holds, without characters that would split or break it.
    pub fn label(self, tag: Tag, vr: VR, value: &str) -> Self {
        let kept: String = value
            .chars()
            .filter(|c| !c.is_control() && *c != '\\')
            .take(label_length(vr))
            .collect();
        self.text(tag, vr, kept.trim())
    }

    /// Several values of one text element.
    pub fn texts(mut self, tag: Tag, vr: VR, values: &[&str]) -> Self {
        let values = PrimitiveValue::Strs(values.iter().map(|v| (*v).to_owned()).collect());
        self.0.put(DataElement::new(tag, vr, values));
        self
    }

    pub fn optional(self, tag: Tag, vr: VR, value: Option<&str>) -> Self {
        match value.filter(|v| !v.is_empty()) {
            Some(value) => self.text(tag, vr, value),
            None => self,
        }
    }

    pub fn uid(self, tag: Tag, value: &Uid) -> Self {
        self.text(tag, VR::UI, value.as_str())
    }

    pub fn number(mut self, tag: Tag, value: u16) -> Self {
        self.0
            .put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        self
    }

    /// Several unsigned 32-bit numbers of one element.
    pub fn longs(mut self, tag: Tag, values: &[u32]) -> Self {
        let values = PrimitiveValue::U32(values.iter().copied().collect());
        self.0.put(DataElement::new(tag, VR::UL, values));
        self
    }

    /// An element whose value names another.
    pub fn pointer(mut self, tag: Tag, to: Tag) -> Self {
        self.0
            .put(DataElement::new(tag, VR::AT, PrimitiveValue::from(to)));
        self
    }

    pub fn bytes(mut self, tag: Tag, vr: VR, value: Vec<u8>) -> Self {
        self.0.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        self
    }

    pub fn sequence(mut self, tag: Tag, items: Vec<DataSet>) -> Self {
        let items: Vec<InMemDicomObject> = items.into_iter().map(|i| i.0).collect();
        self.0
            .put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
        self
    }

    pub fn code(self, tag: Tag, code: &Code) -> Self {
        self.sequence(tag, vec![coded(code)])
    }

    /// Another data set's elements beside these.
    pub fn with(mut self, more: DataSet) -> Self {
        for element in more.0 {
            self.0.put(element);
        }
        self
    }

    /// As it is, for whoever writes it in another form.
    pub fn object(self) -> InMemDicomObject {
        self.0
    }

    /// The Part 10 file, Explicit VR Little Endian.
    pub fn file(self) -> Result<Vec<u8>, ReportError> {
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(EXPLICIT_VR_LITTLE_ENDIAN)
            .implementation_class_uid(IMPLEMENTATION_CLASS)
            .implementation_version_name(IMPLEMENTATION_NAME);
        let object = self
            .0
            .with_meta(meta)
            .map_err(|e| ReportError::Meta(Box::new(e)))?;
        let mut bytes = Vec::new();
        object
            .write_all(&mut bytes)
            .map_err(|e| ReportError::Write(Box::new(e)))?;
        Ok(bytes)
    }
}

/// One item of a code sequence.
pub fn coded(code: &Code) -> DataSet {
    let tag = match code.code.chars().count() {
        ..=CODE_VALUE => tags::CODE_VALUE,
        _ => tags::LONG_CODE_VALUE,
    };
    let vr = if tag == tags::CODE_VALUE { VR::SH } else { VR::UC };
    DataSet::new()
        .text(tag, vr, &code.code)
        .label(tags::CODING_SCHEME_DESIGNATOR, VR::SH, &code.system)
        .label(tags::CODE_MEANING, VR::LO, meaning(code).as_ref())
}

/// Code Meaning is mandatory: the code itself stands in for a meaning that nobody sent.
fn meaning(code: &Code) -> Cow<'_, str> {
    match code.display.trim() {
        "" => Cow::Borrowed(code.code.as_ref()),
        some => Cow::Borrowed(some),
    }
}

/// Characters that a VR holds (PS3.5 table 6.2-1), for the VRs that we label.
fn label_length(vr: VR) -> usize {
    match vr {
        VR::SH | VR::CS => 16,
        VR::LO => 64,
        VR::ST => 1024,
        _ => usize::MAX,
    }
}

/// A DS value: at most 16 characters, at most 6 significant digits before trailing zeros fall away.
pub fn decimal(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    let places = (5 - magnitude).clamp(0, 8) as usize;
    let fixed = format!("{value:.places$}");
    let short = match fixed.contains('.') {
        true => fixed.trim_end_matches('0').trim_end_matches('.'),
        false => &fixed,
    };
    match short {
        "-0" => "0".to_owned(),
        short if short.len() <= 16 => short.to_owned(),
        _ => format!("{value:.5e}"),
    }
}

/// A DS value as near as 16 characters allow, for places in the patient.
pub fn exact(value: f64) -> String {
    let whole = format!("{value}");
    if whole.len() <= DS {
        return whole;
    }
    let short = |places: usize| format!("{value:.places$}");
    let fits = |text: &String| text.len() <= DS && !text.trim_matches(['-', '0', '.']).is_empty();
    (0..DS)
        .rev()
        .map(short)
        .find(fits)
        .unwrap_or_else(|| decimal(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_short_and_plain() {
        for (value, text) in [
            (0.0, "0"),
            (1.64, "1.64"),
            (24.1, "24.1"),
            (100.0, "100"),
            (-4.2, "-4.2"),
            (0.000_001_234_567, "0.00000123"),
            (123_456.789, "123457"),
            (1.0 / 3.0, "0.333333"),
        ] {
            assert_eq!(decimal(value), text);
        }
    }

    #[test]
    fn places_are_as_near_as_a_ds_allows() {
        for (value, text) in [
            (-123.456_789_012_345_67, "-123.45678901235"),
            (0.939_692_620_785_908_4, "0.93969262078591"),
            (-250.488_281_25, "-250.48828125"),
            (1.0, "1"),
            (-1.234e-17, "0"),
        ] {
            assert_eq!(exact(value), text);
        }
    }

    proptest! {
        #[test]
        fn any_place_fits_a_ds_and_comes_back(value in -5000.0f64..5000.0) {
            let text = exact(value);
            prop_assert!(text.len() <= 16, "{}", text);
            let back: f64 = text.parse().expect("a number");
            prop_assert!((back - value).abs() < 1e-9, "{} {}", text, value);
        }

        #[test]
        fn any_number_fits_a_ds(value in proptest::num::f64::NORMAL) {
            let text = decimal(value);
            prop_assert!(text.len() <= 16, "{}", text);
            prop_assert!(text.parse::<f64>().is_ok());
        }
    }
}
