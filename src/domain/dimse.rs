//! DIMSE command sets of C-ECHO and C-STORE (PS3.7 section 9.3 and annex E): bytes to values and back.
//! Knows no socket, no presentation context and no data set.

pub mod query;

use query::SubOperations;

/// Longest command set looked at. A real one stays under 400 bytes.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// (0000,0800): no data set follows.
const NO_DATA_SET: u16 = 0x0101;
/// A response's command field is its request's with this bit set.
const RESPONSE_BIT: u16 = 0x8000;
/// (0000,0902) is an LO of at most 64 characters.
const MAX_COMMENT_BYTES: usize = 64;

pub const STATUS_SUCCESS: u16 = 0x0000;
/// The SOP class of the command is not the one of its presentation context.
pub const STATUS_SOP_CLASS_NOT_SUPPORTED: u16 = 0x0122;
pub const STATUS_INVALID_SOP_INSTANCE: u16 = 0x0117;
pub const STATUS_UNRECOGNIZED_OPERATION: u16 = 0x0211;
pub const STATUS_OUT_OF_RESOURCES: u16 = 0xA700;
pub const STATUS_DATA_SET_MISMATCH: u16 = 0xA900;
pub const STATUS_CANNOT_UNDERSTAND: u16 = 0xC000;
/// Of objects that are stored by HTTP (PS3.18 table I.2-2).
pub const STATUS_TRANSFER_SYNTAX_NOT_SUPPORTED: u16 = 0xC122;

const C_STORE: u16 = 0x0001;
const C_ECHO: u16 = 0x0030;
const C_CANCEL: u16 = 0x0FFF;

/// What a peer asks. UIDs are as sent, without padding, and unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Echo(Head),
    Store(Head),
    /// Needs no answer.
    Cancel,
    /// A service that is not offered here.
    Other(Head),
}

/// The fields that requests and responses share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub command_field: u16,
    /// Of the request, or of the request responded to.
    pub message_id: u16,
    pub sop_class: String,
    pub sop_instance: String,
    pub has_data_set: bool,
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub head: Head,
    pub status: u16,
    /// (0000,0902), empty when there is none.
    pub comment: String,
    /// Of a retrieval; nothing of other services.
    pub sub_operations: SubOperations,
}

/// Why bytes are not a command set. Offsets count from its first byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("the command set is longer than {MAX_COMMAND_BYTES} bytes")]
    TooLong,
    #[error("the command set breaks off at offset {offset}, in an element that claims {length} bytes")]
    Truncated { offset: usize, length: u32 },
    #[error("group {group:04x} at offset {offset}, expected 0000 in a command set")]
    Group { offset: usize, group: u16 },
    #[error("(0000,{element:04x}) {name} is missing or not two bytes long")]
    Missing { element: u16, name: &'static str },
    #[error("command field {0:04x} is a response, expected a request")]
    NotARequest(u16),
    #[error("command field {0:04x} is a request, expected a response")]
    NotAResponse(u16),
}

impl Request {
    pub fn parse(bytes: &[u8]) -> Result<Self, CommandError> {
        let fields = Fields::read(bytes)?;
        let command_field = fields.need(fields.command_field, 0x0100, "Command Field")?;
        if command_field == C_CANCEL {
            return Ok(Self::Cancel);
        }
        if command_field & RESPONSE_BIT != 0 {
            return Err(CommandError::NotARequest(command_field));
        }
        let message_id = fields.need(fields.message_id, 0x0110, "Message ID")?;
        let head = fields.head(command_field, message_id)?;
        Ok(match command_field {
            C_ECHO => Self::Echo(head),
            C_STORE => Self::Store(head),
            _ => Self::Other(head),
        })
    }
}

/// The command set of a C-STORE request of medium priority.
pub fn store_request(message_id: u16, sop_class: &str, sop_instance: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(192);
    text(&mut body, 0x0002, sop_class, 0);
    short(&mut body, 0x0100, C_STORE);
    short(&mut body, 0x0110, message_id);
    short(&mut body, 0x0700, 0);
    short(&mut body, 0x0800, 1);
    text(&mut body, 0x1000, sop_instance, 0);
    with_group_length(body)
}

/// The command set of a C-ECHO request.
pub fn echo_request(message_id: u16) -> Vec<u8> {
    let mut body = Vec::with_capacity(64);
    text(&mut body, 0x0002, "1.2.840.10008.1.1", 0);
    short(&mut body, 0x0100, C_ECHO);
    short(&mut body, 0x0110, message_id);
    short(&mut body, 0x0800, NO_DATA_SET);
    with_group_length(body)
}

impl Response {
    /// The answer to `request`; `comment` says why when the status is not a success.
    pub fn to(request: &Head, status: u16, comment: &str) -> Self {
        Self {
            head: Head {
                command_field: request.command_field | RESPONSE_BIT,
                has_data_set: false,
                ..request.clone()
            },
            status,
            comment: comment.to_owned(),
            sub_operations: SubOperations::default(),
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(256);
        if !self.head.sop_class.is_empty() {
            text(&mut body, 0x0002, &self.head.sop_class, 0);
        }
        short(&mut body, 0x0100, self.head.command_field);
        short(&mut body, 0x0120, self.head.message_id);
        short(&mut body, 0x0800, NO_DATA_SET);
        short(&mut body, 0x0900, self.status);
        if !self.comment.is_empty() {
            text(&mut body, 0x0902, &printable(&self.comment), b' ');
        }
        if !self.head.sop_instance.is_empty() {
            text(&mut body, 0x1000, &self.head.sop_instance, 0);
        }
        with_group_length(body)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, CommandError> {
        let fields = Fields::read(bytes)?;
        let command_field = fields.need(fields.command_field, 0x0100, "Command Field")?;
        if command_field & RESPONSE_BIT == 0 {
            return Err(CommandError::NotAResponse(command_field));
        }
        let message_id = fields.need(fields.responded_to, 0x0120, "Message ID Being Responded To")?;
        Ok(Self {
            status: fields.need(fields.status, 0x0900, "Status")?,
            head: fields.head(command_field, message_id)?,
            comment: fields.comment,
            sub_operations: fields.sub_operations,
        })
    }
}

/// What was found on the way through a command set.
#[derive(Default)]
struct Fields {
    command_field: Option<u16>,
    message_id: Option<u16>,
    responded_to: Option<u16>,
    data_set_type: Option<u16>,
    status: Option<u16>,
    sop_class: String,
    sop_instance: String,
    comment: String,
    sub_operations: SubOperations,
}

impl Fields {
    /// Walks the elements, implicit VR little endian whatever the presentation context says (PS3.7 6.3.1).
    fn read(bytes: &[u8]) -> Result<Self, CommandError> {
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
            0x0002 => self.sop_class = plain(value),
            0x0100 => self.command_field = number,
            0x0110 => self.message_id = number,
            0x0120 => self.responded_to = number,
            0x0800 => self.data_set_type = number,
            0x0900 => self.status = number,
            0x0902 => self.comment = plain(value),
            0x1000 => self.sop_instance = plain(value),
            0x1020 => self.sub_operations.remaining = number,
            0x1021 => self.sub_operations.completed = number,
            0x1022 => self.sub_operations.failed = number,
            0x1023 => self.sub_operations.warning = number,
            _ => {}
        }
    }

    fn need(&self, field: Option<u16>, element: u16, name: &'static str) -> Result<u16, CommandError> {
        field.ok_or(CommandError::Missing { element, name })
    }

    fn head(&self, command_field: u16, message_id: u16) -> Result<Head, CommandError> {
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
fn printable(comment: &str) -> String {
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

fn short(to: &mut Vec<u8>, number: u16, value: u16) {
    element(to, number, 2);
    to.extend_from_slice(&value.to_le_bytes());
}

fn text(to: &mut Vec<u8>, number: u16, value: &str, padding: u8) {
    element(to, number, value.len() + value.len() % 2);
    to.extend_from_slice(value.as_bytes());
    if value.len() % 2 == 1 {
        to.push(padding);
    }
}

fn with_group_length(body: Vec<u8>) -> Vec<u8> {
    let mut command = Vec::with_capacity(body.len() + 12);
    element(&mut command, 0x0000, 4);
    command.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    command.extend_from_slice(&body);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_store_request_is_answered_under_its_own_message_id() {
        let bytes = store_request(7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3");
        let Ok(Request::Store(head)) = Request::parse(&bytes) else {
            panic!("not a C-STORE request");
        };
        assert!(head.has_data_set && head.message_id == 7 && head.sop_instance == "1.2.3");

        let answer = Response::to(&head, STATUS_CANNOT_UNDERSTAND, "é: offset 12");
        let read = Response::parse(&answer.to_bytes()).unwrap();
        assert_eq!(
            (read.status, read.head.message_id, read.head.command_field),
            (0xC000, 7, 0x8001)
        );
        assert_eq!(read.comment, "?: offset 12");
    }

    #[test]
    fn an_echo_has_no_data_set_and_an_unknown_service_is_named() {
        let bytes = echo_request(1);
        assert!(matches!(Request::parse(&bytes), Ok(Request::Echo(head)) if !head.has_data_set));

        let mut find = store_request(1, "1.2", "1.3");
        let at = find.windows(4).position(|w| w == [0, 0, 0, 1]).unwrap();
        find[at + 8] = 0x20;
        assert!(matches!(Request::parse(&find), Ok(Request::Other(head)) if head.command_field == 0x20));
    }

    #[test]
    fn a_lying_length_is_refused_with_its_place() {
        let mut bytes = echo_request(1);
        bytes[16..20].copy_from_slice(&4_000_000_000_u32.to_le_bytes());
        let refused = CommandError::Truncated {
            offset: 12,
            length: 4_000_000_000,
        };
        assert_eq!(Request::parse(&bytes), Err(refused));
        assert_eq!(
            Request::parse(&vec![0; MAX_COMMAND_BYTES + 1]),
            Err(CommandError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (Request::parse(&bytes).is_ok(), Response::parse(&bytes).is_ok());
        }

        #[test]
        fn a_changed_command_never_panics(at in 0usize..120, byte in any::<u8>()) {
            let mut bytes = store_request(7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5");
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Request::parse(&bytes).is_ok();
        }
    }
}
