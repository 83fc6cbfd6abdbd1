//! The elements of a command set (PS3.7 annex E), read and written: implicit VR little endian, group 0000 alone.

use super::query::SubOperations;
use super::{CommandError, Head, MAX_COMMAND_BYTES};

/// (0000,0800): no data set follows.
const NO_DATA_SET: u16 = 0x0101;
const DATA_SET_FOLLOWS: u16 = 0x0001;
/// (0000,0902) is an LO of at most 64 characters.
const MAX_COMMENT_BYTES: usize = 64;

/// Whether a data set follows a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataSet {
    Follows,
    None,
}

/// What was found on the way through a command set.
#[derive(Default)]
pub(super) struct Fields {
    pub command_field: Option<u16>,
    pub message_id: Option<u16>,
    pub responded_to: Option<u16>,
    data_set_type: Option<u16>,
    pub status: Option<u16>,
    sop_class: String,
    sop_instance: String,
    pub type_id: Option<u16>,
    pub destination: String,
    pub comment: String,
    pub error_id: Option<u16>,
    pub sub_operations: SubOperations,
}

impl Fields {
    /// Walks the elements, implicit VR little endian whatever the presentation context says (PS3.7 6.3.1).
    pub fn read(bytes: &[u8]) -> Result<Self, CommandError> {
        if bytes.len() > MAX_COMMAND_BYTES {
            return Err(CommandError::TooLong);
        }
        let mut fields = Self::default();
        let mut offset = 0;
        while offset < bytes.len() {
            let header = bytes
                .get(offset..offset + 8)
                .ok_or(CommandError::Truncated { offset, length: 8 })?;
            let group = u16::from_le_bytes([header[0], header[1]]);
            if group != 0 {
                return Err(CommandError::Group { offset, group });
            }
            let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
            let start = offset + 8;
            let end = usize::try_from(length)
                .ok()
                .and_then(|length| start.checked_add(length));
            let value = end
                .and_then(|end| bytes.get(start..end))
                .ok_or(CommandError::Truncated { offset, length })?;
            fields.take(u16::from_le_bytes([header[2], header[3]]), value);
            offset = start + value.len();
        }
        Ok(fields)
    }

    fn take(&mut self, element: u16, value: &[u8]) {
        let number = <[u8; 2]>::try_from(value).ok().map(u16::from_le_bytes);
        match element {
            // Of what is concerned, or of what is asked for: no command has both.
            0x0002 | 0x0003 => self.sop_class = plain(value),
            0x0100 => self.command_field = number,
            0x0110 => self.message_id = number,
            0x0120 => self.responded_to = number,
            0x0600 => self.destination = plain(value),
            0x0800 => self.data_set_type = number,
            0x0900 => self.status = number,
            0x0902 => self.comment = plain(value),
            0x0903 => self.error_id = number,
            0x1000 | 0x1001 => self.sop_instance = plain(value),
            0x1002 | 0x1008 => self.type_id = number,
            0x1020 => self.sub_operations.remaining = number,
            0x1021 => self.sub_operations.completed = number,
            0x1022 => self.sub_operations.failed = number,
            0x1023 => self.sub_operations.warning = number,
            _ => {}
        }
    }

    pub fn need(&self, field: Option<u16>, element: u16, name: &'static str) -> Result<u16, CommandError> {
        field.ok_or(CommandError::Missing { element, name })
    }

    pub fn head(&self, command_field: u16, message_id: u16) -> Result<Head, CommandError> {
        let data_set_type = self.need(self.data_set_type, 0x0800, "Command Data Set Type")?;
        Ok(Head {
            command_field,
            message_id,
            sop_class: self.sop_class.clone(),
            sop_instance: self.sop_instance.clone(),
            has_data_set: data_set_type != NO_DATA_SET,
        })
    }
}

fn plain(value: &[u8]) -> String {
    String::from_utf8_lossy(value)
        .trim_matches(['\0', ' '])
        .to_owned()
}

/// At most 64 characters of printable ASCII: what every peer can show.
pub(super) fn printable(comment: &str) -> String {
    comment
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(MAX_COMMENT_BYTES)
        .collect()
}

fn element(to: &mut Vec<u8>, element: u16, length: usize) {
    to.extend_from_slice(&[0, 0]);
    to.extend_from_slice(&element.to_le_bytes());
    to.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

pub(super) fn short(to: &mut Vec<u8>, number: u16, value: u16) {
    element(to, number, 2);
    to.extend_from_slice(&value.to_le_bytes());
}

/// Whether a data set follows.
pub(super) fn data_set(to: &mut Vec<u8>, follows: DataSet) {
    let value = match follows {
        DataSet::Follows => DATA_SET_FOLLOWS,
        DataSet::None => NO_DATA_SET,
    };
    short(to, 0x0800, value);
}

pub(super) fn text(to: &mut Vec<u8>, number: u16, value: &str, padding: u8) {
    element(to, number, value.len() + value.len() % 2);
    to.extend_from_slice(value.as_bytes());
    if value.len() % 2 == 1 {
        to.push(padding);
    }
}

pub(super) fn with_group_length(body: Vec<u8>) -> Vec<u8> {
    let mut command = Vec::with_capacity(body.len() + 12);
    element(&mut command, 0x0000, 4);
    command.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    command.extend_from_slice(&body);
    command
}
