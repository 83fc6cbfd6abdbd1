//! One e-mail, and where it goes: an SMTP server, a folder, or memory. Sends once and says how that went; when to try
//! again is the caller's business.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use lettre::Message;
use lettre::message::{Mailbox, MultiPart};
use tocsin_domain::clock::Timestamp;

use super::capture;
use super::smtp::Smtp;
use crate::config::alerts::Alerts;

/// A page ready to be sent. Its Message-ID is the caller's, and the same for each attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// `local@domain`, without angle brackets.
    pub message_id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub date: Timestamp,
}

/// The channel, as configured.
#[derive(Clone, Debug)]
pub enum Mailer {
    Smtp(Smtp),
    /// Every mail becomes one `.eml` file.
    Folder(PathBuf),
    /// For stories: what was sent, in order.
    Memory(Arc<Mutex<Vec<Email>>>),
}

/// The channel took the mail over; what it said, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub response: String,
}

/// Why a mail did not go out, told apart by what to do next.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Certainly not delivered; may work later.
    #[error("the mail was not taken: {reason}")]
    Transient { reason: String },
    /// Certainly not delivered, and the same again will not be.
    #[error("the mail was refused: {reason}")]
    Permanent { reason: String },
    /// Everything was handed over and no answer came: it may have been delivered. Send again, marked as a repeat.
    #[error("whether the mail was taken is not known: {reason}")]
    Unknown { reason: String },
}

#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    #[error("alerts: neither capture_dir nor [alerts.smtp] is set")]
    NoChannel,
    #[error(
        "alerts.smtp.tls = \"none\" is for a server on this machine; {host} is another: use \"starttls\" or \"implicit\""
    )]
    PlainOffLoopback { host: String },
    #[error("alerts.smtp.password_file cannot be read")]
    Password(#[source] std::io::Error),
    #[error("TLS for alerts.smtp.host cannot be set up")]
    Tls(#[source] lettre::transport::smtp::Error),
}

impl Mailer {
    /// The channel of `[alerts]`; reads the password file.
    pub fn from_config(alerts: &Alerts) -> Result<Self, MailerError> {
        match (&alerts.capture_dir, &alerts.smtp) {
            (Some(folder), _) => Ok(Self::Folder(folder.clone())),
            (None, Some(smtp)) => Smtp::from_config(smtp).map(Self::Smtp),
            (None, None) => Err(MailerError::NoChannel),
        }
    }

    pub async fn send(&self, mail: &Email) -> Result<Accepted, SendError> {
        match self {
            Self::Smtp(server) => server.send(&mail.message()?).await,
            Self::Folder(folder) => capture::write(folder, mail, &mail.message()?.formatted()).await,
            Self::Memory(sent) => {
                sent.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(mail.clone());
                Ok(Accepted {
                    response: "kept in memory".to_owned(),
                })
            }
        }
    }
}

impl Email {
    /// The MIME message: text, and the same as HTML.
    fn message(&self) -> Result<Message, SendError> {
        let mailbox = |address: &str| {
            address.parse::<Mailbox>().map_err(|_| SendError::Permanent {
                reason: "an address of the mail is not an e-mail address".to_owned(),
            })
        };
        Message::builder()
            .message_id(Some(format!("<{}>", self.message_id)))
            .date(SystemTime::from(self.date))
            .from(mailbox(&self.from)?)
            .to(mailbox(&self.to)?)
            .subject(self.subject.clone())
            .multipart(MultiPart::alternative_plain_html(
                self.text.clone(),
                self.html.clone(),
            ))
            .map_err(|error| SendError::Permanent {
                reason: error.to_string(),
            })
    }
}
