//! DIMSE command sets of the normalized services that we ask for ourselves (PS3.7 10.3): N-ACTION and N-EVENT-REPORT. What
//! they say stands in the data set that follows, which is not read here.

use super::elements::{DataSet, data_set, short, text, with_group_length};
use super::{N_ACTION, N_EVENT_REPORT};

/// Asks the peer to act on an instance that it has.
pub fn action_request(message_id: u16, sop_class: &str, sop_instance: &str, action: u16) -> Vec<u8> {
    let mut body = Vec::with_capacity(192);
    text(&mut body, 0x0003, sop_class, 0);
    short(&mut body, 0x0100, N_ACTION);
    short(&mut body, 0x0110, message_id);
    data_set(&mut body, DataSet::Follows);
    text(&mut body, 0x1001, sop_instance, 0);
    short(&mut body, 0x1008, action);
    with_group_length(body)
}

/// Tells the peer what happened to an instance that we have.
pub fn event_request(message_id: u16, sop_class: &str, sop_instance: &str, event: u16) -> Vec<u8> {
    let mut body = Vec::with_capacity(192);
    text(&mut body, 0x0002, sop_class, 0);
    short(&mut body, 0x0100, N_EVENT_REPORT);
    short(&mut body, 0x0110, message_id);
    data_set(&mut body, DataSet::Follows);
    text(&mut body, 0x1000, sop_instance, 0);
    short(&mut body, 0x1002, event);
    with_group_length(body)
}

#[cfg(test)]
mod tests {
    use super::super::Request;
    use super::*;

    #[test]
    fn what_is_asked_for_and_what_is_told_keep_their_numbers_apart() {
        let asked = Request::parse(&action_request(4, "1.2.3", "1.2.3.1", 1));
        let told = Request::parse(&event_request(5, "1.2.3", "1.2.3.1", 2));
        let (
            Ok(Request::Action { head, action: 1 }),
            Ok(Request::Event {
                head: other,
                event: 2,
            }),
        ) = (asked, told)
        else {
            panic!("neither an action nor an event");
        };
        assert_eq!((head.message_id, head.sop_instance.as_str()), (4, "1.2.3.1"));
        assert_eq!((other.message_id, other.sop_class.as_str()), (5, "1.2.3"));
    }
}
