//! DIMSE command sets (PS3.7 sections 9.3 and 10.3, annex E): bytes to values and back.
//! Knows no socket, no presentation context and no data set.

mod elements;
pub mod matching;
pub mod normalized;
pub mod query;

use elements::{DataSet, Fields, data_set, printable, short, text, with_group_length};
use query::SubOperations;

/// Longest command set looked at. A real one stays under 400 bytes.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// A response's command field is its request's with this bit set.
const RESPONSE_BIT: u16 = 0x8000;

pub const STATUS_SUCCESS: u16 = 0x0000;
/// PS3.7 annex C: the processing failed here, whatever was asked.
pub const STATUS_PROCESSING_FAILURE: u16 = 0x0110;
pub const STATUS_INVALID_ATTRIBUTE_VALUE: u16 = 0x0106;
/// A warning: something of what was said was not taken.
pub const STATUS_ATTRIBUTE_LIST_ERROR: u16 = 0x0107;
pub const STATUS_DUPLICATE_SOP_INSTANCE: u16 = 0x0111;
pub const STATUS_NO_SUCH_SOP_INSTANCE: u16 = 0x0112;
pub const STATUS_NO_SUCH_EVENT: u16 = 0x0113;
pub const STATUS_INVALID_ARGUMENT: u16 = 0x0115;
pub const STATUS_NO_SUCH_SOP_CLASS: u16 = 0x0118;
pub const STATUS_MISSING_ATTRIBUTE: u16 = 0x0120;
pub const STATUS_MISSING_ATTRIBUTE_VALUE: u16 = 0x0121;
pub const STATUS_NO_SUCH_ACTION: u16 = 0x0123;
pub const STATUS_NOT_AUTHORIZED: u16 = 0x0124;
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
const C_FIND: u16 = 0x0020;
const C_GET: u16 = 0x0010;
const C_MOVE: u16 = 0x0021;
const N_EVENT_REPORT: u16 = 0x0100;
const N_SET: u16 = 0x0120;
const N_ACTION: u16 = 0x0130;
const N_CREATE: u16 = 0x0140;

/// What a peer asks. UIDs are as sent, without padding, and unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Echo(Head),
    Store(Head),
    Find(Head),
    Get(Head),
    Move {
        head: Head,
        /// The AE title to which it is to be sent.
        destination: String,
    },
    /// N-CREATE. The instance may be left to us: its UID is then empty.
    Create(Head),
    /// N-SET.
    Set(Head),
    /// N-ACTION.
    Action {
        head: Head,
        action: u16,
    },
    /// N-EVENT-REPORT.
    Event {
        head: Head,
        event: u16,
    },
    /// The message that is to be answered no further. Needs no answer itself.
    Cancel(u16),
    /// A service that is not offered here.
    Other(Head),
}

/// The fields that requests and responses share. The SOP class and instance are those that are concerned: "affected" in some
/// services, "requested" in N-SET and N-ACTION.
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
    /// (0000,0903), where a service has a number for what went wrong.
    pub error_id: Option<u16>,
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
            let message = fields.need(fields.responded_to, 0x0120, "Message ID Being Responded To")?;
            return Ok(Self::Cancel(message));
        }
        if command_field & RESPONSE_BIT != 0 {
            return Err(CommandError::NotARequest(command_field));
        }
        let message_id = fields.need(fields.message_id, 0x0110, "Message ID")?;
        let head = fields.head(command_field, message_id)?;
        Ok(match command_field {
            C_ECHO => Self::Echo(head),
            C_STORE => Self::Store(head),
            C_FIND => Self::Find(head),
            C_GET => Self::Get(head),
            C_MOVE => Self::Move {
                head,
                destination: fields.destination,
            },
            N_CREATE => Self::Create(head),
            N_SET => Self::Set(head),
            N_ACTION => Self::Action {
                head,
                action: fields.need(fields.type_id, 0x1008, "Action Type ID")?,
            },
            N_EVENT_REPORT => Self::Event {
                head,
                event: fields.need(fields.type_id, 0x1002, "Event Type ID")?,
            },
            _ => Self::Other(head),
        })
    }

    /// What every request but a cancellation has.
    pub fn head(&self) -> Option<&Head> {
        match self {
            Self::Echo(head)
            | Self::Store(head)
            | Self::Find(head)
            | Self::Get(head)
            | Self::Move { head, .. }
            | Self::Create(head)
            | Self::Set(head)
            | Self::Action { head, .. }
            | Self::Event { head, .. }
            | Self::Other(head) => Some(head),
            Self::Cancel(_) => None,
        }
    }
}

/// On whose request something is sent to a third.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Originator {
    pub ae_title: String,
    /// Of its C-MOVE.
    pub message_id: u16,
}

/// The command set of a C-STORE request of medium priority.
pub fn store_request(
    message_id: u16,
    sop_class: &str,
    sop_instance: &str,
    originator: Option<&Originator>,
) -> Vec<u8> {
    let mut body = Vec::with_capacity(192);
    text(&mut body, 0x0002, sop_class, 0);
    short(&mut body, 0x0100, C_STORE);
    short(&mut body, 0x0110, message_id);
    short(&mut body, 0x0700, 0);
    data_set(&mut body, DataSet::Follows);
    text(&mut body, 0x1000, sop_instance, 0);
    if let Some(originator) = originator {
        text(&mut body, 0x1030, &originator.ae_title, b' ');
        short(&mut body, 0x1031, originator.message_id);
    }
    with_group_length(body)
}

/// The command set of a C-ECHO request.
pub fn echo_request(message_id: u16) -> Vec<u8> {
    let mut body = Vec::with_capacity(64);
    text(&mut body, 0x0002, "1.2.840.10008.1.1", 0);
    short(&mut body, 0x0100, C_ECHO);
    short(&mut body, 0x0110, message_id);
    data_set(&mut body, DataSet::None);
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
            error_id: None,
            sub_operations: SubOperations::default(),
        }
    }

    /// The same answer, with a data set behind it.
    pub fn with_data_set(mut self) -> Self {
        self.head.has_data_set = true;
        self
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(256);
        if !self.head.sop_class.is_empty() {
            text(&mut body, 0x0002, &self.head.sop_class, 0);
        }
        short(&mut body, 0x0100, self.head.command_field);
        short(&mut body, 0x0120, self.head.message_id);
        let follows = match self.head.has_data_set {
            true => DataSet::Follows,
            false => DataSet::None,
        };
        data_set(&mut body, follows);
        short(&mut body, 0x0900, self.status);
        if !self.comment.is_empty() {
            text(&mut body, 0x0902, &printable(&self.comment), b' ');
        }
        if let Some(error_id) = self.error_id {
            short(&mut body, 0x0903, error_id);
        }
        if !self.head.sop_instance.is_empty() {
            text(&mut body, 0x1000, &self.head.sop_instance, 0);
        }
        self.sub_operations.write(&mut body);
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
            error_id: fields.error_id,
            sub_operations: fields.sub_operations,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_store_request_is_answered_under_its_own_message_id() {
        let bytes = store_request(7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3", None);
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

        let mut delete = store_request(1, "1.2", "1.3", None);
        let at = delete.windows(4).position(|w| w == [0, 0, 0, 1]).unwrap();
        delete[at + 8..at + 10].copy_from_slice(&0x0150_u16.to_le_bytes());
        assert!(matches!(Request::parse(&delete), Ok(Request::Other(head)) if head.command_field == 0x150));
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
            let mut bytes = store_request(7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5", None);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Request::parse(&bytes).is_ok();
        }
    }
}
