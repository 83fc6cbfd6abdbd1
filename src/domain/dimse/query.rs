//! DIMSE command sets that ask an archive: C-FIND, C-GET, C-MOVE and C-CANCEL (PS3.7 9.1.2 to 9.1.4, PS3.4 annex C). What
//! is asked for stands in the data set that follows, which is not read here.

use super::elements::{DataSet, Fields, data_set, short, text, with_group_length};
use super::{C_CANCEL, C_FIND, C_GET, C_MOVE, Request, Response};

/// Study Root Query/Retrieve Information Model (PS3.4 C.6.2).
pub const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
pub const STUDY_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
pub const STUDY_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
/// Modality Worklist Information Model (PS3.4 K.6.1).
pub const WORKLIST_FIND: &str = "1.2.840.10008.5.1.4.31";

/// Patient Root (PS3.4 C.6.1).
pub const PATIENT_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.1.1";
pub const PATIENT_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.1.2";
pub const PATIENT_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.1.3";

/// More is to come.
pub const STATUS_PENDING: u16 = 0xFF00;
/// More is to come, and some keys were not looked at.
pub const STATUS_PENDING_WARNING: u16 = 0xFF01;
pub const STATUS_CANCELLED: u16 = 0xFE00;
/// There is more than can be counted.
pub const STATUS_TOO_MANY: u16 = 0xA701;
/// None of the sub-operations succeeded.
pub const STATUS_NOTHING_SENT: u16 = 0xA702;
/// Some sub-operations failed; others may have brought what was asked for.
pub const STATUS_SUB_OPERATIONS_FAILED: u16 = 0xB000;
/// The archive does not know to whom it is to send.
pub const STATUS_DESTINATION_UNKNOWN: u16 = 0xA801;

/// Priority (0000,0700): what is fetched to compare with waits for everything else.
const LOW: u16 = 0x0002;

/// More answers are to come (PS3.4 tables C.4-1 to C.4-3).
pub fn is_pending(status: u16) -> bool {
    matches!(status, STATUS_PENDING | STATUS_PENDING_WARNING)
}

/// How far a retrieval has come, as far as the archive says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubOperations {
    pub remaining: Option<u16>,
    pub completed: Option<u16>,
    pub failed: Option<u16>,
    pub warning: Option<u16>,
}

impl SubOperations {
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        let counts = [self.remaining, self.completed, self.failed, self.warning];
        for (number, count) in (0x1020..).zip(counts) {
            if let Some(count) = count {
                short(to, number, count);
            }
        }
    }
}

/// What one side says to the other in an association in which both ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Request(Request),
    Response(Response),
}

impl Command {
    /// # Errors
    /// Bytes that are no command set, or one without its fields.
    pub fn parse(bytes: &[u8]) -> Result<Self, super::CommandError> {
        let field = Fields::read(bytes)?.command_field.unwrap_or_default();
        match field & super::RESPONSE_BIT {
            0 => Request::parse(bytes).map(Self::Request),
            _ => Response::parse(bytes).map(Self::Response),
        }
    }
}

/// Asks what there is, in one of the information models.
pub fn find_request(message_id: u16, sop_class: &str) -> Vec<u8> {
    request(C_FIND, message_id, sop_class, None)
}

/// Asks for objects over this association.
pub fn get_request(message_id: u16) -> Vec<u8> {
    request(C_GET, message_id, STUDY_ROOT_GET, None)
}

/// Asks for objects to be sent to the application entity of that title.
pub fn move_request(message_id: u16, destination: &str) -> Vec<u8> {
    request(C_MOVE, message_id, STUDY_ROOT_MOVE, Some(destination))
}

/// Asks for no more answers to a message of ours.
pub fn cancel_request(message_id: u16) -> Vec<u8> {
    let mut body = Vec::with_capacity(48);
    short(&mut body, 0x0100, C_CANCEL);
    short(&mut body, 0x0120, message_id);
    data_set(&mut body, DataSet::None);
    with_group_length(body)
}

fn request(command: u16, message_id: u16, sop_class: &str, destination: Option<&str>) -> Vec<u8> {
    let mut body = Vec::with_capacity(128);
    text(&mut body, 0x0002, sop_class, 0);
    short(&mut body, 0x0100, command);
    short(&mut body, 0x0110, message_id);
    if let Some(title) = destination {
        text(&mut body, 0x0600, title, b' ');
    }
    short(&mut body, 0x0700, LOW);
    data_set(&mut body, DataSet::Follows);
    with_group_length(body)
}

#[cfg(test)]
mod tests {
    use super::super::{Head, STATUS_SUCCESS};
    use super::*;

    #[test]
    fn a_move_names_where_to_and_waits_for_everything_else() {
        let bytes = move_request(9, "TOCSIN");
        assert!(bytes.windows(6).any(|w| w == b"TOCSIN"));
        assert!(bytes.windows(10).any(|w| w == [0, 0, 0, 0x07, 2, 0, 0, 0, 2, 0]));
        let Ok(Command::Request(Request::Move { head, destination })) = Command::parse(&bytes) else {
            panic!("not a request");
        };
        assert_eq!((head.has_data_set, destination.as_str()), (true, "TOCSIN"));
    }

    #[test]
    fn a_response_says_how_far_the_retrieval_has_come() {
        let head = Head {
            command_field: C_GET,
            message_id: 3,
            sop_class: STUDY_ROOT_GET.to_owned(),
            sop_instance: String::new(),
            has_data_set: true,
        };
        let mut said = Response::to(&head, STATUS_SUCCESS, "").with_data_set();
        said.sub_operations.completed = Some(40);
        said.sub_operations.failed = Some(2);
        let bytes = said.to_bytes();
        let Ok(Command::Response(answer)) = Command::parse(&bytes) else {
            panic!("not a response");
        };
        assert!(answer.head.has_data_set);
        assert_eq!(answer.sub_operations.completed, Some(40));
        assert_eq!(
            (answer.sub_operations.failed, answer.sub_operations.remaining),
            (Some(2), None)
        );
    }

    #[test]
    fn a_cancel_needs_no_answer() {
        let cancelled = Command::parse(&cancel_request(5));
        assert_eq!(cancelled, Ok(Command::Request(Request::Cancel(5))));
    }
}
