//! MSH: who sent what, and which answer is asked for. Read as bytes first, because MSH-18 says how to read the rest.

use tocsin_domain::answer::Condition;

use super::tree::Segment;
use crate::report::hl7_text::Delimiters;

/// The longest control id that is taken and echoed (MSH-10 from 2.7 on).
pub const MAX_CONTROL_ID: usize = 199;

/// The fields of MSH, unescaped; empty where the message says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub sending_application: String,
    pub sending_facility: String,
    pub receiving_application: String,
    pub receiving_facility: String,
    pub time: String,
    pub message_type: String,
    pub trigger: String,
    pub control_id: String,
    pub processing_id: String,
    pub version: String,
    pub accept: Condition,
    pub application: Condition,
    /// Whether MSH-18 says anything, so that the answer does too.
    pub says_charset: bool,
}

impl Header {
    pub fn read(msh: &Segment<'_>) -> Self {
        let get = |field| msh.value(field, 1).unwrap_or_default();
        Self {
            sending_application: get(3),
            sending_facility: get(4),
            receiving_application: get(5),
            receiving_facility: get(6),
            time: get(7),
            message_type: get(9),
            trigger: msh.value(9, 2).unwrap_or_default(),
            control_id: msh.raw(10).trim().to_owned(),
            processing_id: get(11),
            version: get(12),
            accept: Condition::read(msh.value(15, 1).as_deref()),
            application: Condition::read(msh.value(16, 1).as_deref()),
            says_charset: msh.value(18, 1).is_some(),
        }
    }

    /// Of a message whose header cannot be read.
    pub fn empty() -> Self {
        Self {
            sending_application: String::new(),
            sending_facility: String::new(),
            receiving_application: String::new(),
            receiving_facility: String::new(),
            time: String::new(),
            message_type: String::new(),
            trigger: String::new(),
            control_id: String::new(),
            processing_id: String::new(),
            version: String::new(),
            accept: Condition::Unsaid,
            application: Condition::Unsaid,
            says_charset: false,
        }
    }

    /// Sending application and facility, which a control id is unique within.
    pub fn sender(&self) -> String {
        format!("{}|{}", self.sending_application, self.sending_facility)
    }

    /// `ORM^O01`, for logs and lists: safe characters alone.
    pub fn kind(&self) -> String {
        let clean =
            |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).take(7).collect() };
        format!("{}^{}", clean(&self.message_type), clean(&self.trigger))
    }

    /// The control id as far as it may be echoed and logged.
    pub fn safe_control_id(&self) -> String {
        self.control_id
            .chars()
            .filter(|c| is_safe(*c))
            .take(MAX_CONTROL_ID)
            .collect()
    }

    pub fn has_safe_control_id(&self) -> bool {
        self.control_id.len() <= MAX_CONTROL_ID && self.control_id.chars().all(is_safe)
    }
}

fn is_safe(c: char) -> bool {
    c.is_ascii_graphic() && !"|^~\\&\"<>".contains(c) || c == ' '
}

/// What must be known of the bytes before they can be text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preamble<'a> {
    /// The message from `MSH` on, without byte order mark and leading white space.
    pub message: &'a [u8],
    pub delimiters: Option<Delimiters>,
}

/// Finds `MSH`. `None` when the frame holds no HL7 v2 message.
pub fn preamble(frame: &[u8]) -> Option<Preamble<'_>> {
    let frame = frame.strip_prefix(b"\xef\xbb\xbf").unwrap_or(frame);
    let message = frame.trim_ascii_start();
    let after = message.strip_prefix(b"MSH")?;
    Some(Preamble {
        message,
        delimiters: Delimiters::read(after),
    })
}
