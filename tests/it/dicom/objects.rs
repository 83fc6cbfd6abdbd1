//! DICOM objects made by hand, good and bad, as whole files in explicit VR little endian unless another is named.

use tocsin_domain::ids::Uid;
use tocsin_domain::part10::FileMeta;

pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// A data set that can be bent before it becomes a file.
#[derive(Clone)]
pub struct Object {
    pub sop_instance: String,
    pub study: String,
    pub transfer_syntax: &'static str,
    /// Behind the last proper element.
    pub tail: Vec<u8>,
    /// Replaces the whole data set.
    pub data_set: Option<Vec<u8>>,
    /// What the file meta group, and so the command, says; else the same.
    pub announced: Option<String>,
}

impl Object {
    pub fn new(sop_instance: &str) -> Self {
        Self {
            sop_instance: sop_instance.into(),
            study: "1.2.826.0.1.100".into(),
            transfer_syntax: EXPLICIT,
            tail: element(0x7FE0, 0x0010, b"OW", &[1; 512]),
            data_set: None,
            announced: None,
        }
    }

    pub fn data_set(&self) -> Vec<u8> {
        self.data_set.clone().unwrap_or_else(|| {
            [
                element(0x0008, 0x0016, b"UI", CT.as_bytes()),
                element(0x0008, 0x0018, b"UI", self.sop_instance.as_bytes()),
                element(0x0008, 0x0060, b"CS", b"CT"),
                element(0x0010, 0x0010, b"PN", b"Secret^Name "),
                element(0x0020, 0x000D, b"UI", self.study.as_bytes()),
                element(0x0020, 0x000E, b"UI", b"1.2.826.0.1.100.1"),
                self.tail.clone(),
            ]
            .concat()
        })
    }

    pub fn file(&self) -> Vec<u8> {
        let uid = |text: &str| Uid::parse(text).unwrap();
        let meta = FileMeta {
            sop_class: uid(CT),
            sop_instance: uid(self.announced.as_ref().unwrap_or(&self.sop_instance)),
            transfer_syntax: uid(self.transfer_syntax),
            source_ae: None,
        };
        [meta.to_bytes(), self.data_set()].concat()
    }
}

/// One element, its value padded to an even length.
pub fn element(group: u16, number: u16, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(0);
    }
    let length = u32::try_from(value.len()).unwrap();
    let mut bytes = claim(group, number, vr, length);
    bytes.extend(value);
    bytes
}

/// The header of an element that claims a length.
pub fn claim(group: u16, number: u16, vr: &[u8; 2], length: u32) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes(), *vr].concat();
    if [b"OB", b"OW", b"SQ", b"UN", b"UT"].contains(&vr) {
        bytes.extend([0, 0]);
        bytes.extend(length.to_le_bytes());
    } else {
        bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
    }
    bytes
}

/// Sequences within items within sequences, never closed.
pub fn nested(depth: usize) -> Vec<u8> {
    let level = [
        claim(0x0040, 0xA730, b"SQ", u32::MAX),
        vec![0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
    ]
    .concat();
    level.repeat(depth)
}
